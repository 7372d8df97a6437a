"""Files that a run fetched, or wrote, held against its record: what `bondstore verify` does for a destination."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.errors import CredentialsError
from bondstore.ledger import State
from bondstore.runs import anchors
from bondstore.runs.destinations import open_destination
from bondstore.runs.proof import FILES, changed_file, prove_chain, unknown_files
from bondstore.vault.glacier.migrate import JOB as MIGRATE
from bondstore.vault.manifest import FOLDER
from bondstore.vault.put import JOB as PUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.config.profiles import StoreSpec
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.destination import Destination, Holder


@dataclass(slots=True)
class Fetched:
    """What of a destination is as it was recorded. It counts while `findings` are taken from it."""

    destination: Destination
    share: float
    """Which part of the files is read, chosen at random; of the others presence, size and time are compared."""
    files: int = 0
    bytes: int = 0
    wrong: int = 0
    waiting: int = 0
    """Objects that a run which goes on, or was stopped, has yet to fetch."""
    failed: int = 0
    """Objects that the last run could not handle in full."""
    _chance: random.Random = field(default_factory=random.SystemRandom)

    def findings(self) -> Iterator[Finding]:
        """Prove the record, and yield what of the files is not what it says.

        Raises
        ------
        IntegrityError
            The record is lost, was changed, or an older state was put back.
        """
        anchors.refuse_lost(self.destination)
        with self.destination.ledger(create=False) as ledger:
            prove_chain(ledger)
            anchors.hold(self.destination, ledger)
            self._count_open(ledger)
            holder = self.destination.holder()
            written = (one for one in ledger.outputs.walk() if one.sha256)
            for path, outputs in itertools.groupby(written, key=lambda one: one.path):
                found = self._compare(path, list(outputs), holder)
                if found is not None:
                    self.wrong += 1
                    yield found
            if not self.destination.busy():  # a run that goes on shows files a moment before it records them
                yield from unknown_files(ledger, self.destination)

    def _count_open(self, ledger: Ledger) -> None:
        last = next(iter(ledger.runs.newest_first()), None)
        if last is not None:
            states = {state: number for state, (number, _) in ledger.items.of_run(last.job, last.id).items()}
            self.waiting = states.get(State.PLANNED, 0)
            self.failed = states.get(State.FAILED, 0) + states.get(State.QUARANTINED, 0)

    def _compare(self, path: str, recorded: list[Output], holder: Holder) -> Finding | None:
        self.files += 1
        self.bytes += recorded[0].size
        if self.share >= 1 or self._chance.random() < self.share:
            return changed_file(self.destination, path, {one.sha256 for one in recorded})
        if any(map(holder.holds, recorded)):
            return None
        return FILES["file-changed" if self.destination.exists(path) else "file-missing"].about(path)


def fetched_at(spec: StoreSpec, share: float) -> Fetched | None:
    """Return what is to be compared, where a place is no vault, and runs wrote there."""
    place = open_destination(spec)
    if next(iter(place.walk(FOLDER)), None) is not None:
        return None
    try:
        place.refresh()
    except CredentialsError:  # who may read a vault need not be let into the record beside it
        return None
    if not place.has_record():
        return None
    with place.ledger(create=False) as ledger:
        jobs = {one.job.partition(":")[0] for one in ledger.runs.newest_first()}
    return Fetched(place, share) if jobs and jobs.isdisjoint((PUT, MIGRATE)) else None
