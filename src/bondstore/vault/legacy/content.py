"""What content is by its first bytes, and whether it is whole: read to its end, by what each format says of itself.

Only gzip has a checksum over all of it. Of the others it is known that they are complete, not that no byte changed.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bondstore.codecs.openssl import LARGEST_BLOCK, padding
from bondstore.errors import DamagedError
from bondstore.vault.legacy.tars import CUT, DAMAGED, Walk, is_header

UNPROVED = "unproved"
"""The kind of `DamagedError` where content does not say where its end is; the others are `CUT` and `DAMAGED`."""
TAR, TAR_GZ = "tar", "tar.gz"
_PIECE = 1 << 20
_ZIP_END = 66_000  # an end record with the longest comment, and what zip64 has before it


@dataclass(frozen=True, slots=True)
class Ending:
    """Where content ends."""

    size: int
    """Bytes without the cipher's padding."""
    extra: int = 0
    """Bytes of these behind the end that the format itself says."""


class Source:
    """Bytes to be read once, from front to back."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held, self._at = b"", 0
        self.position = 0

    def peek(self, size: int) -> bytes:
        """Return the next bytes and leave them; fewer at the end."""
        while len(self._held) - self._at < size and (chunk := next(self._chunks, None)) is not None:
            self._held, self._at = self._held[self._at :] + chunk, 0
        return self._held[self._at : self._at + size]

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        found = self.peek(size)
        self._at += len(found)
        self.position += len(found)
        return found

    def some(self) -> bytes:
        """Return the next bytes, as many as are at hand; none at the end."""
        self.peek(1)
        return self.read(min(len(self._held) - self._at, _PIECE))

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield exactly so many bytes, or raise that they are cut off."""
        while size:
            self.peek(1)
            piece = self.read(min(size, len(self._held) - self._at, _PIECE))
            if not piece:
                raise DamagedError("Its end is missing.", kind=CUT)
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over exactly so many bytes, or raise that they are cut off."""
        for _ in self.pieces(size):
            pass

    def skip_zeros(self) -> None:
        """Pass over all bytes up to the first that is not zero."""
        while piece := self.some():
            if rest := piece.lstrip(b"\0"):
                self.give_back(len(rest))
                return

    def give_back(self, size: int) -> None:
        """Leave the last bytes of the last `some` to who reads next."""
        self._at -= size
        self.position -= size

    def finish(self) -> Ending:
        """Read what follows the content: the cipher's padding, nothing, or what nobody can explain."""
        end, tail = self.position, self.read(LARGEST_BLOCK)
        last = tail
        while piece := self.some():
            last = (last + piece)[-LARGEST_BLOCK:]
        number = padding(last)
        if number == len(tail):  # all of it, as there can be no more
            return Ending(end)
        return Ending(self.position - number, self.position - number - end)


Prove = Callable[[Source], Ending]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of content."""

    name: str
    is_so: Callable[[bytes], bool]
    """Whether content begins so, by a few thousand bytes of it."""
    prove: Prove
    """Reads all, or raises `DamagedError`."""


def gunzip(source: Source) -> Iterator[bytes]:
    """Yield what gzip members hold, one after the other; their checksums and sizes are compared."""
    while source.peek(2) == b"\x1f\x8b":
        inflating = zlib.decompressobj(31)
        while not inflating.eof:
            yield from _inflated(inflating, source)
        source.give_back(len(inflating.unused_data))


def _inflated(inflating: zlib._Decompress, source: Source) -> Iterator[bytes]:
    """Yield what the next piece of a gzip member holds, in pieces of bounded size."""
    start, piece = source.position, source.some()
    left = piece
    while True:
        try:
            plain = inflating.decompress(left, _PIECE)
        except zlib.error as error:
            what = "checksum" if "check" in str(error) else "stream"
            raise DamagedError(f"Its gzip {what} is wrong, at byte {start} or later.", kind=DAMAGED) from error
        left = inflating.unconsumed_tail
        if plain:
            yield plain
        if inflating.eof or (not left and len(plain) < _PIECE):
            break
    if not piece and not inflating.eof:
        raise DamagedError("Its gzip stream stops before its checksum.", kind=CUT)


def _prove_gzip(source: Source) -> Ending:
    for _ in gunzip(source):
        pass
    return source.finish()


def _prove_tar(source: Source) -> Ending:
    Walk(source).finish()
    return source.finish()


def _prove_tar_gz(source: Source) -> Ending:
    inner = Source(gunzip(source))
    Walk(inner).finish()
    while inner.some():  # to the checksum
        pass
    return source.finish()


def _prove_avi(source: Source) -> Ending:
    while source.peek(4) == b"RIFF":  # the first is AVI, those of a long recording are AVIX (OpenDML 1.02, section 4)
        head = source.read(8)
        size = int.from_bytes(head[4:], "little")
        if size in (0, 0xFFFFFFFF):
            raise DamagedError("Its recording was never closed: the AVI states no size.", kind=UNPROVED)
        _skip(source, size, "AVI")
        if size % 2 and source.peek(1) == b"\0":
            source.skip(1)
    return source.finish()


def _prove_mp4(source: Source) -> Ending:
    seen = set()
    while (head := source.peek(LARGEST_BLOCK + 1)) and padding(head) != len(head):  # ISO/IEC 14496-12, section 4.2
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        size = int.from_bytes(head[8:16], "big") if size == 1 else size
        if size == 0:
            raise DamagedError("Its last box states no size.", kind=UNPROVED)
        if len(head) < 8 or size < 8 or not name.isascii() or not name.decode().isprintable():
            raise DamagedError(f"What stands at byte {source.position} is no box of an MP4.", kind=DAMAGED)
        seen.add(name)
        _skip(source, size, "MP4")
    if b"moov" not in seen:
        raise DamagedError("Its recording was never closed: the MP4 has no index (moov).", kind=CUT)
    return source.finish()


def _prove_edf(source: Source) -> Ending:
    head = source.read(256)
    width = 3 if head[0] == 0xFF else 2
    try:
        signals, records = int(head[252:256]), int(head[236:244])
        counts = [int(source.read(8)) for _ in _after(source, signals)]
        states = int(head[184:192])
    except ValueError as error:
        raise DamagedError("Its EDF header cannot be read.", kind=DAMAGED) from error
    if states != 256 * (signals + 1) or min(counts, default=0) < 0:
        raise DamagedError("Its EDF header contradicts itself.", kind=DAMAGED)
    if records < 0:
        raise DamagedError("Its recording was never closed: the EDF states no number of records.", kind=UNPROVED)
    _skip(source, 32 * signals + records * width * sum(counts), "EDF")
    return source.finish()


def _after(source: Source, signals: int) -> range:
    """Pass over the fields before the samples per record; return the signals."""
    if not 0 <= signals <= 9999:
        raise ValueError(signals)
    _skip(source, 216 * signals, "EDF")
    return range(signals)


def _skip(source: Source, size: int, name: str) -> None:
    start = source.position
    try:
        source.skip(size)
    except DamagedError as error:
        got = source.position - start
        raise DamagedError(
            f"Its end is missing: the {name} states {size} bytes behind byte {start}, and {got} are there.", kind=CUT
        ) from error


def _prove_zip(source: Source) -> Ending:
    tail = b""
    while piece := source.some():
        tail = (tail + piece)[-_ZIP_END:]
    for number in dict.fromkeys((padding(tail), 0)):
        content = tail[: len(tail) - number]
        at = content.rfind(b"PK\5\6")
        if at >= 0 and len(content) == at + 22 + int.from_bytes(content[at + 20 : at + 22], "little"):
            size, start = struct.unpack_from("<II", content, at + 12)
            behind = source.position - number - len(content) + at  # the record's own place
            if size + start == behind or content[at - 20 : at - 16] == b"PK\6\7":
                return Ending(source.position - number)
            raise DamagedError("Its zip directory is not where the end record says.", kind=DAMAGED)
    raise DamagedError("Its end is missing: the zip has no end record.", kind=CUT)


def _is_tar_gz(head: bytes) -> bool:
    return is_header(_start_of_gzip(head))


def _start_of_gzip(head: bytes) -> bytes:
    """Return the first bytes that are in a gzip stream; none where it is not one."""
    if not head.startswith(b"\x1f\x8b\x08"):
        return b""
    try:
        return zlib.decompressobj(31).decompress(head, 4096) or b"?"
    except zlib.error:
        return b""


def _is_edf(head: bytes) -> bool:
    return head.startswith((b"0       ", b"\xffBIOSEMI")) and head[236:244].strip(b" -0123456789") == b""


KINDS = (
    Kind(TAR_GZ, _is_tar_gz, _prove_tar_gz),
    Kind("gzip", lambda head: bool(_start_of_gzip(head)), _prove_gzip),
    Kind(TAR, is_header, _prove_tar),
    Kind("AVI", lambda head: head[:4] == b"RIFF" and head[8:12] == b"AVI ", _prove_avi),
    Kind("MP4", lambda head: head[4:8] == b"ftyp" and 8 <= int.from_bytes(head[:4], "big") <= 4096, _prove_mp4),
    Kind("EDF", _is_edf, _prove_edf),
    Kind("zip", lambda head: head[:4] in (b"PK\3\4", b"PK\5\6"), _prove_zip),
)


def kind_of(head: bytes) -> Kind | None:
    """Return what content is that begins so; None where it is nothing that can be proved."""
    return next((kind for kind in KINDS if kind.is_so(head)), None)


def take_all(source: Source) -> Ending:
    """Read all, whatever it is: what is no padding is content."""
    last = b""
    while piece := source.some():
        last = (last + piece)[-LARGEST_BLOCK:]
    return Ending(source.position - padding(last))


def evidence(head: bytes, last: bytes) -> float:
    """Return how much speaks against chance, in bits, where content of no known kind begins and ends so."""
    bits = 8.0 * padding(last)
    counts = np.bincount(np.frombuffer(head, np.uint8), minlength=256)
    expected = len(head) / 256
    # of noise, 255 on average and 23 more or less
    if expected >= 1 and float(np.sum((counts - expected) ** 2)) / expected > 1000:
        bits += 100
    text = head[: len(head) - padding(head)]
    if text and all(32 <= one < 127 or one in b"\t\r\n" for one in text):
        bits += len(text) * math.log2(256 / 98)
    return bits
