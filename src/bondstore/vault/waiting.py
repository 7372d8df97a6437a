"""Archived objects that a download waits for: looked at in rounds, with one HEAD each, until all can be read.

Only what was asked for is waited for: by `bondstore restore`, or by anybody else, as a HEAD tells. What was archived
again before it was fetched is asked for once more, by the rules in `bondstore.vault.restore_rules`.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bondstore.errors import BondstoreError, PolicyError, TransientStoreError, UnreachableError
from bondstore.ledger import Item, Read, State
from bondstore.runs import pulse
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import PAGE, Objects, Shard
from bondstore.runs.tally import Count
from bondstore.stores.archive import Speed
from bondstore.stores.background import side_by_side
from bondstore.text import bytes_text, counted, duration_text
from bondstore.vault import restore
from bondstore.vault.findings import ARCHIVED
from bondstore.vault.packed import objects_of
from bondstore.vault.proofs import proofs_of
from bondstore.vault.restore import End
from bondstore.vault.restore_rules import ASKED_FOR, FLIPPED, LAPSED, SECOND, STAGES, Stage, stage_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.findings import Finding
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.pipeline import EachObject
    from bondstore.runs.work import Work

_log = logging.getLogger(__name__)
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between two rounds: more each time, as what is not there after an hour will take hours."""

    first: float = 60
    longest: float = 900
    growth: float = 1.5


@dataclass(frozen=True, slots=True)
class Unready(Shard):
    """Archived objects that are not waited for any longer."""

    context: RunContext
    ends: tuple[tuple[Item, Finding], ...]

    def handle(self, work: Work) -> None:
        """Tell of each."""
        for item, finding in self.ends:
            work.receipt.failed(item, finding)
            work.receipt.waiting += finding.kind == ARCHIVED.word


def rounds(step: EachObject, ledger: Ledger, context: RunContext, pauses: Pauses) -> Iterator[Iterator[Shard]]:
    """Yield, round by round, what can be read by now of all that a run has still to do, until nothing is waited for.

    `step` is what is done with an object that can be read.
    """
    pause = pauses.first
    while True:
        one = _Round(step, ledger, context)
        yield one.shards()
        if one.fetches:
            note_done(ledger, context)
        if not one.waits.objects:
            return
        what = f"{counted(one.waits.objects, 'object')} ({bytes_text(one.waits.bytes)})"
        pulse.wait_for(f"waiting for {what} from the archive, next look in {duration_text(pause)}")
        time.sleep(pause)
        pulse.wait_for("")
        pause = min(pause * pauses.growth, pauses.longest)


def note_done(ledger: Ledger, context: RunContext) -> None:
    """Tell the record of `bondstore restore` what was fetched: archived again, it is not lost."""
    if restore.last_asked(context.source) is None:
        return
    for page in grouped(ledger.items.in_state(context.job, State.DONE), lambda _: 0, number=PAGE, weight=1):
        with suppress(PolicyError):  # a restore is going on: the next run of this one tells
            objects = objects_of(page, proofs_of(context.source).entries)
            restore.note_fetched(context.source, {one.key: one.version for one in objects})


@dataclass(slots=True)
class _Round:
    """One look at all that is waited for."""

    step: EachObject
    ledger: Ledger
    context: RunContext
    waits: Count = field(default=Count())
    fetches: int = 0

    def shards(self) -> Iterator[Shard]:
        """Yield what can be read, and what will not come."""
        for page in self.ledger.items.planned(self.context.job, self.context.run):
            ready: list[Item] = []
            unready: list[tuple[Item, Finding]] = []
            objects = objects_of(page, proofs_of(self.context.source).entries)
            once = list({one.key: one for one in objects}.values())
            ends = dict(zip((one.key for one in once), _Look(self.context, once).ends(), strict=True))
            for item, one in zip(page, objects, strict=True):
                end = ends[one.key]
                outcome = STAGES[end.stage].outcome
                if outcome == "waiting":
                    self.waits += Count(1, item.size)
                elif outcome == "done" or end.stage is Stage.UNKNOWN:  # who reads it tells what is wrong
                    ready.append(item)
                else:  # what was never asked for has no finding of a restore
                    unready.append((item, end.finding or ARCHIVED.about(item.key)))
            self.fetches += len(ready)
            for batch in grouped(ready, self.step.weight, number=self.step.number, weight=self.step.bytes):
                yield Objects(self.context, self.step, tuple(batch))
            if unready:
                yield Unready(self.context, tuple(unready))


class _Look:
    """One look at some objects; what `bondstore restore` asked for is brought on."""

    def __init__(self, context: RunContext, items: Sequence[Item]) -> None:
        self._spec, self._store, self._items = context.source, context.store, items
        asked = restore.asked_for(self._spec, {one.key: one.version for one in items})
        self._before = {one.key: stage for one in asked if (stage := stage_of(one.reason)) in ASKED_FOR}
        unknown = restore.Restores(self._store.address.kind, Speed.STANDARD, None)
        self._restores = restore.last_asked(self._spec) or unknown

    def ends(self) -> list[End]:
        """Return how each stands now, as far as it could be brought."""
        stages = side_by_side(self._stage, self._items, _AT_ONCE)
        restore.refuse_hopeless(stages)
        told = [Stage.UNKNOWN if isinstance(one, BondstoreError) else one for one in stages]
        moving = [
            replace(item, reason=stage.value, state=State.FAILED)
            for item, stage in zip(self._items, told, strict=True)
            if item.key in self._before and STAGES[stage].outcome != "waiting"
        ]
        brought = self._brought(moving)
        return [brought.get(item.key, End(stage, None)) for item, stage in zip(self._items, told, strict=True)]

    def _stage(self, item: Item) -> Stage:
        try:
            told = self._store.standing(item.key)
        except (TransientStoreError, UnreachableError):
            return Stage.ASKED  # a later round may be told more
        return self._restores.stage_after(self._before.get(item.key, Stage.NEW), told)

    def _brought(self, moving: Sequence[Item]) -> dict[str, End]:
        """Ask once more for what was archived again, and prove by a byte what is ready."""
        try:  # recorded before it is done, as a kill in between must not make it a third time
            restore.note_stages(self._spec, [one for one in moving if stage_of(one.reason) in SECOND])
            answers = side_by_side(lambda item: self._restores.bring(self._store, item), moving, _AT_ONCE)
            restore.refuse_hopeless(answers)
            ends = {one.key: end for one, end in zip(moving, answers, strict=True) if isinstance(end, End)}
            self._note([one for one in moving if one.key in ends], ends)
        except PolicyError:  # a restore is going on, and does the same
            return {one.key: End(Stage.ASKED, None) for one in moving}
        again = [key for key, end in ends.items() if end.finding and end.finding.kind in (LAPSED.word, FLIPPED.word)]
        if again:
            _log.warning(
                "%s archived again before Bondstore fetched it, the first one %s. It was asked for once more.",
                counted(len(again), "object was", "objects were"),
                again[0],
            )
        return ends

    def _note(self, items: Sequence[Item], ends: dict[str, End]) -> None:
        known, reads = [], []
        for item in items:
            end = ends[item.key]
            state = State.DONE if STAGES[end.stage].outcome == "done" else State.FAILED
            if end.stage is not self._before[item.key]:
                known.append(replace(item, reason=end.stage.value, state=state))
            if end.read:
                reads.append(Read(item.key, item.version, min(item.size, 1)))
        restore.note_stages(self._spec, known, reads)
