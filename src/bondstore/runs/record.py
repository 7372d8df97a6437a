"""The one place where receipts are recorded, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.runs.changed import keep_changed
from bondstore.runs.journal import RecordEntry, entry_of, replay
from bondstore.runs.receipt import Receipt, begin_recording, end_recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.ledger import Item, Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Destination


def note(ledger: Ledger, destination: Destination, entry: RecordEntry) -> None:
    """Record an entry, in the record of the destination first, if it has one."""
    replay(ledger, destination.publish(entry), entry)


def record(ledger: Ledger, context: RunContext, receipts: Sequence[Receipt]) -> None:
    """Record what shards brought back.

    In a folder reads are logged and files named first; then the files are shown; then it is recorded what became of
    the objects. A kill in between leaves reads that are logged although nothing came of them, and files that are known
    though their objects are still to be done: the next run writes them again. It never leaves a file that nobody
    knows, or one whose sources are not in the audit log.

    What is put into a store is to be seen at once, and only then recorded, in one entry. A kill leaves objects that
    the same run, when it is taken up again, puts again.
    """
    for one in receipts:
        if one.first is not None:
            one.first.apply(ledger, context)
    gone = [path for one in receipts for path in one.gone]
    entry = entry_of(context.job, context.run, context.who, receipts=tuple(receipts))
    if context.dest.at_once:
        # Once the entry is put, nobody knows these any more: killed here, they are known and missed, and go again.
        context.dest.check()
        context.dest.remove(gone)
        note(ledger, context.dest, entry)
        return
    keep_changed(ledger, context.dest, [path for one in receipts for _, path in one.staged] + gone)
    with ledger.transaction():
        begin_recording(ledger, context.job, context.run, context.who, receipts, at_ms=entry.at_ms)
    for one in receipts:
        context.dest.show(one.staged)
    context.dest.remove(gone)
    with ledger.transaction():
        end_recording(ledger, context.job, context.run, context.who, receipts, at_ms=entry.at_ms)


def rename(ledger: Ledger, context: RunContext, outputs: Sequence[Output], gone: Sequence[str]) -> None:
    """Record that outputs lie elsewhere now, under paths that are not among those `gone`; who calls moves the files."""
    if outputs or gone:
        moved = Receipt(outputs=list(outputs), gone=list(gone), counted=False)
        note(ledger, context.dest, entry_of(context.job, context.run, context.who, receipts=(moved,)))


def plan_again(ledger: Ledger, context: RunContext, items: Sequence[Item], outputs: Sequence[Output] = ()) -> None:
    """Record that settled objects, and outputs made of them, are to be done anew together.

    The destination's own record has it first: once the first of them is done, nothing that lies there tells another
    machine that the others are not.
    """
    if items or outputs:
        planned = Receipt(also=list(items), outputs=list(outputs), counted=False)
        note(ledger, context.dest, entry_of(context.job, context.run, context.who, receipts=(planned,)))
