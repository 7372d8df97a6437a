"""Synthetic recordings, EDF to BDF+, with a made-up name in any of 14 kinds of place.

Everything follows from the seed. What was planted, and where, comes with the bytes.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
from tests.deid.edf.recordings import Signal, annotations, header

FORMATS = ("EDF", "EDF+C", "EDF+D", "BDF", "BDF+C")
PLACES = (
    "patient",
    "recording",
    "reserved",
    "label",
    "transducer",
    "dimension",
    "number",
    "prefilter",
    "signal reserved",
    "annotation",
    "second annotation signal",
    "record border",
    "surplus record",
    "cut record",
)
TIDY = tuple(
    one for one in PLACES if one not in ("reserved", "number", "record border", "surplus record", "cut record")
)
"""Places in files that follow their specification; with any other one some readers refuse a file, or skip it there."""
ROOM = 120
"""Bytes of an annotation signal in a record: whole samples of two and of three bytes."""
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_LINES = (
    "{} asks for water",
    "talked to {}, eyes open",
    "Mrs {} moved",
    "seizure? seen by {}",
    "{}: arm jerks left",
    "photic 12 Hz, {} tired",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who does not exist."""

    given: str
    surname: str
    birth: date
    number: str

    @property
    def short(self) -> str:
        """The part of the name that fits into 8 bytes."""
        return next(one for one in (self.surname, self.given) if len(one.encode()) <= 8)

    @property
    def line(self) -> str:
        """All that is known of them, as a list of names has it."""
        return f"{self.surname}, {self.given}; {self.birth}; {self.number}"

    def spelled(self, draw: random.Random) -> str:
        """Return the name in one of the usual ways to write it."""
        given, surname = self.given, self.surname
        forms = (f"{given} {surname}", f"{surname.upper()}, {given}", f"{given}_{surname}", f"Dr. {surname}", surname)
        return draw.choice(forms)


@dataclass(frozen=True, slots=True)
class Planted:
    """A name in a file, and the kind of place where it is."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, and what was planted in it."""

    data: bytes
    planted: tuple[Planted, ...]
    samples: int
    """Bytes of samples in a whole record, before its annotations."""


@dataclass(slots=True)
class _Planting:
    kind: str
    who: Identity
    places: Collection[str]
    draw: random.Random
    done: list[Planted] = field(default_factory=list)

    def text(self, place: str, name: str = "", form: str = "{}", other: str = "") -> str:
        """Return a text with the name in it, or another one where this place has none."""
        if place not in self.places:
            return other
        name = name or self.who.spelled(self.draw)
        self.done.append(Planted(place, name))
        return form.format(name)

    def line(self, place: str) -> str:
        return self.text(place, form=self.draw.choice(_LINES))


def recording(
    kind: str,
    who: Identity,
    places: Collection[str] = PLACES,
    *,
    start: datetime = datetime(2019, 2, 12, 8, 0, 0),
    records: int = 8,
    rate: int = 32,
    seed: int = 13,
) -> Recording:
    """Make a recording of one of the formats.

    Parameters
    ----------
    kind : str
        One of `FORMATS`.
    who : Identity
        Whose name is planted.
    places : collection of str, default all 14
        Where it is planted; those of `TIDY` leave a file that all readers open.
    start : datetime
        Its fraction of a second goes into the first annotation.
    records, rate : int
        How many seconds it has, six at least, and samples a second of each of its three signals.
    seed : int
        Another one gives other samples and other spellings.
    """
    at_work = _Planting(kind, who, places, random.Random(f"{seed} {kind} {who.line}"))
    extra = "surplus record" in places
    head = _header(at_work, start, records, rate)
    body = list(_records(at_work, start, records + extra, rate, seed))
    if "cut record" in places:
        body.append(_cut(at_work, body[-1], rate))
    return Recording(head + b"".join(body), tuple(at_work.done), 3 * rate * _width(kind))


def _width(kind: str) -> int:
    return 3 if kind.startswith("BDF") else 2


def _header(work: _Planting, start: datetime, records: int, rate: int) -> bytes:
    kind, who = work.kind, work.who
    largest = 2 ** (8 * _width(kind) - 1)
    numbers = ("-3200", "3200", str(-largest), str(largest - 1))
    odd = (work.text("number", who.short, other=numbers[0]), *numbers[1:])
    signals = [
        Signal(
            work.text("label", who.short, "EEG {}", other="EEG Fp1"),
            rate,
            transducer=work.text("transducer", form="AgAgCl cup, set of {}", other="AgAgCl cup"),
            numbers=numbers,
        ),
        Signal("EEG Fp2", rate, dimension=work.text("dimension", who.short, other="uV"), numbers=odd),
        Signal(
            "ECG",
            rate,
            prefilter=work.text("prefilter", form="HP:0.1Hz N:50Hz {}", other="HP:0.1Hz N:50Hz"),
            reserved=work.text("signal reserved", form="Bed 4 {}"),
            numbers=numbers,
        ),
    ]
    room = annotations(ROOM // _width(kind), f"{kind[:3]} Annotations")
    signals += [replace(room, numbers=("-1", "1", *numbers[2:]))] * 2
    day = f"{start.day:02}-{_MONTHS[start.month - 1]}-{start.year}"
    birth = f"{who.birth.day:02}-{_MONTHS[who.birth.month - 1]}-{who.birth.year}"
    plain = "24BIT" if kind == "BDF" else "" if kind == "EDF" else kind
    patient = work.text("patient", f"{who.given}_{who.surname}", f"{who.number} F {birth} {{}}", other="X X X X")
    made_by = work.text("recording", f"{who.given[0]}._{who.surname}", f"Startdate {day} EMU4 {{}} NK1200")
    return header(
        signals,
        kind=kind,
        patient=patient,
        recording=made_by or f"Startdate {day} X X X",
        start=(f"{start:%d.%m.%y}", f"{start:%H.%M.%S}"),
        reserved=work.text("reserved", form=f"{plain} {{}}", other=plain),
        records=str(records),
    )


def _records(work: _Planting, start: datetime, count: int, rate: int, seed: int) -> list[bytes]:
    kind = work.kind
    step = 2 if kind.endswith("D") else 1
    beginning = start.microsecond / 1e6
    onsets = [beginning + step * number for number in range(count)]
    first = [_own(onset) for onset in onsets]
    second = [b""] * count
    first[1] += _list(onsets[1] + 0.25, work.line("annotation"), duration="0.5")
    second[2] += _list(onsets[2] + 0.5, work.line("second annotation signal"))
    if text := work.text("record border", f"{work.who.given} {work.who.surname}"):
        begun = text.encode()[: -len(work.who.surname.encode()) // 2]
        head = first[3] + b"+%g\x14" % (onsets[3] + 0.125)
        first[3] = head + b"awake ".rjust(ROOM - len(head) - len(begun), b"-") + begun
        first[4] += text.encode()[len(begun) :] + b"\x14\0"
    first[-1] += _list(onsets[-1], work.line("surplus record"))
    samples = _samples(kind, count, rate, seed)
    return [samples[n] + first[n].ljust(ROOM, b"\0") + second[n].ljust(ROOM, b"\0") for n in range(count)]


def _own(onset: float) -> bytes:
    return b"+%g\x14\x14\0" % onset


def _list(onset: float, text: str, duration: str = "") -> bytes:
    if not text:
        return b""
    return b"+%g%s\x14%s\x14\0" % (onset, f"\x15{duration}".encode() if duration else b"", text.encode())


def _samples(kind: str, count: int, rate: int, seed: int) -> list[bytes]:
    """Return the samples of each record: three waves with noise, far from any letters."""
    draw = np.random.default_rng(seed)
    moments = np.arange(count * rate) / rate
    waves = [2000 * np.sin(2 * np.pi * hertz * moments) + draw.normal(0, 300, moments.size) for hertz in (3, 10, 1)]
    values = np.stack(waves).reshape(3, count, rate).transpose(1, 0, 2).astype("<i4")
    content = values.reshape(count, -1, 1).view(np.uint8)[:, :, : _width(kind)]
    return [one.tobytes() for one in content]


def _cut(work: _Planting, last: bytes, rate: int) -> bytes:
    """Return a record that ends within its first annotation signal."""
    return last[: 3 * rate * _width(work.kind)] + _own(99) + _list(99.5, work.line("cut record"))
