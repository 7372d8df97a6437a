"""Packed bytes to plain ones: bounded at each step, whatever the bytes say."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from typing import Protocol

from bondstore.zips.chunks import CHUNK
from bondstore.zips.directory import DirectoryEntry
from bondstore.zips.findings import ZipPlace
from bondstore.zips.headers import name_sum, read_local
from bondstore.zips.limits import Limits
from bondstore.zips.source import Positioned

STORED, DEFLATED, BZIP2 = 0, 8, 12
METHODS = frozenset((STORED, DEFLATED, BZIP2))
"""Compression methods that are read. LZMA is not: its header says how much memory to take, up to 4 GB."""


def unpack(source: Positioned, entry: DirectoryEntry, place: ZipPlace, limits: Limits) -> Iterator[bytes]:
    """Yield what a member of a sound directory holds; it is whole when no error came until its end."""
    if entry.size > limits.member_bytes:
        raise place.damaged("member-too-large")
    if entry.method not in METHODS:
        raise place.damaged("member-method")
    start = _data_start(source, entry, place)
    crc, left = 0, entry.size
    for chunk in _decompressed(source.span(start, start + entry.packed), entry.method, place):
        left -= len(chunk)
        if left < 0:
            raise place.damaged("member-damaged", "The member holds more than the zip's directory says.")
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if left:
        raise place.damaged("member-damaged", "The member holds less than the zip's directory says.")
    if crc != entry.crc:
        raise place.damaged("member-damaged", "The member's bytes do not agree with its checksum.")


def _data_start(source: Positioned, entry: DirectoryEntry, place: ZipPlace) -> int:
    """Return where the data begin, once the member's own header has been found to say what the directory says."""
    local = read_local(source, entry.start)
    if local is None:
        raise place.damaged("member-damaged", "There is no member where the zip's directory says.")
    agree = (local.method, name_sum(local.raw)) == (entry.method, entry.name_sum) and not local.encrypted
    if not local.trailed:
        agree = agree and (local.crc, local.packed, local.size) == (entry.crc, entry.packed, entry.size)
    if not agree:
        raise place.damaged("member-damaged", "The member's own header and the zip's directory disagree.")
    if local.data_start + entry.packed > entry.bound:
        raise place.damaged("member-damaged", "The member runs into what follows it.")
    return local.data_start


def _decompressed(pieces: Iterator[bytes], method: int, place: ZipPlace) -> Iterator[bytes]:
    if method == STORED:
        yield from pieces
        return
    decoder: _Decoder = _Inflate() if method == DEFLATED else _Bunzip()
    fed = False
    for piece in pieces:
        rest: bytes | None = piece
        fed = True
        while rest is not None and not decoder.ended:
            try:
                chunk, rest = decoder.step(rest)
            except (zlib.error, OSError):  # bz2 has no error of its own
                raise place.damaged("member-damaged", "The member's packed data are damaged.") from None
            if chunk:
                yield chunk
        if rest:
            raise place.damaged("member-damaged", "The member's packed data end too early.")
    if fed and not decoder.ended:  # no data at all are an empty member, as some programs write it
        raise place.damaged("member-damaged", "The member's packed data are cut.")


class _Decoder(Protocol):
    """A decompressor that gives `CHUNK` bytes at most at a step."""

    @property
    def ended(self) -> bool:
        """Whether its data have come to their end."""

    def step(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Return some output, and what to go on with; None when more data are needed."""


class _Inflate:
    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def ended(self) -> bool:
        return self._inflater.eof

    def step(self, data: bytes) -> tuple[bytes, bytes | None]:
        chunk = self._inflater.decompress(data, CHUNK)
        if self._inflater.eof:
            return chunk, self._inflater.unused_data or None
        rest = self._inflater.unconsumed_tail
        return chunk, rest if rest or len(chunk) == CHUNK else None  # output can be pending with no input left


class _Bunzip:
    def __init__(self) -> None:
        self._decompressor = bz2.BZ2Decompressor()

    @property
    def ended(self) -> bool:
        return self._decompressor.eof

    def step(self, data: bytes) -> tuple[bytes, bytes | None]:
        chunk = self._decompressor.decompress(data, CHUNK)
        if self._decompressor.eof:
            return chunk, self._decompressor.unused_data or None
        return chunk, None if self._decompressor.needs_input else b""
