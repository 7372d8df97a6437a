"""Zstandard with a bounded output: no size from a header is trusted, and a cut frame is told from a damaged one.

Frames mostly carry no check sum: damage inside literals can pass unseen, which callers must look for in the content.
"""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import zstandard

from bondstore.codecs.zstdframes import MAGIC, FrameWalk
from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview

ONE_SHOT_LIMIT = 256 << 20
"""Most bytes that `decompress` gives out by default."""
STREAM_LIMIT = 16 << 30
"""Most bytes that `Inflater` gives out by default."""
LEVEL = 3
"""Compression level by default."""

_WINDOW_LIMIT = 64 << 20  # memory a decompressor may be told to take; levels up to 19 need 8 MiB
_TRUSTED_SIZE, _TRUSTED_RATIO = 1 << 20, 256  # up to here a header's size is worth allocating at once
_LOCAL = threading.local()


def looks_like_zstd(data: Buffer) -> bool:
    """Whether bytes start with the magic number of a zstd frame, ``28 b5 2f fd``."""
    return bytes(data[:4]) == MAGIC


def compress(plain: Buffer, level: int = LEVEL) -> bytes:
    """Compress into one frame that carries its content size and no check sum, as Beiwe servers do."""
    compressors: dict[int, zstandard.ZstdCompressor] = _LOCAL.__dict__.setdefault("compressors", {})
    if level not in compressors:
        compressors[level] = zstandard.ZstdCompressor(level=level, write_checksum=False, write_content_size=True)
    return compressors[level].compress(plain)


def decompress(data: Buffer, limit: int = ONE_SHOT_LIMIT) -> bytes:
    """Decompress frames that lie in memory; memory grows with what comes out, not with what a header says."""
    declared = _declared_size(data)
    if declared > limit:
        raise _too_large(limit)
    if 0 < declared <= max(_TRUSTED_SIZE, _TRUSTED_RATIO * len(data)):
        try:
            return _one_shot().decompress(data, allow_extra_data=False)
        except zstandard.ZstdError:
            pass  # many frames, or damage: the slow way reads the first and names the second
    content, error = salvage(data, limit)
    if error is not None:
        raise error
    return content


def salvage(data: Buffer, limit: int = ONE_SHOT_LIMIT) -> tuple[bytes, DamagedError | None]:
    """Decompress as far as it goes; return all content before the damage, to the block, and what ended it."""
    content, inflater = io.BytesIO(), Inflater(limit)
    try:
        for piece in inflater.update(data):
            content.write(piece)
        inflater.finalize()
    except DamagedError as error:
        return content.getvalue(), error
    return content.getvalue(), None


def inflate(
    chunks: Iterable[Buffer], limit: int = STREAM_LIMIT, growth: Callable[[int], int] | None = None
) -> Iterator[bytes]:
    """Decompress a stream of chunks of any size; raises as `decompress` does, after the good content.

    `growth` says how many bytes may come out of so many that went in.
    """
    inflater = Inflater(limit, growth)
    for chunk in chunks:
        yield from inflater.update(chunk)
    inflater.finalize()


class Inflater:
    """Decompresses frames that come in chunks of any size. One thread at a time."""

    def __init__(self, limit: int = STREAM_LIMIT, growth: Callable[[int], int] | None = None) -> None:
        self._most = limit
        self._growth = growth
        self._limit = limit
        self._taken = self._given = 0
        self._frames = 0
        self._walk = FrameWalk()
        # Not the thread's shared decompressor: streams that take turns on one would mix their state.
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_LIMIT)
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def update(self, chunk: Buffer) -> Iterator[bytes]:
        """Decompress the next chunk, to be consumed before the one after."""
        self._taken += len(chunk)
        if self._growth is not None:
            self._limit = min(self._most, self._growth(self._taken))
        for piece in self._walk.cut(memoryview(chunk)):
            yield from self._feed(piece)

    def finalize(self) -> None:
        """End the stream."""
        if self._frame is None and self._frames:
            return
        if self._frames and self._walk.between_frames:
            raise _trailing()
        raise DamagedError(
            f"The zstd frame is cut short after {self._given} bytes of content.", kind="truncated", hint=_FETCH_AGAIN
        )

    def _feed(self, piece: Buffer) -> Iterator[bytes]:
        while piece:
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            try:
                content = self._frame.decompress(piece)
            except zstandard.ZstdError as error:
                raise self._judged(error) from None
            self._given += len(content)
            if self._given > self._limit:
                raise _too_large(self._limit)
            if content:
                yield content
            if not self._frame.eof:
                return
            piece = self._frame.unused_data
            self._frame = None
            self._frames += 1

    def _judged(self, error: zstandard.ZstdError) -> DamagedError:
        text = str(error)
        if "too much memory" in text:
            return DamagedError(f"The zstd frame asks for a window over {_WINDOW_LIMIT >> 20} MiB.", kind="too-large")
        if self._frames and "nknown frame" in text:
            return _trailing()
        return DamagedError(
            f"The zstd frame is damaged after {self._given} bytes of content.", kind="bad-zstd", hint=_FETCH_AGAIN
        )


_FETCH_AGAIN = "Fetch it again; if it stays so, its tables can still be salvaged up to there."


def _one_shot() -> zstandard.ZstdDecompressor:
    decompressor: zstandard.ZstdDecompressor | None = getattr(_LOCAL, "decompressor", None)
    if decompressor is None:
        decompressor = _LOCAL.decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_LIMIT)
    return decompressor


def _declared_size(data: Buffer) -> int:
    """Content size in the first frame's header; 0 where there is none or no header."""
    try:
        size = zstandard.frame_content_size(data)
    except zstandard.ZstdError:
        return 0
    return max(size, 0)


def _too_large(limit: int) -> DamagedError:
    return DamagedError(
        f"The content is larger than the limit of {limit} bytes.",
        kind="too-large",
        hint="Raise the limit if you trust the object.",
    )


def _trailing() -> DamagedError:
    return DamagedError("Bytes that are no zstd follow the end of the frame.", kind="bad-zstd", hint=_FETCH_AGAIN)
