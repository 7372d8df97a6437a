"""One shard of a rebuild: some raw objects of one series, and the hours that lack rows of them, written whole.

A rebuilt hour holds the rows of the chunked object and those that raw holds besides. An hour may be met several times,
by other raw objects: its rows are added to what stands, and the outcome is the same set of rows in any order.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.key import opener
from bondstore.domains.beiwe.layout import COMPRESSED, parse_key, weight
from bondstore.domains.beiwe.reading.raw_rows import RawRow, rechunk, woven
from bondstore.domains.beiwe.reconcile.hours import Hour, Series, hours_text
from bondstore.domains.beiwe.reconcile.read import (
    GROUP_BYTES,
    ChunkText,
    Tools,
    raw_batches,
    read_back,
    read_chunks,
    settle,
    wider,
)
from bondstore.domains.beiwe.reconcile.rows import ChunkRows, Line, key_maker
from bondstore.domains.beiwe.selection import StudySelection
from bondstore.domains.beiwe.streams import AHEAD_MS, STREAMS
from bondstore.errors import NotFoundError
from bondstore.ledger import Item, Output, State
from bondstore.runs.batches import grouped
from bondstore.runs.context import RunContext
from bondstore.runs.pipeline import Shard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.domains.beiwe.reconcile.read import HourRows
    from bondstore.domains.beiwe.streams import Stream
    from bondstore.runs.work import Work

REVISION = "2"
"""Counted up when the same objects would give other hours: then those that were rebuilt before are made anew."""


@dataclass(frozen=True, slots=True)
class RebuildShard(Shard):
    """Some raw objects of one series, with what the ledger knows of its chunked objects and rebuilt hours."""

    context: RunContext
    key: SecretRef
    selection: StudySelection
    series: Series
    raw: tuple[Item, ...]
    chunks: tuple[Item, ...]
    listed: frozenset[str]
    """Keys of the chunked objects that this run has listed as new or changed."""
    hours: tuple[Output, ...]
    """Those without a hash are to be written anew in any case."""

    def handle(self, work: Work) -> None:
        """Fetch → open → compare → write, batch after batch."""
        latest = int(time.time() * 1000) + AHEAD_MS
        tools = Tools(work.store, opener(self.key), work.receipt.reads.extend, latest)
        _Rebuilding(self, work, tools).run()


class _Asked(NamedTuple):
    """An hour that raw has rows of: what is recorded of its file, and its chunked objects where they must be read."""

    hour: Hour
    output: Output | None
    chunks: list[Item]

    @property
    def size(self) -> int:
        """About how many bytes of text it holds."""
        held = self.output.size if self.output is not None else 0
        return held + sum(weight(item.key, item.size) for item in self.chunks)


class _Standing:
    """What an hour holds so far."""

    def __init__(
        self, path: str, texts: Sequence[tuple[ChunkRows, bytes | None]], *, write: bool, chunked: int | None = None
    ) -> None:
        self.path = path
        self._texts = texts  # the rows that stand; of a file with several surveys, those of one alone
        self._write = write  # even if it lacks no row
        self._chunked = chunked  # how many of its rows are of chunked objects; all where nothing is said

    def with_rows(self, raw: HourRows, stream: Stream) -> _Made | None:
        """Return the hour with rows of raw added, or None when it has them all."""
        if not self._write and not self._lacking(raw):
            return None
        key = key_maker(stream)
        rows: dict[bytes, Line] = {}
        for text, survey in self._texts:
            for line in text.lines():
                if survey is None or _survey_of(line) == survey:
                    rows.setdefault(line.key, line)
        standing = list(rows)
        before = len(rows)
        chunked = before if self._chunked is None else self._chunked
        raw_lines = [Line(row.time_ms, row.line, key(row.line)) for row in raw.rows.values()]
        for line in raw_lines:
            rows.setdefault(line.key, line)
        if not self._write and len(rows) == before:
            return None
        header = raw.header
        for text, _ in self._texts:
            header = wider(header, text.header)
        order = woven(standing, [line.key for line in raw_lines], lambda known_by: rows[known_by].time_ms)
        ordered = [RawRow(0, rows[known_by].time_ms, 0, rows[known_by].line) for known_by in order]
        plain = rechunk(header or ",".join(stream.variants[0].chunked).encode(), ordered)
        return _Made(plain, len(rows), len(rows) - chunked)

    def _lacking(self, raw: HourRows) -> bool:
        """Whether rows of raw do not stand byte for byte."""
        held: set[bytes] = set().union(*(text.bytes_of_rows() for text, _ in self._texts))
        return any(line not in held for line in raw.rows)


class _Made(NamedTuple):
    """A rebuilt hour: its text, how many rows, and how many of these chunked lacks."""

    plain: bytes
    rows: int
    rows_added: int


class _Rebuilding:
    """The work of one shard while it goes on."""

    def __init__(self, shard: RebuildShard, work: Work, tools: Tools) -> None:
        self._shard, self._series, self._work, self._tools = shard, shard.series, work, tools
        self._chunks = {item.key: item for item in shard.chunks}
        self._outputs = {output.path: output for output in shard.hours}

    def run(self) -> None:
        """Take batch after batch; the raw objects are done when all of their rows are in place."""
        items = {item.key: item for item in self._shard.raw}
        objects = [(parse_key(self._series.study, item.key), item.size) for item in self._shard.raw]
        objects.sort(key=lambda pair: (pair[0].time_ms or 0, pair[0].key))
        for batch in raw_batches(self._tools, self._series, self._shard.selection, objects):
            asked = map(self._asked, sorted(batch.hours, key=lambda hour: (hour.start_ms, hour.survey or "")))
            for group in grouped(asked, lambda one: one.size, number=len(batch.hours), weight=GROUP_BYTES):
                for hour, standing in self._standing(group):
                    self._add(standing, batch.hours[hour])
            for one in batch.outcomes:
                settle(self._work, replace(items[one.object.key], output=hours_text(one.hours)), one)

    def _asked(self, hour: Hour) -> _Asked:
        output = self._outputs.get(self._series.path(hour))
        if output is not None and output.sha256:
            return _Asked(hour, output, [])
        keys = [obj.key + ending for obj in self._series.chunks(hour) for ending in ("", *COMPRESSED)]
        return _Asked(hour, output, [self._chunks[key] for key in keys if key in self._chunks])

    def _standing(self, group: Sequence[_Asked]) -> Iterator[tuple[Hour, _Standing]]:
        """Yield what each hour holds: the file rebuilt so far, else its chunked objects.

        An hour whose chunked object could not be fetched is left for another run: the object is recorded as failed.
        """
        chunks = {item.key: item for one in group for item in one.chunks}
        pairs = [(parse_key(self._series.study, key), item.size) for key, item in chunks.items()]
        texts = {text.outcome.object.key: text for text in read_chunks(self._tools, pairs)}
        for key, text in texts.items():
            if self._chunks[key].state is State.PLANNED:  # else it was counted before
                settle(self._work, chunks[key], text.outcome)
                self._chunks[key] = self._work.receipt.items[-1]
        plains = read_back(self._work, [one.output for one in group if one.output is not None and one.output.sha256])
        for hour, output, items in group:
            if output is not None and output.sha256:
                rows = ChunkRows(self._series.chunk(hour), plains[output.path], self._tools.latest_ms, whole=True)
                chunked = (output.rows or 0) - (output.rows_added or 0)
                yield hour, _Standing(output.path, [(rows, None)], write=False, chunked=chunked)
                continue
            mine = [texts[item.key] for item in items if not self._is_gone(item, texts[item.key])]
            if all(text.outcome.error is None for text in mine):
                yield hour, self._of_chunks(hour, mine, write=output is not None)

    def _of_chunks(self, hour: Hour, texts: Sequence[ChunkText], *, write: bool) -> _Standing:
        """Take the good rows of an hour's chunked objects; what is damaged is written anew in any case."""
        survey = (hour.survey or "").encode()
        rows = [
            (text.rows, survey if hour.survey is not None and text.outcome.object.survey_id is None else None)
            for text in texts
            if text.rows is not None
        ]
        return _Standing(self._series.path(hour), rows, write=write or not all(text.whole for text in texts))

    def _add(self, standing: _Standing, raw: HourRows) -> None:
        """Add the rows that an hour lacks, and write it when there are any."""
        made = standing.with_rows(raw, STREAMS[self._series.stream])
        if made is None:
            return
        path, plain, rows, added = standing.path, *made
        self._work.write(path, [plain], kind="hour", rows=rows, rows_added=added, made_by=REVISION)
        hashed = hashlib.sha256(plain).digest()
        self._outputs[path] = Output(path, hashed, len(plain), 0, rows, "hour", REVISION, rows_added=added)

    def _is_gone(self, item: Item, text: ChunkText) -> bool:
        """Whether an object that an earlier run knew, and this one did not list, is not there any more."""
        return item.key not in self._shard.listed and isinstance(text.outcome.error, NotFoundError)


def _survey_of(line: Line) -> bytes:
    fields = line.line.split(b",", 4)
    return fields[3] if len(fields) > 3 else b""
