"""Hours in which there is something, and those in between: what is counted, as frames of days and of gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bondstore.domains.beiwe.coverage.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from bondstore.findings import Finding

    Whole = NDArray[np.int64]

CONTINUOUS = frozenset({"accelerometer", "bluetooth", "devicemotion", "gps", "gyro", "magnetometer", "wifi"})
"""Streams that a phone records in turns all day long; of others it writes down what happens, so hours without are
no gap.
"""
DAY_HOURS = 24


class Gap(NamedTuple):
    """Hours in a row without data, as hours since 1970."""

    begin: int
    end: int

    @property
    def hours(self) -> int:
        """How long it is."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class StreamHours:
    """What was counted of a participant's stream: sums by day, and in which hours there is something."""

    participant: str
    stream: str
    days: Whole  # days on which objects lie, since 1970, ascending
    hours: Whole  # of each day that have data
    objects: Whole
    bytes: Whole
    rows: Whole | None  # None where none were counted
    runs: Whole  # of hours with data that follow each other: [begin, end) in each line, ascending

    @property
    def is_continuous(self) -> bool:
        """Whether every hour should have some."""
        return self.stream in CONTINUOUS


@dataclass(frozen=True, slots=True)
class PersonHours:
    """The streams of a participant, over the same hours, from `begin` on and before `end`."""

    participant: str
    begin: int
    end: int
    streams: tuple[StreamHours, ...]

    @property
    def hours(self) -> int:
        """How many hours there are."""
        return self.end - self.begin

    def gaps(self, at_least: int, stream: StreamHours | None = None) -> list[Gap]:
        """Return the gaps of a stream, or those that all streams share."""
        runs = stream.runs if stream else _union([one.runs for one in self.streams])
        runs = np.clip(runs, self.begin, self.end)
        starts, ends = np.append(self.begin, runs[:, 1]), np.append(runs[:, 0], self.end)
        wanted = np.flatnonzero(ends - starts >= max(at_least, 1))
        return [Gap(int(starts[place]), int(ends[place])) for place in wanted]


@dataclass(slots=True)
class Coverage:
    """What there is of a selection."""

    calendar: Calendar
    since: int | None = None  # first hour asked for
    until: int | None = None  # first one that is not
    with_rows: bool = False
    streams: list[StreamHours] = field(default_factory=list)  # by participant
    too_short: int = 0
    """Objects that are no longer than their IV."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    """Of objects whose rows could not all be counted."""

    @property
    def is_empty(self) -> bool:
        """Whether no hour has anything."""
        return not any(len(one.days) for one in self.streams)

    def people(self) -> Iterator[PersonHours]:
        """Yield the participants.

        Each has the hours from the first to the last with data. Where a window was asked for, all have the same: those
        of the window, as far as anybody has data in it.
        """
        window = None if self.since is None and self.until is None else _span(self.streams)
        if window is not None:
            window = (window[0] if self.since is None else max(self.since, window[0]), window[1])
        for participant, some in groupby(self.streams, lambda one: one.participant):
            mine = tuple(some)
            span = window or _span(mine)
            if span is not None:
                yield PersonHours(participant, *span, mine)

    def days(self) -> pl.DataFrame:
        """Return what there is on each day of each stream, days without anything included."""
        import polars as pl

        names: list[tuple[str, str]] = []
        parts: list[dict[str, Whole]] = []
        for person in self.people():
            for stream in person.streams:
                part = self._days(person, stream)
                names.append((person.participant, stream.stream))
                parts.append(part)
        counts = [len(part["day"]) for part in parts]
        columns = {name: np.concatenate([part[name] for part in parts] or [_NONE]) for name in _COLUMNS}
        place = np.repeat(np.arange(len(parts)), counts)
        frame = pl.DataFrame(columns, schema=dict.fromkeys(_COLUMNS, pl.Int64)).with_columns(
            pl.col("day").cast(pl.Int32).cast(pl.Date),
            pl.when(pl.col("rows") != _UNCOUNTED).then("rows").alias("rows"),
            participant=pl.Series([one for one, _ in names], dtype=pl.String).gather(place),
            stream=pl.Series([one for _, one in names], dtype=pl.String).gather(place),
        )
        return frame.select("participant", "stream", *_COLUMNS)

    def _days(self, person: PersonHours, stream: StreamHours) -> dict[str, Whole]:
        first, last = self.calendar.day_of(person.begin), self.calendar.day_of(person.end - 1)
        edges = self.calendar.edges(first, last)
        if self.since is not None:
            edges = np.maximum(edges, self.since)
        if self.until is not None:
            edges = np.minimum(edges, self.until)
        of = np.diff(edges)
        inside = (stream.days >= first) & (stream.days <= last)
        places = stream.days[inside] - first

        def spread(values: Whole | None) -> Whole:
            found = np.full(last - first + 1, _UNCOUNTED if values is None else 0, np.int64)
            if values is not None:
                found[places] = values[inside]
            return found[of > 0]  # where an island moved over the date line, a day has no hour

        return {
            "day": np.arange(first, last + 1)[of > 0],
            "hours": spread(stream.hours),
            "hours_of_day": of[of > 0],
            "objects": spread(stream.objects),
            "bytes": spread(stream.bytes),
            "rows": spread(stream.rows),
        }

    def gaps(self, at_least: int = DAY_HOURS) -> pl.DataFrame:
        """Return hours in a row without data: of each stream that is recorded all day, and those of all streams."""
        import polars as pl

        found: list[tuple[str, str | None, int, int]] = []
        for person in self.people():
            found += [(person.participant, None, *gap) for gap in person.gaps(at_least)]
            for one in person.streams:
                if one.is_continuous:
                    found += [(person.participant, one.stream, *gap) for gap in person.gaps(at_least, one)]
        columns = {"participant": pl.String, "stream": pl.String, "begin": pl.Int64, "end": pl.Int64}
        frame = pl.DataFrame(found, schema=columns, orient="row")
        moment = (pl.col("begin", "end") * 3_600_000).cast(pl.Datetime("ms", "UTC"))
        return frame.with_columns(hours=pl.col("end") - pl.col("begin")).with_columns(
            moment.dt.convert_time_zone(self.calendar.zone.key)
        )


_COLUMNS = ("day", "hours", "hours_of_day", "objects", "bytes", "rows")
_UNCOUNTED = -1
_NONE = np.empty(0, np.int64)


def runs_of(hours: Whole) -> Whole:
    """Return hours that ascend, each once, as runs of hours that follow each other."""
    breaks = np.flatnonzero(np.diff(hours) > 1)
    if not len(hours):
        return np.empty((0, 2), np.int64)
    return np.stack([hours[np.append(0, breaks + 1)], hours[np.append(breaks, len(hours) - 1)] + 1], axis=1)


def _union(some: Sequence[Whole]) -> Whole:
    runs = np.concatenate([*some, np.empty((0, 2), np.int64)])
    if not len(runs):
        return runs
    runs = runs[np.argsort(runs[:, 0], kind="stable")]
    ends = np.maximum.accumulate(runs[:, 1])
    begins = np.append(True, runs[1:, 0] > ends[:-1])
    places = np.flatnonzero(begins)
    return np.stack([runs[places, 0], ends[np.append(places[1:] - 1, len(runs) - 1)]], axis=1)


def _span(streams: Sequence[StreamHours]) -> tuple[int, int] | None:
    """Return from when to when any of them has data."""
    runs = [one.runs for one in streams if len(one.runs)]
    return (int(min(one[0, 0] for one in runs)), int(max(one[-1, 1] for one in runs))) if runs else None
