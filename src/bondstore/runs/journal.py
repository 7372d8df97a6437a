"""What a run has recorded, entry by entry, as others can read it and record it too."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from bondstore.errors import IntegrityError
from bondstore.findings import Finding, Severity
from bondstore.ledger import Item, Output, Read, State
from bondstore.ledger.agreement import tally_digest
from bondstore.ledger.audit import COMPLETE
from bondstore.runs.receipt import Receipt, begin_recording, end_recording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.ledger import Ledger


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """Receipts of a run, or its beginning or end."""

    at_ms: int
    job: str
    run: str
    who: str
    receipts: tuple[Receipt, ...] = ()
    begun: Mapping[str, Any] | None = None
    """``params`` and ``tool`` of a run that begins, and whether it is to ``retry`` what is unsettled."""
    ended: Mapping[str, Any] | None = None
    """``state``, ``objects`` and ``sizes`` of one that ends."""
    before: tuple[str, ...] | None = None
    """Names of the entries that were recorded before a run began, in their order; None of other entries."""

    def to_json(self) -> bytes:
        """Return it as JSON."""
        said = {
            "at_ms": self.at_ms,
            "job": self.job,
            "run": self.run,
            "who": self.who,
            "receipts": [_receipt_to_json(one) for one in self.receipts],
            "begun": self.begun,
            "ended": self.ended,
            "before": self.before,
        }
        return json.dumps(said, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes, name: str) -> RecordEntry:
        """Read it back.

        Raises
        ------
        IntegrityError
            It is none.
        """
        try:
            said = json.loads(data)
            receipts = tuple(map(_receipt_from_json, said["receipts"]))
            before = None if said.get("before") is None else tuple(map(str, said["before"]))
            at_ms, job, run, who, begun, ended = (said[one] for one in ("at_ms", "job", "run", "who", "begun", "ended"))
            for part, needed in ((begun, ("params", "tool")), (ended, ("state", "objects", "sizes"))):
                if part is not None:
                    tuple(part[one] for one in needed)  # what `replay` takes from it
            return cls(at_ms, job, run, who, receipts, begun, ended, before)
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f".bondstore/receipts/{name} is no entry of a run's record.",
                hint="Find out who put it there. Move the object away, and run the same command again.",
            ) from error


def entry_of(job: str, run: str, who: str, **said: Any) -> RecordEntry:
    """Return an entry of this moment."""
    return RecordEntry(int(time.time() * 1000), job, run, who, **said)


def replay(ledger: Ledger, name: str, entry: RecordEntry) -> None:
    """Record an entry in one transaction; one that is known by its name already changes nothing."""
    with ledger.transaction():
        if name and not ledger.received.add([name]):
            return
        if entry.begun is not None:
            began = {"who": entry.who, "tool": entry.begun["tool"], "started_ms": entry.at_ms}
            ledger.runs.put(entry.run, entry.job, entry.begun["params"], **began)
            ledger.audit.event(entry.who, entry.run, "run.start", entry.job, version=COMPLETE, at_ms=entry.at_ms)
            if entry.begun.get("retry"):  # entries of earlier versions do not say it
                ledger.items.release(entry.job)
        begin_recording(ledger, entry.job, entry.run, entry.who, entry.receipts, at_ms=entry.at_ms)
        end_recording(ledger, entry.job, entry.run, entry.who, entry.receipts, at_ms=entry.at_ms)
        if entry.ended is not None:
            state, objects, sizes = (entry.ended[name] for name in ("state", "objects", "sizes"))
            tally = tally_digest(state, objects, sizes)
            ledger.audit.event(entry.who, entry.run, "run.end", state, sizes["done"], version=tally, at_ms=entry.at_ms)
            ledger.runs.finish(entry.run, state, objects, sizes, ledger.audit.head(), at_ms=entry.at_ms)


def _receipt_to_json(receipt: Receipt) -> dict[str, Any]:
    return {
        "items": _rows(receipt.items),
        "also": _rows(receipt.also),
        "outputs": [_output(one) for one in receipt.outputs],
        "findings": [list(asdict(one).values()) for one in receipt.findings],
        "afresh": receipt.afresh,
        "reads": [[one.key, one.version, one.size] for one in receipt.reads],
        "gone": receipt.gone,
        "whole": receipt.whole,
        "skipped": _rows(receipt.skipped),
        "inside": receipt.inside,
        "counted": receipt.counted,
    }


def _receipt_from_json(said: Mapping[str, Any]) -> Receipt:
    return Receipt(
        items=[_item(*row) for row in said["items"]],
        also=[_item(*row) for row in said["also"]],
        outputs=[Output(**{**one, "sha256": bytes.fromhex(one["sha256"])}) for one in said["outputs"]],
        findings=[Finding(kind, Severity(severity), *rest) for kind, severity, *rest in said["findings"]],
        afresh=said.get("afresh", []),
        reads=[Read(*row) for row in said["reads"]],
        gone=said["gone"],
        whole=said["whole"],
        skipped=[_item(*row) for row in said.get("skipped", ())],
        inside=Counter(said["inside"]),
        counted=said["counted"],
    )


def _output(one: Output) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _OUTPUT} | {"sha256": one.sha256.hex()}


def _item(key: str, version: str, size: int, output: str, *settled: str) -> Item:
    state, reason = settled
    return Item(key, version, size, output, State(state), reason)


def _rows(items: Sequence[Item]) -> list[list[Any]]:
    return [[one.key, one.version, one.size, one.output, one.state.value, one.reason] for one in items]


_OUTPUT = tuple(one.name for one in fields(Output))  # `asdict` copies each value, which takes ten times as long
