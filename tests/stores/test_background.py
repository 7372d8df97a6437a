from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from bondstore.errors import NotFoundError
from bondstore.stores.background import Beside, in_turn, run_ahead, side_by_side
from tests.servers.any_key import AnyKeyServer


def count(start: int, stop: int, made: list[int] | None = None) -> Iterator[int]:
    for n in range(start, stop):
        if made is not None:
            made.append(n)
        yield n


def test_one_worker_keeps_the_order() -> None:
    sources = [partial(count, 0, 50), partial(count, 50, 60), partial(count, 60, 60), partial(count, 60, 99)]
    assert list(run_ahead(sources)) == list(range(99))


def test_many_workers_give_everything_once() -> None:
    sources = [partial(count, n * 10, n * 10 + 10) for n in range(50)]
    assert sorted(run_ahead(sources, workers=8)) == list(range(500))


def test_it_runs_ahead_by_a_bounded_number() -> None:
    made: list[int] = []
    items = run_ahead([partial(count, 0, 10_000, made)], depth=3)
    next(items)
    time.sleep(0.3)
    assert len(made) == 1 + 3 + 1  # read, waiting, in the worker's hand
    items.close()


@pytest.mark.parametrize("workers", [1, 4])
def test_what_a_source_raises_is_raised_after_what_it_gave(workers: int) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    found: list[int] = []
    with pytest.raises(KeyError, match="broken"):
        found.extend(run_ahead([broken, *[partial(count, 0, 10_000)] * 3], workers=workers))
    give_up = time.monotonic() + 5
    while any("bondstore-ahead" in one.name for one in threading.enumerate()):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_nothing_starts_before_it_is_read() -> None:
    made: list[int] = []
    run_ahead([partial(count, 0, 10, made)])
    time.sleep(0.05)
    assert made == []


def test_results_come_in_the_order_of_the_items() -> None:
    def act(number: int) -> int:
        time.sleep(number % 7 / 500)
        if number % 10 == 3:
            raise NotFoundError(str(number))
        return number * number

    found = side_by_side(act, range(100), 16)
    assert [str(one) for one in found] == [str(n) if n % 10 == 3 else str(n * n) for n in range(100)]


def test_a_result_is_given_while_those_behind_it_are_worked_on() -> None:
    held = threading.Event()
    answers = in_turn(lambda number: number or held.wait(5), [1, 2, 0, 3], 4)
    assert [next(answers), next(answers)] == [1, 2]
    held.set()
    assert list(answers) == [True, 3]


def test_nothing_more_begins_once_its_reader_has_gone() -> None:
    begun: list[int] = []

    def act(number: int) -> int:
        begun.append(number)
        time.sleep(0.02)
        return number

    answers = in_turn(act, range(1000), 2)
    next(answers)
    answers.close()
    time.sleep(0.1)
    assert len(begun) < 10
    assert not any("bondstore-beside" in one.name for one in threading.enumerate())


def test_an_error_that_is_not_ours_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 // number, [1, 0, 2], 2)


def test_more_can_be_added_after_results_were_given() -> None:
    beside = Beside(abs, 2)
    for start in (-3, 5):
        beside.add(start)
        beside.add(start + 1)
        assert list(beside.results()) == [abs(start), abs(start + 1)]
    beside.stop(wait=True)
    assert list(beside.results()) == []


def test_no_sources() -> None:
    assert list(run_ahead([])) == []


@pytest.mark.parametrize(("seconds", "leave"), [(1.0, "sys.exit"), (30.0, "_leave")])
def test_an_error_keeps_its_exit_code_while_threads_list(
    seconds: float, leave: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread torn out of the client library as the interpreter ends would kill the program with SIGABRT."""

    def slow(text: str) -> str:
        time.sleep(seconds)
        return text

    script = f"""if True:
        import sys
        from bondstore.cli.main import _leave
        from bondstore.errors import UsageError
        from bondstore.stores import open_store
        from bondstore.stores.background import run_ahead
        from tests.stores.rigs import QUICK, s3_profile

        store = open_store("s3://any", s3_profile(sys.argv[1]), rule=QUICK)
        client = store._connection.client("list")

        def broken():
            import time
            time.sleep(0.3)
            raise UsageError("broken")
            yield

        try:
            list(run_ahead([broken, *[lambda: client.list("s/")] * 4], workers=5))
        except UsageError:
            {leave}(2)
        """
    with AnyKeyServer({"s/x": b"1"}, rewrite=slow) as server:
        begun = time.monotonic()
        done = subprocess.run([sys.executable, "-c", script, server.endpoint], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (2, b"")
        assert time.monotonic() - begun < 20


def test_a_librarys_thread_inside_the_interpreter_cannot_abort_a_program_that_ends() -> None:
    """Before Python 3.14 it would be torn out of its foreign frames as the interpreter is taken down."""
    script = (
        "import _thread, ctypes, ctypes.util, threading, time\n"
        "import bondstore.stores.background\n"
        "entered = _thread.allocate_lock(); entered.acquire()\n"
        "def hand_over(_):\n"
        "    entered.release(); time.sleep(.4); print('handed over', flush=True)\n"
        "    return 0\n"
        "act = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p)(hand_over)\n"
        "c = ctypes.CDLL(None)\n"
        "made = ctypes.c_size_t()\n"
        "assert c.pthread_create(ctypes.byref(made), None, act, None) == 0\n"
        "entered.acquire()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "handed over\n"), done.stderr
