"""How shards of a Beiwe export record what became of their objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.arrival import ARRIVAL
from bondstore.domains.beiwe.damage import DAMAGE, damage_finding
from bondstore.errors import BondstoreError, DamagedError, NotFoundError
from bondstore.findings import Finding, Severity
from bondstore.ledger import Item, Output, State
from bondstore.runs.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.ledger import Ledger, Read
    from bondstore.runs.durable import Written
    from bondstore.runs.work import Place

_OUTCOME = {State.PLANNED: "done", State.DONE: "done", State.QUARANTINED: "quarantined", State.FAILED: "failed"}


@dataclass(slots=True)
class Record:
    """What a shard has to say, gathered until its files are in place."""

    items: list[Item] = field(default_factory=list)
    also: list[Item] = field(default_factory=list)
    """Items under the key an object moved to: known from now on, counted once."""
    outputs: list[Output] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def failed(self, item: Item, error: BondstoreError) -> None:
        """An object could not be fetched."""
        kind = "vanished" if isinstance(error, NotFoundError) else "fetch-failed"
        self.items.append(Item(item.key, item.version, item.size, item.output, State.FAILED, kind))
        self.findings.append(ARRIVAL[kind].about(item.key, message=error.message))

    def quarantined(self, item: Item, version: str, reason: str) -> None:
        """An object could not be handled in full; its sealed bytes are kept."""
        self.items.append(Item(item.key, version, item.size, item.output, State.QUARANTINED, reason))

    def done(self, item: Item, version: str) -> None:
        """An object is where it belongs."""
        self.items.append(Item(item.key, version, item.size, item.output, State.DONE))

    def planned(self, item: Item, version: str) -> None:
        """An object is read, and done once the file it goes into stands."""
        self.items.append(Item(item.key, version, item.size, item.output, State.PLANNED))

    def commit(self, ledger: Ledger, place: Place) -> Tally:
        """Write everything in one transaction; return the counts."""
        with ledger.transaction():
            ledger.findings.forget(place.job, [item.key for item in self.items])
            ledger.findings.put(place.job, place.run, self.findings)
            ledger.items.put(place.job, place.run, [*self.items, *self.also])
            ledger.outputs.put(place.job, place.run, self.outputs)
        tally = Tally()
        for item in self.items:
            tally = tally.count(_OUTCOME[item.state], item.size)
        return tally


def note_reads(ledger: Ledger, place: Place, reads: Iterable[Read]) -> None:
    """Put what was fetched into the audit chain, before any of it is written in the clear."""
    with ledger.transaction():
        ledger.audit.reads(place.who, place.run, reads)


def finding_of(error: DamagedError, key: str) -> Finding:
    """Turn an error about damage into the finding it is recorded as."""
    return (
        damage_finding(error.kind, key)
        if error.kind in DAMAGE
        else Finding(error.kind, Severity.ERROR, key, error.message)
    )


def moved_finding(key: str) -> Finding:
    """Return the finding about an object that was found under its twin's name."""
    return ARRIVAL["moved-to-twin"].about(key)


def output_of(written: Written, *, rows: int | None = None, digest: str = "") -> Output:
    """Return the ledger's record of a written file."""
    return Output(written.path, written.sha256, written.size, written.mtime_ns, rows, digest)
