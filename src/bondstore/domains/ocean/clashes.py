"""Objects whose files would have one name: the first of them by key has it, the others carry a mark of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.ocean.output.names import unmarked
from bondstore.domains.ocean.shard import ProfilesShard
from bondstore.errors import NotFoundError
from bondstore.ledger import State
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Item, Ledger
    from bondstore.runs.work import Place


def clash_shards(job: QcJob, ledger: Ledger, place: Place) -> Iterator[ProfilesShard]:
    """Yield the objects that share a file's name, together, where another than the first of them has it.

    They are written again. So it does not matter which of them came first, nor in which run. Where one of them is no
    more in the store, its file stays as it is, and so do the others.
    """
    digest = job.settings.digest()
    for items in _groups(ledger, place.job):
        if _all_there(job, items):
            yield ProfilesShard(place, job, items, digest, frozenset(one.key for one in items[1:]), counted=True)


def _groups(ledger: Ledger, job: str) -> Iterator[tuple[Item, ...]]:
    """Yield the objects of each name that is not the first one's alone, by key."""
    shared = {items[0].output: items for items in ledger.items.sharing(job)}
    groups = {path: {one.key: one for one in items} for path, items in shared.items()}
    for item in ledger.items.in_state(job, State.DONE):
        plain = unmarked(item.output, item.key)
        if plain != item.output:
            groups.setdefault(plain, {})[item.key] = item
    for path, items in sorted(groups.items()):
        holder = ledger.items.keys_of(job, [path]).get(path)
        if holder is not None and (path in shared or min(items) < holder):
            known = ledger.items.known(job, [*items, holder])
            yield tuple(known[key] for key in sorted(known))


def _all_there(job: QcJob, items: Sequence[Item]) -> bool:
    store = open_store(job.store)
    try:
        return all(store.head(one.key).etag == one.version for one in items)
    except NotFoundError:
        return False
