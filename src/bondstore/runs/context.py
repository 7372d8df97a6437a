"""What a shard is given besides its own settings: where to read, where to write, for which run and whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.runs.process import shared_store

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec
    from bondstore.runs.destination import Destination
    from bondstore.stores import Store


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run, for its shards: no secrets and no ledger, so it may go to any worker."""

    run: str
    job: str
    who: str
    source: StoreSpec
    dest: Destination
    others: tuple[str, ...] = ()
    """Some objects of the job: a refusal is one object's alone where any of these opens."""

    @property
    def store(self) -> Store:
        """The store to read from, opened once in a process."""
        store = shared_store(self.source)
        store.others = self.others
        return store
