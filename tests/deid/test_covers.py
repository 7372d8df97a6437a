"""Places in whole pixels, and what lies within reach of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bondstore.deid.covers import area, reach, share_in_union
from bondstore.deid.faces import Box


def test_what_is_within_reach_of_a_cover() -> None:
    assert reach((slice(300, 340), slice(200, 900)), 700, 1000) == (slice(204, 436), slice(0, 1000))
    assert reach((slice(0, 400), slice(990, 1000)), 700, 1000) == (slice(0, 600), slice(894, 1000))


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
