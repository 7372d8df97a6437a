"""Whether strangers can read the store: a private one must not be readable, a public one must."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bondstore.doctor.check import Check, fail, ok, skipped, warn
from bondstore.release.checks import Exposure, exposure

if TYPE_CHECKING:
    from bondstore.doctor.case import Case

NAME = "exposure"


def look_at_exposure(case: Case, known: Sequence[str]) -> Iterator[Check]:
    """Ask for the store, and some keys known to be in it, without credentials.

    Where the case says what is expected, anything else fails, and what could not be told has not passed.
    """
    if not case.remote:
        return
    seen = exposure(case.spec, known)
    expected = case.expected
    if seen.exposure is Exposure.UNKNOWN:
        yield skipped(NAME, seen.message) if expected else warn(NAME, seen.message)
    elif expected and seen.exposure != expected:
        verb = "Open it to strangers for reading" if expected == Exposure.PUBLIC else "Close it to strangers"
        yield fail(NAME, seen.message, f"{verb}: see the bucket's policy and its public access block.")
    elif seen.exposure is Exposure.PUBLIC and not expected:
        yield warn(NAME, seen.message, "Close it to strangers, unless it is meant for everybody.")
    else:
        yield ok(NAME, seen.message)
