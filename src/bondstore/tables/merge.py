"""Merging sorted files into one order, a block of each at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from bondstore.tables.rows import in_order, times


class _Source:
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
    """Merge sorted streams into one.

    Parameters
    ----------
    sources : sequence of iterators of polars.DataFrame
        Each sorted by `by` throughout, no frame empty. Rows that share a time come out in the order of the sources.
    by : str
        An integer column.

    Yields
    ------
    polars.DataFrame
        In order; memory holds about one frame of each source.
    """
    streams = [_Source(frames, by) for frames in sources]
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
