"""Rows in order: sorted, without repeats, and sorted files merged into one, a block of each at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray


def times(frame: pl.DataFrame, by: str) -> NDArray[np.int64]:
    """Return the sort column as int64; without a copy where polars allows."""
    return frame[by].to_numpy()


def in_order(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """Sort stably by one column; a frame that is in order already comes back as it is."""
    values = times(frame, by)
    if bool((values[1:] >= values[:-1]).all()):
        return frame
    return frame.sort(by, maintain_order=True)


def without_repeats(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """Drop rows that repeat an earlier row exactly."""
    values = times(frame, by)
    tie = values[1:] == values[:-1]
    if not tie.any():
        return frame
    tied = np.zeros(len(values), bool)
    tied[1:] |= tie
    tied[:-1] |= tie
    places = np.flatnonzero(tied)
    # Hashes first: most rows of one instant differ, and to compare them value by value costs several times as much.
    hashes = frame[places].hash_rows().to_numpy()
    ordered = np.sort(hashes)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(again):
        return frame
    places = places[np.isin(hashes, again)]
    first = frame[places].select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
    if first.all():
        return frame
    keep = np.ones(len(values), bool)
    keep[places[~first]] = False
    return frame.filter(pl.Series(keep))


def detached(frame: pl.DataFrame) -> pl.DataFrame:
    """Copy a frame, so that it no longer keeps alive the larger one it was cut from; texts too."""
    copied = pl.from_arrow(frame[np.arange(frame.height)].to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(copied, pl.DataFrame)
    return copied


class _Stream:
    """A sorted stream of frames, with the block at its front in memory."""

    def __init__(self, frames: Iterator[pl.DataFrame], by: str) -> None:
        self._frames = frames
        self._by = by
        self.block: pl.DataFrame | None = None
        self.more = True
        self.load()

    def load(self) -> None:
        """Add the next block to the one in memory."""
        following = next(self._frames, None)
        if following is None:
            self.more = False
        else:
            self.block = following if self.block is None else pl.concat([self.block, following])

    def last(self) -> int:
        """Time of the last row in memory."""
        assert self.block is not None
        return int(self.block[self._by][-1])

    def take(self, bound: int | None) -> pl.DataFrame | None:
        """Take the rows before `bound` (all of them for None)."""
        if self.block is None:
            return None
        count = self.block.height if bound is None else int(times(self.block, self._by).searchsorted(bound, "left"))
        taken = self.block[:count]
        self.block = self.block[count:] if count < self.block.height else None
        return taken if count else None


def merge(sources: Sequence[Iterator[pl.DataFrame]], by: str) -> Iterator[pl.DataFrame]:
    """Merge sorted streams, none with an empty frame; rows of one time come in the order of the sources."""
    streams = [_Stream(frames, by) for frames in sources]
    while any(stream.block is not None for stream in streams):
        open_ended = [stream for stream in streams if stream.more and stream.block is not None]
        # Rows at the bound itself wait: the stream that ends there may hold more of them.
        bound = min((stream.last() for stream in open_ended), default=None)
        taken = [part for stream in streams if (part := stream.take(bound)) is not None]
        if taken:
            yield in_order(pl.concat(taken), by)
        for stream in open_ended:
            if stream.block is None or stream.last() == bound:
                stream.load()
