"""One series while it is compared: its raw rows, hour by hour, against what the chunked objects hold."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bondstore.domains.beiwe.layout import weight
from bondstore.domains.beiwe.reconcile.read import GROUP_BYTES, read_chunks
from bondstore.domains.beiwe.reconcile.rows import key_maker
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.text import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from bondstore.domains.beiwe.reconcile.hours import Hour, Series, SeriesListing
    from bondstore.domains.beiwe.reconcile.read import ChunkText, HourRows, Outcome, RawBatch, Tools

SEEN_ROWS = 8 << 20
"""How many rows are remembered as seen; one that raw repeats further apart is counted again."""
CACHE_BYTES = 8 << 20
"""About so much text of chunked objects is kept for the batch to come."""


@dataclass(slots=True)
class Gap:
    """What one participant's stream lacks."""

    participant: str
    stream: str
    raw_rows: int = 0  # that raw holds, each once
    missing_rows: int = 0  # those of them that the chunked objects lack
    hours: int = 0  # that raw has rows of
    hours_missing: int = 0  # without any chunked object
    hours_incomplete: int = 0  # whose chunked objects lack rows
    hours_not_comparable: int = 0  # whose chunked object is damaged or could not be fetched
    first_ms: int | None = None  # timestamps of the first and last missing row, in ms since 1970 UTC
    last_ms: int | None = None

    def add(self, times: Collection[int]) -> None:
        """Count missing rows, by their timestamps."""
        known = [ms for ms in (self.first_ms, self.last_ms) if ms is not None]
        self.missing_rows += len(times)
        self.first_ms, self.last_ms = min([*times, *known]), max([*times, *known])

    def record(self) -> dict[str, Any]:
        """Return the record for people and programs; times as datetimes in UTC."""
        return {
            "kind": "gap",
            "participant": self.participant,
            "stream": self.stream,
            "raw_rows": self.raw_rows,
            "missing_rows": self.missing_rows,
            "hours": self.hours,
            "hours_missing": self.hours_missing,
            "hours_incomplete": self.hours_incomplete,
            "hours_not_comparable": self.hours_not_comparable,
            "first": moment(self.first_ms),
            "last": moment(self.last_ms),
        }


class _HourChunks:
    """The chunked objects of an hour, ready to be asked for rows."""

    def __init__(self, texts: Sequence[ChunkText], size: int) -> None:
        self.objects = len(texts)
        self.comparable = all(text.whole for text in texts)
        self.size = size
        self._rows = [text.rows for text in texts if text.rows is not None]
        self._bytes: set[bytes] = set().union(*(rows.bytes_of_rows() for rows in self._rows))
        self._keys: set[bytes] | None = None

    def lacks(self, lines: Sequence[bytes], key: Callable[[bytes], bytes]) -> dict[bytes, bytes]:
        """Return those of `lines` that no object holds, each once, by what they are known by."""
        strange = [line for line in lines if line not in self._bytes]
        if not strange:
            return {}
        if self._keys is None:
            self._keys = {one.key for rows in self._rows for one in rows.lines()}
        return {known_by: line for line in strange if (known_by := key(line)) not in self._keys}


class Comparison:
    """The comparison of one series while it goes on."""

    def __init__(self, tools: Tools, series: Series, listing: SeriesListing) -> None:
        self._tools, self._series, self._listing = tools, series, listing
        self._key = key_maker(STREAMS[series.stream])
        self._gap = Gap(series.participant, series.stream)
        self._seen = _Seen()
        self._cache: OrderedDict[Hour, _HourChunks] = OrderedDict()
        self._counted: set[str] = set()
        self._hours: set[Hour] = set()
        self._missing: set[Hour] = set()
        self._incomplete: set[Hour] = set()
        self._unknown: set[Hour] = set()

    def take(self, batch: RawBatch) -> Iterator[Outcome]:
        """Compare a batch; yield the outcomes of chunked objects that are read for the first time."""
        for group in self._groups(sorted(batch.hours, key=lambda hour: (hour.start_ms, hour.survey or ""))):
            yield from self._load(group)
            for hour in group:
                self._hold(hour, batch.hours[hour])
            self._trim()

    def gap(self) -> Gap:
        """Return the sums."""
        gap = self._gap
        gap.hours, gap.hours_missing = len(self._hours), len(self._missing)
        gap.hours_incomplete, gap.hours_not_comparable = len(self._incomplete), len(self._unknown)
        return gap

    def _groups(self, hours: Sequence[Hour]) -> Iterator[list[Hour]]:
        """Part hours into groups whose chunked objects fit into memory together."""
        group: list[Hour] = []
        held = 0
        for hour in hours:
            size = sum(weight(one.object.key, one.size) for one in self._listing.chunks(self._series, hour))
            if group and held + size > GROUP_BYTES:
                yield group
                group, held = [], 0
            group.append(hour)
            held += size
        if group:
            yield group

    def _load(self, hours: Sequence[Hour]) -> Iterator[Outcome]:
        """Read the chunked objects of hours that are not in memory."""
        wanted = {hour: self._listing.chunks(self._series, hour) for hour in hours if hour not in self._cache}
        objects = {one.object.key: (one.object, one.size) for some in wanted.values() for one in some}
        texts = {text.outcome.object.key: text for text in read_chunks(self._tools, list(objects.values()))}
        for key, text in texts.items():
            if key not in self._counted:
                self._counted.add(key)
                yield text.outcome
        for hour, some in wanted.items():
            size = sum(weight(one.object.key, one.size) for one in some)
            self._cache[hour] = _HourChunks([texts[one.object.key] for one in some], size)

    def _hold(self, hour: Hour, raw: HourRows) -> None:
        """Hold the rows of one hour against its chunked objects."""
        chunks = self._cache[hour]
        self._cache.move_to_end(hour)
        fresh = self._seen.fresh(hour, list(raw.rows))
        self._hours.add(hour)
        self._gap.raw_rows += len(fresh)
        if not chunks.comparable:
            self._unknown.add(hour)
            return
        missing = chunks.lacks(fresh, self._key).values()
        if not chunks.objects:
            self._missing.add(hour)
        elif missing:
            self._incomplete.add(hour)
        if missing:
            self._gap.add([raw.rows[line].time_ms for line in missing])

    def _trim(self) -> None:
        held = sum(chunks.size for chunks in self._cache.values())
        while held > CACHE_BYTES and len(self._cache) > 1:
            held -= self._cache.popitem(last=False)[1].size


class _Seen:
    """Which rows of which hours were seen already, as 64-bit hashes; the hours touched last are remembered."""

    def __init__(self) -> None:
        self._hours: OrderedDict[Hour, NDArray[np.int64]] = OrderedDict()
        self._rows = 0

    def fresh(self, hour: Hour, lines: list[bytes]) -> list[bytes]:
        """Return the lines that were not seen before, and remember them."""
        hashes = np.fromiter(map(hash, lines), np.int64, len(lines))
        known = self._hours.pop(hour, None)
        if known is None:
            self._hours[hour] = hashes
            self._rows += len(hashes)
        else:
            new = ~np.isin(hashes, known)
            lines = [line for line, is_new in zip(lines, new.tolist(), strict=True) if is_new]
            self._hours[hour] = np.concatenate([known, hashes[new]])
            self._rows += len(lines)
        while self._rows > SEEN_ROWS and len(self._hours) > 1:
            self._rows -= len(self._hours.popitem(last=False)[1])
        return lines
