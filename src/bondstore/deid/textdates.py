"""Dates in texts, in the usual shapes: day, month or year first, months as numbers or names, years of two digits.

Months are known in English, French, German, Spanish, Italian, Dutch and Portuguese. What can be read in several ways
is: ``3/4/70`` is the third of April and the fourth of March, of 1970 and of 2070.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from bondstore.deid.folding import fold

_MONTHS = (
    "january jan janvier janv januar jaenner janner enero ene gennaio gen januari janeiro",
    "february feb fevrier fevr fev februar febrero febbraio februari fevereiro",
    "march mar mars marz maerz mrz marzo maart mrt marco",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio",
    "june jun juin juni junio giugno giu junho",
    "july jul juillet juil juli julio luglio lug julho",
    "august aug aout agosto ago augustus",
    "september sep sept septembre septiembre settembre set setembro",
    "october oct octobre oktober okt octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec decembre dezember dez diciembre dic dicembre dezembro",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_GAP = r"[\s\-._/,]{0,3}"
_OF = r"(?:(?:of|de|du|di|del)\s)?"
_NUMERIC = re.compile(r"(?<!\d)(\d{1,4})(\s?[-./_,]\s?|\s)(\d{1,2})(\s?[-./_,]\s?|\s)(\d{1,4})(?!\d)", re.ASCII)
_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|e|º|°)?{_GAP}{_OF}(?P<month>{_NAMES}){_GAP}{_OF}'?(\d{{4}}|\d\d)(?!\d)",
    re.ASCII,
)
_MONTH_FIRST = re.compile(
    rf"(?<![^\W\d_])(?P<month>{_NAMES}){_GAP}(\d{{1,2}})(?:st|nd|rd|th)?{_GAP}'?(\d{{4}}|\d\d)(?!\d)", re.ASCII
)
_YEAR_FIRST = re.compile(rf"(?<!\d)(\d{{4}}){_GAP}(?P<month>{_NAMES}){_GAP}(\d{{1,2}})(?!\d)", re.ASCII)
_COMPACT = re.compile(r"(?<!\d)(?:\d{8}|\d{6})(?!\d)", re.ASCII)
_DIGIT = re.compile(r"\d")


class WrittenDate(NamedTuple):
    """A date in a text: its first character, the one behind its last, and the days that it may be."""

    start: int
    stop: int
    readings: frozenset[date]
    is_plain: bool
    """Whether hardly anything else is written so; not so digits in one piece or apart by spaces."""


def dates_in(text: str) -> Iterator[WrittenDate]:
    """Yield the dates in a text; some may overlap.

    >>> [day.isoformat() for one in dates_in("né le 1er février 1972") for day in one.readings]
    ['1972-02-01']
    """
    if _DIGIT.search(text) is None:
        return
    folded = fold(text)
    for found, readings in _written(folded.text):
        if days := frozenset(day for one in readings for day in _days(*one)):
            plain = len(found.groups()) > 1 and not (
                found.re is _NUMERIC and (found[2].isspace() or found[4].isspace())
            )
            yield WrittenDate(*folded.span(*found.span()), days, plain)


def _written(text: str) -> Iterator[tuple[re.Match[str], Sequence[tuple[str, int | str, str]]]]:
    """Yield what looks like a date, with its readings as year, month and day."""
    for found in _overlapping(text):
        one, two, three = found[1], found[3], found[5]
        if found[2].strip() == found[4].strip():
            yield (
                found,
                [(one, two, three)] if len(one) > 2 else [(three, two, one), (three, one, two), (one, two, three)],
            )
    if any(map(str.isalpha, text)):
        for pattern, year, day in ((_DAY_FIRST, 3, 1), (_MONTH_FIRST, 3, 2), (_YEAR_FIRST, 1, 3)):
            for found in pattern.finditer(text):
                yield found, ((found[year], _MONTH[found["month"]], found[day]),)
    for found in _COMPACT.finditer(text):
        digits = found[0]
        last, first = digits[-2:], digits[:2]
        if len(digits) == 8:
            end, middle = digits[4:], digits[2:4]
            yield found, ((digits[:4], digits[4:6], last), (end, middle, first), (end, first, middle))
        else:
            middle = digits[2:4]
            yield found, ((first, middle, last), (last, middle, first), (last, first, middle))


def _overlapping(text: str) -> Iterator[re.Match[str]]:
    """Yield three numbers in a row, from each number on: in "T3-5.7.1941" the first three are no date."""
    found = _NUMERIC.search(text)
    while found is not None:
        yield found
        found = _NUMERIC.search(text, found.end(1))


def _days(year: str, month: int | str, day: str) -> Iterator[date]:
    """Yield the days that numbers may name: a year of two digits is of either century."""
    if len(year) not in (2, 4) or len(day) > 2:
        return
    for century in (1900, 2000) if len(year) == 2 else (0,):
        number = int(year) + century
        if 1850 < number < 2150:
            try:
                yield date(number, int(month), int(day))
            except ValueError:
                continue
