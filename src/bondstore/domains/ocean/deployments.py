"""The netCDF file of each deployment, made as a whole from the objects of one sensor on one vessel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.ocean.places import deployment_of, deployment_path, record_path
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.rereading import Rereading, gathered_digest
from bondstore.domains.ocean.shard import maker
from bondstore.ledger import State
from bondstore.runs.outlets import made_by, outlet, remove, shelf
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Item, Ledger


def deployment_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[DeploymentShard]:
    """Yield the deployments whose file is not made of the objects that belong to them now, or is not there."""
    holder, settings = shelf(job.dest, place.destination), job.settings.digest()
    groups: dict[str, list[Item]] = {}
    for item in ledger.items.in_state(place.job, State.DONE):
        if name := deployment_of(item.output):
            groups.setdefault(name, []).append(item)
    for name, items in sorted(groups.items()):
        path, digest = deployment_path(name), gathered_digest(settings, items)
        known = ledger.outputs.known(place.job, [path, record_path(path)])
        if len(known) < 2 or any(made_by(one) != digest or not holder.holds(one) for one in known.values()):
            yield DeploymentShard(place, job, name, tuple(items))


@dataclass(frozen=True, slots=True)
class DeploymentShard:
    """One deployment, to be read, tested and written as one file. Its levels are in memory together.

    Parameters
    ----------
    place : Place
        Store and record.
    job : QcJob
        How.
    name : str
        Of the deployment, safe for a path.
    items : tuple of Item
        Its objects, in the order of their keys.
    """

    place: Place
    job: QcJob
    name: str
    items: tuple[Item, ...]

    def run(self) -> Tally:
        """Read the objects, and write file and record; its objects were counted when they were tested."""
        tools = bench(self.place)
        out = outlet(self.job.dest, self.place.destination)
        reading = Rereading(self.place, self.job, self.items, tools.store, tools.ledger)
        path, outputs = deployment_path(self.name), []
        beside = [path, record_path(path)]
        try:
            batches = list(reading.batches())
            if batches:
                digest = gathered_digest(self.job.settings.digest(), reading.read)
                made = maker(self.job.settings, self.job.store.url).gather(
                    path, joined(batches), [(one.key, one.version) for one in reading.read], reading.modified_ms
                )
                for name, data in zip(beside, made, strict=True):
                    out.write(name, data, digest)
                outputs = out.commit()
            else:
                remove(self.job.dest, self.place.destination, beside)
        finally:
            out.discard()
        with tools.ledger.transaction():
            reading.note_gone()
            if not batches:
                tools.ledger.outputs.forget(self.place.job, beside)
            tools.ledger.outputs.put(self.place.job, self.place.run, outputs)
        return Tally()
