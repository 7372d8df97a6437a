"""What the QARTOD tests share: verdicts with their reasons, spans that make sense, first and last levels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import flagged, levels_of
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import any_in
from bondstore.domains.ocean.qc.tests import Verdict, verdict
from bondstore.errors import ConfigurationError

MANUAL = "QARTOD T/S 2.1, test"
"""The IOOS Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1 (2020)."""
BESIDE = "a value that the test compares with is missing"
TOO_SHORT = "the profile has too few levels for this test"


def told(
    batch: Batch,
    on: str,
    *,
    least: int = 1,
    unknown: Mapping[str, Mask] | None = None,
    silent: Mask | None = None,
    suspect: Mask | None = None,
    bad: Mask | None = None,
) -> Verdict:
    """Put a verdict together; each mask has shape (levels,).

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        The variable that is flagged.
    least : int
        A profile of fewer levels cannot be tested at all, and is unevaluated.
    unknown : mapping of str to mask
        Where the test could not speak, by the reason; the first reason that holds in a profile is given.
    silent, suspect, bad : mask, optional
        Later ones go over earlier ones: unevaluated goes over silent, suspect and bad over both.
    """
    reasons_at = {TOO_SHORT: levels_of(batch, batch.sizes < least), **(unknown or {})}
    unevaluated = np.logical_or.reduce(list(reasons_at.values()))
    flags = flagged(batch, on, silent=silent, unevaluated=unevaluated, suspect=suspect, bad=bad)
    reasons: dict[int, str] = {}
    open_ = flags == Flag.UNEVALUATED
    if open_.any():
        for why, where in reversed(reasons_at.items()):
            reasons |= dict.fromkeys(np.flatnonzero(any_in(batch, where & open_)).tolist(), why)
    return verdict(batch, flags, reasons)


def place(batch: Batch) -> Floats:
    """Return the number of each level in its profile, from 0; shape (levels,)."""
    return (np.arange(batch.levels) - batch.starts[batch.owner]).astype(np.float64)


def last(batch: Batch) -> Mask:
    """Return which levels are the last of their profile; shape (levels,)."""
    ends = np.zeros(batch.levels, np.bool_)
    ends[(batch.starts + batch.sizes - 1)[batch.sizes > 0]] = True
    return ends


def ordered(name: str, span: tuple[float, float]) -> tuple[float, float]:
    """Return a span of a suite after checking it.

    Raises
    ------
    ConfigurationError
        Its ends are the wrong way round, or one is no number.
    """
    if not span[0] <= span[1]:
        raise ConfigurationError(
            f"The span {name} of a QARTOD test ends before it begins.", hint="Write the smaller number first."
        )
    return span


def not_above(name: str, low: float, high_name: str, high: float) -> None:
    """Check that one threshold is not over another.

    Raises
    ------
    ConfigurationError
        It is, or one is no number.
    """
    if not low <= high:
        raise ConfigurationError(
            f"The threshold {name} of a QARTOD test is over {high_name}.", hint=f"Make {name} the smaller one."
        )
