"""The one place where receipts are recorded, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.runs.receipt import Receipt, begin_recording, end_recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext


def record(ledger: Ledger, context: RunContext, receipts: Sequence[Receipt]) -> None:
    """Log the reads and name the files; show the files; record what became of the objects. In this order.

    A kill in between leaves reads that are logged although nothing came of them, and files that are known though their
    objects are still to be done: the next run writes them again. It never leaves a file that nobody knows, or one
    whose sources are not in the audit log. A destination that keeps a record of its own has it first.
    """
    for one in receipts:
        if one.first is not None:
            one.first.apply(ledger, context)
    gone = [path for one in receipts for path in one.gone]
    if context.dest.at_once:
        # Once the entry is put, nobody knows these any more: killed here, they are known and missed, and go again.
        context.dest.check()
        context.dest.remove(gone)
    name = context.dest.publish(context.job, context.run, context.who, receipts)
    with ledger.transaction():
        begin_recording(ledger, context.job, context.run, context.who, receipts)
    for one in receipts:
        context.dest.show(one.staged)
    if not context.dest.at_once:
        context.dest.remove(gone)
    with ledger.transaction():
        end_recording(ledger, context.job, context.run, receipts)
        if name:
            ledger.received.add([name])


def rename(ledger: Ledger, context: RunContext, outputs: Sequence[Output], gone: Sequence[str]) -> None:
    """Record that outputs lie elsewhere now, under paths that are not among those `gone`; who calls moves the files."""
    if not outputs and not gone:
        return
    receipts = [Receipt(outputs=list(outputs), gone=list(gone), counted=False)]
    name = context.dest.publish(context.job, context.run, context.who, receipts)
    with ledger.transaction():
        ledger.outputs.forget(context.job, gone)
        ledger.outputs.put(context.job, context.run, outputs)
        if name:
            ledger.received.add([name])
