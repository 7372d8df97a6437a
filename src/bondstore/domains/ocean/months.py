"""The Parquet table of each month, made as a whole from the objects that are filed under it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from bondstore.domains.ocean.places import TABLES, month_of
from bondstore.domains.ocean.rereading import gather, gathered_shards
from bondstore.runs.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.domains.ocean.rereading import Rereading
    from bondstore.ledger import Item, Ledger
    from bondstore.runs.work import Place


def month_path(month: str) -> str:
    """Return where the table of a month (``YYYY/MM``) lies."""
    year, number = month.split("/")
    return f"{TABLES}year={year}/month={number}/profiles.parquet"


def month_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[MonthShard]:
    """Yield the months whose table is not made of what is filed under them now, or is not there."""
    for month, items in gathered_shards(job, ledger, place, month_of, lambda month: [month_path(month)]):
        yield MonthShard(place, job, month, items)


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
        gather(self.place, self.job, self.items, [month_path(self.month)], _table)
        return Tally()


def _table(reading: Rereading) -> list[bytes] | None:
    from bondstore.domains.ocean.output.parquet import month_table  # pyarrow is large, and events do without it

    tested = reading.tested()
    first = next(tested, None)
    return None if first is None else [month_table(chain([first], tested))]
