"""The Parquet table of each month, made as a whole from the objects that are filed under it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from bondstore.domains.ocean.output.parquet import month_table
from bondstore.domains.ocean.places import TABLES, month_of
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.runkinds import RUN_KINDS
from bondstore.domains.ocean.shard import maker
from bondstore.errors import BondstoreError, ChangedError, DamagedError, NotFoundError
from bondstore.ledger import Read, State
from bondstore.runs.groups import grouped
from bondstore.runs.outlets import made_by, outlet, remove, shelf
from bondstore.runs.recording import note_reads
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Item, Ledger
    from bondstore.stores import Store

BATCH = 512
BATCH_BYTES = 16 << 20


def month_path(month: str) -> str:
    """Return where the table of a month (``YYYY/MM``) lies."""
    year, number = month.split("/")
    return f"{TABLES}year={year}/month={number}/profiles.parquet"


def month_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[MonthShard]:
    """Yield the months whose table is not made of what is filed under them now, or is not there."""
    holder = shelf(job.dest, place.destination)
    settings = job.settings.digest()
    months: dict[str, list[Item]] = {}
    for item in ledger.items.in_state(place.job, State.DONE):
        if month := month_of(item.output):
            months.setdefault(month, []).append(item)
    for month, items in sorted(months.items()):
        known = ledger.outputs.known(place.job, [month_path(month)]).get(month_path(month))
        if known is None or made_by(known) != _digest(settings, items) or not holder.holds(known):
            yield MonthShard(place, job, month, tuple(items), settings)


def _digest(settings: str, items: Sequence[Item]) -> str:
    """Return what says which objects a table is made of, and how."""
    parts = [settings, *((one.key, one.version) for one in items)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MonthShard:
    """One month, to be read, tested and written as a table.

    Parameters
    ----------
    place : Place
        Store and record.
    job : QcJob
        How.
    month : str
        ``YYYY/MM``.
    items : tuple of Item
        The objects that are filed under it.
    settings : str
        What says how it is made.
    """

    place: Place
    job: QcJob
    month: str
    items: tuple[Item, ...]
    settings: str

    def run(self) -> Tally:
        """Read the objects a batch at a time, and write the table; its objects were counted when they were tested."""
        tools = bench(self.place)
        out = outlet(self.job.dest, self.place.destination)
        work = _Work(self, tools.store, tools.ledger)
        outputs = []
        try:
            tested = work.tested()
            first = next(tested, None)
            if first is None:
                remove(self.job.dest, self.place.destination, [month_path(self.month)])
            else:
                table = month_table(chain([first], tested))
                out.write(month_path(self.month), table, _digest(self.settings, work.read))
                outputs = out.commit()
        finally:
            out.discard()
        with tools.ledger.transaction():
            self._note_gone(tools.ledger, work.gone)
            if first is None:
                tools.ledger.outputs.forget(self.place.job, [month_path(self.month)])
            tools.ledger.outputs.put(self.place.job, self.place.run, outputs)
        return Tally()

    def _note_gone(self, ledger: Ledger, gone: Sequence[Item]) -> None:
        """Name the objects that are in the store no more: should they come back, they are taken up again."""
        word = RUN_KINDS["gone"]
        ledger.findings.forget(self.place.job, [item.key for item in gone])
        ledger.findings.put(self.place.job, self.place.run, [word.about(item.key) for item in gone])
        failed = [replace(item, state=State.FAILED, reason=word.word) for item in gone]
        ledger.items.put(self.place.job, self.place.run, failed)


class _Work:
    """The reading of one month while it runs; afterwards it knows what was read, and what was gone."""

    def __init__(self, shard: MonthShard, store: Store, ledger: Ledger) -> None:
        self._shard, self._store, self._ledger = shard, store, ledger
        self._maker = maker(shard.job.settings, shard.job.store.url)
        self.read: list[Item] = []
        self.gone: list[Item] = []

    def tested(self) -> Iterator[tuple[Batch, Result]]:
        """Yield the objects that are there, tested, a batch at a time."""
        for items in grouped(self._shard.items, lambda item: item.size, number=BATCH, weight=BATCH_BYTES):
            batches = self._batches(items)
            if batches:
                joint = joined([self._maker.with_deployments(one)[0] for one in batches])
                yield joint, evaluate(joint, self._maker.suite)

    def _batches(self, items: Sequence[Item]) -> list[Batch]:
        """Read objects again, in the version that was tested; one that has changed since is for the next run."""
        answers = self._store.get_many([item.key for item in items])
        pairs = []
        reads = []
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, NotFoundError):
                self.gone.append(item)
                continue
            if isinstance(answer, BondstoreError):
                raise answer
            if answer.info.etag != item.version:
                raise ChangedError(
                    f"{item.key} was replaced while its month was put together.",
                    hint="Run the same command again: it takes up what is there now.",
                )
            self.read.append(item)
            pairs.append((item.key, bytes(answer.data)))
            reads.append(Read(item.key, item.version, len(answer.data)))
        note_reads(self._ledger, self._shard.place, reads)
        batches = []
        for result in read_many(pairs, self._maker.columns):
            if isinstance(result, DamagedError):
                raise result
            batches.append(result[0])
        return batches
