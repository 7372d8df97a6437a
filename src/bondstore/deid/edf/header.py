"""The header of EDF, EDF+, BDF and BDF+ files, read as it is found in hospitals, not only as it should be.

The layout is that of the specifications: EDF (Kemp et al. 1992), EDF+ (Kemp and Olivan 2003), BDF (BioSemi). 256 bytes
describe the recording, then come 256 bytes for each signal, field by field: all labels, all transducers, and so on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from typing_extensions import Buffer

from bondstore.deid.edf.findings import unfit
from bondstore.deid.edf.texts import decoded

MAIN = 256
"""Bytes of the part that describes the recording, and of the part that describes one signal."""
_BDF = b"\xffBIOSEMI"
_KINDS = (b"EDF+C", b"EDF+D", b"BDF+C", b"BDF+D")


class Field(NamedTuple):
    """Where a field of the header is."""

    name: str
    at: int
    size: int


VERSION, PATIENT, RECORDING = Field("version", 0, 8), Field("patient", 8, 80), Field("recording", 88, 80)
DATE, TIME = Field("start date", 168, 8), Field("start time", 176, 8)
LENGTH, RESERVED = Field("header length", 184, 8), Field("reserved", 192, 44)
RECORDS, DURATION, SIGNALS = Field("records", 236, 8), Field("duration", 244, 8), Field("signals", 252, 4)
_SIGNAL = {
    "label": 16,
    "transducer": 80,
    "dimension": 8,
    "physical minimum": 8,
    "physical maximum": 8,
    "digital minimum": 8,
    "digital maximum": 8,
    "prefilter": 80,
    "samples": 8,
    "reserved": 32,
}
TEXTS = ("label", "transducer", "dimension", "prefilter", "reserved")
"""Fields of a signal that hold text."""
NUMBERS = tuple(name for name in _SIGNAL if name not in TEXTS)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ANNOTATIONS = ("edf annotations", "bdf annotations")
_INTEGER = re.compile(rb"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(rb"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_THREE = re.compile(r"\s*(\d{1,4})\D(\d{1,2})\D(\d{1,4})\s*", re.ASCII)
_STARTDATE = re.compile(r"Startdate (\d{1,2})-([A-Z]{3})-(\d{4})(?!\d)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """A header's bytes, and what they say.

    Raises DamagedError where the number of signals or of samples cannot be told, as then nothing else can.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != self.length(self.raw[:MAIN]) or not self.record:
            raise unfit("edf-header-damaged")

    @staticmethod
    def length(main: bytes) -> int:
        """Return the length of a whole header from its first 256 bytes: by the number of signals, not its own field."""
        if len(main) < MAIN or not (main[:8] == _BDF or main[:1] == b"0"):
            raise unfit("not-edf")
        number = _integer(main, SIGNALS)
        if number is None or number < 1:
            raise unfit("edf-header-damaged")
        return MAIN * (number + 1)

    @property
    def is_bdf(self) -> bool:
        """Whether samples have three bytes."""
        return self.raw[:8] == _BDF

    @property
    def is_plus(self) -> bool:
        """Whether the file says that it is EDF+ or BDF+."""
        return self.raw[RESERVED.at :].startswith(_KINDS)

    @property
    def kind(self) -> str:
        """``EDF``, ``EDF+C``, ``EDF+D``, ``BDF``, ``BDF+C`` or ``BDF+D``."""
        return self.raw[192:197].decode() if self.is_plus else "BDF" if self.is_bdf else "EDF"

    @property
    def count(self) -> int:
        """The number of signals."""
        return len(self.raw) // MAIN - 1

    @cached_property
    def samples(self) -> tuple[int, ...]:
        """Samples of each signal in a record."""
        found = [_integer(self.raw, self.field("samples", number)) for number in range(self.count)]
        if any(one is None or one < 0 for one in found):
            raise unfit("edf-header-damaged")
        return tuple(one or 0 for one in found)

    @property
    def width(self) -> int:
        """Bytes of a sample."""
        return 3 if self.is_bdf else 2

    @cached_property
    def record(self) -> int:
        """Bytes of a record."""
        return sum(self.samples) * self.width

    @cached_property
    def annotations(self) -> tuple[slice, ...]:
        """Where in a record the annotation signals are."""
        ends = [0]
        for samples in self.samples:
            ends.append(ends[-1] + samples * self.width)
        return tuple(slice(ends[n], ends[n + 1]) for n in range(self.count) if self.samples[n] and self.annotates(n))

    def annotates(self, signal: int) -> bool:
        """Tell whether a signal holds annotations."""
        return self.text(self.field("label", signal)).strip(" \0").casefold() in _ANNOTATIONS

    @property
    def records(self) -> int | None:
        """How many records the header says there are; -1 while a recording is running, None where it does not say."""
        return _integer(self.raw, RECORDS)

    @property
    def duration(self) -> float | None:
        """Seconds of a record; None where the header does not say."""
        return float(self.content(DURATION).strip(b" \0").replace(b",", b".")) if self.is_number(DURATION) else None

    def field(self, name: str, signal: int) -> Field:
        """Return where a field of a signal is."""
        at = MAIN
        for known, size in _SIGNAL.items():
            if known == name:
                return Field(name, at + signal * size, size)
            at += size * self.count
        raise KeyError(name)

    def content(self, field: Field) -> bytes:
        """Return a field's bytes."""
        return self.raw[field.at : field.at + field.size]

    def text(self, field: Field) -> str:
        """Return a field's text: ASCII as it should be, else UTF-8, else Latin-1. Nothing is lost."""
        return decoded(self.content(field))

    def is_number(self, field: Field) -> bool:
        """Tell whether a field has a number and nothing else."""
        return _NUMBER.fullmatch(self.content(field).strip(b" \0")) is not None

    @cached_property
    def days(self) -> tuple[date | None, date | None]:
        """The start date of the start date field, and that of the recording field of EDF+, whose year is whole."""
        short, long = self._short_day(), self._long_day()
        if short and long and (short.month, short.day, short.year % 100) == (long.month, long.day, long.year % 100):
            short = long  # two digits do not say which century
        return short, long

    @property
    def day(self) -> date | None:
        """The start date; None where the header does not say."""
        short, long = self.days
        return short or long

    @cached_property
    def clock(self) -> time | None:
        """The start time, to the second; its fraction is in the first annotation."""
        with suppress(ValueError):
            if found := _THREE.fullmatch(self.text(TIME)):
                hour, minute, second = map(int, found.groups())
                return time(hour, minute, second)
        return None

    @property
    def start(self) -> datetime | None:
        """When the recording began, to the second; None where the header does not say."""
        return None if self.day is None or self.clock is None else datetime.combine(self.day, self.clock)

    def _short_day(self) -> date | None:
        if not (found := _THREE.fullmatch(self.text(DATE))):
            return None
        day, month, year = map(int, found.groups())
        if day > 31:  # the year comes first
            day, year = year, day
        return _day(year + (1900 if 85 <= year < 100 else 2000 if year < 85 else 0), month, day)

    def _long_day(self) -> date | None:
        found = _STARTDATE.match(self.text(RECORDING))
        if not found or found[2].upper() not in MONTHS:
            return None
        return _day(int(found[3]), MONTHS.index(found[2].upper()) + 1, int(found[1]))

    def oddities(self) -> Iterator[str]:
        """Yield what is not as the specification wants it, by the words of findings."""
        short, long = self.days
        numbers = [self.field(name, signal) for name in NUMBERS for signal in range(self.count)]
        found = {
            "edf-header-length": _integer(self.raw, LENGTH) != len(self.raw),
            "edf-text-not-ascii": not self.raw[8:].isascii(),
            "edf-number-unclear": not all(map(self.is_number, [DURATION, *numbers])),
            "edf-start-unclear": self.start is None,
            "edf-dates-differ": None not in (short, long) and short != long,
            "edf-duration-zero": self.duration == 0,
            "edf-records-unstated": self.records is None or self.records < 0,
        }
        yield from (word for word, holds in found.items() if holds)

    def missing(self, records: int, rest: int) -> Counter[str]:
        """Return, by the words of findings, by how much so many records and bytes differ from what is stated."""
        stated = records if self.records is None or self.records < 0 else self.records
        return +Counter(
            {
                "edf-records-missing": stated - records,
                "edf-records-surplus": records - stated,
                "edf-record-cut": int(bool(rest)),
            }
        )


def read_header(chunks: Iterable[Buffer]) -> tuple[Header, Iterator[Buffer]]:
    """Read the header of a file that comes in chunks of any size; return it and the chunks behind it.

    Raises DamagedError where it is neither EDF nor BDF, or its header ends early.
    """
    held, rest = bytearray(), iter(chunks)
    length = MAIN
    while len(held) < length:
        chunk = next(rest, None)
        if chunk is None:
            raise unfit("edf-header-damaged" if len(held) >= MAIN else "not-edf")
        view = memoryview(chunk).cast("B")
        while len(view) and len(held) < length:
            taken = length - len(held)
            held += view[:taken]
            view = view[taken:]
            if len(held) == MAIN:
                length = Header.length(bytes(held))
    return Header(bytes(held)), chain((view,), rest)


def _day(year: int, month: int, day: int) -> date | None:
    """Return a day that can be a recording's."""
    with suppress(ValueError):
        return date(year, month, day) if 1900 <= year < 2100 else None
    return None


def _integer(raw: bytes, field: Field) -> int | None:
    found = _INTEGER.fullmatch(raw[field.at : field.at + field.size].strip(b" \0"))
    return int(found[0]) if found else None
