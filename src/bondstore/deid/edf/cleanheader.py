"""A header without identity: identification written anew as EDF+ wants it, all other texts searched."""

from __future__ import annotations

from collections import Counter
from datetime import date

from bondstore.deid.edf.header import (
    DATE,
    DURATION,
    LENGTH,
    MONTHS,
    NUMBERS,
    PATIENT,
    RECORDING,
    RECORDS,
    RESERVED,
    SIGNALS,
    TEXTS,
    TIME,
    VERSION,
    Field,
    Header,
)
from bondstore.deid.edf.rules import FLOOR, Rules
from bondstore.deid.edf.texts import blank

Removed = Counter[tuple[str, str]]
"""How often something was removed, by place and kind."""


def clean_header(header: Header, rules: Rules) -> tuple[bytes, Removed, list[str]]:
    """Return a header of the same length without identity, what was removed, and findings about its date."""
    raw, removed = bytearray(header.raw), Removed()
    day, words = _written(header, rules)
    stated = "X" if day is None else f"{day.day:02}-{MONTHS[day.month - 1]}-{day.year}"
    for where, text in {
        PATIENT: f"{rules.code} X X X",
        RECORDING: f"Startdate {stated} X X X",
        RESERVED: header.kind if header.is_plus else "24BIT" if header.is_bdf else "",
    }.items():
        said = {*header.text(where).strip(" \0").split()} - {"X", "Startdate", *text.split()}
        removed[where.name, "identification"] += bool(said)
        _fill(raw, where, text)
    _fill(raw, DATE, _short(day or FLOOR))
    _fill(raw, TIME, "00.00.00" if header.clock is None else f"{header.clock:%H.%M.%S}")
    _fill(raw, LENGTH, str(len(raw)))
    _fill(raw, SIGNALS, str(header.count))
    if header.records is None:
        _fill(raw, RECORDS, "-1")
    if not header.is_bdf:
        _fill(raw, VERSION, "0")
    _search(raw, header, rules, removed)
    return bytes(raw), +removed, words


def _written(header: Header, rules: Rules) -> tuple[date | None, list[str]]:
    """Return the start date that is written."""
    day = None if header.day is None else rules.redate(header.day)
    return (FLOOR, ["edf-date-floored"]) if day is not None and day < FLOOR else (day, [])


def _short(day: date) -> str:
    """Return a date of eight characters. From 2085 on EDF+ wants ``yy`` for the year, as two digits cannot tell it."""
    return f"{day.day:02}.{day.month:02}." + (f"{day.year % 100:02}" if day.year < FLOOR.year + 100 else "yy")


def _fill(raw: bytearray, where: Field, text: str) -> None:
    raw[where.at : where.at + where.size] = text.encode("ascii").ljust(where.size)


def _search(raw: bytearray, header: Header, rules: Rules, removed: Removed) -> None:
    """Blank what the finder finds: in texts, and in numbers that are none. The labels of annotations are no texts."""
    fields = [DURATION]
    for signal in range(header.count):
        fields += [header.field(one, signal) for one in TEXTS if one != "label" or not header.annotates(signal)]
        fields += [header.field(one, signal) for one in NUMBERS]
    with memoryview(raw) as view:
        for where in fields:
            if where.name in TEXTS or not header.is_number(where):
                kinds = blank(view[where.at : where.at + where.size], rules.finder)
                removed.update((where.name, kind) for kind in kinds)
