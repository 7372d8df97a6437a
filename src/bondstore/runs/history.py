"""The runs of a destination as they really stand: one that was killed could not write down its end."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.errors import NotFoundError
from bondstore.ledger import State
from bondstore.runs.tally import OUTCOMES, Count, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.ledger import Ledger, RunRecord
    from bondstore.runs.destination import Destination

LAST = "last"
"""What the newest run is called, besides its id."""
ENDED = ("finished", "incomplete")
"""States of a run that did all it could."""


def history(destination: Destination, ledger: Ledger) -> list[RunRecord]:
    """Return all runs, newest first; one that is recorded as running while nobody writes there is ``interrupted``."""
    busy = destination.busy()
    records = ledger.runs.newest_first()
    return _true_states(records, destination, ledger, busy=busy)


def find_run(destination: Destination, ledger: Ledger, name: str) -> RunRecord:
    """Return one run by its id, a start of it that no other shares, or ``last``; its state is as in `history`.

    Raises
    ------
    NotFoundError
        No run, or more than one, is called so.
    """
    busy = destination.busy()
    if name != LAST:
        return _true_states([ledger.runs.get(name)], destination, ledger, busy=busy)[0]
    records = ledger.runs.newest_first()
    if not records:
        raise NotFoundError(
            f"No run is recorded in {destination.shown}.",
            hint="Name the folder or the store that an earlier run wrote to.",
        )
    return _true_states(records[:1], destination, ledger, busy=busy)[0]


def tally_of(record: RunRecord) -> Tally:
    """Return the tally that a run wrote down at its end; all zero where it could not."""
    return Tally.of({name: Count(record.objects[name], record.sizes[name]) for name in OUTCOMES})


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run came."""

    tally: Tally
    """What became of its objects; without those it skipped, where it could not write down its end."""
    left: int = 0
    """Objects that were planned and are still to be done."""
    left_files: int = 0
    """Files, made of many objects, that are still to be made."""


def standing(ledger: Ledger, record: RunRecord) -> Standing:
    """Return how far a run came, also one that is going on or was killed; `record` is as `find_run` gives it."""
    if record.state in ENDED:
        return Standing(tally_of(record))
    known = {state: Count(*numbers) for state, numbers in ledger.items.of_run(record.job, record.id).items()}
    left = known.pop(State.PLANNED, Count()).objects
    tally = Tally.of({state.value: count for state, count in known.items()})
    files = len(ledger.outputs.planned(record.job, record.id))
    return Standing(tally if record.ended_ms is None else tally_of(record), left, files)


def _true_states(
    records: Iterable[RunRecord], destination: Destination, ledger: Ledger, *, busy: bool
) -> list[RunRecord]:
    # Asked before and after the records were read: a run that starts or ends in between is not taken for a dead one.
    going_on = ledger.audit.last_run() if busy or destination.busy() else ""
    return [
        dataclasses.replace(record, state="interrupted")
        if record.state == "running" and record.id != going_on
        else record
        for record in records
    ]
