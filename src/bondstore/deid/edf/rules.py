"""What is taken out of a recording, and what is written instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bondstore.deid.finder import Finder
from bondstore.errors import UsageError

FLOOR = date(1985, 1, 1)
"""The first day that a start date of EDF can state: its year has two digits, and 85 to 99 are of the last century."""
_CODE = re.compile(r"[!-~]{1,72}", re.ASCII)  # the field has 80 bytes; with longer codes EDFlib refuses the file


def kept(day: date) -> date:
    """Return the true day."""
    return day


def floored(_day: date) -> date:
    """Return 1 January 1985 for any day."""
    return FLOOR


def shifted(day: date, *, days: int) -> date:
    """Return a day some days later, or earlier where `days` is below 0; `functools.partial` makes a rule of it."""
    return day + timedelta(days)


@dataclass(frozen=True)
class Rules:
    """What is taken out of a recording, and what is written instead.

    Raises UsageError for a code that does not fit into the field, or would be read as several.
    """

    code: str
    """The subject's code: up to 72 visible ASCII characters, without spaces."""
    finder: Finder
    redate: Callable[[date], date] = kept
    """Gives the start date that is written, from the true one: `kept`, `floored`, or `shifted` by some days."""
    annotations: Literal["scrub", "drop"] = "scrub"
    """Blank what the finder finds in annotations, or remove all annotations."""

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise UsageError("A subject code has 1 to 72 visible ASCII characters and no spaces.")
