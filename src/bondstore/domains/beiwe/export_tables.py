"""Export as tables: one sorted, de-duplicated file per participant and stream, in memory that does not grow with it.

A table is made anew when any of its objects is new, changed or gone: its digest says what it was made of. Streams of
media have no rows; their files come along in the ``original`` layout.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bondstore.domains.beiwe.export_files import FilesJob
from bondstore.domains.beiwe.findings import failed_finding, moved_finding
from bondstore.domains.beiwe.key import opener
from bondstore.domains.beiwe.layout import table_path
from bondstore.domains.beiwe.listing import left_out, walk
from bondstore.domains.beiwe.reading.fetch import SealedObject
from bondstore.domains.beiwe.reading.stream import RAW_MARGIN_MS, one_large_at_a_time, read_stream, stream_objects
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.ledger import Item, Output, State
from bondstore.runs.plan import Plan
from bondstore.runs.recording import Record, note_reads, output_of
from bondstore.runs.tally import Count, Tally
from bondstore.runs.work import Place, bench
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.config.profiles import StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.reading.stream import ReadBatch
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.ledger import Ledger
    from bondstore.runs.durable import OutputGroup, Written
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Shard
    from bondstore.tables.sinks import Format
    from bondstore.tables.sorted import SortedTable

TableForm = Literal["csv", "parquet"]

REVISION = 1
"""Counted up when the same objects would give another file: then tables are made anew."""
BUDGET = 8 << 20
"""Bytes of rows one table holds in memory."""
_DIGEST = 16
_turns = threading.BoundedSemaphore(2)
"""Tables that a process makes at a time: each holds rows of its own, and two keep four cores busy."""


@dataclass(slots=True)
class Sum:
    """What a table is made of, summed up: number, bytes, and a digest that does not depend on the order."""

    objects: int = 0
    bytes: int = 0
    _sum: int = 0

    def add(self, key: str, version: str, size: int) -> None:
        """Add one object."""
        self.objects += 1
        self.bytes += size
        hashed = hashlib.blake2b(f"{key}\0{version}".encode("utf-8", "surrogateescape"), digest_size=_DIGEST)
        self._sum = (self._sum + int.from_bytes(hashed.digest(), "big")) % (1 << (8 * _DIGEST))

    def digest(self, selection: StudySelection) -> str:
        """Return the digest of these objects under a selection's window and source."""
        window = (REVISION, selection.source, selection.since_ms, selection.until_ms)
        return hashlib.blake2b(f"{self._sum:x} {self.objects} {window}".encode(), digest_size=_DIGEST).hexdigest()


@dataclass(frozen=True, slots=True)
class TablesJob:
    """Export of every selected stream into one table per participant.

    Parameters
    ----------
    store : StoreSpec
        Where from.
    study : str
        The study's id.
    key : SecretRef
        Where its decryption key is kept.
    form : {"csv", "parquet"}
        The format of the files.
    selection : StudySelection
        Which objects; its window also bounds the rows.
    """

    store: StoreSpec
    study: str
    key: SecretRef
    form: TableForm
    selection: StudySelection

    @property
    def name(self) -> str:
        """The same for every selection: a table's digest says what it was made of."""
        return f"beiwe.export.{self.form}:{self.study}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return self._files.params | {"form": self.form}

    @property
    def _files(self) -> FilesJob:
        """The job that handles media, and shares the checks."""
        return FilesJob(self.store, self.study, self.key, "original", self.selection)

    def check(self) -> None:
        """Refuse a wrong key, or plaintext where it is forbidden, before anything is written."""
        self._files.check()

    def plan(self, ledger: Ledger | None, place: Place, progress: Progress) -> Plan:
        """List the selection, sum up every table, and record those that must be made."""
        tables: dict[tuple[str, str], Sum] = {}
        media = _Media(self._files, ledger, place)
        others: dict[str, int] = {}
        seen = Count()
        for page in walk(open_store(self.store), self.study, self.selection):
            for one in page:
                if (reason := left_out(one.object)) is not None:
                    others[reason] = others.get(reason, 0) + 1
                elif self.selection.wants(one.object, raw_margin_ms=RAW_MARGIN_MS):
                    seen += Count(1, one.size)
                    if STREAMS[one.object.stream].is_table:
                        table = (one.object.participant, one.object.stream)
                        tables.setdefault(table, Sum()).add(one.object.key, one.version, one.size)
                    else:
                        media.add(one)
            media.settle()
            progress.listing(seen)
        return self._compare(ledger, place, tables, dataclasses.replace(media.plan, left_out=others))

    def _compare(self, ledger: Ledger | None, place: Place, tables: dict[tuple[str, str], Sum], plan: Plan) -> Plan:
        """Tell tables to be made from those that stand, and add them to the plan."""
        paths = {table: table_path(*table, self.form) for table in tables}
        known = ledger.outputs.known(self.name, list(paths.values())) if ledger is not None else {}
        stale: list[tuple[str, str]] = []
        for table, made_of in tables.items():
            path = paths[table]
            old = known.get(path)
            if ledger and old and old.made_by == made_of.digest(self.selection) and place.destination.holds(old):
                bad = Count(*ledger.items.of_output(self.name, path).get(State.QUARANTINED, (0, 0)))
                good = Count(made_of.objects - bad.objects, made_of.bytes - bad.bytes)
                plan += Plan(skipped=good, quarantined=bad)
            else:
                stale.append((path, "/".join(table)))
                plan += Plan(todo=Count(made_of.objects, made_of.bytes))
        if ledger is not None and place.run:
            with ledger.transaction():
                ledger.outputs.plan(self.name, place.run, stale)
        return plan

    def stages(self, ledger: Ledger, place: Place) -> Iterator[Iterator[Shard]]:
        """All of it at once."""
        yield self.shards(ledger, place)

    def shards(self, ledger: Ledger, place: Place) -> Iterator[Shard]:
        """Yield the media files in batches, then one shard per table."""
        yield from self._files.shards(ledger, place, under="raw/")
        for subject in ledger.outputs.planned(self.name, place.run):
            participant, _, stream = subject.rpartition("/")
            yield TableShard(place, self, participant, stream)


class _Media:
    """Plans media files, which tables do not take in."""

    def __init__(self, job: FilesJob, ledger: Ledger | None, place: Place) -> None:
        self._job, self._ledger, self._place = job, ledger, place
        self._page: list[Listed] = []
        self.plan = Plan()

    def add(self, one: Listed) -> None:
        """Take up a file of the page, where its own time lies in the window."""
        if self._job.selection.wants(one.object):
            self._page.append(one)

    def settle(self) -> None:
        """Plan the page."""
        if self._page:
            self.plan += self._job.plan_page(self._ledger, self._place, self._page)
            self._page = []


@dataclass(frozen=True, slots=True)
class TableShard:
    """One participant's stream, to be made into a table."""

    place: Place
    job: TablesJob
    participant: str
    stream: str

    def run(self) -> Tally:
        """List → fetch → note the reads → open → parse → sort → sync → rename → record."""
        with _turns:
            return self._run()

    def _run(self) -> Tally:
        _use_system_memory()
        tools = bench(self.place)
        selection = dataclasses.replace(self.job.selection, participants=(self.participant,), streams=(self.stream,))
        objects = stream_objects(tools.store, self.job.study, selection)
        if not objects:
            return Tally()  # all went since they were listed: a table that stands is not replaced by an empty one
        group = self.place.destination.group()
        work = _Shard(tools.ledger, self, group)
        try:
            with (
                one_large_at_a_time(objects),
                group.explaining(),
                work.table() as table,
                closing(read_stream(tools.store, opener(self.job.key), objects, selection, width=2)) as read,
            ):
                for batch in read:
                    work.take(batch)
                    table.write(batch.frame)
                rows = table.finish().rows
            return work.finish(rows)
        finally:
            group.discard()


class _Shard:
    """The work of one shard while it runs."""

    def __init__(self, ledger: Ledger, shard: TableShard, group: OutputGroup) -> None:
        self._ledger, self._shard, self._place, self._group = ledger, shard, shard.place, group
        self._path = table_path(shard.participant, shard.stream, shard.job.form)
        self._temporary = group.reserve()
        self._sum = Sum()
        self._tally = Tally()

    def table(self) -> SortedTable:
        """Start the table under a temporary name."""
        from bondstore.domains.beiwe.reading.frames import schema
        from bondstore.tables.sorted import SortedTable

        scratch = self._temporary.with_name(self._temporary.name + ".runs")
        columns = schema(STREAMS[self._shard.stream])
        return SortedTable(self._temporary, columns, _format(self._shard.job.form), scratch=scratch, budget=BUDGET)

    def take(self, batch: ReadBatch) -> None:
        """Note what was read, keep sealed bytes of what is damaged, and record the outcome of every object."""
        note_reads(self._ledger, self._place, batch.reads)
        record = Record()
        record.findings += batch.findings
        for one in batch.objects:
            listed, answer = one.listed, one.answer
            item = Item(listed.object.key, listed.version, listed.size, self._path)
            if not isinstance(answer, SealedObject):
                record.failed(item, failed_finding(answer, item.key))
            elif one.damage:
                self._group.write(self._place.destination.quarantine_path(listed.object.key), [answer.data])
                record.quarantined(item, answer.version, one.damage)
            else:
                record.planned(item, answer.version)  # done once the table stands
            if isinstance(answer, SealedObject):
                self._sum.add(answer.object.key, answer.version, answer.size)
                if answer.object.key != listed.object.key:
                    record.findings.append(moved_finding(listed.object.key))
        self._tally += record.commit(self._ledger, self._place)

    def finish(self, rows: int) -> Tally:
        """Bring the table to its place and record it."""
        written = self._place_file(rows)
        job, run = self._place.job, self._place.run
        # An object that could not be fetched may come next time: without a digest the table is made anew then.
        digest = "" if self._tally.failed.objects else self._sum.digest(self._shard.job.selection)
        output = Output(self._path, b"", 0, 0, 0, kind="table", made_by=digest)
        if written is not None:
            output = output_of(written, rows=rows, kind="table", made_by=digest)
        with self._ledger.transaction():
            self._ledger.items.settle(job, run, self._path)
            self._ledger.outputs.put(job, run, [output])
        return self._tally

    def _place_file(self, rows: int) -> Written | None:
        """Commit the files; a table without rows is written only where none were lost: empty must mean empty."""
        if rows or self._tally.complete:
            written = self._group.adopt(self._path, self._temporary)
            self._group.commit()
            return written
        self._temporary.unlink()
        self._group.commit()
        return None


def _use_system_memory() -> None:
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what the largest batch took


def _format(form: TableForm) -> Format:
    from bondstore.tables.csvsink import CsvFormat
    from bondstore.tables.parquet import ParquetFormat

    return ParquetFormat() if form == "parquet" else CsvFormat()
