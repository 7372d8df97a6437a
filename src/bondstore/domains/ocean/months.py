"""The Parquet table of each month, made as a whole from the objects that are filed under it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from bondstore.domains.ocean.places import TABLES, month_of
from bondstore.domains.ocean.rereading import Rereading, gathered_digest
from bondstore.ledger import State
from bondstore.runs.outlets import made_by, outlet, remove, shelf
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Item, Ledger


def month_path(month: str) -> str:
    """Return where the table of a month (``YYYY/MM``) lies."""
    year, number = month.split("/")
    return f"{TABLES}year={year}/month={number}/profiles.parquet"


def month_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[MonthShard]:
    """Yield the months whose table is not made of what is filed under them now, or is not there."""
    holder, settings = shelf(job.dest, place.destination), job.settings.digest()
    months: dict[str, list[Item]] = {}
    for item in ledger.items.in_state(place.job, State.DONE):
        if month := month_of(item.output):
            months.setdefault(month, []).append(item)
    for month, items in sorted(months.items()):
        known = ledger.outputs.known(place.job, [month_path(month)]).get(month_path(month))
        if known is None or made_by(known) != gathered_digest(settings, items) or not holder.holds(known):
            yield MonthShard(place, job, month, tuple(items))


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
    """

    place: Place
    job: QcJob
    month: str
    items: tuple[Item, ...]

    def run(self) -> Tally:
        """Read the objects a batch at a time, and write the table; its objects were counted when they were tested."""
        from bondstore.domains.ocean.output.parquet import month_table  # pyarrow is large, and events do without it

        tools = bench(self.place)
        out = outlet(self.job.dest, self.place.destination)
        reading = Rereading(self.place, self.job, self.items, tools.store, tools.ledger)
        path, outputs = month_path(self.month), []
        try:
            tested = reading.tested()
            first = next(tested, None)
            if first is None:
                remove(self.job.dest, self.place.destination, [path])
            else:
                table = month_table(chain([first], tested))
                out.write(path, table, gathered_digest(self.job.settings.digest(), reading.read))
                outputs = out.commit()
        finally:
            out.discard()
        with tools.ledger.transaction():
            reading.note_gone()
            if first is None:
                tools.ledger.outputs.forget(self.place.job, [path])
            tools.ledger.outputs.put(self.place.job, self.place.run, outputs)
        return Tally()
