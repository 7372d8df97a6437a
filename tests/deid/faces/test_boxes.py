"""Suppression against a plain loop over pairs, and turning against numpy's own turning of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.deid.faces.boxes import suppress, turn_back

BOXES = st.lists(
    st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2, st.integers(1, 20)), min_size=0, max_size=14
)


def as_rows(boxes: list[tuple[int, ...]]) -> np.ndarray:
    return np.array([(x, y, x + w, y + h, s / 20) for x, y, w, h, s in boxes], np.float32).reshape(-1, 5)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union, counted pixel by pixel."""
    grids = np.zeros((2, 101, 101), bool)
    for grid, (left, top, right, bottom) in zip(grids, (one[:4].astype(int), other[:4].astype(int)), strict=True):
        grid[top:bottom, left:right] = True
    return float((grids[0] & grids[1]).sum() / (grids[0] | grids[1]).sum())


@given(BOXES)
def test_what_is_kept_and_what_is_dropped(boxes: list[tuple[int, ...]]) -> None:
    rows = as_rows(boxes)
    kept = suppress(rows)
    assert list(kept[:, 4]) == sorted(kept[:, 4], reverse=True)
    for place, one in enumerate(kept):
        assert all(overlap(one, other) < 0.3 + 1e-6 for other in kept[:place])
    for row in rows:
        assert any(overlap(row, one) >= 0.3 - 1e-6 and one[4] >= row[4] for one in kept)


@given(BOXES, st.randoms())
def test_the_order_of_the_passes_does_not_matter(boxes: list[tuple[int, ...]], rng: object) -> None:
    rows = as_rows(boxes)
    mixed = rows.copy()
    rng.shuffle(order := list(range(len(rows))))  # type: ignore[attr-defined]
    mixed = rows[order]
    assert np.array_equal(suppress(rows), suppress(mixed))


@pytest.mark.parametrize("turns", range(4))
def test_boxes_found_in_a_turned_picture_lie_where_the_thing_is(turns: int) -> None:
    upright = np.zeros((50, 80), bool)
    upright[5:15, 60:77] = True
    places = np.argwhere(np.rot90(upright, turns))
    (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0) + 1
    rows = np.array([[left, top, right, bottom, 0.5]], np.float32)
    assert turn_back(rows, turns, 50, 80).tolist() == [[60, 5, 77, 15, 0.5]]
