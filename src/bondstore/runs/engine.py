"""A run: check → plan → shards → execute → tally, recorded from start to end."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bondstore.errors import BondstoreError, Interrupted
from bondstore.runs.memory import few_arenas
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Tally
from bondstore.runs.who import whoami
from bondstore.runs.work import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from bondstore.config.profiles import StoreSpec
    from bondstore.ledger import Ledger
    from bondstore.runs.destination import Destination
    from bondstore.runs.executors import Executor
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Shard


class Job(Protocol):
    """What a domain gives to the engine."""

    @property
    def name(self) -> str:
        """Identity of the job: runs of the same name share their items."""

    @property
    def params(self) -> Mapping[str, Any]:
        """All that is needed to build the job again, as JSON; secrets by reference."""

    @property
    def store(self) -> StoreSpec:
        """The store it reads from."""

    def check(self) -> None:
        """Refuse what cannot succeed (a wrong key, a policy), before anything is written."""

    def plan(self, ledger: Ledger | None, place: Place, progress: Progress) -> Plan:
        """List and compare; record what is to be done, where there is a ledger."""

    def stages(self, ledger: Ledger, place: Place) -> Iterator[Iterator[Shard]]:
        """Yield the work that was planned, stage by stage: the next is asked for once the one before is done."""


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
        ``finished``, ``incomplete`` (something is quarantined or failed), ``planned`` (a dry run) or ``declined``.
    """

    run: str
    plan: Plan
    tally: Tally
    state: str


def dry_run(job: Job, destination: Destination, progress: Progress | None = None) -> RunResult:
    """Plan a job and write nothing."""
    job.check()
    watch = progress or Quiet()
    place = Place("", job.name, whoami(), job.store, destination)
    try:
        if not destination.ledger_path.exists():
            return RunResult("", job.plan(None, place, watch), Tally(), "planned")
        with destination.ledger(create=False) as ledger:
            return RunResult("", job.plan(ledger, place, watch), Tally(), "planned")
    finally:
        watch.end()


def execute(
    job: Job,
    destination: Destination,
    executor: Executor,
    *,
    progress: Progress | None = None,
    confirm: Callable[[Plan], bool] = lambda _: True,
    tool: str = "",
    run: str | None = None,
    retry: bool = False,
) -> RunResult:
    """Run a job from plan to tally.

    Parameters
    ----------
    job : Job
        What to do.
    destination : Destination
        Where to.
    executor : Executor
        Who does it.
    progress : Progress, optional
        Who watches.
    confirm : callable
        Asked once the plan stands; false ends the run before anything is fetched.
    tool : str
        Name and version of the program, for the record.
    run : str, optional
        A run to go on with; a new one otherwise.
    retry : bool
        Also take up again what is in quarantine.

    Returns
    -------
    RunResult
        With the run's id, plan and tally.

    Raises
    ------
    Interrupted
        On Ctrl-C: running shards were let end, all they did is kept.
    BondstoreError
        What the job's check refused, or what makes going on useless: no space, no server, no permission.
    """
    few_arenas()
    job.check()
    watch = progress or Quiet()
    with destination.locked(), destination.ledger() as ledger:
        who = whoami()
        with ledger.transaction():
            if run is None:
                run = ledger.runs.start(job.name, job.params, who=who, tool=tool)
            else:
                ledger.runs.reopen(run)
            ledger.audit.event(who, run, "run.start", job.name)
            if retry:
                ledger.items.release(job.name)
        place = Place(run, job.name, who, job.store, destination)
        keeper = _Keeper(ledger, run, who)
        try:
            plan = job.plan(ledger, place, watch)
            keeper.tally = Tally(skipped=plan.skipped, quarantined=plan.quarantined)
            if not confirm(plan):
                return keeper.finish(plan, "declined")
            watch.begin(plan.todo)
            for shards in job.stages(ledger, place):
                with closing(_generator(executor.run(shards))) as steps:
                    for step in steps:
                        keeper.tally += step
                        watch.advance(step.planned, step.inside)
            destination.sweep_quarantine(ledger)
            return keeper.finish(plan, "finished" if keeper.tally.complete else "incomplete")
        except KeyboardInterrupt as stop:
            keeper.abandon("interrupted")
            raise Interrupted(
                "Stopped. What was done is kept.",
                hint=f"Go on with: bondstore run resume {run} --dest {destination.root}",
            ) from stop
        except BaseException:
            keeper.abandon("failed")
            raise
        finally:
            watch.end()


def _generator(steps: Iterator[Tally]) -> Generator[Tally, None, None]:
    yield from steps


class _Keeper:
    """Keeps the tally of a run and writes its end into the ledger, whatever that end is."""

    def __init__(self, ledger: Ledger, run: str, who: str) -> None:
        self._ledger, self._run, self._who = ledger, run, who
        self.tally = Tally()

    def finish(self, plan: Plan, state: str) -> RunResult:
        self.close(state)
        return RunResult(self._run, plan, self.tally, state)

    def abandon(self, state: str) -> None:
        # On a full disk not even this can be written: the error on its way says so, and the run stays as "running".
        with suppress(BondstoreError):
            self.close(state)

    def close(self, state: str) -> None:
        with self._ledger.transaction():
            self._ledger.audit.event(self._who, self._run, "run.end", state, self.tally.done.bytes)
            self._ledger.runs.finish(
                self._run, state, self.tally.objects(), self.tally.sizes(), self._ledger.audit.head()
            )
