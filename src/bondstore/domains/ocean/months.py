"""The Parquet table of each month, made as a whole from the objects that are filed under it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.ocean.output.parquet import month_table
from bondstore.domains.ocean.places import TABLES, month_of
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.shard import maker
from bondstore.errors import BondstoreError, ChangedError, DamagedError
from bondstore.ledger import Read, State
from bondstore.runs.groups import grouped
from bondstore.runs.outlets import made_by, outlet, shelf
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
        digest = hashlib.sha256(repr([settings, *((one.key, one.version) for one in items)]).encode()).hexdigest()
        known = ledger.outputs.known(place.job, [month_path(month)]).get(month_path(month))
        if known is None or made_by(known) != digest or not holder.holds(known):
            yield MonthShard(place, job, month, tuple(items), digest)


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
    digest : str
        What says what the table is made of and how.
    """

    place: Place
    job: QcJob
    month: str
    items: tuple[Item, ...]
    digest: str

    def run(self) -> Tally:
        """Read the objects a batch at a time, and write the table; its objects were counted when they were tested."""
        tools = bench(self.place)
        out = outlet(self.job.dest, self.place.destination)
        try:
            out.write(month_path(self.month), month_table(self._tested(tools.store, tools.ledger)), self.digest)
            outputs = out.commit()
        finally:
            out.discard()
        with tools.ledger.transaction():
            tools.ledger.outputs.put(self.place.job, self.place.run, outputs)
        return Tally()

    def _tested(self, store: Store, ledger: Ledger) -> Iterator[tuple[Batch, Result]]:
        tool = maker(self.job.settings, self.job.store.url)
        for batch in grouped(self.items, lambda item: item.size, number=BATCH, weight=BATCH_BYTES):
            joint = joined([tool.with_deployments(one)[0] for one in self._read(store, ledger, batch)])
            yield joint, evaluate(joint, tool.suite)

    def _read(self, store: Store, ledger: Ledger, items: Sequence[Item]) -> list[Batch]:
        """Read objects again, in the version that was tested; one that has changed since is for the next run."""
        tool = maker(self.job.settings, self.job.store.url)
        answers = store.get_many([item.key for item in items])
        pairs = []
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, BondstoreError):
                raise answer
            if answer.info.etag != item.version:
                raise ChangedError(
                    f"{item.key} was replaced while its month was put together.",
                    hint="Run the same command again: it takes up what is there now.",
                )
            pairs.append((item.key, bytes(answer.data)))
        note_reads(
            ledger,
            self.place,
            [Read(item.key, item.version, len(data)) for item, (_, data) in zip(items, pairs, strict=True)],
        )
        results = read_many(pairs, tool.columns)
        for result in results:
            if isinstance(result, DamagedError):
                raise result
        return [result[0] for result in results if not isinstance(result, DamagedError)]
