"""What to do = what is listed, minus what the ledger proves done: a set difference, never a high-water mark."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from bondstore.ledger import State
from bondstore.runs.quarantine import lost
from bondstore.runs.tally import Count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.ledger import Item, Ledger, Output
    from bondstore.runs.destination import Holder


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is about to do.

    Parameters
    ----------
    todo : Count
        Objects to fetch.
    skipped : Count
        Objects that the ledger proves done.
    quarantined : Count
        Objects that are in quarantine and have not changed since: not fetched again before ``run retry``.
    left_out : mapping
        Objects under the study that hold no participant's data or are not understood, by kind.
    """

    todo: Count = field(default=Count())
    skipped: Count = field(default=Count())
    quarantined: Count = field(default=Count())
    left_out: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = field(default=None, compare=False)
    """About how long one core will take; None where nobody can say."""
    room: int = field(default=0, compare=False)
    """About how many bytes the results will take; 0 where nobody says."""
    writes: Mapping[str, int] = field(default_factory=dict, compare=False)
    """What will be written, counted by the step's own words; empty where nobody says."""

    def __add__(self, other: Plan) -> Plan:
        names = {**self.left_out, **other.left_out}
        return Plan(
            self.todo + other.todo,
            self.skipped + other.skipped,
            self.quarantined + other.quarantined,
            {name: self.left_out.get(name, 0) + other.left_out.get(name, 0) for name in names},
            other.seconds if self.seconds is None else self.seconds + (other.seconds or 0),
            self.room + other.room,
            dict(Counter(self.writes) + Counter(other.writes)),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """A page of candidates, told apart."""

    todo: list[Item]
    skipped: list[Item]
    quarantined: list[Item]


class Current(Protocol):
    """What a step says of its settled items; the defaults are those of `EachObject`."""

    def beside(self, path: str) -> tuple[str, ...]:
        """Return what may lie beside an output and belongs to it."""

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        """Whether a settled item of an unchanged object was handled as is asked for now."""


def split(ledger: Ledger | None, job: str, holder: Holder, page: Sequence[Item], step: Current | None = None) -> Split:
    """Tell what must be done from what is proved done: the same version, handled the same way, still in place.

    Without a ledger all is to be done.
    """
    if ledger is None or not page:
        return Split(list(page), [], [])
    known = ledger.items.known(job, [item.key for item in page])
    paths = {one for old in known.values() for one in (old.output, *(step.beside(old.output) if step else ()))}
    outputs = ledger.outputs.known(job, list(paths))
    inside = [key for key, old in known.items() if old.state is State.QUARANTINED]
    gone = lost(ledger, job, inside, holder) if inside else ()
    parts = Split([], [], [])
    for item in page:
        old = known.get(item.key)
        if old is None:
            parts.todo.append(item)
            continue
        held = outputs.get(old.output)
        stands = old.state is State.DONE and held is not None and holder.holds(held)
        if (
            old.version == item.version
            and (stands or (old.state is State.QUARANTINED and item.key not in gone))
            and (step is None or step.is_current(old, outputs, holder))
        ):
            (parts.quarantined if old.state is State.QUARANTINED else parts.skipped).append(item)
        else:  # what an earlier run wrote keeps its place until something new has it
            parts.todo.append(item if item.output else replace(item, output=old.output))
    return parts


def total(items: Sequence[Item]) -> Count:
    """Return number and bytes of some items."""
    return Count(len(items), sum(item.size for item in items))
