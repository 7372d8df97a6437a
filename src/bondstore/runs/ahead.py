"""A few calls ahead of the reader, in threads, their results in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

A = TypeVar("A")
B = TypeVar("B")


def ordered(function: Callable[[A], B], items: Iterable[A], width: int) -> Generator[B, None, None]:
    """Apply a function to items in a few threads.

    Parameters
    ----------
    function : callable
        Must be safe to call from several threads.
    items : iterable
        Taken one at a time, by the calling thread.
    width : int
        Threads; no more than `width` + 1 results wait in memory. With 0 each call is made when its result is asked for.

    Yields
    ------
    object
        The results in the order of the items. An error is raised where its result would stand.
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
