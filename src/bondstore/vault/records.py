"""The records of uploads, where their objects got other headers since: they follow, or the files would go up again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import PAGE
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.vault.chain import Chain

OBJECT, REKEYED, LIST = "object", "rekeyed", "list"
"""Kinds of outputs: an object as it was put, one with another header, a list of contents."""


def follow(ledger: Ledger, context: RunContext, chain: Chain) -> None:
    """Record for every job what the objects that it wrote are now; the list of its content tells which one is meant."""
    lists = {name: entry.list for name, (entry, _) in chain.entries().items() if entry.body_sha256}
    for paths in grouped(lists, lambda _: 0, number=PAGE, weight=1):
        runs = ledger.outputs.by_run(paths)
        known = [one for outputs in runs.values() for one in outputs if one.kind in (OBJECT, REKEYED)]
        right = {one.path: one for one in known if one.kind == REKEYED and one.made_by == lists[one.path]}
        for (job, run), outputs in runs.items():
            stale = [one for one in outputs if one in known and one.path in right and one.made_by != lists[one.path]]
            now = [replace(right[one.path], kind=one.kind, source=one.source, rows=one.rows) for one in stale]
            if now:
                record(ledger, replace(context, job=job, run=run), [Receipt(outputs=now, counted=False)])


def forget_everywhere(ledger: Ledger, context: RunContext, paths: Sequence[str]) -> None:
    """Remove files, whichever job wrote them."""
    if not paths:
        return
    context.dest.remove(paths)
    for (job, run), outputs in ledger.outputs.by_run(paths).items():
        record(ledger, replace(context, job=job, run=run), [Receipt(gone=[one.path for one in outputs], counted=False)])
