"""One recording, read by ranges: what its header says, its samples in physical units, its annotations.

It is read as it is: the number of records is what the file has room for, whatever its header says, and a time is told
by the record that it belongs to. Source: EDF+ (Kemp and Olivan 2003), sections 2.1 and 2.2.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from bondstore.deid.edf.annotations import read_annotations
from bondstore.deid.edf.findings import EDF
from bondstore.deid.edf.header import PATIENT, RECORDING, read_header
from bondstore.deid.edf.texts import decoded
from bondstore.domains.neuro.signals import Signal, as_numbers, seconds_of, signal_of
from bondstore.errors import DamagedError, UsageError
from bondstore.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from bondstore.findings import Finding

BLOCK = 4 << 20
"""Bytes that are read together, about."""
_FIRST = 64 << 10
_LATEST = 10**10
"""Seconds: 300 years."""
_DISORDERED = "edf-records-disordered"
_SLIGHT = 1e-6
"""A part of a sample: times are not exact as binary numbers."""


class Ranges(Protocol):
    """A file that is read by ranges."""

    name: str
    size: int

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`, fewer where the file ends before."""
        ...


class Samples(NamedTuple):
    """A stretch of one signal."""

    times: NDArray[np.float64]
    """Seconds since the start of the recording, of each sample; a gap shows as a step."""
    values: NDArray[np.float64] | NDArray[np.int32]
    """In the signal's unit, or as digital values."""


class Annotation(NamedTuple):
    """One text that belongs to a time."""

    onset: float
    """Seconds since the start of the recording."""
    duration: float | None
    text: str


class AnnotationText(NamedTuple):
    """One text of an annotation signal as it is in the file."""

    onset: float | None
    """None for bytes that are no annotation."""
    duration: float | None
    content: bytes


class Recording:
    """One EDF, EDF+, BDF or BDF+ file, also one that other programs refuse; made by `open`.

    Nothing but the header is read before it is asked for, and never more than a few megabytes at a time.
    """

    def __init__(self, source: Ranges) -> None:
        self._source = source
        self.header, _ = read_header(self._beginning())
        """The header, field by field."""
        self.records, self._rest = divmod(source.size - len(self.header.raw), self.header.record)
        """Whole records that are there; the header may say otherwise."""
        self._odd = Counter(self.header.oddities())
        self._odd.update(self.header.missing(self.records, self._rest))
        self._known: dict[int, Decimal | None] = {}

    def __repr__(self) -> str:
        return f"Recording({self.kind}, {counted(len(self.signals), 'signal')}, {counted(self.records, 'record')})"

    @property
    def kind(self) -> str:
        """``EDF``, ``EDF+C``, ``EDF+D``, ``BDF``, ``BDF+C`` or ``BDF+D``; with a D it has gaps."""
        return self.header.kind

    @property
    def patient(self) -> str:
        """The header's patient field. It may name somebody."""
        return self.header.text(PATIENT).strip(" \0")

    @property
    def recording(self) -> str:
        """The header's recording field. It may name somebody."""
        return self.header.text(RECORDING).strip(" \0")

    @property
    def start(self) -> datetime | None:
        """When the first record began, with the fraction of a second; None where the header does not say."""
        begun = self.header.start
        return None if begun is None else begun + timedelta(seconds=float(self._zero))

    @property
    def record_s(self) -> float | None:
        """Seconds of a record; None where the header does not say."""
        return seconds_of(self.header)

    @property
    def stop_s(self) -> float | None:
        """Seconds from the start to the end of the last whole record, gaps included; None where that is unknown."""
        if self.record_s is None:
            return None
        last = range(self.records) if self._odd[_DISORDERED] else range(self.records - 1, self.records)
        return max(map(self.record_start, last)) + self.record_s if self.records else 0.0

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The signals, in the order of the file; annotations are not among them."""
        numbers = [number for number in range(self.header.count) if not self.header.annotates(number)]
        return tuple(signal_of(self.header, number) for number in numbers)

    @property
    def findings(self) -> list[Finding]:
        """What is not as it should be; what is wrong with annotations once they were read."""
        name = self._source.name
        found = [EDF[word].about(name, count=count) for word, count in (+self._odd).items()]
        unscaled = [one for one in self.signals if one.scale is None]
        return found + [EDF["edf-scale-unknown"].about(name, where=f"signal {one.number + 1}") for one in unscaled]

    def signal(self, which: int | str) -> Signal:
        """Return a signal by its place among `signals`, or by its label.

        Raises UsageError where there is none, or several have the label.
        """
        if isinstance(which, int):
            if not 0 <= which < len(self.signals):
                raise UsageError(f"There is no signal {which}: there are {len(self.signals)}, counted from 0.")
            return self.signals[which]
        found = [one for one in self.signals if one.label == which]
        if len(found) != 1:
            has = (
                f"{len(found)} signals of {len(self.signals)} have"
                if found
                else f"No signal of {len(self.signals)} has"
            )
            raise UsageError(f"{has} this label.", hint="Name a signal by its place: 0 is the first.")
        return found[0]

    def samples(
        self, signal: int | str, start_s: float = 0.0, stop_s: float | None = None, *, digital: bool = False
    ) -> Samples:
        """Read a stretch of one signal.

        Parameters
        ----------
        signal : int or str
            Its place among `signals`, or its label.
        start_s, stop_s : float
            Seconds since the start of the recording; the sample at `stop_s` is left out. To the end when not given.
        digital : bool
            Return the numbers of the file, not those in the signal's unit.

        Returns
        -------
        Samples
            ``times`` in seconds and ``values``, both one number a sample. Where an EDF+D has a gap, times step over it.
            Its records are taken to be in the order of time, unless `annotations` were read and show that they are not.

        Raises
        ------
        UsageError
            There is no such signal, or several.
        DamagedError
            The header does not say how long a record is, or how values are scaled.
        """
        one = self.signal(signal)
        if one.rate is None:
            raise DamagedError(
                "The header does not say how long a record lasts.", hint="Read its samples by records: records(...)."
            )
        self._scaled(one, digital)
        place, end = np.arange(one.samples), np.inf if stop_s is None else stop_s
        times, values = [np.empty(0)], [np.empty(0, np.int32)]
        for starts, block in self._timed(one, *self._span(start_s, stop_s)):
            from_start = starts[:, None] + place / one.rate
            slight = _SLIGHT / one.rate
            kept = (from_start >= start_s - slight) & (from_start < end - slight)
            times.append(from_start[kept])
            values.append(block[kept])
        return Samples(np.concatenate(times), self._scaled(one, digital, np.concatenate(values)))

    def read_records(
        self, signal: int | str, first: int = 0, stop: int | None = None, *, digital: bool = False
    ) -> NDArray[np.float64] | NDArray[np.int32]:
        """Return a signal's samples in a range of records, an array of shape (records, samples of a record).

        Parameters
        ----------
        signal, digital
            As in `samples`.
        first, stop : int
            The first record, counted from 0, and the one behind the last; all when not given.
        """
        one = self.signal(signal)
        self._scaled(one, digital)
        stop = self.records if stop is None else min(stop, self.records)
        blocks = [np.empty((0, one.samples), np.int32)]
        for _, (content,) in self._blocks(max(0, first), stop, [one.columns]):
            blocks.append(as_numbers(content, self.header.width))
        return self._scaled(one, digital, np.concatenate(blocks))

    @cached_property
    def annotations(self) -> tuple[Annotation, ...]:
        """All annotations, in the order of the file, each text by itself. To find them, the whole file is read once."""
        return tuple(
            Annotation(one.onset, one.duration, decoded(one.content))
            for one in self.annotation_texts
            if one.onset is not None
        )

    @cached_property
    def annotation_texts(self) -> tuple[AnnotationText, ...]:
        """All texts of annotation signals as bytes, those that belong to no time included."""
        found, damaged, cut = [], 0, 0
        for number, content in self._annotation_bytes():
            if number is not None and self._has_gaps:
                self._known[number] = _stated(content)
            for one in read_annotations(content):
                stated = _seconds(one.onset)
                damaged += stated is None
                cut += stated is not None and not one.ends
                onset = None if stated is None else float(stated - self._zero)
                length = float(one.duration) if one.duration else None
                found += [AnnotationText(onset, length, content[at : at + size]) for at, size in one.texts]
        starts = [start for number in sorted(self._known) if (start := self._known[number]) is not None]
        earlier = sum(one > after for one, after in pairwise(starts))
        self._odd |= Counter({"edf-annotation-damaged": damaged, "edf-annotation-cut": cut, _DISORDERED: earlier})
        return tuple(found)

    def _annotation_bytes(self) -> Iterator[tuple[int | None, bytes]]:
        """Yield each annotation signal of each record, the first one with the record's number, and of what is cut."""
        columns = self.header.annotations
        if not columns:
            return
        for first, parts in self._blocks(0, self.records, columns):
            for row in range(len(parts[0])):
                yield first + row, parts[0][row].tobytes()
                yield from ((None, part[row].tobytes()) for part in parts[1:])
        at = self._at(self.records)
        for where in columns:
            if where.start < self._rest:
                yield None, self._source.read(at + where.start, at + min(where.stop, self._rest))

    def record_start(self, number: int) -> float:
        """Return when a record begins, in seconds since the start: by its own annotation where records have gaps."""
        lasts = self.record_s or 0.0
        if not self._has_gaps:
            return number * lasts
        for before in range(number, -1, -1):
            if (found := self._onset(before)) is not None:
                return float(found - self._zero) + (number - before) * lasts
        return number * lasts

    @property
    def _has_gaps(self) -> bool:
        return self.kind.endswith("D") and bool(self.header.annotations)

    @cached_property
    def _zero(self) -> Decimal:
        """The fraction of a second by which the first record begins later than the header says."""
        onset = self._onset(0) if self.records and self.header.annotations else None
        return onset if onset is not None and 0 <= onset < 1 else Decimal(0)

    def _onset(self, number: int) -> Decimal | None:
        """Return the time that a record states for itself; None where it does not."""
        if number not in self._known:
            at, where = self._at(number), self.header.annotations[0]
            self._known[number] = _stated(self._source.read(at + where.start, at + where.stop))
        return self._known[number]

    def _span(self, start_s: float, stop_s: float | None) -> tuple[int, int]:
        """Return the records that may have samples of a time: gaps only make them fewer."""
        lasts = self.record_s
        assert lasts is not None
        if self._odd[_DISORDERED]:
            return 0, self.records
        low, high = 0, self.records
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.record_start(middle) > start_s else (middle + 1, high)
        first = max(0, low - 1)
        if stop_s is None:
            return first, self.records
        return first, min(self.records, first + max(0, int((stop_s - start_s) / lasts) + 2))

    def _timed(self, signal: Signal, first: int, stop: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int32]]]:
        """Yield a signal's samples of some records, and when those begin."""
        lasts, columns = self.record_s or 0.0, [signal.columns]
        if self._has_gaps:
            columns.append(self.header.annotations[0])
        for number, parts in self._blocks(first, stop, columns):
            for row, content in enumerate(parts[1] if self._has_gaps else ()):
                self._known[number + row] = _stated(content.tobytes())
            if self._has_gaps:
                starts = np.array([self.record_start(number + row) for row in range(len(parts[0]))])
            else:
                starts = np.arange(number, number + len(parts[0])) * lasts
            yield starts, as_numbers(parts[0], self.header.width)

    def _blocks(self, first: int, stop: int, columns: Sequence[slice]) -> Iterator[tuple[int, list[NDArray[np.uint8]]]]:
        """Yield columns of some records, several records together, with the number of the first of them."""
        size = self.header.record
        if size > BLOCK:
            for number in range(first, stop):
                at = self._at(number)
                parts = [self._source.read(at + one.start, at + one.stop) for one in columns]
                yield number, [np.frombuffer(part, np.uint8)[None] for part in parts]
            return
        several = BLOCK // size
        for number in range(first, stop, several):
            content = self._source.read(self._at(number), self._at(min(stop, number + several)))
            block = np.frombuffer(content, np.uint8).reshape(-1, size)
            yield number, [block[:, one] for one in columns]

    def _at(self, number: int) -> int:
        return len(self.header.raw) + number * self.header.record

    def _beginning(self) -> Iterator[bytes]:
        for start in range(0, self._source.size, _FIRST):
            yield self._source.read(start, start + _FIRST)

    def _scaled(
        self, signal: Signal, digital: bool, values: NDArray[np.int32] | None = None
    ) -> NDArray[np.float64] | NDArray[np.int32]:
        if digital:
            return np.empty(0, np.int32) if values is None else values
        if signal.scale is None:
            raise DamagedError(
                f"The header does not say how the values of signal {signal.number + 1} are scaled.",
                hint="Ask for its digital values: digital=True.",
            )
        gain, offset = signal.scale
        return np.empty(0) if values is None else np.asarray(values * gain + offset, np.float64)


def _stated(content: bytes) -> Decimal | None:
    """Return the time in the first list of an annotation signal, which is the record's own."""
    first = next(read_annotations(content), None)
    return _seconds(first.onset) if first is not None and content[:1] in b"+-" else None


def _seconds(onset: str) -> Decimal | None:
    """Return a time; None where there is none, or one of no recording: a list can state any number of digits."""
    return Decimal(onset) if onset and abs(Decimal(onset)) < _LATEST else None
