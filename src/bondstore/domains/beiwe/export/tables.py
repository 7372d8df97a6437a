"""Export as tables: one sorted, de-duplicated file per participant and stream, in memory that does not grow with it.

A table is made anew when any of its objects is new, changed or gone: its digest says what it was made of. Streams of
media have no rows; their files come along in the ``original`` layout.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bondstore.domains.beiwe.export.files import Files
from bondstore.domains.beiwe.findings import moved_finding
from bondstore.domains.beiwe.key import opener
from bondstore.domains.beiwe.layout import table_path
from bondstore.domains.beiwe.listing import left_out, walk
from bondstore.domains.beiwe.oddfolders import OddFolders, page_of_odd
from bondstore.domains.beiwe.reading.fetch import SealedObject
from bondstore.domains.beiwe.reading.localtime import PLAIN, with_local_time
from bondstore.domains.beiwe.reading.stream import RAW_MARGIN_MS, one_large_at_a_time, read_stream, stream_objects
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import ChecksumError
from bondstore.ledger import Item, Output, State
from bondstore.runs.pipeline import NOTHING, Shard, Step
from bondstore.runs.plan import Plan
from bondstore.runs.quarantine import lost
from bondstore.runs.tally import Count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from bondstore.config.secrets import SecretRef
    from bondstore.domains.beiwe.reading.stream import ReadBatch
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.tables.sinks import Format
    from bondstore.tables.sorted import SortedTable

TableForm = Literal["csv", "parquet"]

REVISION = 1
REVISIONS = {"survey_answers": 2}
"""Counted up when the same objects would give another file, of all streams or of one: then tables are made anew."""
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

    def digest(self, stream: str, selection: StudySelection, tz: str) -> str:
        """Return the digest of these objects of a stream under a selection's window, source and surveys, and a zone."""
        revision = REVISIONS.get(stream, REVISION)
        more = [tz] if tz != PLAIN or selection.surveys else []
        window = (revision, selection.source, selection.since_ms, selection.until_ms, *more, *selection.surveys)
        return hashlib.blake2b(f"{self._sum:x} {self.objects} {window}".encode(), digest_size=_DIGEST).hexdigest()


class Media(Files):
    """The media files of an export of tables."""

    under = "raw/"


@dataclass(frozen=True, slots=True)
class Tables(Step):
    """Makes every selected stream into one table per participant; its media into files."""

    study: str
    key: SecretRef
    form: TableForm
    selection: StudySelection
    tz: str = PLAIN
    """The zone of a column with local times."""

    @property
    def odd(self) -> OddFolders:
        """The step that sets aside what lies in odd folders."""
        return OddFolders(self.study)

    @property
    def media(self) -> Media:
        """The step that handles media."""
        return Media(self.study, self.key, self.selection)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List the selection, sum up every table, and record those that must be made."""
        holder = context.dest.holder() if ledger is not None else NOTHING
        tables: dict[tuple[str, str], Sum] = {}
        others: Counter[str] = Counter()
        media, plan, seen = self.media, Plan(), Count()
        for page in walk(context.store, self.study, self.selection):
            files, odd = [], []
            for one in page:
                if self.selection.wants_odd(one.object):
                    odd.append(one)
                elif (reason := left_out(one.object)) is not None:
                    others[reason] += 1
                elif self.selection.wants(one.object, raw_margin_ms=RAW_MARGIN_MS):
                    seen += Count(1, one.size)
                    if STREAMS[one.object.stream].is_table:
                        table = (one.object.participant, one.object.stream)
                        tables.setdefault(table, Sum()).add(one.object.key, one.version, one.size)
                    elif self.selection.wants(one.object):
                        files.append(one)
            if files:
                plan += media.plan_page(ledger, context, holder, media.page_of(files))
            if odd:
                plan += self.odd.plan_page(ledger, context, holder, page_of_odd(odd))
            progress.listing(seen)
        return plan + Plan(left_out=dict(others)) + self._compare(ledger, context, holder, tables)

    def _compare(
        self, ledger: Ledger | None, context: RunContext, holder: Holder, tables: dict[tuple[str, str], Sum]
    ) -> Plan:
        """Tell tables to be made from those that stand."""
        plan = Plan()
        paths = {table: table_path(*table, self.form) for table in tables}
        known = ledger.outputs.known(context.job, list(paths.values())) if ledger is not None else {}
        stale: list[tuple[str, str]] = []
        for table, made_of in tables.items():
            path = paths[table]
            old = known.get(path)
            if (
                ledger
                and old
                and old.made_by == made_of.digest(table[1], self.selection, self.tz)
                and holder.holds(old)
                and not lost(ledger, context.job, ledger.items.quarantined_in(context.job, path), holder)
            ):
                bad = Count(*ledger.items.of_output(context.job, path).get(State.QUARANTINED, (0, 0)))
                good = Count(made_of.objects - bad.objects, made_of.bytes - bad.bytes)
                plan += Plan(skipped=good, quarantined=bad)
            else:
                stale.append((path, "/".join(table)))
                plan += Plan(todo=Count(made_of.objects, made_of.bytes))
        if ledger is not None and context.run:
            with ledger.transaction():
                ledger.outputs.plan(context.job, context.run, stale)
        return plan

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the media files in batches, then one shard per table."""
        yield from self.odd.shards(ledger, context)
        yield from self.media.shards(ledger, context)
        for subject in ledger.outputs.planned(context.job, context.run):
            participant, _, stream = subject.rpartition("/")
            yield TableShard(context, self, participant, stream)


@dataclass(frozen=True, slots=True)
class TableShard(Shard):
    """One participant's stream, to be made into a table."""

    context: RunContext
    step: Tables
    participant: str
    stream: str

    def handle(self, work: Work) -> None:
        """List → fetch → open → parse → sort → write."""
        with _turns:
            self._make(work)

    def _make(self, work: Work) -> None:
        _use_system_memory()
        selection = replace(self.step.selection, participants=(self.participant,), streams=(self.stream,))
        objects = stream_objects(work.store, self.step.study, selection)
        if not objects:
            return  # all went since they were listed: a table that stands is not replaced by an empty one
        made_of = Sum()
        path = table_path(self.participant, self.stream, self.step.form)
        temporary = work.writer.reserve()
        with (
            one_large_at_a_time(objects),
            work.writer.explaining(),
            self._table(temporary) as table,
            closing(read_stream(work.store, opener(self.step.key), objects, selection, width=2)) as read,
        ):
            for batch in read:
                _settle(batch, path, made_of, work)
                table.write(self._with_local_time(batch.frame))
            rows = table.finish().rows
        states = {item.state for item in work.receipt.items}
        # An object that could not be fetched may come next time: without a digest the table is made anew then.
        digest = "" if State.FAILED in states else made_of.digest(self.stream, self.step.selection, self.step.tz)
        if rows or states <= {State.DONE}:
            work.writer.adopt(path, temporary, rows=rows, kind="table", made_by=digest)
        else:  # a table without rows is written only where none were lost: empty must mean empty
            temporary.unlink()
            work.receipt.outputs.append(Output(path, b"", 0, 0, 0, kind="table", made_by=digest))
        work.receipt.whole.append(path)

    def _table(self, temporary: Path) -> SortedTable:
        """Start the table under a temporary name."""
        import polars as pl

        from bondstore.domains.beiwe.reading.frames import schema
        from bondstore.tables.sorted import SortedTable

        scratch = temporary.with_name(temporary.name + ".runs")
        columns = self._with_local_time(pl.DataFrame(schema=schema(STREAMS[self.stream]))).schema
        return SortedTable(temporary, columns, _format(self.step.form), scratch=scratch, budget=BUDGET)

    def _with_local_time(self, frame: pl.DataFrame) -> pl.DataFrame:
        # A text has no room for a zone: there it is the time of the clock, as the column in UTC has no zone either.
        return with_local_time(frame, self.step.tz, zoned=self.step.form == "parquet")


def _settle(batch: ReadBatch, path: str, made_of: Sum, work: Work) -> None:
    """Note what was read, keep sealed bytes of what is damaged, and say what became of every object."""
    receipt = work.receipt
    receipt.reads += batch.reads
    receipt.findings += batch.findings
    for one in batch.objects:
        listed, answer = one.listed, one.answer
        item = Item(listed.object.key, listed.version, listed.size, path)
        if not isinstance(answer, SealedObject):
            work.not_fetched(item, answer, sealed=True)
            if isinstance(answer, ChecksumError):  # in quarantine until it changes, and the table is complete without
                made_of.add(item.key, item.version, item.size)
            continue
        if one.damage:
            work.quarantine(item, answer.version, one.damage, [answer.data])
        else:
            receipt.done(item, answer.version)
        made_of.add(answer.object.key, answer.version, answer.size)
        if answer.object.key != item.key:
            receipt.findings.append(moved_finding(item.key))


def _use_system_memory() -> None:
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what the largest batch took


def _format(form: TableForm) -> Format:
    from bondstore.tables.csvsink import CsvFormat
    from bondstore.tables.parquet import ParquetFormat

    return ParquetFormat() if form == "parquet" else CsvFormat()
