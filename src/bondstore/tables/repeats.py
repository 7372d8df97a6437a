"""Which rows repeat one of an earlier unit: by digests in a scratch file, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from bondstore.tables.rowdigests import DIGEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET = 1 << 17
"""Rows that are compared at a time."""
_BLOCK = 1 << 16
_RECORD = np.dtype([("high", "<u8"), ("low", "<u8"), ("row", "<i8")])


class RowSet:
    """Numbers of rows, a bit each."""

    def __init__(self, rows: int) -> None:
        self._bits = np.zeros(-(-rows // 8), np.uint8)

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Add rows."""
        np.bitwise_or.at(self._bits, numbers >> 3, (1 << (numbers & 7)).astype(np.uint8))

    def part(self, start: int, count: int) -> NDArray[np.bool_]:
        """Tell of `count` rows from number `start` on whether they are in the set."""
        first = start >> 3
        bits = np.unpackbits(self._bits[first : (start + count + 7) >> 3], bitorder="little")
        return bits[start - 8 * first :][:count].astype(bool)


def find_repeats(digests: IO[bytes], starts: NDArray[np.int64], rows: int, scratch: Path) -> RowSet:
    """Find rows to leave out, so that each row stays as often as the unit has it that has it most often.

    The k-th of equal rows of a unit repeats the k-th of an earlier unit; the first unit that has it keeps it.
    """
    found = RowSet(rows)
    buckets = -(-rows // BUCKET)
    if buckets <= 1:
        if rows:
            found.add(_in_memory(np.concatenate(list(_blocks(digests, rows))), starts))
        return found
    sizes = np.zeros(buckets, np.int64)
    for records in _blocks(digests, rows):
        sizes += np.bincount(_bucket_of(records, buckets), minlength=buckets)
    with closing(TemporaryFile(dir=scratch)) as sorted_out:
        _distribute(digests, rows, sizes, sorted_out)
        sorted_out.seek(0)
        for size in sizes.tolist():
            if size <= 2 * BUCKET:
                found.add(_in_memory(_records(sorted_out, size), starts))
            else:  # one row very often: few different ones are in here
                _one_by_one(sorted_out, size, starts, found)
    return found


def _blocks(digests: IO[bytes], rows: int) -> Iterator[NDArray[Any]]:
    """Read digests with the numbers of their rows."""
    digests.seek(0)
    for start in range(0, rows, _BLOCK):
        count = min(_BLOCK, rows - start)
        halves = np.frombuffer(digests.read(count * DIGEST), "<u8").reshape(count, 2)
        records = np.empty(count, _RECORD)
        records["high"], records["low"] = halves[:, 0], halves[:, 1]
        records["row"] = np.arange(start, start + count)
        yield records


def _records(file: IO[bytes], count: int) -> NDArray[Any]:
    return np.frombuffer(file.read(count * _RECORD.itemsize), _RECORD)


def _bucket_of(records: NDArray[Any], buckets: int) -> NDArray[np.int64]:
    # The upper half of a digest, scaled to the number of buckets: digests are even, so the buckets are about as large.
    return ((records["high"] >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64)


def _distribute(digests: IO[bytes], rows: int, sizes: NDArray[np.int64], out: IO[bytes]) -> None:
    """Write records bucket by bucket, each in order of its rows."""
    places = (np.cumsum(sizes) - sizes) * _RECORD.itemsize
    for records in _blocks(digests, rows):
        buckets = _bucket_of(records, len(sizes))
        counts = np.bincount(buckets, minlength=len(sizes))
        content = records[np.argsort(buckets, kind="stable")].tobytes()
        at = 0
        for bucket in np.flatnonzero(counts).tolist():
            size = int(counts[bucket]) * _RECORD.itemsize
            out.seek(int(places[bucket]))
            out.write(content[at : at + size])
            places[bucket] += size
            at += size


def _in_memory(records: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Compare the rows of one bucket; return those to leave out."""
    records = records[_shared(records["high"])]
    if not len(records):
        return np.empty(0, np.int64)
    records = records[np.lexsort((records["row"], records["low"], records["high"]))]
    units = np.searchsorted(starts, records["row"], "right")
    group_starts = _first(records["high"]) | _first(records["low"])
    group = np.cumsum(group_starts)
    # Which of its unit's equal rows each one is; rows that are the same one of several units then stand together.
    nth = _since(group_starts | _first(units))
    order = np.lexsort((units, nth, group))
    repeats = ~(_first(group[order]) | _first(nth[order]))
    return np.asarray(records["row"][order][repeats], np.int64)


def _shared(values: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which values occur more than once."""
    order = np.argsort(values, kind="stable")
    first = _first(values[order])
    alone = first.copy()
    alone[:-1] &= first[1:]
    shared = np.empty(len(values), bool)
    shared[order] = ~alone
    return shared


def _first(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which values differ from the one before."""
    first = np.ones(len(values), bool)
    first[1:] = values[1:] != values[:-1]
    return first


def _since(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count on from each start."""
    places = np.arange(len(starts))
    return places - np.maximum.accumulate(np.where(starts, places, 0))


def _one_by_one(file: IO[bytes], size: int, starts: NDArray[np.int64], found: RowSet) -> None:
    """Compare the rows of a bucket that is too large for memory, remembering each different one."""
    known: dict[bytes, list[int]] = {}
    for at in range(0, size, _BLOCK):
        records = _records(file, min(_BLOCK, size - at))
        units = np.searchsorted(starts, records["row"], "right").tolist()
        halves = records.tobytes()
        repeats = []
        for place, unit in enumerate(units):
            digest = halves[place * _RECORD.itemsize : place * _RECORD.itemsize + DIGEST]
            # The unit that was last seen with it, how often there, and how often in the unit that has it most often.
            state = known.setdefault(digest, [unit, 0, 0])
            if state[0] != unit:
                state[0], state[1] = unit, 0
            state[1] += 1
            if state[1] > state[2]:
                state[2] = state[1]
            else:
                repeats.append(place)
        found.add(np.asarray(records["row"][repeats], np.int64))
