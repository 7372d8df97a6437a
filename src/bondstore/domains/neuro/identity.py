"""Who a recording's header names: the patient, and who made it. Source: EDF+ (Kemp and Olivan 2003), 2.1.3.3."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from bondstore.deid.edf.header import PATIENT, RECORDING, Header
from bondstore.deid.people import Person
from bondstore.deid.textdates import WrittenDate, dates_in

_UNKNOWN = "X"
_NOTHING = f"{_UNKNOWN}_,.^~- "
"""What a field has of nobody: X for what is unknown, or for each letter that was removed."""
_BIRTH = re.compile(r"\d{1,2}-[A-Z]{3}-\d{4}", re.ASCII | re.IGNORECASE)
_STARTDATE = re.compile(r"\s*Startdate\s+\S+\s*", re.IGNORECASE)
_DIGITS = 3
"""So many digits make a word a number: a record's, a telephone's."""


def patient_of(header: Header) -> Person:
    """Return the patient: by the fields of EDF+, or by what a free text has of names, days and numbers."""
    text = header.text(PATIENT).strip(" \0")
    fields = text.split()
    if (
        len(fields) >= 4
        and fields[1] in ("M", "F", _UNKNOWN)
        and (_BIRTH.fullmatch(fields[2]) or fields[2] == _UNKNOWN)
    ):
        code, birth, name = fields[0], fields[2], fields[3:]
        return Person(_known([" ".join(name)]), _days(birth), _known([code]))
    return _free(text)


def staff_of(header: Header) -> tuple[Person, ...]:
    """Return who else is named: the administration's code and the technician of EDF+, or what a free text has."""
    text = header.text(RECORDING).strip(" \0")
    found = _STARTDATE.match(text)
    if found is None:
        person = _free(text)
        return (person,) if person != Person(()) else ()
    fields = text[found.end() :].split()
    person = Person(_known(fields[1:2]), (), _known(fields[:1]))
    return (person,) if person != Person(()) else ()


def _free(text: str) -> Person:
    dates = list(_whole(text))
    rest = text
    for one in reversed(dates):
        rest = f"{rest[: one.start]} {rest[one.stop :]}"
    numbers = [word.strip(",;:()") for word in rest.split() if sum(map(str.isdigit, word)) >= _DIGITS]
    name = [word for word in rest.split() if word.strip(",;:()") not in numbers]
    days = {day for one in dates for day in one.readings}
    return Person(_known([" ".join(name)]), tuple(sorted(days)), tuple(numbers))


def _known(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in values if one.strip(_NOTHING))


def _days(text: str) -> tuple[date, ...]:
    return tuple(day for one in _whole(text) for day in sorted(one.readings))


def _whole(text: str) -> Iterator[WrittenDate]:
    """Yield the dates in a text but those that overlap a longer one: in 20-JAN-1998 there is a JAN-19, too."""
    end = 0
    for one in sorted(dates_in(text), key=lambda one: (one.start, -one.stop)):
        if one.start >= end:
            yield one
            end = one.stop
