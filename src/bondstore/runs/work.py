"""What a job gives to executors: shards that carry all they need and record their own results."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bondstore.stores import open_store

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec
    from bondstore.ledger import Ledger
    from bondstore.runs.destination import FolderDestination
    from bondstore.runs.tally import Tally
    from bondstore.stores import Store


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shard finds its store and records its results; no secrets, so it may go to any worker.

    Parameters
    ----------
    run, job, who : str
        The run it is for, its job, and the account that started it.
    store : StoreSpec
        The store to read from.
    destination : FolderDestination
        The folder to write to.
    """

    run: str
    job: str
    who: str
    store: StoreSpec
    destination: FolderDestination


class Shard(Protocol):
    """A self-contained, picklable piece of a run."""

    def run(self) -> Tally:
        """Do the work, record every outcome in the ledger, and return the counts.

        A shard that was killed at any instant can be run again.
        """


@dataclass(frozen=True, slots=True)
class Bench:
    """A thread's own open ledger, and the process's store."""

    ledger: Ledger
    store: Store


_benches: dict[tuple[int, Place], Bench] = {}
_stores: dict[StoreSpec, Store] = {}
_guard = threading.Lock()


def bench(place: Place) -> Bench:
    """Return the calling thread's bench for a place, opened at first use."""
    with _guard:
        found = _benches.get((threading.get_ident(), place))
        if found is None:
            if place.store not in _stores:
                _stores[place.store] = open_store(place.store)
            found = Bench(place.destination.ledger(), _stores[place.store])
            _benches[threading.get_ident(), place] = found
        return found


def clear_benches() -> None:
    """Close all that this process's threads opened; called when an executor is through."""
    with _guard:
        for open_bench in _benches.values():
            open_bench.ledger.close()
        _benches.clear()
        _stores.clear()
