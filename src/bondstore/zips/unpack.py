"""Packed bytes to plain ones: bounded at each step, whatever the bytes say."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Protocol, cast

import zstandard

from bondstore.errors import DamagedError
from bondstore.zips.chunks import CHUNK
from bondstore.zips.directory import DirectoryEntry
from bondstore.zips.findings import ZipPlace
from bondstore.zips.headers import name_sums, read_local
from bondstore.zips.limits import Limits
from bondstore.zips.source import Positioned

STORED, DEFLATED, DEFLATED64, BZIP2, LZMA, ZSTD_OLD, ZSTD = 0, 8, 9, 12, 14, 20, 93
METHODS = frozenset((STORED, DEFLATED, DEFLATED64, BZIP2, LZMA, ZSTD_OLD, ZSTD))
"""Compression methods that are read (APPNOTE 4.4.5)."""
_DICTIONARY = 64 << 20
"""The most memory for what a packer looks back to: the headers of LZMA and zstd may ask for gigabytes."""


def unpack(source: Positioned, entry: DirectoryEntry, place: ZipPlace, limits: Limits) -> Iterator[bytes]:
    """Yield what a member of a sound directory holds; it is whole when no error came until its end."""
    if entry.size > limits.member_bytes:
        raise place.damaged("member-too-large")
    if entry.method == DEFLATED64 and entry.size > limits.slow_bytes:
        raise too_slow(place)
    if entry.method not in METHODS:
        raise place.damaged("member-method")
    start = _data_start(source, entry, place)
    crc, left = 0, entry.size
    for chunk in _decompressed(source.span(start, start + entry.packed), entry, place):
        left -= len(chunk)
        if left < 0:
            raise place.damaged("member-damaged", "The member holds more than the zip's directory says.")
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if left:
        raise place.damaged("member-damaged", "The member holds less than the zip's directory says.")
    if crc != entry.crc:
        raise place.damaged("member-damaged", "The member's bytes do not agree with its checksum.")


def too_slow(place: ZipPlace) -> DamagedError:
    """Make the error for a member that would take many minutes to unpack."""
    sentence = (
        "The member is compressed with Deflate64, which is slow to unpack: such members of a zip may have 64 MiB."
    )
    return place.damaged("member-too-large", sentence)


def _data_start(source: Positioned, entry: DirectoryEntry, place: ZipPlace) -> int:
    """Return where the data begin, once the member's own header has been found to say what the directory says."""
    local = read_local(source, entry.start)
    if local is None:
        raise place.damaged("member-damaged", "There is no member where the zip's directory says.")
    agree = local.method == entry.method and not local.encrypted
    agree = agree and not entry.name_sums.isdisjoint(name_sums(local.raw, local.flags))
    if not local.trailed:
        agree = agree and (local.crc, local.packed, local.size) == (entry.crc, entry.packed, entry.size)
    if not agree:
        raise place.damaged("member-damaged", "The member's own header and the zip's directory disagree.")
    if local.data_start + entry.packed > entry.bound:
        raise place.damaged("member-damaged", "The member runs into what follows it.")
    return local.data_start


def _decompressed(pieces: Iterator[bytes], entry: DirectoryEntry, place: ZipPlace) -> Iterator[bytes]:
    if entry.method == STORED:
        yield from pieces
        return
    first = next(pieces, None)
    if first is None:
        return  # no data at all are an empty member, as some programs write it
    pieces = chain([first], pieces)
    try:
        yield from _UNPACKERS[entry.method](pieces, entry, place)
    except (lzma.LZMAError, zstandard.ZstdError):
        raise place.damaged("member-damaged", "The member's packed data are damaged.") from None
    if next(pieces, None) is not None:
        raise place.damaged("member-damaged", _EARLY)


def _stepwise(decoder: _Decoder, pieces: Iterator[bytes], place: ZipPlace) -> Iterator[bytes]:
    for piece in pieces:
        rest: bytes | None = piece
        while rest is not None and not decoder.ended:
            try:
                chunk, rest = decoder.step(rest)
            except (zlib.error, OSError):  # bz2 has no error of its own
                raise place.damaged("member-damaged", "The member's packed data are damaged.") from None
            if chunk:
                yield chunk
        if rest:
            raise place.damaged("member-damaged", _EARLY)
    if not decoder.ended:
        raise place.damaged("member-damaged", "The member's packed data are cut.")


def _inflated64(pieces: Iterator[bytes], entry: DirectoryEntry, place: ZipPlace) -> Iterator[bytes]:  # noqa: ARG001
    try:
        import stream_inflate
    except ImportError:
        raise place.damaged("member-method", "Deflate64 is read with `pip install 'bondstore[screenlake]'`.") from None
    unpack_all, is_done, unconsumed = stream_inflate.stream_inflate64(chunk_size=CHUNK)
    try:
        yield from unpack_all(pieces)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # for damage the library has them all
        raise place.damaged("member-damaged", "The member's packed data are damaged.") from None
    if not is_done() or unconsumed():
        raise place.damaged("member-damaged", _EARLY if is_done() else "The member's packed data are cut.")


def _unlzma(pieces: Iterator[bytes], entry: DirectoryEntry, place: ZipPlace) -> Iterator[bytes]:
    """Unpack LZMA (APPNOTE 5.8.8): version, length of the properties, properties, data with an end mark or without."""
    head = b""
    while len(head) < _LZMA_HEAD and (piece := next(pieces, b"")):
        head += piece
    properties, dictionary = head[4:5], int.from_bytes(head[5:9], "little")
    if len(head) < _LZMA_HEAD or head[2:4] != b"\5\0" or properties[0] >= 9 * 5 * 5:
        raise place.damaged("member-damaged", "The member's packed data are damaged.")
    dictionary = max(1 << 12, min(dictionary, entry.size))  # nothing lies further back than the beginning
    if dictionary > _DICTIONARY:
        raise place.damaged("member-method", f"To unpack the member takes {dictionary} bytes of memory.")
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    one = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
    try:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[one])
    except (lzma.LZMAError, ValueError):
        raise place.damaged("member-damaged", "The member's packed data are damaged.") from None
    left, data = entry.size, head[_LZMA_HEAD:]
    while left and not decoder.eof:
        chunk = decoder.decompress(data, min(CHUNK, left))
        left -= len(chunk)
        data = b""
        if chunk:
            yield chunk
        elif decoder.needs_input:
            data = next(pieces, b"")
            if not data:
                return  # what is missing is counted
    if decoder.eof and decoder.unused_data:
        raise place.damaged("member-damaged", _EARLY)


def _unzstd(pieces: Iterator[bytes], entry: DirectoryEntry, place: ZipPlace) -> Iterator[bytes]:  # noqa: ARG001
    decoder = zstandard.ZstdDecompressor(max_window_size=_DICTIONARY)
    with decoder.stream_reader(cast("IO[bytes]", _Fed(pieces)), read_across_frames=True) as reader:
        while chunk := reader.read(CHUNK):
            yield chunk


class _Fed:
    """Pieces as a file that is read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def read(self, size: int) -> bytes:
        """Return up to so many bytes."""
        held = self._held or next(self._pieces, b"")
        self._held = held[size:]
        return held[:size]


_EARLY = "The member's packed data end too early."
_LZMA_HEAD = 9
_Unpacker = Callable[[Iterator[bytes], "DirectoryEntry", "ZipPlace"], Iterator[bytes]]


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


_UNPACKERS: dict[int, _Unpacker] = {
    DEFLATED: lambda pieces, _, place: _stepwise(_Inflate(), pieces, place),
    DEFLATED64: _inflated64,
    BZIP2: lambda pieces, _, place: _stepwise(_Bunzip(), pieces, place),
    LZMA: _unlzma,
    ZSTD_OLD: _unzstd,
    ZSTD: _unzstd,
}
