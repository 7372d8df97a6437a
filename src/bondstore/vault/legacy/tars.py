"""The members of a tar, read once from front to back, in bounded memory, to the blocks that end it.

The standard library reads the headers. It ends in silence where a header is damaged or the end is missing, and holds
all members in memory, so the walk is our own.
"""

from __future__ import annotations

import posixpath
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

BLOCK = 512
_HEADER = 1 << 20
"""Bytes that a member's headers have at most: the longest names and maps of holes fit many times."""
_ZEROS = bytes(1 << 20)
_LATEST = 1 << 62  # ns since 1970, in the year 2116: no file system of ours is older
CUT, DAMAGED = "cut", "damaged"


class Readable(Protocol):
    """What a tar is read from: `bondstore.vault.legacy.content.Source`."""

    position: int

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end."""

    def peek(self, size: int) -> bytes:
        """Return the next bytes and leave them."""

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield exactly so many bytes, or raise that they are cut off."""

    def skip(self, size: int) -> None:
        """Pass over exactly so many bytes."""

    def skip_zeros(self) -> None:
        """Pass over all bytes up to the first that is not zero."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a tar; its content is to be read before the next one is asked for, or not at all."""

    name: str
    kind: str
    """``file``, ``folder``, ``link``, or ``device`` for all else."""
    size: int
    mtime_ns: int
    target: str
    """What a link leads to: from the top of the tar, or from the root where it is absolute."""
    pieces: Iterator[bytes]


class Walk:
    """Goes through a tar, to its end blocks and the zeros behind them.

    Raises `DamagedError` where a header is wrong or the end is missing; `last` is the last whole member until then.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.last = ""
        self.number = 0

    def finish(self) -> None:
        """Go on to the end."""
        for _ in self:
            pass

    def __iter__(self) -> Iterator[Member]:
        headers = _Headers(self._source)
        tar = _Tar(fileobj=cast("IO[bytes]", headers))
        while (info := self._next(headers, tar)) is not None:
            yield self._member(info, tar.offset)
            self._source.skip(tar.offset - self._source.position)
            self.last, self.number = info.name, self.number + 1
        self._source.skip_zeros()

    def _next(self, headers: _Headers, tar: _Tar) -> tarfile.TarInfo | None:
        """Return the next header; None where the end blocks are."""
        start = headers.begin()
        tar.pax_headers = {name: tar.pax_headers[name] for name in tarfile.PAX_FIELDS if name in tar.pax_headers}
        if self._source.peek(BLOCK) == _ZEROS[:BLOCK]:
            if self._source.peek(2 * BLOCK) == _ZEROS[: 2 * BLOCK]:
                return None
            raise DamagedError("Its end is missing: the tar has one end block of two.", kind=CUT)
        try:
            info = tarfile.TarInfo.fromtarfile(tar)
        except (tarfile.HeaderError, ValueError, IndexError, OverflowError, RecursionError):
            if self._source.peek(1):
                raise _wrong(start) from None
            raise DamagedError("Its end is missing: the tar stops before its end blocks.", kind=CUT) from None
        if info.size < 0 or tar.offset < self._source.position:
            raise _wrong(start)
        return info

    def _member(self, info: tarfile.TarInfo, end: int) -> Member:
        kind = "device"
        pieces: Iterator[bytes] = iter(())
        if info.type in tarfile.REGULAR_TYPES or info.type == tarfile.GNUTYPE_SPARSE:
            kind, pieces = "file", self._content(info, end)
        elif info.isdir():
            kind = "folder"
        elif info.issym() or info.islnk():
            kind = "link"
        target = info.linkname
        if info.issym() and not target.startswith("/"):
            target = posixpath.join(posixpath.dirname(info.name), target)
        return Member(info.name, kind, info.size, _nanoseconds(info.mtime), target, pieces)

    def _content(self, info: tarfile.TarInfo, end: int) -> Iterator[bytes]:
        """Return the content of a file, the holes of a sparse one filled with zeros; refuse what cannot be."""
        at, stored = 0, end - self._source.position
        sparse = cast("list[tuple[int, int]] | None", info.sparse)  # the stubs have it otherwise
        spans = [(0, info.size)] if sparse is None else [one for one in sparse if one[1]]
        for start, size in spans:
            stored -= size
            if start < at or size < 0 or start + size > info.size or stored < 0:
                raise _wrong(info.offset)
            at = start + size
        return self._filled(spans, info.size)

    def _filled(self, spans: list[tuple[int, int]], whole: int) -> Iterator[bytes]:
        at = 0
        for start, size in spans:
            yield from _zeros(start - at)
            yield from self._source.pieces(size)
            at = start + size
        yield from _zeros(whole - at)


def _zeros(size: int) -> Iterator[bytes]:
    while size > 0:
        yield _ZEROS[:size]
        size -= len(_ZEROS)


def _nanoseconds(seconds: float) -> int:
    """Return a time as the system counts it; one that it cannot keep is its first."""
    try:
        found = int(seconds * 1000) * 1_000_000
    except (ValueError, OverflowError):  # a PAX header may say nan or inf
        return 0
    return found if 0 <= found < _LATEST else 0


def _wrong(start: int) -> DamagedError:
    return DamagedError(f"The tar header at byte {start} is wrong.", kind=DAMAGED)


def is_header(block: bytes) -> bool:
    """Whether a tar begins so: with a header whose checksum is right."""
    try:
        tarfile.TarInfo.frombuf(block[:BLOCK], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


class _Tar(tarfile.TarFile):
    """What `TarInfo.fromtarfile` reads from; it keeps no members."""

    def next(self) -> tarfile.TarInfo | None:
        return None


class _Headers:
    """The source as a file, for one member's headers: no more than those can need is read."""

    def __init__(self, source: Readable) -> None:
        self._source, self._left = source, _HEADER

    def begin(self) -> int:
        """Begin with a member; return where."""
        self._left = _HEADER
        return self._source.position

    def read(self, size: int) -> bytes:
        self._left -= size
        if size < 0 or self._left < 0:
            raise tarfile.HeaderError("too long")
        return self._source.read(size)

    def tell(self) -> int:
        return self._source.position
