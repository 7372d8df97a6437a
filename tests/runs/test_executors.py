"""The same tallies with every executor; errors come through; nothing runs on behind anybody's back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from bondstore.config import secrets
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, Exit, StoreError
from bondstore.runs import pulse
from bondstore.runs.executors import (
    Barrier,
    Executor,
    Fitting,
    Processes,
    Results,
    Serial,
    Threads,
    default_executor,
    fitted,
)
from bondstore.runs.receipt import Receipt
from bondstore.runs.tally import Count, Tally
from tests.runs.toys import Ask, Mark

EXECUTORS = [Serial(), Threads(1), Threads(3), Processes(2)]
IDS = ["serial", "one thread", "threads", "processes"]
every = pytest.mark.parametrize("executor", EXECUTORS, ids=IDS)


def marks(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir() if path.name.isdigit()}


def summed(results: Results) -> Tally:
    tally = Tally()
    with closing(results):
        for receipt in results:
            tally += receipt.tally()
    return tally


@every
def test_the_tallies_are_the_same_with_each(executor: Executor, tmp_path: Path) -> None:
    tally = summed(executor.run(Mark(tmp_path, n) for n in range(30)))
    assert tally == Tally(done=Count(30, sum(range(30))), skipped=Count(30, 30))
    assert marks(tmp_path) == set(range(30))


@every
def test_no_shards_no_tallies(executor: Executor) -> None:
    assert list(executor.run(iter(()))) == []


@every
@pytest.mark.parametrize(("word", "kind"), [(b"crash", StoreError), (b"stop", KeyboardInterrupt)])
def test_an_error_in_a_shard_stops_the_run_and_is_raised(
    executor: Executor, tmp_path: Path, word: bytes, kind: type[BaseException]
) -> None:
    taken: list[int] = []

    def shards() -> Iterator[Mark]:
        for n in range(500):
            taken.append(n)
            yield Mark(tmp_path, n, word if n == 3 else b"")

    with pytest.raises(kind) as raised:
        summed(executor.run(shards()))
    if isinstance(raised.value, StoreError):
        assert (raised.value.message, raised.value.hint) == ("The toy crashed.", "Mend it.")
    assert {0, 1, 2, 3} & marks(tmp_path)
    assert len(marks(tmp_path)) <= len(taken) < 100
    assert not any(thread.name.startswith("shard") for thread in threading.enumerate())


@every
def test_an_error_while_planning_shards_is_raised_too(executor: Executor, tmp_path: Path) -> None:
    def shards() -> Iterator[Mark]:
        yield Mark(tmp_path, 0)
        raise StoreError("The walk failed.")

    with pytest.raises(StoreError, match="The walk failed"):
        summed(executor.run(shards()))


@every
def test_closing_early_lets_running_shards_end_and_starts_no_more(executor: Executor, tmp_path: Path) -> None:
    taken: list[int] = []

    def shards() -> Iterator[Mark]:
        for n in range(500):
            taken.append(n)
            yield Mark(tmp_path, n)

    steps = executor.run(shards())
    with closing(steps):
        next(steps)
    assert 1 <= len(marks(tmp_path)) <= len(taken) < 50
    assert not any(thread.name.startswith("shard") for thread in threading.enumerate())
    with pytest.raises(StopIteration):
        next(steps)


@dataclass(frozen=True)
class Gated:
    """A shard that holds its thread until the gate opens; the first does not."""

    number: int
    gate: threading.Event
    begun: list[int]

    def run(self) -> Receipt:
        self.begun.append(self.number)
        assert self.number == 0 or self.gate.wait(60)
        return Receipt()


def test_what_waits_in_line_when_the_run_is_closed_is_never_begun() -> None:
    gate, begun = threading.Event(), list[int]()
    steps = Threads(2).run(Gated(n, gate, begun) for n in range(10))
    next(steps)
    deadline = time.monotonic() + 30
    while len(begun) < 3:  # until 1 and 2 hold both threads, and 3 waits in line
        assert time.monotonic() < deadline
        time.sleep(0.005)
    opener = threading.Timer(0.5, gate.set)
    opener.start()
    steps.close()
    opener.join()
    assert sorted(begun) == [0, 1, 2]


@every
def test_what_stands_behind_a_barrier_waits_until_all_before_it_was_handed_back(
    executor: Executor, tmp_path: Path
) -> None:
    handed: list[int] = []
    asked: list[list[int]] = []

    def shards() -> Iterator[Mark | Barrier]:
        for stage in range(3):
            asked.append(sorted(handed))
            yield from (Mark(tmp_path, stage * 10 + n) for n in range(10))
            yield Barrier()

    results = executor.run(shards())
    with closing(results):
        for receipt in results:
            handed.append(receipt.items[0].size)
    assert asked == [[], list(range(10)), list(range(20))]
    assert sorted(handed) == list(range(30))


@every
def test_after_stop_the_running_ones_still_come_and_no_more(executor: Executor, tmp_path: Path) -> None:
    results = executor.run(Mark(tmp_path, n) for n in range(200))
    with closing(results):
        handed = [next(results)]
        results.stop()
        handed += results
    assert len(handed) == len(marks(tmp_path)) < 50


def test_short_work_starts_no_workers() -> None:
    wide = Processes(2)
    assert fitted(Fitting(wide), 0.5) == Serial()
    assert fitted(Fitting(wide), 60.0) == fitted(Fitting(wide), None) == wide
    assert fitted(wide, 0.5) == wide


def test_shards_are_not_taken_far_ahead(tmp_path: Path) -> None:
    """Fifty million objects make many shards: they must not all lie in memory."""
    taken: list[int] = []

    def shards() -> Iterator[Mark]:
        for n in range(100):
            taken.append(n)
            yield Mark(tmp_path, n)

    for finished, _ in enumerate(Threads(2).run(shards()), 1):
        assert len(taken) <= finished + 2 * 2 + 2


def test_a_worker_that_dies_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BondstoreError, match="worker process died") as raised:
        summed(Processes(2).run(Mark(tmp_path, n, b"die" if n == 2 else b"") for n in range(10)))
    assert raised.value.exit_code is Exit.UNEXPECTED
    assert raised.value.hint


def test_a_secret_typed_here_reaches_the_workers_unseen() -> None:
    ref = SecretRef.parse("prompt:study key")
    secrets.remember(ref, "typed-canary-93017")
    try:
        tally = summed(Processes(1).run([Ask(ref, len("typed-canary-93017"))] * 2))
    finally:
        secrets.forget()
    assert tally.done.objects == 2


@pytest.mark.parametrize(
    ("jobs", "cores", "expected"),
    [
        (1, 64, Serial()),
        (None, 1, Threads(3)),
        (None, 4, Threads(3)),
        (None, 8, Processes(8)),
        (None, 64, Processes(16)),
        (3, 64, Processes(3)),
        (40, 2, Processes(40)),
    ],
)
def test_the_executor_suits_what_was_asked_and_the_machine(jobs: int | None, cores: int, expected: Executor) -> None:
    assert default_executor(jobs, cores) == expected


FOREVER = """
import sys
from pathlib import Path
from bondstore.runs.executors import Processes
from tests.runs.toys import Sleeper
list(Processes(2).run(Sleeper(Path(sys.argv[1]), n) for n in range(2)))
"""


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """Else they would go on beside the next run, and never end."""
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", FOREVER, str(tmp_path)], cwd=root)
    deadline = time.monotonic() + 60
    while len(marks(tmp_path)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    workers = [psutil.Process(int((tmp_path / str(n)).read_text())) for n in range(2)]
    parent.kill()
    parent.wait()
    gone, alive = psutil.wait_procs(workers, timeout=30)
    assert (len(gone), alive) == (2, [])


@dataclass
class Beating:
    """Counts while it works."""

    number: int

    def run(self) -> Receipt:
        for _ in range(self.number):
            pulse.beat(10)
        return Receipt()


@every
def test_what_workers_count_is_seen_here(executor: Executor) -> None:
    pulse.reset()
    with closing(executor.run(Beating(number) for number in (1, 20, 300))) as results:
        assert len(list(results)) == 3
    assert pulse.seen() == (321, 3210)
    pulse.reset()
    assert pulse.seen() == (0, 0)
