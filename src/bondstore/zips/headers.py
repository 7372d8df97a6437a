"""The records in a zip, read from untrusted bytes (PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3)."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any

from bondstore.zips.source import PIECE, Positioned

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
DESCRIPTOR = b"PK\x07\x08"
ENCRYPTED = 0x0001 | 0x0040 | 0x2000
"""Flags of members, and of directories, that are encrypted in one way or another."""

TRAILED = 0x0008
"""Flag of members whose checksum and sizes follow their data."""

_UTF_8 = 0x0800
LOCAL_SIZE = 30
_CENTRAL_SIZE = 46
_LOCAL_RECORD = struct.Struct("<4s5H3L2H")
_CENTRAL_RECORD = struct.Struct("<4s6H3L5H2L")
_UNUSED_FLAGS = 0xD780
_METHODS = frozenset((*range(11), 12, 14, 16, 18, 19, 20, *range(92, 100)))
_NEWEST = 63
_AES = 99
_BIG = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Local:
    """The header in front of a member's data."""

    start: int
    data_start: int
    version: int
    flags: int
    method: int
    crc: int
    packed: int  # not known yet where `trailed`, as `size`
    size: int
    raw: bytes

    @property
    def trailed(self) -> bool:
        """Whether checksum and sizes follow the data."""
        return bool(self.flags & TRAILED)

    @property
    def encrypted(self) -> bool:
        """Whether the data are encrypted."""
        return bool(self.flags & ENCRYPTED) or self.method == _AES

    @property
    def possible(self) -> bool:
        """Whether some zip program could have written it: four bytes alone can turn up in any data."""
        return self.version & 0xFF <= _NEWEST and not self.flags & _UNUSED_FLAGS and self.method in _METHODS


@dataclass(frozen=True, slots=True)
class Central:
    """One entry of a zip's directory."""

    flags: int
    method: int
    crc: int
    packed: int
    size: int
    start: int  # of its local header, as it stands there
    mode: int  # the Unix file mode, or 0
    raw: bytes
    length: int  # of the whole entry

    @property
    def encrypted(self) -> bool:
        """Whether the data are encrypted."""
        return bool(self.flags & ENCRYPTED) or self.method == _AES


def read_local(source: Positioned, start: int) -> Local | None:
    """Read the local header at a position; None where there is no whole one."""
    head = source.at(start, LOCAL_SIZE)
    if len(head) < LOCAL_SIZE or not head.startswith(LOCAL):
        return None
    values: Any = _LOCAL_RECORD.unpack(head)
    _, version, flags, method, _, _, crc, packed, size, names, extras = values
    tail = source.at(start + LOCAL_SIZE, names + extras)
    if len(tail) < names + extras:
        return None
    wide = _wide(tail[names:], size == _BIG, packed == _BIG)
    if wide:
        size, packed = (wide.pop(0) if size == _BIG else size), (wide.pop(0) if packed == _BIG else packed)
    data_start = start + LOCAL_SIZE + names + extras
    return Local(start, data_start, version, flags, method, crc, packed, size, tail[:names])


def find_local(source: Positioned, start: int, stop: int | None = None) -> Local | None:
    """Find the first local header from `start` on, and before `stop`, that some zip program could have written."""
    stop = source.size if stop is None else stop
    lead = len(LOCAL) - 1
    while start < stop:
        block = source.at(start, min(PIECE, stop + lead - start))
        at = block.find(LOCAL)
        while at >= 0:
            local = read_local(source, start + at)
            if local and local.possible:
                return local
            at = block.find(LOCAL, at + 1)
        start += max(len(block) - lead, 1)
    return None


def read_central(source: Positioned, start: int) -> Central | None:
    """Read the directory entry at a position; None where there is no whole one."""
    head = source.at(start, _CENTRAL_SIZE)
    if len(head) < _CENTRAL_SIZE or not head.startswith(CENTRAL):
        return None
    values: Any = _CENTRAL_RECORD.unpack(head)
    _, _, _, flags, method, _, _, crc, packed, size, names, extras, notes, _, _, outer, offset = values
    tail = source.at(start + _CENTRAL_SIZE, names + extras)
    if len(tail) < names + extras:
        return None
    wide = _wide(tail[names:], size == _BIG, packed == _BIG, offset == _BIG)
    if wide is None and size == _BIG and _has_none(tail[names:]) and _BIG not in (packed, offset):
        wide = [size]  # the member is said to be that large, and no 64-bit size stands in place of it
    if wide is None:
        return None
    size = wide.pop(0) if size == _BIG else size
    packed = wide.pop(0) if packed == _BIG else packed
    offset = wide.pop(0) if offset == _BIG else offset
    length = _CENTRAL_SIZE + names + extras + notes
    return Central(flags, method, crc, packed, size, offset, outer >> 16, tail[:names], length)


def name_sums(raw: bytes, flags: int) -> frozenset[bytes]:
    """Return what a name is compared by: of one length, however long it is.

    One name may stand in cp437 in one header and in UTF-8 in the other: Python's `zipfile` rewrites the directory of a
    zip that it appends to, and not the local headers (APPNOTE appendix D).
    """
    try:
        text = raw.decode("utf-8" if flags & _UTF_8 else "cp437")
    except UnicodeDecodeError:
        text = ""
    return frozenset(hashlib.blake2b(one, digest_size=16).digest() for one in (raw, text.encode()) if one or not raw)


def _has_none(extras: bytes) -> bool:
    """Whether an extra field is sound and holds nothing of zip64."""
    at = 0
    while at + 4 <= len(extras):
        tag, length = struct.unpack_from("<2H", extras, at)
        if tag == 1:
            return False
        at += 4 + length
    return at == len(extras)


def _wide(extras: bytes, *wanted: bool) -> list[int] | None:
    """Return 64-bit values of an extra field (zip64, APPNOTE 4.5.3), in order; None where a wanted one is not there."""
    count = sum(wanted)
    at = 0
    while count and at + 4 <= len(extras):
        tag, length = struct.unpack_from("<2H", extras, at)
        if tag == 1:
            if length < 8 * count or at + 4 + 8 * count > len(extras):
                return None
            return list(struct.unpack_from(f"<{count}Q", extras, at + 4))
        at += 4 + length
    return None if count else []
