"""What a shard brings back, and the one place where it is recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from bondstore.ledger import Item, Output, Read, State
from bondstore.ledger.agreement import finding_version
from bondstore.runs.tally import Count, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.findings import Finding
    from bondstore.ledger import Ledger

_OUTCOME = {State.DONE: "done", State.QUARANTINED: "quarantined", State.FAILED: "failed"}


class FileChange(Protocol):
    """What the one who records must do to files and record together: renaming by turns, so that a kill loses none."""

    def apply(self, ledger: Ledger, context: Any) -> None:
        """Do it, or the rest of it, in a `RunContext`: a kill at any instant may come in between."""


@dataclass(slots=True)
class Receipt:
    """What became of a shard's objects, gathered while it works. Nothing of it counts before it is recorded."""

    items: list[Item] = field(default_factory=list)
    also: list[Item] = field(default_factory=list)
    """Items that are recorded, and not counted: under the key an object moved to, or planned again."""
    outputs: list[Output] = field(default_factory=list)
    staged: list[tuple[str, str]] = field(default_factory=list)
    """Files under temporary names, with the paths that they get when this is recorded."""
    findings: list[Finding] = field(default_factory=list)
    afresh: list[str] = field(default_factory=list)
    """Keys of no items, which were looked at anew: what was found about them before is no more."""
    reads: list[Read] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Outputs that are to be removed."""
    whole: list[str] = field(default_factory=list)
    """Outputs that were made of these items alone: what else is recorded as part of one is no more."""
    skipped: list[Item] = field(default_factory=list)
    """Objects that need not be looked at after all; the next plan takes them as new."""
    left: int = 0
    """Products that are left as they were, as one of their objects could not be read once more."""
    inside: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    """Of the failed objects: those that only have to be waited for."""
    first: FileChange | None = None
    """What is done before anything of this is recorded or seen."""
    counted: bool = True
    """False where the items were counted before, by the shard that handled them first."""

    @property
    def proves_by_outputs(self) -> bool:
        """Whether what it is about is done when its outputs are: products, which go by what they were made of."""
        return (bool(self.whole) or not self.counted) and self.first is None

    def done(self, item: Item, version: str) -> None:
        """An object is where it belongs."""
        self.items.append(Item(item.key, version, item.size, item.output, State.DONE))

    def quarantined(self, item: Item, version: str, reason: str) -> None:
        """An object could not be handled in full."""
        self.items.append(Item(item.key, version, item.size, item.output, State.QUARANTINED, reason))

    def failed(self, item: Item, finding: Finding) -> None:
        """An object could not be fetched."""
        self.items.append(Item(item.key, item.version, item.size, item.output, State.FAILED, finding.kind))
        self.findings.append(finding)

    def tally(self) -> Tally:
        """Count the items by what became of them."""
        tally = Tally(inside=dict(self.inside), left=self.left, waiting=self.waiting)
        sizes: dict[str, list[int]] = {"skipped": [item.size for item in self.skipped]}
        for item in self.items if self.counted else ():
            sizes.setdefault(_OUTCOME[item.state], []).append(item.size)
        counts: dict[str, Any] = {outcome: Count(len(some), sum(some)) for outcome, some in sizes.items()}
        return replace(tally, **counts)


def begin_recording(ledger: Ledger, job: str, run: str, who: str, receipts: Sequence[Receipt], *, at_ms: int) -> None:
    """Log the reads, and name the outputs."""
    ledger.audit.add(who, run, (entry for one in receipts for entry in _first_entries(one)), at_ms=at_ms)
    for one in receipts:
        ledger.outputs.put(job, run, map(_unproved, one.outputs) if one.proves_by_outputs else one.outputs)


def end_recording(ledger: Ledger, job: str, run: str, who: str, receipts: Sequence[Receipt], *, at_ms: int) -> None:
    """Record what became of the objects."""
    ledger.audit.add(who, run, (entry for one in receipts for entry in _last_entries(one)), at_ms=at_ms)
    for one in receipts:
        if one.proves_by_outputs:
            ledger.outputs.put(job, run, one.outputs)
        ledger.findings.forget(job, [*(item.key for item in one.items), *one.afresh])
        ledger.findings.put(job, run, one.findings)
        ledger.items.put(job, run, [*one.items, *one.also])
        ledger.items.forget(job, [item.key for item in one.skipped])
        ledger.outputs.forget(job, one.gone)
        for path in one.whole:
            ledger.items.settle(job, run, path)


def _unproved(output: Output) -> Output:
    """Return an output that is to be made again if a kill comes before it is recorded what became of its objects."""
    return replace(output, made_by="")


_Entry = tuple[str, str, str, int]


def _first_entries(one: Receipt) -> Iterator[_Entry]:
    """Yield what the audit chain holds of what was read and is about to be shown."""
    yield from (("read", read.key, read.version, read.size) for read in one.reads)
    yield from (("write", output.path, output.sha256.hex(), output.size) for output in one.outputs)


def _last_entries(one: Receipt) -> Iterator[_Entry]:
    """Yield what the audit chain holds of what is recorded, so that no row of it can be changed later unnoticed."""
    for item in one.items:
        yield item.state.value, item.key, item.version, item.size
    for item in one.also:
        yield f"noted-{item.state.value}", item.key, item.version, item.size
    for key in one.afresh:
        yield "looked", key, "", 0
    for found in one.findings:
        yield "finding", found.key, finding_version(found), found.count
    for path in one.gone:
        yield "remove", path, "", 0
