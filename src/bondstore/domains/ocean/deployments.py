"""The netCDF file of each deployment, made as a whole from the objects of one sensor on one vessel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.ocean.places import deployment_of, deployment_path, record_path
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.rereading import gather, gathered_shards
from bondstore.domains.ocean.shard import maker
from bondstore.runs.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.domains.ocean.rereading import Rereading
    from bondstore.ledger import Item, Ledger
    from bondstore.runs.work import Place


def deployment_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[DeploymentShard]:
    """Yield the deployments whose file is not made of the objects that belong to them now, or is not there."""
    for name, items in gathered_shards(job, ledger, place, deployment_of, _paths):
        yield DeploymentShard(place, job, name, items)


def _paths(name: str) -> list[str]:
    return [deployment_path(name), record_path(deployment_path(name))]


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
        gather(self.place, self.job, self.items, _paths(self.name), self._made)
        return Tally()

    def _made(self, reading: Rereading) -> Sequence[bytes] | None:
        batches = list(reading.batches())
        if not batches:
            return None
        sources = [(one.key, one.version) for one in reading.read]
        tool = maker(self.job.settings, self.job.store.url)
        return tool.gather(deployment_path(self.name), joined(batches), sources, reading.modified_ms)
