"""One shard of a rebuild: some raw objects of one series, and the hours that lack rows of them, written whole.

A rebuilt hour holds the rows of the chunked object and those that raw holds besides. Shards of one series may run side
by side and in any order: each adds its rows to what stands, under a lock, and the outcome is the same set of rows.
"""

from __future__ import annotations

import fcntl
import hashlib
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from bondstore.domains.beiwe.findings import failed_finding
from bondstore.domains.beiwe.key import opener
from bondstore.domains.beiwe.layout import COMPRESSED, parse_key, weight
from bondstore.domains.beiwe.reading.raw_rows import RawRow, rechunk
from bondstore.domains.beiwe.reconcile_hours import Hour, Series, hours_text
from bondstore.domains.beiwe.reconcile_read import (
    GROUP_BYTES,
    ChunkText,
    Tools,
    raw_batches,
    read_chunks,
    wider,
)
from bondstore.domains.beiwe.reconcile_rows import ChunkRows, Line, key_maker
from bondstore.domains.beiwe.streams import AHEAD_MS, STREAMS
from bondstore.errors import IntegrityError, NotFoundError
from bondstore.ledger import Item, Output, State
from bondstore.runs.destination import PRIVATE
from bondstore.runs.plan import total
from bondstore.runs.recording import Record, note_reads, output_of
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bondstore.domains.beiwe.rebuild import ReconcileJob
    from bondstore.domains.beiwe.reconcile_read import Batch, HourRows, Outcome
    from bondstore.domains.beiwe.streams import Stream
    from bondstore.ledger import Ledger
    from bondstore.runs.durable import OutputGroup

_Asked = list[tuple[Hour, Output | None, list[Item]]]


@dataclass(frozen=True, slots=True)
class RebuildShard:
    """Some raw objects of one series.

    Parameters
    ----------
    place : Place
        Where the shard finds its store and records its results.
    job : ReconcileJob
        What it is a part of.
    series : Series
        Which participant and stream.
    items : tuple of Item
        The raw objects.
    """

    place: Place
    job: ReconcileJob
    series: Series
    items: tuple[Item, ...]

    def run(self) -> Tally:
        """Fetch → note the reads → open → compare → write → one sync → rename → record."""
        found = bench(self.place)
        latest = int(time.time() * 1000) + AHEAD_MS
        tools = Tools(found.store, opener(self.job.key), lambda r: note_reads(found.ledger, self.place, r), latest)
        return _Shard(self, found.ledger, tools).run()


class _Hour:
    """What an hour holds so far.

    Parameters
    ----------
    path : str
        Where it goes.
    texts : list of (ChunkRows, bytes or None)
        The rows that stand; of a file with several surveys, those of one alone.
    write : bool
        Write it even if it lacks no row.
    chunked : int, optional
        How many of its rows are of chunked objects; all by default.
    """

    def __init__(
        self, path: str, texts: Sequence[tuple[ChunkRows, bytes | None]], *, write: bool, chunked: int | None = None
    ) -> None:
        self.path, self._texts, self._write, self._chunked = path, texts, write, chunked

    def with_rows(self, raw: HourRows, stream: Stream) -> Rebuilt | None:
        """Return the hour with rows of raw added, or None when it has them all."""
        if not self._write and not self._lacking(raw):
            return None
        key = key_maker(stream)
        rows: dict[bytes, Line] = {}
        for text, survey in self._texts:
            for line in text.lines():
                if survey is None or _survey_of(line) == survey:
                    rows.setdefault(line.key, line)
        before = len(rows)
        chunked = before if self._chunked is None else self._chunked
        for row in raw.rows.values():
            known_by = key(row.line)
            rows.setdefault(known_by, Line(row.time_ms, row.line, known_by))
        if not self._write and len(rows) == before:
            return None
        header = raw.header
        for text, _ in self._texts:
            header = wider(header, text.header)
        # rows of one time in the order of their bytes, whatever order they came in
        ordered = [RawRow(0, line.time_ms, 0, line.line) for line in sorted(rows.values(), key=lambda one: one.line)]
        plain = rechunk(header or ",".join(stream.variants[0].chunked).encode(), ordered)
        return Rebuilt(plain, len(rows), len(rows) - chunked)

    def _lacking(self, raw: HourRows) -> bool:
        """Whether rows of raw do not stand byte for byte."""
        held: set[bytes] = set().union(*(text.bytes_of_rows() for text, _ in self._texts))
        return any(line not in held for line in raw.rows)


class Rebuilt(NamedTuple):
    """A rebuilt hour: its text, how many rows, and how many of these chunked lacks."""

    plain: bytes
    rows: int
    rows_added: int


class _Shard:
    """The work of one shard while it runs."""

    def __init__(self, shard: RebuildShard, ledger: Ledger, tools: Tools) -> None:
        self._shard, self._ledger, self._tools = shard, ledger, tools
        self._series, self._place = shard.series, shard.place

    def run(self) -> Tally:
        """Take batch after batch; the raw objects are done when all of their rows are in place."""
        items = {item.key: item for item in self._shard.items}
        objects = [(parse_key(self._series.study, item.key), item.size) for item in self._shard.items]
        objects.sort(key=lambda pair: (pair[0].time_ms or 0, pair[0].key))
        tally, record = Tally(), Record()
        for batch in raw_batches(self._tools, self._series, self._shard.job.selection, objects):
            tally += self._merge(batch)
            for one in batch.outcomes:
                _settle(record, replace(items[one.object.key], output=hours_text(one.hours)), one)
        tally += record.commit(self._ledger, self._place)
        return tally + self._unasked()

    def _unasked(self) -> Tally:
        """Count the chunked objects that no raw row belongs to as skipped, once all raw objects of the series are read.

        They were not looked at: the ledger forgets them, and the next plan takes them as new.
        """
        items, job, run = self._ledger.items, self._place.job, self._place.run
        tally = Tally()
        with self._locked():
            if items.any_planned(job, run, self._series.raw_prefix):
                return tally
            with self._ledger.transaction():
                for page in items.planned(job, run, under=self._series.chunked_prefix):
                    items.forget(job, [item.key for item in page])
                    tally += Tally(skipped=total(page))
        return tally

    def _merge(self, batch: Batch) -> Tally:
        """Add a batch of raw rows to the hours they belong to."""
        group = self._place.destination.group()
        record = Record()
        try:
            self._keep(group, batch.outcomes)
            with self._locked():
                for hours in self._groups(sorted(batch.hours, key=lambda hour: (hour.start_ms, hour.survey or ""))):
                    for hour, standing in self._standing(hours, group, record):
                        self._add(standing, batch.hours[hour], group, record)
                group.commit()
                return record.commit(self._ledger, self._place)
        finally:
            group.discard()

    def _add(self, hour: _Hour, raw: HourRows, group: OutputGroup, record: Record) -> None:
        """Add the rows that an hour lacks, and write it when there are any."""
        made = hour.with_rows(raw, STREAMS[self._series.stream])
        if made is not None:
            written = group.write(hour.path, [made.plain])
            record.outputs.append(output_of(written, kind="hour", rows=made.rows, rows_added=made.rows_added))

    def _standing(self, asked: _Asked, group: OutputGroup, record: Record) -> Iterator[tuple[Hour, _Hour]]:
        """Yield what each hour holds: the file rebuilt so far, else its chunked objects.

        An hour whose chunked object could not be fetched is left for another run: the object is recorded as failed.
        """
        chunks = {item.key: item for _, _, items in asked for item in items}
        pairs = [(parse_key(self._series.study, key), item.size) for key, item in chunks.items()]
        texts = {text.outcome.object.key: text for text in read_chunks(self._tools, pairs)}
        self._keep(group, [text.outcome for text in texts.values()])
        for key, text in texts.items():
            if chunks[key].state is State.PLANNED:  # else it was counted before
                _settle(record, chunks[key], text.outcome)
        for hour, output, items in asked:
            if output is not None and output.sha256:
                yield hour, self._rebuilt(hour, output)
                continue
            mine = [texts[item.key] for item in items if not _gone(item, texts[item.key])]
            if all(text.outcome.error is None for text in mine):
                yield hour, self._of_chunks(hour, mine, write=output is not None)

    def _rebuilt(self, hour: Hour, output: Output) -> _Hour:
        """Read a file that an earlier shard or run has rebuilt."""
        plain = (self._place.destination.root / output.path).read_bytes()
        if hashlib.sha256(plain).digest() != output.sha256:
            raise IntegrityError(
                f"The rebuilt file {output.path} was changed while the run went on.", hint="Run the same command again."
            )
        text = ChunkRows(self._series.chunk(hour), plain, self._tools.latest_ms, whole=True)
        return _Hour(output.path, [(text, None)], write=False, chunked=(output.rows or 0) - (output.rows_added or 0))

    def _of_chunks(self, hour: Hour, texts: Sequence[ChunkText], *, write: bool) -> _Hour:
        """Take the good rows of an hour's chunked objects; what is damaged is written anew in any case."""
        survey = (hour.survey or "").encode()
        rows = [
            (text.rows, survey if hour.survey is not None and text.outcome.object.survey_id is None else None)
            for text in texts
            if text.rows is not None
        ]
        return _Hour(self._series.path(hour), rows, write=write or not all(text.whole for text in texts))

    def _groups(self, hours: Sequence[Hour]) -> Iterator[_Asked]:
        """Part hours, with what is recorded of them, into groups that fit into memory together."""
        paths = {hour: self._series.path(hour) for hour in hours}
        keys = {
            hour: [obj.key + ending for obj in self._series.chunks(hour) for ending in ("", *COMPRESSED)]
            for hour in hours
        }
        outputs = self._ledger.outputs.known(self._place.job, list(paths.values()))
        known = self._ledger.items.known(self._place.job, [key for some in keys.values() for key in some])
        group: list[tuple[Hour, Output | None, list[Item]]] = []
        held = 0
        for hour in hours:
            output = outputs.get(paths[hour])
            whole = output is not None and output.sha256
            items = [] if whole else [known[key] for key in keys[hour] if key in known]
            size = output.size if output is not None else 0
            size += sum(weight(item.key, item.size) for item in items)
            if group and held + size > GROUP_BYTES:
                yield group
                group, held = [], 0
            group.append((hour, output, items))
            held += size
        if group:
            yield group

    def _keep(self, group: OutputGroup, outcomes: Sequence[Outcome]) -> None:
        """Put the sealed bytes of damaged objects into quarantine."""
        for one in outcomes:
            if one.reason and one.sealed is not None:
                group.write(self._place.destination.quarantine_path(one.object.key), [one.sealed.data])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the series: what is read of an hour must still stand when more is added to it."""
        name = hashlib.sha256(f"{self._series.participant}/{self._series.stream}".encode()).hexdigest()[:32]
        folder: Path = self._place.destination.root / PRIVATE / "locks"
        folder.mkdir(exist_ok=True)
        with (folder / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _survey_of(line: Line) -> bytes:
    fields = line.line.split(b",", 4)
    return fields[3] if len(fields) > 3 else b""


def _gone(item: Item, text: ChunkText) -> bool:
    """Whether an object that an earlier run knew, and this one did not list, is not there any more."""
    return item.state is not State.PLANNED and isinstance(text.outcome.error, NotFoundError)


def _settle(record: Record, item: Item, one: Outcome) -> None:
    """Record what became of an object."""
    if one.sealed is None:
        if one.error is not None:
            record.failed(item, failed_finding(one.error, item.key))
        return
    record.findings += one.findings
    if one.reason:
        record.quarantined(item, one.sealed.version, one.reason)
    else:
        record.done(item, one.sealed.version)
    if one.sealed.object.key != item.key:  # it moved to its twin, and is known there from now on
        last = record.items[-1]
        record.also.append(replace(last, key=one.sealed.object.key, size=one.sealed.size))
