"""Looking a zip's directory over before anything is unpacked: all its numbers are claims."""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bondstore.zips.findings import ZipPlace
from bondstore.zips.headers import CENTRAL, END, LOCAL_SIZE, find_local, name_sums, read_central, read_local
from bondstore.zips.limits import Limits
from bondstore.zips.names import read_name
from bondstore.zips.source import Positioned

_END_RECORD = struct.Struct("<4s4H2LH")
_WIDE_LOCATOR = struct.Struct("<4sLQL")
_WIDE_END = struct.Struct("<4sQ2H2L4Q")
_LONGEST_NOTE = 0xFFFF
_BIG = 0xFFFFFFFF
_TRIES = 8  # a note may be full of what looks like end records


@dataclass(frozen=True, slots=True)
class End:
    """Where a zip's directory is, and how many entries it is said to have."""

    start: int
    size: int
    count: int
    shift: int  # bytes in front of the zip: what is to be added to the offsets in it


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One member as the directory tells of it."""

    number: int  # its place in the zip, from 0, by where it begins
    name: str
    odd: str
    name_sums: frozenset[bytes]  # one of them its name in the local header must come to
    encrypted: bool
    link: bool
    folder: bool
    method: int
    crc: int
    packed: int
    size: int
    start: int
    least: int  # bytes that header and data take at least
    bound: int  # what it must not reach beyond: the next member or the directory


def find_end(source: Positioned) -> tuple[End | None, bool]:
    """Return where the directory is by a record that can be true, and whether there is any such record at all."""
    reach = min(source.size, _END_RECORD.size + _LONGEST_NOTE)
    base = source.size - reach
    tail = source.at(base, reach)
    seen = False
    at = len(tail)
    for _ in range(_TRIES):
        at = tail.rfind(END, 0, at)
        if at < 0:
            break
        record = tail[at : at + _END_RECORD.size]
        if len(record) < _END_RECORD.size:
            continue
        seen = True
        end = _end_at(source, base + at, record)
        if end and not _is_inner(source, end, base + at + _END_RECORD.size):
            return end, True
    return None, seen


def read_entries(source: Positioned, end: End, place: ZipPlace, limits: Limits) -> list[DirectoryEntry] | None:
    """Read a zip's directory, by where members begin; None where it does not agree with itself."""
    if end.count > limits.members:
        raise place.damaged("zip-too-many", f"The zip has {end.count} members; the limit is {limits.members}.")
    at = end.start
    entries: list[DirectoryEntry] = []
    for _ in range(end.count):
        central = read_central(source, at)
        at += central.length if central else 0
        if central is None or at > end.start + end.size:
            return None
        name, odd = read_name(central.raw)
        kind = stat.S_IFMT(central.mode)
        entries.append(
            DirectoryEntry(
                number=0,
                name=name,
                odd=odd,
                name_sums=name_sums(central.raw, central.flags),
                encrypted=central.encrypted,
                link=kind not in (0, stat.S_IFREG, stat.S_IFDIR),
                folder=central.size == 0 and (name.endswith("/") or kind == stat.S_IFDIR),
                method=central.method,
                crc=central.crc,
                packed=central.packed,
                size=central.size,
                start=central.start + end.shift,
                least=LOCAL_SIZE + len(central.raw) + central.packed,  # its local header may hold more
                bound=0,
            )
        )
    if at != end.start + end.size:
        return None
    entries.sort(key=lambda entry: entry.start)
    _check_total(entries, place, limits)
    return list(_apart(source, entries, end.start, place))


def _end_at(source: Positioned, at: int, record: bytes) -> End | None:
    """Return where the directory is if the end record at a position can be true."""
    values: Any = _END_RECORD.unpack(record)
    _, disk, first_disk, here, count, size, offset, _ = values
    wide = _wide_end(source, at)
    if wide is not None:
        at, wide_count, wide_size, wide_offset = wide
        agree = count in (wide_count, 0xFFFF) and size in (wide_size, _BIG) and offset in (wide_offset, _BIG)
        here, count, size, offset = (wide_count if agree else -1), wide_count, wide_size, wide_offset
    if disk or first_disk or here != count:
        return None
    if not count and not size:
        return End(at, 0, 0, at)
    # Bytes may stand in front of the zip: then the directory ends right before this record, not where it says.
    for start in (at - size, offset):
        if start >= offset and start + size <= at and source.at(start, 4) == CENTRAL:
            return End(start, size, count, start - offset)
    return None


def _is_inner(source: Positioned, end: End, behind: int) -> bool:
    """Tell whether members lie around what a directory tells of: it is not theirs, theirs is lost."""
    before = find_local(source, 0, end.shift) if end.shift else None
    return bool(before or find_local(source, behind))


def _wide_end(source: Positioned, at: int) -> tuple[int, int, int, int] | None:
    """Return place, count, size and offset from the zip64 records in front of the end record, where there are some."""
    locator = source.at(at - _WIDE_LOCATOR.size, _WIDE_LOCATOR.size)
    if len(locator) < _WIDE_LOCATOR.size or not locator.startswith(b"PK\x06\x07"):
        return None
    for place in (at - _WIDE_LOCATOR.size - _WIDE_END.size, _WIDE_LOCATOR.unpack(locator)[2]):
        record = source.at(place, _WIDE_END.size)
        if len(record) == _WIDE_END.size and record.startswith(b"PK\x06\x06"):
            values: Any = _WIDE_END.unpack(record)
            return place, values[7], values[8], values[9]
    return None


def _check_total(entries: Iterable[DirectoryEntry], place: ZipPlace, limits: Limits) -> None:
    total = sum(entry.size for entry in entries if entry.size <= limits.member_bytes)
    if total > limits.total_bytes:
        raise place.damaged("zip-bomb", f"The zip unpacks to {total} bytes; the limit is {limits.total_bytes}.")


def _apart(
    source: Positioned, entries: list[DirectoryEntry], directory: int, place: ZipPlace
) -> Iterator[DirectoryEntry]:
    """Yield the entries, numbered, each with the place it must not reach beyond; refuse those that share bytes."""
    for number, entry in enumerate(entries):
        bound = entries[number + 1].start if number + 1 < len(entries) else directory
        if entry.start + entry.least > bound:
            # The name may be shorter in the local header than in the directory: then that says where the data are.
            local = read_local(source, entry.start)
            agree = local is not None and not entry.name_sums.isdisjoint(name_sums(local.raw, local.flags))
            if local is None or not agree or local.data_start + entry.packed > bound:
                raise place.damaged("zip-overlap")
        yield replace(entry, number=number, bound=bound)
