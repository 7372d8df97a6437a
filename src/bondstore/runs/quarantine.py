"""The sealed bytes of objects that could not be handled in full: which of them are gone, and which may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import NotFoundError
from bondstore.ledger import State
from bondstore.runs.destination import QUARANTINE, Destination
from bondstore.runs.journal import entry_of
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import note, record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder


def lost(ledger: Ledger, job: str, keys: Iterable[str], holder: Holder) -> set[str]:
    """Return those of some quarantined keys whose sealed bytes were kept, and are not there any more."""
    paths = {Destination.quarantine_path(key): key for key in keys}
    known = ledger.outputs.known(job, list(paths)) if paths else {}
    return {paths[path] for path, kept in known.items() if not holder.holds(kept)}


def sweep(ledger: Ledger, context: RunContext) -> None:
    """Remove sealed bytes that this ledger wrote, of objects that are done by now: they were fixed, or replaced.

    All else may be the only copy there is, as where an object is gone, a ledger was lost, or a run was killed before
    it recorded what became of the object: that is never removed.
    """
    there = set(context.dest.walk(QUARANTINE))
    kept = list(ledger.outputs.under(context.job, f"{QUARANTINE}/"))
    if not there and not kept:
        return
    still = _paths(ledger.items.quarantined_keys(context.job))
    anywhere = _paths(ledger.items.quarantined_keys())
    settled = _done(ledger, context.job, [one for one in kept if one.path not in still])
    removable = there - anywhere  # the walk follows no links, so what it did not find is not looked at
    ours = {one.path for one in settled if one.path in removable and _is_as_written(context.dest, one)}
    # Another job still has it in quarantine, or it is gone, or somebody put something else in its place.
    left = [one.path for one in settled if one.path not in ours]
    if left:
        dropped = Receipt(gone=left, counted=False)
        note(ledger, context.dest, entry_of(context.job, context.run, context.who, receipts=(dropped,)))
    if ours:
        record(ledger, context, [Receipt(gone=sorted(ours), counted=False)])
    there.difference_update(anywhere, ours)
    context.dest.set_aside(sorted(there - ledger.outputs.written(list(there))))


def _paths(keys: Iterable[str]) -> set[str]:
    return set(map(Destination.quarantine_path, keys))


def _done(ledger: Ledger, job: str, kept: list[Output]) -> list[Output]:
    known = ledger.items.known(job, [one.source for one in kept]) if kept else {}
    return [one for one in kept if one.source in known and known[one.source].state is State.DONE]


def _is_as_written(dest: Destination, kept: Output) -> bool:
    try:
        return dest.sha256(kept.path) == kept.sha256
    except NotFoundError:
        return False
