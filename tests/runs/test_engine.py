"""A run from check to tally, with a small job of its own: every way it can end, and going on afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bondstore.config.profiles import StoreSpec
from bondstore.errors import BondstoreError, Exit, Interrupted, NoSpaceError, PolicyError, StoreError, WrongKeyError
from bondstore.ledger import Ledger, RunRecord
from bondstore.runs.context import RunContext
from bondstore.runs.engine import execute, only_plan
from bondstore.runs.executors import Executor, Processes, Serial, Threads
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.plan import Plan
from bondstore.runs.tally import Count
from tests.runs.conftest import SmallDisk
from tests.runs.toys import NAME, ToyJob, ToyShard

every = pytest.mark.parametrize(
    "executor", [Serial(), Threads(2), Processes(2)], ids=["serial", "threads", "processes"]
)
Fill = Callable[..., dict[str, bytes]]


@pytest.fixture
def fill(folder: Path) -> Fill:
    """Put objects into the bucket; those given by name hold what is given."""

    def make(number: int = 9, **special: bytes) -> dict[str, bytes]:
        objects = {f"k{n}": f"content {n}".encode() for n in range(number)} | special
        for name, data in objects.items():
            (folder / name).write_bytes(data)
        return objects

    return make


@pytest.fixture
def job(spec: StoreSpec) -> ToyJob:
    return ToyJob(spec)


def files(destination: FolderDestination) -> dict[str, bytes]:
    out = destination.root / "out"
    return {path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}


def good(objects: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in objects.items() if data.startswith(b"content")}


def recorded(destination: FolderDestination, run: str = "") -> RunRecord:
    """The run as a later reader sees it; the audit chain must hold whatever happened."""
    with destination.ledger(create=False) as ledger:
        assert ledger.audit.verify().broken_at is None
        return ledger.runs.get(run) if run else ledger.runs.newest_first()[0]


def reads(destination: FolderDestination) -> list[str]:
    with destination.ledger(create=False) as ledger:
        return [entry.key for entry in ledger.audit.entries() if entry.action == "read"]


class Watch:
    """Somebody who writes down what a run tells."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.total = self.seen = Count()

    def listing(self, seen: Count) -> None:
        self.told.append("listing")

    def begin(self, total: Count) -> None:
        self.told.append("begin")
        self.total = total

    def advance(self, step: Count, inside: object = None) -> None:
        self.told.append("advance")
        self.seen += step

    def end(self) -> None:
        self.told.append("end")


@every
def test_a_run_that_is_all_done(job: ToyJob, destination: FolderDestination, fill: Fill, executor: Executor) -> None:
    objects, watch = fill(), Watch()
    result = execute(job, destination, executor, progress=watch, tool="toy 1")
    assert files(destination) == objects
    assert result.state == "finished"
    assert result.plan.todo == result.tally.done == Count(9, sum(map(len, objects.values())))
    kept = recorded(destination, result.run)
    assert (kept.state, kept.job, kept.tool, kept.params) == ("finished", NAME, "toy 1", job.params)
    assert kept.objects == {"planned": 9, "done": 9, "skipped": 0, "quarantined": 0, "failed": 0}
    assert kept.ended_ms is not None
    assert sorted(reads(destination)) == sorted(objects)
    assert (watch.total, watch.seen, watch.told[-1]) == (result.plan.todo, result.plan.todo, "end")
    assert not destination.scratch.exists()


def test_start_and_end_stand_in_the_audit(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    fill(2)
    run = execute(job, destination, Serial()).run
    with destination.ledger() as ledger:
        entries = [(entry.action, entry.key, entry.run) for entry in ledger.audit.entries()]
    assert entries == [
        ("run.start", NAME, run),
        ("read", "k0", run),
        ("read", "k1", run),
        ("write", "out/k0", run),
        ("write", "out/k1", run),
        ("done", "k0", run),
        ("done", "k1", run),
        ("run.end", "finished", run),
    ]


@every
def test_a_run_that_is_incomplete_and_adds_up(
    job: ToyJob, destination: FolderDestination, fill: Fill, executor: Executor
) -> None:
    objects = fill(k2=b"bad one", k5=b"lost one", k7=b"bad two")
    result = execute(job, destination, executor)
    assert result.state == recorded(destination, result.run).state == "incomplete"
    assert result.tally.objects() == {"planned": 9, "done": 6, "skipped": 0, "quarantined": 2, "failed": 1}
    assert result.tally.planned.bytes == sum(map(len, objects.values()))
    assert files(destination) == good(objects)


def test_run_again_does_only_what_is_missing(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    fill(k2=b"bad one", k5=b"lost one")
    execute(job, destination, Serial())
    before = len(reads(destination))
    again = execute(job, destination, Serial())
    assert again.tally.objects() == {"planned": 9, "done": 0, "skipped": 7, "quarantined": 1, "failed": 1}
    assert reads(destination)[before:] == ["k5"]  # what failed is tried again, what is in quarantine is not
    (destination.root / "out" / "k3").unlink()
    fill(0, late=b"content late", k5=b"content 5", k1=b"content 1, changed")
    third = execute(job, destination, Serial())
    assert third.tally.objects() == {"planned": 10, "done": 4, "skipped": 5, "quarantined": 1, "failed": 0}
    assert sorted(reads(destination)[before + 1 :]) == ["k1", "k3", "k5", "late"]
    assert files(destination)["k1"] == b"content 1, changed"


def test_retry_takes_up_what_is_in_quarantine(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    fill(k2=b"bad one", k5=b"lost one", k7=b"bad two")
    execute(job, destination, Serial())
    before = len(reads(destination))
    result = execute(job, destination, Serial(), retry=True)
    assert sorted(reads(destination)[before:]) == ["k2", "k5", "k7"]
    assert result.tally.objects() == {"planned": 9, "done": 0, "skipped": 6, "quarantined": 2, "failed": 1}


def test_a_declined_run_fetches_nothing(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    objects = fill(5)
    asked: list[Plan] = []

    def no(plan: Plan) -> bool:
        asked.append(plan)
        return False

    result = execute(job, destination, Serial(), confirm=no)
    assert [plan.todo.objects for plan in asked] == [5]
    assert result.state == recorded(destination, result.run).state == "cancelled"
    assert (files(destination), reads(destination)) == ({}, [])
    assert execute(job, destination, Serial()).tally.done.objects == 5
    assert files(destination) == objects


@every
def test_an_interrupted_run_keeps_what_is_done_and_goes_on(
    job: ToyJob, destination: FolderDestination, fill: Fill, executor: Executor
) -> None:
    objects = fill(120, k2=b"stop here")
    watch = Watch()
    with pytest.raises(Interrupted) as stopped:
        execute(job, destination, executor, progress=watch)
    assert stopped.value.exit_code is Exit.INTERRUPTED
    kept = recorded(destination)
    assert kept.state == "interrupted"
    assert kept.ended_ms is not None
    assert stopped.value.hint is not None
    assert f"run resume {kept.id}" in stopped.value.hint
    assert watch.told[-1] == "end"
    assert "k2" not in files(destination)
    assert len(files(destination)) < 118
    done_before = reads(destination)
    objects |= fill(0, k2=b"content two")
    result = execute(job, destination, executor, run=kept.id)
    assert result.run == kept.id
    assert recorded(destination, kept.id).state == "finished"
    assert files(destination) == objects
    assert len(recorded(destination, kept.id).params) == 1
    assert sorted(reads(destination)) == sorted(objects)  # nothing that was proved done is fetched twice
    assert result.tally.skipped.objects == len(done_before)


@every
def test_ctrl_c_lets_running_shards_end(
    job: ToyJob, destination: FolderDestination, fill: Fill, executor: Executor
) -> None:
    class Impatient(Watch):
        def advance(self, step: Count, inside: object = None) -> None:
            raise KeyboardInterrupt

    objects = fill(40)
    with pytest.raises(Interrupted) as stopped:
        execute(job, destination, executor, progress=Impatient())
    assert recorded(destination).state == "interrupted"
    assert 0 < len(files(destination)) < 40
    kept = len(files(destination))
    told = f"Stopped. What was done is kept: {kept} object{'s' * (kept != 1)}."
    assert stopped.value.message == told
    assert sorted(files(destination)) == sorted(reads(destination))
    execute(job, destination, executor, run=recorded(destination).id)
    assert files(destination) == objects
    assert sorted(reads(destination)) == sorted(objects)


@every
def test_an_error_ends_the_run_as_failed_and_comes_through(
    job: ToyJob, destination: FolderDestination, fill: Fill, executor: Executor
) -> None:
    objects = fill(30, k2=b"crash here")
    with pytest.raises(StoreError) as raised:
        execute(job, destination, executor)
    assert (raised.value.message, raised.value.hint) == ("The toy crashed.", "Mend it.")
    assert recorded(destination).state == "failed"
    assert not destination.scratch.exists()
    objects |= fill(0, k2=b"content two")
    assert execute(job, destination, executor).state == "finished"
    assert files(destination) == objects
    assert sorted(reads(destination)) == sorted(objects)


def test_a_killed_worker_loses_nothing_that_was_done(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    objects = fill(12, k6=b"die here")
    with pytest.raises(BondstoreError, match="worker process died"):
        execute(job, destination, Processes(1))
    assert recorded(destination).state == "failed"
    objects |= fill(0, k6=b"content six")
    execute(job, destination, Serial())
    assert files(destination) == objects


def test_what_the_check_refuses_writes_nothing(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    fill(3)
    refused = dataclasses.replace(job, refused=True)
    for run in (lambda: execute(refused, destination, Serial()), lambda: only_plan(refused, destination)):
        with pytest.raises(WrongKeyError):
            run()
        assert not destination.root.exists()


def test_a_failing_plan_ends_the_run_as_failed(spec: StoreSpec, destination: FolderDestination) -> None:
    nowhere = ToyJob(StoreSpec(spec.url + "/not/there", spec.profile))
    watch = Watch()
    with pytest.raises(BondstoreError):
        execute(nowhere, destination, Serial(), progress=watch)
    assert recorded(destination).state == "failed"
    assert watch.told == ["end"]


def test_a_dry_run_plans_and_writes_nothing(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    fill(5)
    planned = only_plan(job, destination)
    assert (planned.state, planned.run, planned.plan.todo.objects, planned.tally.planned) == ("planned", "", 5, Count())
    assert not destination.root.exists()
    execute(job, destination, Serial())
    fill(0, late=b"content late", k1=b"content changed")
    before = files(destination)
    again = only_plan(job, destination)
    assert (again.plan.todo.objects, again.plan.skipped.objects) == (2, 4)
    assert files(destination) == before
    with destination.ledger() as ledger:
        assert len(ledger.runs.newest_first()) == 1


def test_a_second_run_into_the_same_folder_is_refused(job: ToyJob, destination: FolderDestination, fill: Fill) -> None:
    fill(2)
    with destination.locked(), pytest.raises(PolicyError, match="Another run"):
        execute(job, destination, Serial())
    assert not destination.ledger_path.exists()


def test_shards_find_their_results_the_same_with_every_width(job: ToyJob, tmp_path: Path, fill: Fill) -> None:
    objects = fill(23, k2=b"bad one", k9=b"lost one")
    records = []
    for n, executor in enumerate([Serial(), Threads(3), Processes(2)]):
        place = FolderDestination(tmp_path / f"dest{n}")
        tally = execute(job, place, executor).tally
        with place.ledger() as ledger:
            outputs = [(one.path, one.sha256, one.size) for one in ledger.outputs.walk()]
        assert files(place) == good(objects)
        records.append((tally, outputs))
    assert records[0] == records[1] == records[2]


@every
def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(
    job: ToyJob, small_tmpfs: SmallDisk, fill: Fill, executor: Executor
) -> None:
    objects = fill(0, **{f"k{n:02d}": f"content {n:02d}".encode() * 9_000 for n in range(20)})
    destination = FolderDestination(small_tmpfs.path / "dest")
    with pytest.raises(NoSpaceError) as full:
        execute(job, destination, executor)
    assert full.value.hint
    assert not destination.scratch.exists()
    half = files(destination)
    assert half.items() < objects.items()
    small_tmpfs.grow()
    result = execute(job, destination, executor)
    assert result.state == "finished"
    assert files(destination) == objects
    # a file may have got its name just before the disk was too full to record it: that one is done again
    assert result.tally.skipped.objects <= len(half)


@dataclass(frozen=True)
class StagedJob(ToyJob):
    """Does its objects, and then looks at what stands."""

    asked: list[list[str]] = field(default_factory=list)

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[ToyShard]]:
        yield self.shards(ledger, context)
        self.asked.append(sorted(path.name for path in (context.dest.root / "out").iterdir()))
        yield iter(())


def test_a_stage_is_asked_for_once_the_one_before_is_done(
    job: ToyJob, destination: FolderDestination, fill: Fill
) -> None:
    objects = fill(12)
    staged = StagedJob(job.store)
    result = execute(staged, destination, Threads(3))
    assert staged.asked == [sorted(objects)]
    assert result.tally.done.objects == 12
