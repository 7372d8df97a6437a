"""What of a participant's stream is to be done, and what is proved done, where raw and chunked are planned together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.ledger import State
from bondstore.runs.plan import Plan, total
from bondstore.runs.quarantine import lost
from bondstore.runs.record import plan_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.domains.beiwe.listing import Listed
    from bondstore.ledger import Item, Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder

SETTLED = frozenset({State.DONE, State.QUARANTINED})


class SeriesPlanning:
    """Sorts the objects of a series; which hours must be made anew, each kind of run says for itself."""

    def __init__(self, ledger: Ledger | None, context: RunContext, holder: Holder, listed: Sequence[Listed]) -> None:
        self._context, self._holder = context, holder
        keys = [one.object.key for one in listed]
        self._known = ledger.items.known(context.job, keys) if ledger is not None and keys else {}
        inside = [key for key, old in self._known.items() if old.state is State.QUARANTINED]
        self._lost = lost(ledger, context.job, inside, holder) if ledger is not None else set()
        self.todo: list[Item] = []
        self.again: list[Item] = []  # of these: what is proved done, but belongs to something that is made anew
        self.skipped: list[Item] = []
        self.quarantined: list[Item] = []

    def plan(self) -> Plan:
        """Return what was sorted, in numbers."""
        return Plan(total(self.todo), total(self.skipped), total(self.quarantined))

    def _settled(self, one: Listed) -> Item | None:
        """Return what is recorded of an object, where it is of this version and its end is known.

        One whose sealed bytes were kept and are gone is looked at anew.
        """
        old = self._known.get(one.object.key)
        settled = old is not None and old.version == one.version and old.state in SETTLED
        return old if settled and one.object.key not in self._lost else None

    def _leave(self, item: Item) -> None:
        """Let an object be as it was settled."""
        done = self._known[item.key].state is State.DONE
        (self.skipped if done else self.quarantined).append(item)

    def _record(self, ledger: Ledger, stale: Sequence[Output]) -> None:
        """Write down what is to be done; files that are stale are forgotten, so that they are made anew."""
        plan_again(ledger, self._context, self.again, stale)
        with ledger.transaction():
            ledger.items.put(self._context.job, self._context.run, self.todo)
