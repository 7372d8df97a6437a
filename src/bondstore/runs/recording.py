"""How shards record what became of their objects: gathered while they work, written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.ledger import Item, Output, State
from bondstore.runs.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.findings import Finding
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

    def failed(self, item: Item, finding: Finding) -> None:
        """An object could not be fetched."""
        self.items.append(Item(item.key, item.version, item.size, item.output, State.FAILED, finding.kind))
        self.findings.append(finding)

    def quarantined(self, item: Item, version: str, reason: str) -> None:
        """An object could not be handled in full."""
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


def output_of(written: Written, **facts: Any) -> Output:
    """Return the ledger's record of a written file; facts are columns of `Output`."""
    return Output(written.path, written.sha256, written.size, written.mtime_ns, **facts)
