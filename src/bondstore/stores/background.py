"""Work in threads: iterators that run ahead of their reader, and one act for many items side by side."""

from __future__ import annotations

import atexit
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from bondstore.errors import BondstoreError

T = TypeVar("T")
R = TypeVar("R")
_LOOK = 0.1  # seconds between two looks at whether the reader has gone
_GRACE = 3.0  # seconds in which threads whose reader has gone may end by themselves: a request is mostly shorter

_running: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_stops: weakref.WeakSet[threading.Event] = weakref.WeakSet()


def end_threads(grace: float = _GRACE) -> bool:
    """Stop all threads that work ahead, wait for them a moment, and say whether all have ended.

    Before the interpreter ends: one that is inside the client library then, or one of the client library that is inside
    the interpreter, is torn out of foreign frames, and the whole program dies of SIGABRT ("FATAL: exception not
    rethrown") in place of its own exit code.
    """
    for stop in list(_stops):
        stop.set()
    give_up = time.monotonic() + grace
    for thread in list(_running):
        thread.join(max(0.0, give_up - time.monotonic()))
    while _has_foreign() and time.monotonic() < give_up:
        time.sleep(0.001)
    return not any(thread.is_alive() for thread in list(_running)) and not _has_foreign()


def _has_foreign() -> bool:
    """Whether a thread that a library started is inside the interpreter: one that hands over a result still may be."""
    ours = {thread.ident for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)}
    return not ours.issuperset(sys._current_frames())


atexit.register(end_threads)


def _start(name: str, work: Callable[[], None], stop: threading.Event) -> threading.Thread:
    # Daemons, because a request that is under way cannot be called off and must not hold up the end of the program.
    thread = threading.Thread(target=work, name=name, daemon=True)
    _running.add(thread)
    _stops.add(stop)
    thread.start()
    return thread


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a thread sends last."""

    raised: BaseException | None = None


class _Crew(Generic[T]):
    """The threads behind one `run_ahead`: they take sources off one list and feed one queue."""

    def __init__(self, sources: Iterable[Callable[[], Iterator[T]]], depth: int) -> None:
        self.queue: queue.Queue[T | _Ended] = queue.Queue(depth)
        self.gone = threading.Event()
        self._sources = iter(sources)
        self._lock = threading.Lock()

    def work(self) -> None:
        """Feed the queue until the sources or the reader end."""
        raised: BaseException | None = None
        try:
            while (source := self._next_source()) is not None:
                for item in source():
                    if not self._put(item):
                        return
        except BaseException as caught:  # noqa: BLE001 - it is raised in the reader
            raised = caught
        self._put(_Ended(raised))

    def _next_source(self) -> Callable[[], Iterator[T]] | None:
        with self._lock:
            return next(self._sources, None)

    def _put(self, item: T | _Ended) -> bool:
        while not self.gone.is_set():
            try:
                self.queue.put(item, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False


def run_ahead(
    sources: Iterable[Callable[[], Iterator[T]]], *, workers: int = 1, depth: int = 2
) -> Generator[T, None, None]:
    """Give the items of several iterators, produced in threads while the reader works.

    With one worker the order is that of the sources; with more, items come as they are ready. At most `depth` wait for
    the reader, besides the one that each worker holds. What a source raises is raised here, and the others are stopped.
    """
    crew = _Crew(sources, depth)
    for number in range(workers):
        _start(f"bondstore-ahead-{number}", crew.work, crew.gone)
    running = workers
    try:
        while running:
            item = crew.queue.get()
            if not isinstance(item, _Ended):
                yield item
            elif item.raised is not None:
                raise item.raised
            else:
                running -= 1
    finally:
        crew.gone.set()


class Beside(Generic[T, R]):
    """An act for items that come one by one, in threads of their own; our own errors are in the places of results."""

    # Plain threads that take the next item off one queue: measured against a real server this costs less processor
    # time for each object than an executor's futures or asyncio's tasks do.
    def __init__(self, act: Callable[[T], R], at_once: int) -> None:
        self._act, self._at_once = act, max(at_once, 1)
        self._todo: queue.SimpleQueue[tuple[int, T] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, R | BaseException]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self._added = self._given = 0

    def add(self, item: T) -> None:
        """Begin with an item, as soon as there is room."""
        self._todo.put((self._added, item))
        self._added += 1
        if len(self._threads) < self._at_once:
            name = f"bondstore-beside-{len(self._threads)}"
            self._threads.append(_start(name, self._work, self._stopped))

    def results(self) -> Iterator[R | BondstoreError]:
        """Give the results of what was added since they were last asked for, in that order, each as it comes.

        Raises what an act failed with otherwise.
        """
        early: dict[int, R | BaseException] = {}
        while self._given < self._added:
            while self._given not in early:
                turn, result = self._done.get()
                early[turn] = result
            result = early.pop(self._given)
            self._given += 1
            if isinstance(result, BaseException) and not isinstance(result, BondstoreError):
                raise result
            yield result

    def end(self) -> None:
        """Let the threads end, once all that was added is done."""
        for _ in self._threads:
            self._todo.put(None)

    def stop(self, *, wait: bool = False) -> None:
        """Begin with nothing more; wait for what is under way, if asked to."""
        self._stopped.set()
        self.end()
        for thread in self._threads if wait else ():
            thread.join()

    def _work(self) -> None:
        while (one := self._todo.get()) is not None and not self._stopped.is_set():
            turn, item = one
            try:
                self._done.put((turn, self._act(item)))
            except BaseException as raised:  # noqa: BLE001 - it is raised, or given, where results are asked for
                self._done.put((turn, raised))


def in_turn(act: Callable[[T], R], items: Iterable[T], at_once: int) -> Generator[R | BondstoreError, None, None]:
    """Do something for many items at a time; give each result in its turn, while those behind it are worked on."""
    beside = Beside(act, at_once)
    try:
        for item in items:
            beside.add(item)
        beside.end()
        yield from beside.results()
    finally:
        beside.stop()


def side_by_side(act: Callable[[T], R], items: Iterable[T], at_once: int) -> list[R | BondstoreError]:
    """Do something for many items at a time; give results in their order, our own errors in the places of results."""
    return list(in_turn(act, items, at_once))


class Workers:
    """At most so many acts at a time, each in a thread; the first one that fails stops those that are to come."""

    def __init__(self, at_once: int) -> None:
        self.stop = threading.Event()
        self._slots = threading.BoundedSemaphore(at_once)
        self._failed: BaseException | None = None
        self._threads: set[threading.Thread] = set()

    def submit(self, act: Callable[[], object]) -> None:
        """Start an act as soon as there is room; raises what an earlier one failed with."""
        while not self._slots.acquire(timeout=_LOOK):
            self.check()
        try:
            self.check()
            self._threads = {one for one in self._threads if one.is_alive()}
            self._threads.add(_start("bondstore-worker", lambda: self._run(act), self.stop))
        except BaseException:
            self._slots.release()
            raise

    def _run(self, act: Callable[[], object]) -> None:
        try:
            if not self.stop.is_set():
                act()
        except BaseException as raised:  # noqa: BLE001 - it is raised in the caller's thread
            self.fail(raised)
        finally:
            self._slots.release()

    def fail(self, raised: BaseException) -> None:
        """Stop all acts for a reason, unless there is one already."""
        self._failed = self._failed or raised
        self.stop.set()

    def check(self) -> None:
        """Raise what an act failed with."""
        if self._failed is not None:
            raise self._failed

    def join(self) -> None:
        """Wait for all acts; raises what one failed with."""
        for thread in self._threads:
            thread.join()
        self.check()

    def close(self, grace: float | None = _GRACE) -> None:
        """Stop, and wait for those that are under way: a moment, or with None until they have ended."""
        self.stop.set()
        give_up = time.monotonic() + (grace or 0.0)
        for thread in self._threads:
            thread.join(None if grace is None else max(0.0, give_up - time.monotonic()))
