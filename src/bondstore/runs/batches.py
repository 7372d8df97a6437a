"""Work in groups of bounded number and size, and a few calls at a time with their results in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

A = TypeVar("A")
B = TypeVar("B")


def grouped(items: Iterable[A], weigh: Callable[[A], int], *, number: int, weight: int) -> Iterator[list[A]]:
    """Part items, in their order, into groups of so many at most that weigh so much; a heavier one is alone."""
    group: list[A] = []
    held = 0
    for item in items:
        heavy = weigh(item)
        if group and (len(group) >= number or held + heavy > weight):
            yield group
            group, held = [], 0
        group.append(item)
        held += heavy
    if group:
        yield group


@dataclass(slots=True)
class Sample:
    """A few of many keys, from the first to about the last: fewer than `most`, however many are added."""

    most: int = 16
    keys: list[str] = field(default_factory=list)
    _number: int = 0
    _step: int = 1

    def add(self, key: str) -> None:
        """Add one, in the order of all."""
        if self._number % self._step == 0:
            self.keys.append(key)
            if len(self.keys) == self.most:
                self.keys, self._step = self.keys[::2], 2 * self._step
        self._number += 1


def ordered(function: Callable[[A], B], items: Iterable[A], width: int) -> Generator[B, None, None]:
    """Apply a function in `width` threads; items are taken by the caller's, results come in the items' order.

    No more than `width` + 1 results wait in memory; with 0 each call is made when its result is asked for.
    """
    if width == 0:
        yield from map(function, items)
        return
    waiting: deque[Future[B]] = deque()
    with ThreadPoolExecutor(width, "ahead") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > width:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
