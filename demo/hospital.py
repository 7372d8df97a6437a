"""A synthetic hospital's folder: six patients who do not exist, their recordings, video, notes, and recorder's files.

Made-up names are planted in the 14 kinds of place of `demo.recordings` in each of the five formats, in names of files
and folders, in notes, in the tags of video, and in files of recorders that cannot be cleaned. Everything follows from
the seed. It also has what goes wrong by renaming: recordings of one name that begin at one moment, and day folders.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from demo.recordings import FORMATS, PLACES, TIDY, Identity, Planted, recording

PATIENTS = (
    Identity("Ilka", "Brüning", date(1969, 6, 30), "MRN0047118"),
    Identity("Zoë", "Vandermeer", date(1991, 11, 2), "MRN0052330"),
    Identity("Łukasz", "Wróbel", date(2004, 1, 19), "MRN0061907"),
    Identity("Aoife", "O'Hanlon", date(1958, 8, 7), "MRN0038254"),
    Identity("Jean-Luc", "Lefèvre", date(1977, 3, 23), "MRN0044871"),
    Identity("Mirela", "Petković", date(1985, 12, 14), "MRN0059026"),
)
CLASHES, DAYS = 10, 8
"""Pairs of recordings of one name and one start, and folders of days, in a tree of all six patients."""
_FOLDERS = ("{surname}~ {given}", "{surname}_{given}", "{given} {surname}", "{surname}, {given}")
_FRENCH = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
_FIRST = datetime(2019, 2, 12, 8, 0, 0, 250_000)


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a tree to make."""

    patients: int = len(PATIENTS)
    records: int = 8
    rate: int = 32
    seed: int = 13
    tidy: bool = False
    """Whether all recordings follow their specification; otherwise every second patient's do."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the tree: its path, and what identifies the patient in it; its path may, too."""

    key: str
    data: bytes
    kind: str
    """``recording``, ``video``, ``notes``, or ``companion`` for what cannot be cleaned."""
    who: Identity
    planted: tuple[Planted, ...] = ()
    samples: int = 0
    """Of a recording: bytes of samples in a record, before its annotations."""


def make(shape: Shape = Shape()) -> Iterator[File]:
    """Yield every file of a tree."""
    for number, who in enumerate(PATIENTS[: shape.patients]):
        folder = _FOLDERS[number % len(_FOLDERS)].format(given=who.given, surname=who.surname)
        places = TIDY if shape.tidy or number % 2 else PLACES
        start = _FIRST + timedelta(days=number)
        for at, kind in enumerate(FORMATS):
            begun = start + timedelta(hours=3 * at)
            key = f"{folder}/{_DEEP[at].format(who=who, day=begun)}"
            key += f".{kind[:3].upper() if at % 2 else kind[:3].lower()}"
            made = recording(
                kind, who, places, start=begun, records=shape.records, rate=shape.rate, seed=shape.seed + at
            )
            yield File(key, made.data, "recording", who, made.planted, made.samples)
        yield from _clashes(shape, who, folder, start, number)
        yield from _videos(who, folder, start, number)
        yield from _notes(who, folder, start)
        yield from _companions(shape, who, folder, number)


_DEEP = (
    "{who.surname}_{day:%Y%m%d}",
    "EEG/{who.surname}_{who.given}_2",
    "EEG/long term/gaps {who.surname}",
    "biosemi",
    "research/{who.given}",
)


def names_of(shape: Shape = Shape()) -> str:
    """Return the list of names, a patient a line."""
    return "".join(f"{who.line}\n" for who in PATIENTS[: shape.patients])


def write(files: Iterable[File], root: Path) -> None:
    """Write files under a folder."""
    for one in files:
        path = root / one.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)


def _clashes(shape: Shape, who: Identity, folder: str, start: datetime, number: int) -> Iterator[File]:
    """Yield pairs of recordings that have one name and begin at one moment, in folders of their own."""
    for pair in range(2 if number < CLASHES // 2 else 0):
        begun = start + timedelta(days=30 + pair)
        for half in "ab":
            made = recording(
                "EDF+C",
                who,
                ("patient",),
                start=begun,
                records=6,
                rate=shape.rate,
                seed=shape.seed + 10 * pair + ord(half),
            )
            yield File(
                f"{folder}/export {half}/run{pair}/eeg.edf", made.data, "recording", who, made.planted, made.samples
            )


def _videos(who: Identity, folder: str, start: datetime, number: int) -> Iterator[File]:
    """Yield video beside the first recording, in a folder of its name, and in day folders: of two one day is the same.

    The first four patients have two day folders each.
    """
    own = _DEEP[0].format(who=who, day=start)
    paths = [f"{folder}/{own}/{own}.avi", f"{folder}/{who.surname} seizure.avi"]
    if number < DAYS // 2:
        paths += [f"{folder}/{who.surname}_12/{who.surname}_12_01.avi"]
        paths += [f"{folder}/{who.surname.lower()} b_{12 if number == 0 else 13}/clip.AVI"]
    for at, path in enumerate(paths):
        name = f"{who.given} {who.surname}"
        planted = (Planted("video title", name), Planted("video comment", who.number))
        yield File(path, avi(name, f"bed 4 {who.number}", start + timedelta(minutes=at)), "video", who, planted)


def _notes(who: Identity, folder: str, start: datetime) -> Iterator[File]:
    """Yield what SNC and VTC files were turned into: by 24 hours in French, by 12 hours in UTF-16."""
    name = f"{who.surname} {who.given}"
    french = f"{start.day} {_FRENCH[start.month - 1]} {start.year}"
    snc = f"Patient: {name}\nDébut {french} {start + timedelta(minutes=2):%H:%M:%S}\n0 0.000\n512 1.000\n"
    later = start + timedelta(hours=3, minutes=4)
    vtc = f"{name}.avi\r\n{later:%m/%d/%Y %I:%M:%S %p}\r\n{later + timedelta(hours=1):%m/%d/%Y %I:%M:%S %p}\r\n"
    for word, data in (("snc", snc.encode()), ("vtc", vtc.encode("utf-16"))):
        yield File(f"{folder}/{who.surname}_{word}.txt", data, "notes", who, (Planted("notes", name),))


def _companions(shape: Shape, who: Identity, folder: str, number: int) -> Iterator[File]:
    """Yield files that recorders write beside a recording, with the name inside: nobody can clean them."""
    draw = random.Random(f"{shape.seed} {who.line}")
    label = f"{who.surname}~ {who.given}_{draw.randbytes(4).hex()}-{draw.randbytes(2).hex()}"
    nihon_kohden = ("pnt", "log", "21E") if number % 2 else ()
    for ending in ("erd", "etc", "vt2", "snc", "stc", "ent", *nihon_kohden, "lay", "doc"):
        encoding = "utf-16-le" if ending in ("vt2", "ent", "doc") else "utf-8"
        data = draw.randbytes(352) + label.encode(encoding) + bytes(8) + draw.randbytes(64)
        planted = (Planted("companion", f"{who.surname}~ {who.given}"),)
        yield File(f"{folder}/{label}.{ending}", data, "companion", who, planted)


def avi(title: str, comment: str, made: datetime, *, frames: int = 5, size: int = 16) -> bytes:
    """Return a video of flat grey pictures with a title, a comment and the moment it was made.

    The layout is that of RIFF AVI with a bitmap for each frame.
    """
    row = size * 3
    picture = [bytes([40 * number % 256]) * (row * size) for number in range(frames)]
    main = struct.pack("<10I16x", 200_000, row * size * 5, 0, 0x10, frames, 0, 1, row * size, size, size)
    stream = struct.pack(
        "<4s4sIHHIIIIIIII4H", b"vids", b"DIB ", 0, 0, 0, 0, 1, 5, 0, frames, row * size, 0xFFFFFFFF, 0, 0, 0, size, size
    )
    bitmap = struct.pack("<IiiHHIIiiII", 40, size, size, 1, 24, 0, row * size, 0, 0, 0, 0)
    lists = _chunk(b"LIST", b"strl" + _chunk(b"strh", stream) + _chunk(b"strf", bitmap))
    moment = _chunk(b"IDIT", f"{made:%a %b %d %H:%M:%S %Y}\n\0".encode())
    head = _chunk(b"LIST", b"hdrl" + _chunk(b"avih", main) + lists + moment)
    told = _chunk(b"INAM", title.encode() + b"\0") + _chunk(b"ICMT", comment.encode() + b"\0")
    tags = _chunk(b"LIST", b"INFO" + told + _chunk(b"ICRD", f"{made:%Y-%m-%d %H:%M:%S}\0".encode()))
    film = b"movi" + b"".join(_chunk(b"00db", one) for one in picture)
    index = b"".join(struct.pack("<4s3I", b"00db", 0x10, 4 + n * (row * size + 8), row * size) for n in range(frames))
    return _chunk(b"RIFF", b"AVI " + head + tags + _chunk(b"LIST", film) + _chunk(b"idx1", index))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
