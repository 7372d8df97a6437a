"""Reading at positions from anything that can seek."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Protocol

PIECE = 64 * 1024
"""The most packed bytes read at a time."""

FIRST = 1024
"""Packed bytes read at first: many members are small, and some are looked at only."""


class ByteSource(Protocol):
    """What a zip is read from: a file, `io.BytesIO`, or a `bondstore.stores.rangefile.RangeFile`."""

    def read(self, size: int = -1, /) -> bytes | None:
        """Read up to `size` bytes."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position and return it."""


class Positioned:
    """Reads by position; keeps none of its own between two reads."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.size = source.seek(0, io.SEEK_END)

    def at(self, start: int, length: int) -> bytes:
        """Return the bytes from `start`: `length` of them, or as many as there are."""
        length = min(length, self.size - start)
        if start < 0 or length <= 0:
            return b""
        self._source.seek(start)
        data = self._source.read(length) or b""
        while len(data) < length and (more := self._source.read(length - len(data))):
            data += more
        return data

    def span(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `end`, fewer where the source ends; `FIRST` of them, then ever more."""
        length = FIRST
        while start < end and (data := self.at(start, min(length, end - start))):
            yield data
            start += len(data)
            length = min(2 * length, PIECE)
