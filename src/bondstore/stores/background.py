"""Work in threads: iterators that run ahead of their reader, and one act for many items side by side."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bondstore.errors import BondstoreError

T = TypeVar("T")
R = TypeVar("R")
_LOOK = 0.1  # seconds between two looks at whether the reader has gone


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
    # Daemons, because a request that is under way cannot be called off and must not hold up the end of the program.
    for number in range(workers):
        threading.Thread(target=crew.work, name=f"bondstore-ahead-{number}", daemon=True).start()
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


def side_by_side(act: Callable[[T], R], items: Sequence[T], concurrency: int) -> list[R | BondstoreError]:
    """Do something for many items at a time; give results in their order, our own errors in the places of results."""
    # Plain threads that take the next item off one iterator: measured against a real server this costs less processor
    # time for each object than an executor's futures or asyncio's tasks do.
    results: dict[int, R | BondstoreError] = {}
    turns = iter(range(len(items)))  # next() on it is one step for the interpreter: two threads never get the same
    stopped = threading.Event()
    unexpected: list[BaseException] = []

    def work() -> None:
        try:
            for turn in turns:
                if stopped.is_set():
                    return
                try:
                    results[turn] = act(items[turn])
                except BondstoreError as error:
                    results[turn] = error
        except BaseException as raised:  # noqa: BLE001 - raised again by the caller's thread
            unexpected.append(raised)
            stopped.set()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(max(concurrency, 1), len(items)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stopped.set()
    if unexpected:
        raise unexpected[0]
    return [results[turn] for turn in range(len(items))]
