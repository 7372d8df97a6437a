"""Reading ahead: who reads listed objects one after the other gets batches, fetched and parsed beforehand.

As an operating system does with files: nothing is read ahead before two objects were asked for in the order of their
listing, the batches grow while that goes on, and everything is dropped when it ends.
"""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from bondstore.domains.beiwe.reading.fetch import SealedObject
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import BondstoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.reading.stream import ReadBatch
    from bondstore.findings import Finding

_FIRST, _MOST = 8, 128  # objects in the first batch that is read ahead, and in the largest
_BATCH_BYTES = 4 << 20
_BATCHES = 3  # that are under way or wait to be taken
FRESH = 10.0
"""Seconds after which what was read ahead is read anew: it may have changed."""


class Taken(NamedTuple):
    """One object that was read ahead, without any damage."""

    frame: pl.DataFrame
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Batch:
    """A batch under way: where its objects stand in the sequence, and what comes of them."""

    start: int
    end: int
    future: Future[tuple[ReadBatch, list[pl.DataFrame]]]
    born: float = field(default_factory=time.monotonic)


class ReadAhead:
    """Reads ahead in the order of what was listed last.

    `read` reads a batch of one stream, in threads: the batch, and a frame for each object.
    """

    def __init__(self, read: Callable[[Sequence[Listed]], tuple[ReadBatch, list[pl.DataFrame]]]) -> None:
        self._read = read
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._sequence: Sequence[Listed] = ()
        self._places: dict[str, int] = {}
        self._last = -2
        self._size = _FIRST
        self._batches: list[_Batch] = []

    def offer(self, sequence: Sequence[Listed]) -> None:
        """Tell what was listed: it will perhaps be read in this order."""
        with self._lock:
            self._drop()
            self._sequence, self._places, self._last = sequence, {}, -2

    def take(self, listed: Listed) -> Taken | None:
        """Return an object that was read ahead, or None; and read further ahead where objects are taken in order."""
        with self._lock:
            if not self._places:
                self._places = {one.object.key: place for place, one in enumerate(self._sequence)}
            place = self._places.get(listed.object.key)
            if place is None or self._sequence[place].version != listed.version:
                return None
            in_order = place == self._last + 1
            self._last = place
            if not in_order:
                self._drop()
                return None
            batch = self._holding(place)
            self._go_on(place + 1)
        return None if batch is None else _picked(batch, place)

    def _holding(self, place: int) -> _Batch | None:
        """Find the batch that holds a place; forget those that are behind it or no longer fresh."""
        now = time.monotonic()
        self._batches = [one for one in self._batches if one.end > place and now - one.born < FRESH]
        return next((one for one in self._batches if one.start <= place), None)

    def _go_on(self, place: int) -> None:
        """Start batches until enough are under way."""
        if self._batches:
            place = max(place, self._batches[-1].end)
        while len(self._batches) < _BATCHES and place < len(self._sequence):
            end = self._end_of_batch(place)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(2, "read-ahead")
            self._batches.append(_Batch(place, end, self._pool.submit(self._read, self._sequence[place:end])))
            self._size = min(2 * self._size, _MOST)
            place = end

    def _end_of_batch(self, start: int) -> int:
        """A batch is of one stream, and bounded."""
        stream, size, end = self._sequence[start].object.stream, 0, start
        limit = min(start + self._size, len(self._sequence)) if STREAMS[stream].is_table else start + 1
        while end < limit and self._sequence[end].object.stream == stream and (end == start or size < _BATCH_BYTES):
            size += self._sequence[end].size
            end += 1
        return end

    def _drop(self) -> None:
        for batch in self._batches:
            batch.future.cancel()
        self._batches, self._size = [], _FIRST


def _picked(batch: _Batch, place: int) -> Taken | None:
    """Wait for a batch and pick one object; what is not whole is read again by itself, for its own error."""
    try:
        read, frames = batch.future.result()
    except (BondstoreError, CancelledError):  # cancelled: another thread began to read elsewhere
        return None
    one = read.objects[place - batch.start]
    if not isinstance(one.answer, SealedObject) or one.damage:
        return None
    key = one.answer.object.key
    return Taken(frames[place - batch.start], tuple(finding for finding in read.findings if finding.key == key))
