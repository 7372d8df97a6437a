"""What the doctor reports: one `Check` per question, and never "fine" for what could not be looked at."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bondstore.errors import BondstoreError


class CheckStatus(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """It works, but a person should know."""
    FAIL = "fail"
    SKIPPED = "not-checked"
    """Not known: counts as not passed."""


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to one question."""

    name: str  # a stable word, such as clock
    status: CheckStatus
    message: str  # one sentence, without secrets
    mend: str = ""  # the command (or the step) that fixes it; empty when nothing is to be fixed

    @property
    def passed(self) -> bool:
        """Whether nothing stands in the way: what could not be looked at does."""
        return self.status in (CheckStatus.OK, CheckStatus.WARN)

    def record(self) -> dict[str, object]:
        """Return the fields for output."""
        return {
            "kind": "check",
            "check": self.name,
            "status": self.status.value,
            "message": self.message,
            "fix": self.mend,
        }


def ok(name: str, message: str) -> Check:
    """Report that all is well."""
    return Check(name, CheckStatus.OK, message)


def warn(name: str, message: str, mend: str = "") -> Check:
    """Report something a person should know."""
    return Check(name, CheckStatus.WARN, message, mend)


def fail(name: str, message: str, mend: str = "") -> Check:
    """Report what is wrong, and what mends it."""
    return Check(name, CheckStatus.FAIL, message, mend)


def skipped(name: str, why: str, mend: str = "") -> Check:
    """Report that it is not known."""
    return Check(name, CheckStatus.SKIPPED, why, mend)


def from_error(name: str, error: BondstoreError) -> Check:
    """Report an error as a failed check."""
    return fail(name, error.message, error.hint or "")


def guarded(name: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Run a check; whatever it raises becomes a line of the report under this name, and the next check goes on."""
    try:
        yield from look()
    except BondstoreError as error:
        yield from_error(name, error)
    except Exception as error:
        logging.getLogger(__name__).debug("The check %s broke.", name, exc_info=True)
        yield skipped(name, f"This could not be looked at ({type(error).__name__}).", "Run again with --debug.")
