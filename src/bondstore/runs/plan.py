"""What to do = what is listed, minus what the ledger proves done: a set difference, never a high-water mark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bondstore.ledger import State
from bondstore.runs.tally import Count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.ledger import Item, Ledger, Output


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

    def __add__(self, other: Plan) -> Plan:
        names = {**self.left_out, **other.left_out}
        return Plan(
            self.todo + other.todo,
            self.skipped + other.skipped,
            self.quarantined + other.quarantined,
            {name: self.left_out.get(name, 0) + other.left_out.get(name, 0) for name in names},
            other.seconds if self.seconds is None else self.seconds + (other.seconds or 0),
        )


class Holder(Protocol):
    """Who knows whether outputs are in place: a folder, or the listing of a remote destination."""

    def holds(self, output: Output) -> bool:
        """Whether an output still is what was recorded."""


@dataclass(frozen=True, slots=True)
class Split:
    """A page of candidates, told apart."""

    todo: list[Item]
    skipped: list[Item]
    quarantined: list[Item]


def split(ledger: Ledger | None, job: str, destination: Holder, page: Sequence[Item]) -> Split:
    """Tell what must be done from what is proved done.

    Done is an item of the same version whose output still is in place with the recorded content.

    Parameters
    ----------
    ledger : Ledger or None
        None where the destination has none yet: then all is to be done.
    job : str
        The job the items belong to.
    destination : Holder
        Where the outputs lie.
    page : sequence of Item
        Listed objects, as candidates.
    """
    if ledger is None or not page:
        return Split(list(page), [], [])
    known = ledger.items.known(job, [item.key for item in page])
    settled = [(item, known.get(item.key)) for item in page]
    outputs = ledger.outputs.known(job, [old.output for _, old in settled if old and old.state is State.DONE])
    result = Split([], [], [])
    for item, old in settled:
        if old is None or old.version != item.version:
            result.todo.append(item)
        elif old.state is State.QUARANTINED:
            result.quarantined.append(item)
        elif old.state is State.DONE and old.output in outputs and destination.holds(outputs[old.output]):
            result.skipped.append(item)
        else:
            result.todo.append(item)
    return result


def total(items: Sequence[Item]) -> Count:
    """Return number and bytes of some items."""
    return Count(len(items), sum(item.size for item in items))
