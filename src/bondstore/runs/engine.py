"""A run: check → plan → shards → execute → tally, recorded from start to end by this one process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from bondstore.errors import BondstoreError, Interrupted
from bondstore.runs import anchors, pulse
from bondstore.runs.context import RunContext
from bondstore.runs.destinations import dest_options
from bondstore.runs.executors import Barrier, fitted
from bondstore.runs.journal import entry_of
from bondstore.runs.process import closing_stores, few_arenas, whoami
from bondstore.runs.progress import Quiet
from bondstore.runs.quarantine import sweep
from bondstore.runs.record import note, record
from bondstore.runs.renamed import refuse_renamed
from bondstore.runs.tally import Tally
from bondstore.text import counted, number_text
from bondstore.version import TOOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bondstore.config.profiles import StoreSpec
    from bondstore.ledger import Ledger
    from bondstore.runs.destination import Destination
    from bondstore.runs.executors import Executor, Results, Shard
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress


class Job(Protocol):
    """What the engine runs; `bondstore.runs.pipeline.Job` is one made of steps."""

    @property
    def name(self) -> str:
        """Identity of the job: runs of the same name share their items."""

    @property
    def params(self) -> Mapping[str, Any]:
        """All that is needed to build the job again, as JSON; secrets by reference."""

    @property
    def store(self) -> StoreSpec:
        """The store it reads from."""

    @property
    def few(self) -> bool:
        """Whether it is about a few objects that it names; others like it may then run at the same time."""

    def check(self) -> None:
        """Refuse what cannot succeed (a wrong key, a policy), before anything is written."""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List and compare; record what is to be done, where there is a ledger."""

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[Shard]]:
        """Yield the work that was planned, stage by stage: the next is asked for once the one before is recorded."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Parameters
    ----------
    run : str
        Its id; empty for a dry run.
    plan : Plan
        What it set out to do.
    tally : Tally
        What became of it.
    state : str
        ``finished``, ``incomplete`` (something is quarantined or failed), ``planned`` (a dry run) or ``cancelled``.
    """

    run: str
    plan: Plan
    tally: Tally
    state: str


@closing_stores()
def only_plan(job: Job, destination: Destination, progress: Progress | None = None) -> RunResult:
    """Plan a job and write nothing."""
    refuse_renamed(destination.corner, destination.shown)
    job.check()
    watch = progress or Quiet()
    context = RunContext("", job.name, whoami(), job.store, destination)
    try:
        destination.refresh()
        destination.refuse_nested()
        anchors.refuse_lost(destination)
        if not destination.has_record():
            return RunResult("", job.plan(None, context, watch), Tally(), "planned")
        with destination.ledger(create=False) as ledger:
            anchors.hold(destination, ledger)
            return RunResult("", job.plan(ledger, context, watch), Tally(), "planned")
    finally:
        watch.end()


@closing_stores()
def execute(
    job: Job,
    destination: Destination,
    executor: Executor,
    *,
    progress: Progress | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
    tool: str = TOOL,
    run: str | None = None,
    retry: bool = False,
) -> RunResult:
    """Run a job from plan to tally.

    Parameters
    ----------
    confirm : callable
        Asked once the plan is made; false ends the run before anything is fetched.
    dry_run : bool
        Only plan, and write nothing.
    tool : str
        Name and version of the program, for the record.
    run : str, optional
        A run to resume; a new one otherwise.
    retry : bool
        Also take up again what is in quarantine.

    Raises
    ------
    Interrupted
        On Ctrl-C: running shards were let end, all they did is kept.
    BondstoreError
        What the job's check refused, or what makes going on useless: no space, no server, no permission.
    """
    if dry_run:
        return only_plan(job, destination, progress)
    few_arenas()
    refuse_renamed(destination.corner, destination.shown)
    job.check()
    watch = progress or Quiet()
    if not job.few:
        destination.refuse_nested()
    if not destination.at_once:  # a store's record is known once it was brought up to date
        anchors.refuse_lost(destination)
    with destination.locked(shared=job.few), destination.ledger() as ledger:
        refuse_renamed(destination.corner, destination.shown)  # under the lock nobody renames any more
        anchored = destination.few_know_all or not job.few
        if anchored:
            anchors.begin(destination, ledger)
        context = RunContext(run or ledger.runs.new_id(), job.name, whoami(), job.store, destination)
        begun = {"params": {**job.params, **destination.params}, "tool": tool, "retry": retry}
        note(ledger, destination, entry_of(job.name, context.run, context.who, begun=begun))
        keeper = _Keeper(ledger, context, watch, anchored=anchored)
        try:
            plan = job.plan(ledger, context, watch)
            keeper.tally = Tally(skipped=plan.skipped, quarantined=plan.quarantined)
            if confirm is not None and not confirm(plan):
                return keeper.finish(plan, "cancelled")
            pulse.reset()
            watch.begin(plan.todo)
            context = replace(context, others=ledger.items.sample(job.name))
            keeper.take_all(fitted(executor, plan.seconds).run(_in_turn(job.stages(ledger, context))))
            if not job.few:  # what few objects left there is swept by the next whole run
                sweep(ledger, context)
            return keeper.finish(plan, "finished" if keeper.tally.complete else "incomplete")
        except KeyboardInterrupt as stop:
            keeper.abandon("interrupted")
            raise Interrupted(
                f"Stopped. What was done is kept{_counted(keeper.tally)}.",
                hint=f"Go on with: bondstore run resume {context.run} {dest_options(destination)}",
            ) from stop
        except BaseException:
            keeper.abandon("failed")
            raise
        finally:
            watch.end()


def _counted(tally: Tally) -> str:
    """Return what a run did until it was stopped, in words."""
    done = tally.done.objects + tally.quarantined.objects
    parts = [counted(done, "object"), *(f"{number_text(number)} {what}" for what, number in tally.inside.items())]
    return f": {', '.join(parts)}" if done else ""


def _in_turn(stages: Iterator[Iterator[Shard]]) -> Iterator[Shard | Barrier]:
    for shards in stages:
        yield from shards
        yield Barrier()


class _Keeper:
    """Records what shards bring back, keeps the tally, and writes the run's end, whatever that end is."""

    def __init__(self, ledger: Ledger, context: RunContext, watch: Progress, *, anchored: bool) -> None:
        self._ledger, self._context, self._watch, self._anchored = ledger, context, watch, anchored
        self.tally = Tally()

    def take_all(self, results: Results) -> None:
        """Record all that comes. After Ctrl-C or an error, running shards end, and what they did is kept."""
        try:
            self._take(results)
        except BaseException:
            results.stop()
            with suppress(BondstoreError):  # the first error is the one to tell
                self._take(results)
            raise
        finally:
            results.close()

    def _take(self, results: Results) -> None:
        for result in results:
            record(self._ledger, self._context, [result])
            step = result.tally()
            self.tally += step
            self._watch.advance(step.planned, step.inside)

    def finish(self, plan: Plan, state: str) -> RunResult:
        self.close(state)
        return RunResult(self._context.run, plan, self.tally, state)

    def abandon(self, state: str) -> None:
        # What a store was told may not be in the copy here, so where that stands says nothing of the record.
        self._anchored = self._anchored and not self._context.dest.at_once
        # On a full disk not even this can be written: the error on its way says so, and the run stays as "running".
        with suppress(BondstoreError):
            self.close(state)

    def close(self, state: str) -> None:
        objects, sizes = self.tally.objects(), self.tally.sizes()
        context = self._context
        ended = {"state": state, "objects": objects, "sizes": sizes}
        note(self._ledger, context.dest, entry_of(context.job, context.run, context.who, ended=ended))
        if self._anchored:
            anchors.leave(context.dest, self._ledger, context.run)
