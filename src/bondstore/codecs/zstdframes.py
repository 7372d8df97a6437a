"""Where the blocks of a zstd stream end (RFC 8878, section 3.1).

A decompressor that is fed whole chunks can be made to put out 32,768 times as much. Fed block by block it puts out
128 KiB at most at a time, whatever the bytes say, so that a limit can be held while it works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAGIC = b"\x28\xb5\x2f\xfd"
"""First bytes of a zstd frame."""

_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_DICTIONARY_ID = (0, 1, 2, 4)
_CONTENT_SIZE = (0, 2, 4, 8)
_REPEATED = 1
_FOREVER = 1 << 62


class FrameWalk:
    """Cuts a stream, coming in chunks of any size, where its blocks end.

    It trusts no length and judges nothing: what is no zstd passes through, for the decompressor to refuse.
    """

    def __init__(self) -> None:
        self._head = b""  # the header being collected
        self._wanted = 4  # its length
        self._read: Callable[[], None] = self._magic
        self._left = 0  # bytes of content still to pass
        self._checksum = False

    @property
    def between_frames(self) -> bool:
        """Whether no frame has begun since the last one ended, though up to three bytes may have come."""
        return not self._left and self._read == self._magic

    def cut(self, chunk: bytes | memoryview) -> Iterator[memoryview]:
        """Cut a chunk into pieces, together the same bytes, none with the content of more than one block."""
        view = memoryview(chunk)
        start = at = 0
        while at < len(view):
            if self._left:
                step = min(self._left, len(view) - at)
                self._left -= step
                at += step
                if not self._left:
                    yield view[start:at]
                    start = at
                continue
            taken = bytes(view[at : at + self._wanted - len(self._head)])
            self._head += taken
            at += len(taken)
            if len(self._head) == self._wanted:
                self._read()
        if start < at:
            yield view[start:at]

    def _expect(self, size: int, read: Callable[[], None]) -> None:
        self._head, self._wanted, self._read = b"", size, read

    def _magic(self) -> None:
        if self._head == MAGIC:
            self._expect(1, self._descriptor)
        elif int.from_bytes(self._head, "little") in _SKIPPABLE:
            self._expect(4, self._skipped)
        else:
            self._expect(1, self._foreign)
            self._left = _FOREVER

    def _skipped(self) -> None:
        self._left = int.from_bytes(self._head, "little")
        self._expect(4, self._magic)

    def _descriptor(self) -> None:
        flags = self._head[0]
        single = bool(flags & 0x20)
        self._checksum = bool(flags & 0x04)
        size = _CONTENT_SIZE[flags >> 6] or int(single)
        self._expect(int(not single) + _DICTIONARY_ID[flags & 0x03] + size, self._block_next)

    def _block_next(self) -> None:
        self._expect(3, self._block)

    def _block(self) -> None:
        bits = int.from_bytes(self._head, "little")
        self._left = 1 if bits >> 1 & 0x03 == _REPEATED else bits >> 3
        if not bits & 1:
            self._expect(3, self._block)
        elif self._checksum:
            self._expect(4, self._sum)
        else:
            self._expect(4, self._magic)

    def _sum(self) -> None:
        self._expect(4, self._magic)

    def _foreign(self) -> None:
        self._left = _FOREVER
