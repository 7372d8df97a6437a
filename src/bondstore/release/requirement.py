"""What a file must be to be released."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from bondstore.errors import UsageError

if TYPE_CHECKING:
    from bondstore.release.records import Record

_SHARE = re.compile(r"good:(1(?:\.0{1,9})?|0?\.\d{1,9})", re.ASCII)
_GOOD = ("good", "probably_good")
_ORDER = ("good", "probably_good", "unevaluated", "suspect", "bad")
"""Best to worst, as flags roll up; what is missing has no part in it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a file must be to be released.

    There is no word that lets a file pass which was not evaluated, or has no values: a test that could not run is no
    test passed, and whoever wants such a file public gives it a suite of tests that can speak of it.

    Parameters
    ----------
    text : str
        As it was given.
    grades : tuple of str
        Grades that a whole file may have; empty where levels are counted instead.
    share : float
        0 to 1: of every variable's levels that have a value, how many must be good or probably good.
    """

    text: str
    grades: tuple[str, ...]
    share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read a requirement.

        Parameters
        ----------
        text : str
            ``good``: every level is good or probably good. ``good:0.9``: of the levels of every variable at least this
            share is; what is suspect, bad or unevaluated counts against it, and a variable that is bad or unevaluated
            as a whole never passes. ``suspect``: nothing is bad, nothing is unevaluated.

        Raises
        ------
        UsageError
            When it is none of these.
        """
        if text == "good":
            return cls(text, _GOOD)
        if text == "suspect":
            return cls(text, (*_GOOD, "suspect"))
        found = _SHARE.fullmatch(text)
        if found and 0 < float(found.group(1)) <= 1:
            return cls(text, (), float(found.group(1)))
        raise UsageError("This requirement is unknown.", hint="Write good, good:0.9 (a share of levels) or suspect.")

    def met_by(self, record: Record) -> bool:
        """Say whether a record meets it. A record without a single level with a value never does."""
        counted = [
            {word: number for word, number in counts.items() if word != "missing" and number}
            for counts in record.levels.values()
        ]
        counted = [counts for counts in counted if counts]
        if not counted or record.grade == "missing":
            return False
        if self.grades:
            allowed = set(self.grades)
            return record.grade in allowed and all(set(counts) <= allowed for counts in counted)
        share = Fraction(repr(self.share))  # as it was written: 0.55 of 100 are 55, not a hair more
        return all(_good(counts) >= share * sum(counts.values()) for counts in counted)


def contradicts(record: Record) -> bool:
    """Say whether a record's grade is better than the levels it counts: such a record is forged or broken."""
    held = {word for counts in record.levels.values() for word, number in counts.items() if number}
    worst = max((_ORDER.index(word) for word in held if word in _ORDER), default=None)
    if record.grade == "missing":
        return worst is not None
    if worst is None:  # silent throughout, or no value: nobody called it anything
        return record.grade != "unevaluated"
    return _ORDER.index(record.grade) < worst


def _good(counts: dict[str, int]) -> int:
    return sum(counts.get(word, 0) for word in _GOOD)
