"""How the objects of a store stand before a restore: what will be asked for, and in which words it is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.runs.plan import Plan
from bondstore.runs.tally import Count
from bondstore.stores.archive import find_class
from bondstore.text import moment
from bondstore.vault.restore_rules import ASKS, STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.stores.archive import Speed, Standing

ASKED, WAITING = "asked", "waiting"
MEANING: Mapping[str, str] = {
    **{stage.value: about.meaning for stage, about in STAGES.items()},
    ASKED: "asked for by this run, not there yet",
    WAITING: "asked for before, not there yet",
}
"""What the words mean by which objects are counted."""


def word_of(stage: Stage, *, asked: bool = False) -> str:
    """Return the word by which an object in a stage is counted; `asked` says that it was asked for just now."""
    if stage in (Stage.ASKED, Stage.ASKED_AGAIN):
        return ASKED if asked else WAITING
    return Stage.READY.value if stage is Stage.READY_AGAIN else stage.value


@dataclass(frozen=True, slots=True)
class RestorePlan(Plan):
    """How all objects stand, and which classes those are in that will be asked for."""

    found: Mapping[str, Count] = field(default_factory=dict)
    """By the words of `MEANING`."""
    classes: Mapping[str, Count] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    """Objects for which nothing is to be done, by the same words."""
    until_ms: int | None = None
    """When the first of the restored copies ends."""

    @property
    def asked(self) -> Count:
        """What will be asked for."""
        return sum(self.classes.values(), Count())

    @property
    def is_plain(self) -> bool:
        """Whether no object is, or was, archived."""
        return self.found.keys() <= {Stage.PLAIN.value}

    def record(self, kind: str, speed: Speed) -> dict[str, Any]:
        """Return it as a record; times are in minutes."""
        ask = []
        for name, count in sorted(self.classes.items()):
            known = find_class(kind, name)
            minutes = known.waits[speed] if known is not None else None
            ask.append({"class": name, "objects": count.objects, "bytes": count.bytes, "minutes": minutes})
        return {
            "kind": "restore-plan",
            "tier": speed.value,
            "found": {word: {"objects": one.objects, "bytes": one.bytes} for word, one in sorted(self.found.items())},
            "ask": ask,
            "requests": {"restore": self.asked.objects},
            "until": moment(self.until_ms),
        }


@dataclass(slots=True)
class Census:
    """A plan in the making."""

    todo: Count = field(default=Count())
    skipped: Count = field(default=Count())
    found: dict[str, Count] = field(default_factory=dict)
    classes: dict[str, Count] = field(default_factory=dict)
    settled: Counter[str] = field(default_factory=Counter)
    until_ms: int | None = None

    def add(self, stage: Stage, size: int, told: Standing | None, *, settled: bool) -> None:
        """Count an object; nothing is to be done for one that is `settled`."""
        one, word = Count(1, size), word_of(stage)
        self.found[word] = self.found.get(word, Count()) + one
        if settled:
            self.skipped += one
            self.settled[word] += 1
        else:
            self.todo += one
        if told is None:
            return
        if stage in ASKS:
            self.classes[told.storage_class] = self.classes.get(told.storage_class, Count()) + one
        elif told.until_ms is not None and stage in (Stage.READY, Stage.READY_AGAIN):
            self.until_ms = min(self.until_ms or told.until_ms, told.until_ms)

    def plan(self) -> RestorePlan:
        """Return the plan."""
        return RestorePlan(
            self.todo,
            self.skipped,
            found=self.found,
            classes=self.classes,
            settled=self.settled,
            until_ms=self.until_ms,
        )
