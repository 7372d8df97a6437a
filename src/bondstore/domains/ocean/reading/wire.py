"""What the process that reads netCDF files sends to the one that asked: JSON and columns of numbers.

A damaged file may be made to take the reading process over. So what comes from it is data, never code (as a pickle
would be), and it is looked at piece by piece: of the file's own name, its kinds of findings, and numbers that fit.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import PurePosixPath
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.findings import KINDS
from bondstore.domains.ocean.profiles import Batch, Deployment, Earlier, Header, Position, Profile
from bondstore.domains.ocean.reading.dataset import FREE_GROWTH, MOST_GROWTH, StoredFlags
from bondstore.errors import DamagedError, MissingExtraError
from bondstore.findings import Finding

Answer = tuple[Batch, list[Finding]] | StoredFlags | DamagedError | MissingExtraError

_FRAME = struct.Struct("<QQ")  # bytes of JSON, bytes of what follows it
_FLOATS, _COUNTS, _FLAGS = np.dtype("<f8"), np.dtype("<i8"), np.dtype("|i1")
_STEP = 8  # each column begins at a multiple of this
_MOST = 64
"""Bytes that one value of a file may become on its way: six columns, and once more those of the profile before. What
else is carried comes of values of its own."""
_LEVELS = ("time", "latitude", "longitude", "pressure", "temperature")
_BEFORE = ("pressure", "temperature", "salinity")
T = TypeVar("T")


def ask(pipe: IO[bytes] | None, what: str, data: bytes, key: str) -> None:
    """Send a file to be read."""
    _send(pipe, [what, key], [data])


def asked(pipe: IO[bytes]) -> tuple[str, bytes, str]:
    """Take a file that is to be read; raises EOFError when nobody asks any more."""
    (what, key), data = _receive(pipe, None)
    return what, bytes(data), key


def answer(pipe: IO[bytes], said: Answer) -> None:
    """Send what was read."""
    columns = _Columns()
    _send(pipe, _written(said, columns), columns.pieces())


def answered(pipe: IO[bytes] | None, key: str, size: int) -> Answer:
    """Take what was read of the file with this key and size; raises EOFError or ValueError for what is no answer."""
    try:
        said, data = _receive(pipe, _MOST * max(FREE_GROWTH, MOST_GROWTH * size))
        return _read(said, key, data)
    except (LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("no answer") from error


def _send(pipe: IO[bytes] | None, said: object, pieces: Sequence[Any]) -> None:
    if pipe is None:
        raise EOFError
    text = json.dumps(said, separators=(",", ":")).encode()
    pipe.write(_FRAME.pack(len(text), sum(memoryview(piece).nbytes for piece in pieces)) + text)
    for piece in pieces:
        pipe.write(piece)
    pipe.flush()


def _receive(pipe: IO[bytes] | None, most: int | None) -> tuple[Any, bytearray]:
    if pipe is None:
        raise EOFError
    text, size = _FRAME.unpack(_exactly(pipe, _FRAME.size))
    if most is not None and text + size > most:
        raise ValueError("longer than the file can be")
    said = json.loads(_exactly(pipe, text))
    return said, _exactly(pipe, size)


def _exactly(pipe: IO[bytes], size: int) -> bytearray:
    data = bytearray(pipe.read(size))
    if len(data) < size:
        raise EOFError
    return data


class _Columns:
    """Arrays by their numbers."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[Any]] = []

    def add(self, column: NDArray[Any] | None) -> list[Any] | None:
        """Take an array; return its type and length, which are written in its place."""
        if column is None:
            return None
        flat = np.ascontiguousarray(column, column.dtype.newbyteorder("<"))
        self._arrays.append(flat)
        return [flat.dtype.str, len(flat)]

    def pieces(self) -> list[Any]:
        """Return their bytes, each filled up to where the next one may begin."""
        return [one for array in self._arrays for one in (array.data, bytes(-array.nbytes % _STEP))]


def _written(said: Answer, columns: _Columns) -> list[Any]:
    if isinstance(said, DamagedError):
        return ["damaged", said.message, said.kind, said.hint]
    if isinstance(said, MissingExtraError):
        return ["missing", said.message, said.hint]
    if isinstance(said, StoredFlags):
        return [
            "flags",
            [[name, columns.add(flags)] for name, flags in said.rolled.items()],
            [[*place, columns.add(flags)] for place, flags in said.tests.items()],
            list(said.meanings.items()),
            [[*place, dict(texts)] for place, texts in said.attributes.items()],
            [[name, columns.add(flags)] for name, flags in said.source.items()],
        ]
    batch, findings = said
    return [
        "read",
        [[one.kind, one.message, one.where, one.count] for one in findings],
        columns.add(batch.sizes),
        [columns.add(getattr(batch, name)) for name in _LEVELS],
        columns.add(batch.salinity),
        [_profile_written(profile, columns) for profile in batch.profiles],
        [[name, columns.add(flags)] for name, flags in batch.source.items()],
        [[name, columns.add(values)] for name, values in batch.carried.items()],
    ]


def _profile_written(profile: Profile, columns: _Columns) -> list[Any]:
    before = profile.earlier
    earlier = before and [
        before.time,
        _plain(before.position),
        [columns.add(getattr(before, name)) for name in _BEFORE],
    ]
    deployment = profile.deployment and _plain(profile.deployment)
    known = dict(profile.known)
    return [_plain(profile.header), profile.platform, profile.timed, profile.placed, deployment, earlier, known]


def _plain(value: Any) -> Any:
    """Return a value object as a list of its fields."""
    if isinstance(value, Header | Deployment | Position):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    return dict(value) if isinstance(value, Mapping) else value


class _Arrived:
    """The columns that came, in the order in which they were added."""

    def __init__(self, data: bytearray) -> None:
        self._data = data
        self._at = 0

    def take(self, told: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the next column, which must be of this type."""
        kind, length = told
        if kind != dtype.str or _whole(length) < 0:
            raise ValueError("another column")
        found: NDArray[Any] = np.frombuffer(self._data, dtype, length, self._at)  # raises where so much is not there
        self._at += found.nbytes + -found.nbytes % _STEP
        return found

    def floats(self, told: Any, length: int | None = None) -> NDArray[np.float64]:
        """Return the next column of so many numbers."""
        found = self.take(told, _FLOATS)
        if length is not None and len(found) != length:
            raise ValueError("a column of another length")
        return found

    def flags(self, told: Any, length: int | None = None) -> NDArray[np.int8]:
        """Return the next column of so many flags."""
        found = self.take(told, _FLAGS)
        if length is not None and len(found) != length:
            raise ValueError("a column of another length")
        return found


def _read(said: Any, key: str, data: bytearray) -> Answer:
    what, *rest = said
    columns = _Arrived(data)
    if what == "damaged":
        message, kind, hint = rest
        return DamagedError(_text(message), kind=KINDS[kind].word, hint=_text(hint))
    if what == "missing":
        message, hint = rest
        return MissingExtraError(_text(message), hint=_text(hint))
    if what == "flags":
        rolled, tests, meanings, attributes, source = rest
        return StoredFlags(
            {_text(name): columns.flags(told) for name, told in rolled},
            {(_text(label), _text(on)): columns.flags(told) for label, on, told in tests},
            {_whole(number): _text(word) for number, word in meanings},
            {(_text(label), _text(on)): _texts(texts) for label, on, texts in attributes},
            {_text(name): columns.flags(told) for name, told in source},
        )
    if what != "read":
        raise ValueError("no answer")
    found, *batch = rest
    return _batch(key, columns, batch), [_finding(key, *one) for one in found]


def _batch(key: str, columns: _Arrived, said: Sequence[Any]) -> Batch:
    sizes, levels, salinity, profiles, source, carried = said
    counts = columns.take(sizes, _COUNTS)
    number = sum(counts.tolist())
    if len(counts) != len(profiles) or (counts < 0).any():
        raise ValueError("sizes that do not fit")
    by_name = {name: columns.floats(told, number) for name, told in zip(_LEVELS, levels, strict=True)}
    salt = None if salinity is None else columns.floats(salinity, number)
    stem = PurePosixPath(key).stem
    names = (stem if place == 0 else f"{stem}-{place + 1}" for place in range(len(profiles)))
    made = [_profile(key, name, columns, one) for name, one in zip(names, profiles, strict=True)]
    flags = {_text(name): columns.flags(told, number) for name, told in source}
    more = {_text(name): columns.floats(told, number) for name, told in carried}
    return Batch(made, counts, salinity=salt, source=flags, carried=more, **by_name)


def _profile(key: str, name: str, columns: _Arrived, said: Sequence[Any]) -> Profile:
    header, platform, timed, placed, deployment, earlier, known = said
    return Profile(
        key=key,
        name=name,
        header=_valued(Header, header),
        platform=_text(platform),
        timed=bool(timed),
        placed=bool(placed),
        deployment=None if deployment is None else _valued(Deployment, deployment),
        earlier=None if earlier is None else _earlier(columns, *earlier),
        known=_texts(known),
    )


def _earlier(columns: _Arrived, time: Any, position: Any, told: Any) -> Earlier:
    before = [None if one is None else columns.floats(one) for one in told]
    if len({len(one) for one in before if one is not None}) > 1:
        raise ValueError("columns of different lengths")
    return Earlier(_number(time), _position(position), *before)


def _finding(key: str, kind: Any, message: Any, where: Any, count: Any) -> Finding:
    return KINDS[kind].about(key, where=_text(where), count=_whole(count), message=_text(message))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float):
        raise TypeError("no number")
    return float(value)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("no whole number")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in value.items()}


def _position(value: Any) -> Position | None:
    return None if value is None else _valued(Position, value)


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "float": _number,
    "float | None": lambda value: None if value is None else _number(value),
    "Position | None": _position,
    "tuple[str, ...]": lambda value: tuple(map(_text, value)),
    "Mapping[str, str]": _texts,
}


def _valued(kind: type[T], values: Any) -> T:
    """Make a value object of a list of its fields, each of the type that it is written with."""
    return kind(*(_FIELDS[field.type](value) for field, value in zip(fields(kind), values, strict=True)))  # type: ignore[arg-type,index]
