"""An object in a store as a file to read from: in blocks, where they are asked for, all of one version."""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from bondstore.errors import TransientStoreError, UsageError

if TYPE_CHECKING:
    from bondstore.stores.info import ObjectInfo
    from bondstore.stores.store import Store

_KEPT = 4


class RangeFile(io.RawIOBase):
    """Reads an object in blocks of so many bytes. Not for use by several threads at a time.

    Reading raises `ChangedError` when the object is no longer the version that was opened, and the errors of
    `Store.get_range`.
    """

    def __init__(self, store: Store, info: ObjectInfo, block: int = 1 << 20) -> None:
        super().__init__()
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        if block < 1:
            raise UsageError("A block has at least one byte.")
        if not info.etag:  # nothing could tell one version from another
            raise UsageError(f"{store.url}/{info.key} has no etag: read it whole, with `get`.")
        self.info = info
        self._store = store
        self._block = block
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position, which may lie beyond the end, and return it."""
        self._usable()
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.info.size}
        if whence not in bases:
            raise UsageError("A seek counts from the start (0), from here (1) or from the end (2).")
        if bases[whence] + offset < 0:
            raise UsageError("There is nothing in front of a file's start.")
        self._at = bases[whence] + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer, but for what lies beyond the object's end; return how many bytes were read."""
        self._usable()
        target = memoryview(buffer).cast("B")
        done = 0
        while done < len(target) and self._at < self.info.size:
            number, skipped = divmod(self._at, self._block)
            piece = memoryview(self._fetched(number))[skipped : skipped + len(target) - done]
            target[done : done + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        return done

    def close(self) -> None:
        """Let go of the blocks that are kept."""
        self._kept.clear()
        super().close()

    def _fetched(self, number: int) -> bytes:
        kept = self._kept.pop(number, None)
        if kept is None:
            start = number * self._block
            length = min(self._block, self.info.size - start)
            kept = self._store.get_range(self.info.key, start, length, self.info.etag)
            if len(kept) != length:
                raise TransientStoreError(f"{self._store.url}/{self.info.key} is shorter than it said.")
        self._kept[number] = kept
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return kept

    def _usable(self) -> None:
        if self.closed:
            raise UsageError("The file is closed.")
