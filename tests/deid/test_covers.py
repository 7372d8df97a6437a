"""Places in whole pixels, and what lies within reach of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bondstore.deid.covers import REACH, area, around, share_in_union
from bondstore.deid.faces import Box

PLACES = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 600), st.integers(1, 200), st.integers(1, 200)),
    min_size=1,
    max_size=8,
)


@given(PLACES)
def test_every_place_lies_in_one_part_with_its_reach(places: list[tuple[int, int, int, int]]) -> None:
    slices = [(slice(y, min(700, y + h)), slice(x, min(1000, x + w))) for x, y, w, h in places]
    parts = around(slices, 700, 1000)
    seen = np.zeros((700, 1000), int)
    for rows, columns in parts:
        seen[rows, columns] += 1
    assert seen.max() == 1
    for rows, columns in slices:
        assert seen[
            max(0, rows.start - REACH) : rows.stop + REACH, max(0, columns.start - REACH) : columns.stop + REACH
        ].all()


@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(0.1, 90), st.floats(0.1, 90), st.floats(0, 1))
def test_an_area_holds_every_pixel_that_the_grown_box_touches(
    x: float, y: float, width: float, height: float, margin: float
) -> None:
    rows, columns = area(Box(x, y, width, height, 1), margin, 100, 80)
    taken = np.zeros((100, 80), bool)
    taken[rows, columns] = True
    up, left = np.mgrid[:100, :80]
    touched = (left + 1 > x - width * margin) & (left < x + width * (1 + margin))
    touched &= (up + 1 > y - height * margin) & (up < y + height * (1 + margin))
    assert not (touched & ~taken).any()


def test_what_two_boxes_share() -> None:
    assert share_in_union(Box(0, 0, 10, 10, 1), Box(0, 0, 10, 10, 0.3)) == 1
    assert share_in_union(Box(0, 0, 10, 10, 1), Box(5, 0, 10, 10, 1)) == 50 / 150
    assert share_in_union(Box(0, 0, 10, 10, 1), Box(10, 0, 10, 10, 1)) == 0
