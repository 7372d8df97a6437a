"""What is done inside of objects that are still worked on: counted by the workers, seen by who watches the run.

A receipt comes once a whole shard is done, which may take minutes. These two numbers are for the eye alone: nothing is
recorded by them, and a shard that runs twice counts twice.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import MutableSequence
    from multiprocessing.context import SpawnContext

_THINGS, _BYTES = 0, 1
_counts: Any = [0, 0]
_waits = ""


def reset() -> None:
    """Begin to count, in this process and its threads."""
    use([0, 0])
    wait_for("")


def wait_for(what: str) -> None:
    """Say what the run waits for, in words; nothing, once it goes on."""
    global _waits  # noqa: PLW0603 - one run at a time is watched
    _waits = what


def waits() -> str:
    """Return what the run waits for."""
    return _waits


def shared(context: SpawnContext) -> Any:
    """Begin to count in memory that processes share; hand it to `use` in each of them."""
    made = context.Array("q", 2)
    use(made)
    return made


def use(counts: Any) -> None:
    """Count here from now on."""
    global _counts  # noqa: PLW0603 - one run at a time is watched
    _counts = counts


def beat(size: int) -> None:
    """One more thing of so many bytes is done."""
    counts = cast("MutableSequence[int]", _counts)
    lock = getattr(_counts, "get_lock", nullcontext)
    with lock():
        counts[_THINGS] += 1
        counts[_BYTES] += size


def seen() -> tuple[int, int]:
    """Return how many things are done, and their bytes."""
    return int(_counts[_THINGS]), int(_counts[_BYTES])
