"""netCDF in its classic format, 64-bit offset: a header and columns, put together in memory without any library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bondstore.errors import UsageError

Value = str | int | float | NDArray[Any]

_MAGIC = b"CDF\x02"
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_PAGE = 4096
_LARGEST = (1 << 32) - 4
_COUNT = Struct(">i")
_TAG = Struct(">ii")
_ENTRY = Struct(">iIq")
_TYPES: Mapping[str, tuple[int, str]] = {
    "i1": (1, ">i1"),
    "S1": (2, "S1"),
    "i2": (3, ">i2"),
    "i4": (4, ">i4"),
    "f4": (5, ">f4"),
    "f8": (6, ">f8"),
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a file."""

    name: str  # ASCII letters, digits and underscores
    dimensions: tuple[str, ...]  # slowest first
    values: NDArray[Any]  # of one of _TYPES, with the shape that the dimensions give
    attributes: Mapping[str, Value] = field(default_factory=dict)  # an int becomes 32 bits wide, a float 64


def classic_netcdf(
    dimensions: Mapping[str, int], attributes: Mapping[str, Value], variables: Sequence[Variable]
) -> bytes:
    """Return a file in the classic format with 64-bit offsets (CDF-2); the same content gives the same bytes.

    A dimension of length 0 becomes the record dimension, with no records: the format knows no other empty one.
    Source: "The NetCDF Classic Format Specification", NetCDF Users Guide, appendix B.
    """
    if sum(length == 0 for length in dimensions.values()) > 1:
        raise UsageError("A file in netCDF's classic format can hold only one empty dimension.")
    numbers = {name: number for number, name in enumerate(dimensions)}
    bodies = [_body(one, dimensions) for one in variables]
    heads = [_head(one, numbers) for one in variables]
    listed = b"".join(_name(name) + _COUNT.pack(length) for name, length in dimensions.items())
    start = b"".join(
        (
            _MAGIC,
            _COUNT.pack(0),
            _list(_DIMENSIONS, len(dimensions), listed),
            _attributes(attributes),
            _TAG.pack(_VARIABLES if variables else 0, len(variables)),
        )
    )
    offset = header = len(start) + sum(len(head) + _ENTRY.size for head in heads)
    record = offset + sum(map(len, bodies))  # records follow all that is fixed, even where there are none
    entries: list[bytes] = []
    for one, head, body in zip(variables, heads, bodies, strict=True):
        size = len(body) or _record_size(one, dimensions)
        entries += (head, _ENTRY.pack(_type(one.values)[0], size, offset if body else record))
        offset += len(body)
        record += 0 if body else size
    # netCDF's library reads a header from memory a page at a time, and refuses a file that ends within one
    # ("Operation not permitted"). What follows the last variable, nobody reads.
    return b"".join((start, *entries, *bodies, b"\0" * (header + _PAGE - offset)))


def _body(one: Variable, dimensions: Mapping[str, int]) -> bytes:
    """Return the values as the format has them, with zeros up to a multiple of four bytes."""
    if one.values.shape != tuple(dimensions[name] for name in one.dimensions):
        raise UsageError(f"The values of {one.name} have another shape than its dimensions.")
    if one.values.nbytes > _LARGEST:
        raise UsageError(
            f"The variable {one.name} is too large for one netCDF file.", hint="Write fewer profiles into a file."
        )
    return _padded(one.values.astype(_type(one.values)[1]).tobytes())


def _record_size(one: Variable, dimensions: Mapping[str, int]) -> int:
    """Return the bytes that one record would take, of a variable that has none."""
    length = one.values.itemsize
    for name in one.dimensions:
        length *= dimensions[name] or 1
    return -(-length // 4) * 4


def _head(one: Variable, numbers: Mapping[str, int]) -> bytes:
    shape = _COUNT.pack(len(one.dimensions)) + b"".join(_COUNT.pack(numbers[name]) for name in one.dimensions)
    return _name(one.name) + shape + _attributes(one.attributes)


def _attributes(attributes: Mapping[str, Value]) -> bytes:
    coded = b"".join(
        _name(name) + _array(value) if isinstance(value, np.ndarray) else _attribute(name, value)
        for name, value in attributes.items()
    )
    return _list(_ATTRIBUTES, len(attributes), coded)


@lru_cache(maxsize=4096, typed=True)
def _attribute(name: str, value: str | float) -> bytes:
    """Most attributes are the same in every file of a run."""
    return _name(name) + (_text(value) if isinstance(value, str) else _array(np.array([value], _kind(value))))


def _list(tag: int, count: int, coded: bytes) -> bytes:
    return _TAG.pack(tag if count else 0, count) + coded


@lru_cache(maxsize=1024)
def _name(name: str) -> bytes:
    coded = name.encode("ascii")
    return _COUNT.pack(len(coded)) + _padded(coded)


def _array(values: NDArray[Any]) -> bytes:
    array = np.atleast_1d(values)
    number, kind = _type(array)
    return _TAG.pack(number, len(array)) + _padded(array.astype(kind).tobytes())


def _text(value: str) -> bytes:
    coded = value.encode("utf-8", "backslashreplace")
    return _TAG.pack(2, len(coded)) + _padded(coded)


def _kind(value: float) -> str:
    return "i4" if isinstance(value, int) else "f8"


def _type(values: NDArray[Any]) -> tuple[int, str]:
    found = _TYPES.get(values.dtype.str[1:])
    if found is None:
        raise UsageError(f"Values of type {values.dtype} cannot stand in a netCDF file of the classic format.")
    return found


def _padded(coded: bytes) -> bytes:
    return coded + b"\0" * (-len(coded) % 4)
