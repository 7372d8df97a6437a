"""Counting what there is: from the listing alone, or, where rows are asked for, by reading every object.

Participants come one after the other, so memory holds the listing of a few of them, and of the others sums by day.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.beiwe.coverage.calendar import Calendar
from bondstore.domains.beiwe.coverage.hours import Coverage, StreamHours, runs_of
from bondstore.domains.beiwe.listing import left_out, sort_twins, walk_by_participant
from bondstore.domains.beiwe.reading.stream import noted, read_stream
from bondstore.domains.beiwe.selection import StudySelection
from bondstore.domains.beiwe.streams import HOUR_MS, STREAMS
from bondstore.errors import UsageError
from bondstore.findings import Severity
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

    from bondstore.domains.beiwe.decode import Opener
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.runs.progress import Progress
    from bondstore.stores import Store

_IV = 16
"""Bytes of an object that holds nothing."""
_ALL_ROWS = StudySelection()


def count(
    store: Store,
    study: str,
    selection: StudySelection,
    zone: ZoneInfo,
    *,
    tool: Opener | None = None,
    progress: Progress | None = None,
) -> Coverage:
    """Count the hours of a selection that have data; raises UsageError for rows of two sources, which hold the same.

    Without `tool` no object is read.
    """
    if tool is not None and selection.source == "both":
        raise UsageError("Rows of both sources would be counted twice.", hint="Take chunked, or raw.")
    # Hours that begin in the window; of what lies outside of it only the streams are of interest.
    since, until = (None if one is None else -(-one // HOUR_MS) for one in (selection.since_ms, selection.until_ms))
    made = Coverage(Calendar(zone), since, until, tool is not None)
    ever = replace(selection, since_ms=None, until_ms=None)
    counting = _Counting(made, ever, tool, progress or Quiet())
    return counting.run(store, study)


class _Counting:
    def __init__(self, made: Coverage, ever: StudySelection, tool: Opener | None, progress: Progress) -> None:
        self._made, self._ever, self._tool, self._progress = made, ever, tool, progress
        self._others: Counter[str] = Counter()
        self._seen = Count()

    def run(self, store: Store, study: str) -> Coverage:
        """Go through the participants."""
        try:
            for _, listed in walk_by_participant(store, study, self._ever):
                for stream, some in sorted(self._by_stream(listed).items()):
                    self._made.streams.append(self._count(store, stream, some))
                self._progress.listing(self._seen)
        finally:
            self._progress.end()
        self._made.left_out = dict(self._others)
        return self._made

    def _by_stream(self, listed: Sequence[Listed]) -> dict[str, list[Listed]]:
        found: dict[str, list[Listed]] = {}
        for page, _ in sort_twins([sorted(listed, key=lambda one: one.object.key)]):
            for one in page:
                if (reason := left_out(one.object)) is not None:
                    self._others[reason] += 1
                elif self._ever.wants(one.object):
                    if self._tool is None:
                        self._seen += Count(1, one.size)
                    if one.size > _IV:
                        found.setdefault(one.object.stream, []).append(one)
                    else:
                        self._made.too_short += 1
        return found

    def _count(self, store: Store, stream: str, listed: Sequence[Listed]) -> StreamHours:
        """Sum up the objects of a participant's stream."""
        all_hours = np.array([one.object.time_ms or 0 for one in listed], np.int64) // HOUR_MS
        since, until = self._made.since, self._made.until
        inside = np.ones(len(all_hours), bool) if since is None else all_hours >= since
        if until is not None:
            inside &= all_hours < until
        mine = list(compress(listed, inside))
        hours, owners = np.unique(all_hours[inside], return_inverse=True)
        rows = None
        if self._tool is not None and STREAMS[stream].is_table and mine:
            rows = _sums(owners, self._counted_rows(store, self._tool, mine), len(hours))
        sizes = np.array([one.size for one in mine], np.int64)
        objects = np.bincount(owners, minlength=len(hours)).astype(np.int64)
        present = np.ones(len(hours), bool) if rows is None else rows > 0
        days, edges = self._days_of(hours)
        at = np.searchsorted(edges, hours, "right") - 1

        def by_day(values: NDArray[np.int64]) -> NDArray[np.int64]:
            return _sums(at, values, len(days))[objects_by_day > 0]

        objects_by_day = _sums(at, objects, len(days))
        return StreamHours(
            listed[0].object.participant,
            stream,
            days[objects_by_day > 0],
            by_day(present.astype(np.int64)),
            by_day(objects),
            by_day(_sums(owners, sizes, len(hours))),
            None if rows is None else by_day(rows),
            runs_of(hours[present]),
        )

    def _days_of(self, hours: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the days that hours span, and with which hour each begins."""
        if not len(hours):
            return hours, hours
        calendar = self._made.calendar
        first, last = calendar.day_of(int(hours[0])), calendar.day_of(int(hours[-1]))
        return np.arange(first, last + 1), calendar.edges(first, last)[:-1]

    def _counted_rows(self, store: Store, tool: Opener, listed: Sequence[Listed]) -> NDArray[np.int64]:
        """Read objects, and return how many rows each has."""
        places = {one.object.key: place for place, one in enumerate(listed)}
        counts = np.zeros(len(listed), np.int64)
        ordered = sorted(listed, key=lambda one: (one.object.time_ms or 0, one.object.key))
        with closing(read_stream(store, tool, ordered, _ALL_ROWS)) as batches:
            for batch in noted(batches):
                for one, number in zip(batch.objects, batch.rows, strict=True):
                    counts[places[one.listed.object.key]] = number
                self._made.findings += [one for one in batch.told if one.severity is Severity.ERROR]
                self._seen += Count(len(batch.objects), sum(one.listed.size for one in batch.objects))
                self._progress.listing(self._seen)
        return counts


def _sums(owners: NDArray[np.int64], values: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Sum up values by owner, as whole numbers: bincount takes floats."""
    sums = np.zeros(number, np.int64)
    np.add.at(sums, owners, values)
    return sums
