"""Objects whose files would have one name: the first of them by key keeps it, the others get a mark of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.ocean.shard import ProfilesShard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Ledger
    from bondstore.runs.work import Place


def clash_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[ProfilesShard]:
    """Yield the objects that share a file's name, together: they are written again, each under a name of its own.

    It does not matter which of them came first, nor in which run.
    """
    digest = job.settings.digest()
    for items in ledger.items.sharing(place.job):
        yield ProfilesShard(place, job, tuple(items), digest, frozenset(one.key for one in items[1:]), counted=True)
