"""Values as they come out of a ledger's tables: one that no run can have written is damage, not a crash."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from enum import StrEnum

_END_MS = 253_402_300_800_000  # the year 10000: what is later has no date
Word = TypeVar("Word", bound="StrEnum")


class ImpossibleValueError(ValueError):
    """A row holds what no run wrote; the ledger that it comes from says so when it is closed."""


def word(kind: type[Word], text: str) -> Word:
    """Return a word of a closed list."""
    try:
        return kind(text)
    except ValueError as error:
        raise ImpossibleValueError from error


def parsed(text: str) -> dict[str, Any]:
    """Return what was recorded as a JSON object."""
    try:
        said = json.loads(text)
    except ValueError as error:
        raise ImpossibleValueError from error
    if not isinstance(said, dict):
        raise ImpossibleValueError
    return said


def instant(ms: int) -> int:
    """Return a time, ms since 1970, that has a date."""
    if not 0 <= ms < _END_MS:
        raise ImpossibleValueError
    return ms
