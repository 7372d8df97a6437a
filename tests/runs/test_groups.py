"""Every item in its order, once; no group heavier than allowed, but for one item that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from bondstore.runs.batches import grouped

as_is: Callable[[int], int] = int


@given(st.lists(st.integers(0, 50)), st.integers(1, 5), st.integers(1, 60))
def test_groups_keep_order_and_bounds(items: list[int], number: int, weight: int) -> None:
    groups = list(grouped(items, as_is, number=number, weight=weight))
    assert [one for group in groups for one in group] == items
    assert all(groups)
    assert all(len(group) <= number for group in groups)
    assert all(sum(group) <= weight or len(group) == 1 for group in groups)


def test_groups_are_not_smaller_than_they_must_be() -> None:
    assert list(grouped([4, 4, 4, 9, 1, 1, 1, 1], as_is, number=3, weight=10)) == [[4, 4], [4], [9, 1], [1, 1, 1]]


def test_items_are_taken_as_groups_are_asked_for() -> None:
    def items() -> Iterator[int]:
        yield from (6, 6)
        raise RuntimeError

    assert next(grouped(items(), as_is, number=9, weight=10)) == [6]
