"""Work in groups of bounded number and size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

A = TypeVar("A")


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
