"""The status of all deployments, as a CSV beside the files; made anew when any record is new."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.ocean.output.status import status_csv
from bondstore.domains.ocean.places import RECORD, STATUS
from bondstore.errors import BondstoreError
from bondstore.release.records import Record
from bondstore.runs.batches import grouped
from bondstore.runs.outlets import made_by, outlet, shelf
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Ledger

BATCH = 256


def status_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[StatusShard]:
    """Yield the making of the status, where the one that stands says something else than the records do."""
    seen = hashlib.sha256()
    paths = []
    holder = shelf(job.dest, place.destination)
    for output in ledger.outputs.walk(place.job):
        # one that somebody removed, and whose object is gone or damaged, is not written anew
        if output.path.endswith(RECORD) and holder.holds(output):
            paths.append(output.path)
            seen.update(output.path.encode() + output.sha256)
    known = ledger.outputs.known(place.job, [STATUS]).get(STATUS)
    digest = seen.hexdigest()
    if paths and (known is None or made_by(known) != digest or not holder.holds(known)):
        yield StatusShard(place, job, tuple(paths), digest)


@dataclass(frozen=True, slots=True)
class StatusShard:
    """The status, to be written.

    Parameters
    ----------
    place : Place
        Store and record.
    job : QcJob
        Where the records lie.
    paths : tuple of str
        The records.
    digest : str
        What says which records it is made of.
    """

    place: Place
    job: QcJob
    paths: tuple[str, ...]
    digest: str

    def run(self) -> Tally:
        """Read all records, and write one row for each deployment."""
        tools = bench(self.place)
        out = outlet(self.job.dest, self.place.destination)
        try:
            out.write(STATUS, status_csv(self._records()), self.digest)
            outputs = out.commit()
        finally:
            out.discard()
        with tools.ledger.transaction():
            tools.ledger.outputs.put(self.place.job, self.place.run, outputs)
        return Tally()

    def _records(self) -> Iterator[Record]:
        store = open_store(self.job.dest)
        for batch in grouped(self.paths, lambda _: 0, number=BATCH, weight=1):
            for answer in store.get_many(batch):
                if isinstance(answer, BondstoreError):
                    raise answer
                yield Record.from_json(bytes(answer.data))
