"""Parting work into groups of bounded number and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


def grouped(items: Iterable[T], weigh: Callable[[T], int], *, number: int, weight: int) -> Iterator[list[T]]:
    """Part items, in their order, into groups.

    Parameters
    ----------
    items : iterable
        Taken one at a time.
    weigh : callable
        What an item weighs, in bytes.
    number : int
        Most items in a group.
    weight : int
        Most bytes in a group; an item that weighs more is a group of its own.

    Yields
    ------
    list
        Never an empty one.
    """
    group: list[T] = []
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
