"""Extents and longitudes, across the date line as elsewhere; gaps; which tests failed where."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.ocean.plots.maps import MapExtent, _degree, shows_land, unwrapped
from bondstore.domains.ocean.plots.profile import _spread
from bondstore.domains.ocean.plots.section import gaps_of
from bondstore.domains.ocean.plots.words import place, shown, stretches
from bondstore.pages.coast import coast
from tests.domains.ocean.plots.drawn import START, batch_of, result_of

LONGITUDES = st.lists(st.integers(-1800, 3600).map(lambda one: one / 10), min_size=1, max_size=12)


@given(LONGITUDES)
def test_unwrapped_longitudes_are_the_same_meridians_over_the_shortest_span(longitudes: list[float]) -> None:
    found = unwrapped(np.array(longitudes))
    turns = (found - np.array(longitudes)) / 360
    assert np.allclose(turns, np.round(turns), atol=1e-9)
    spans = []
    for start in longitudes:  # the shortest arc begins at one of them
        spans.append(max((one - start) % 360 for one in longitudes))
    assert np.ptp(found) == pytest.approx(min(spans), abs=1e-6)


def test_missing_longitudes_stay_missing() -> None:
    assert np.isnan(unwrapped(np.array([np.nan, np.nan]))).all()
    found = unwrapped(np.array([179.0, np.nan, -179.0]))
    assert found[2] - found[0] == pytest.approx(2)
    assert np.isnan(found[1])


@given(
    st.lists(st.floats(-90, 90), min_size=1, max_size=8),
    LONGITUDES,
    st.floats(0.3, 3),
)
def test_an_extent_holds_its_positions_and_fills_its_frame(
    latitudes: list[float], longitudes: list[float], ratio: float
) -> None:
    number = min(len(latitudes), len(longitudes))
    north, east = np.array(latitudes[:number]), unwrapped(np.array(longitudes[:number]))
    extent = MapExtent.around(north, east, ratio=ratio, least=0.5)
    assert extent.north - extent.south >= 0.5 - 1e-9
    assert extent.south >= -90 - 1e-9
    assert extent.north <= 90 + 1e-9
    assert extent.east - extent.west <= 360 + 1e-6
    assert extent.west <= east.min() + 1e-9
    assert east.max() <= extent.east + 1e-9
    assert extent.south <= north.min() + 1e-9
    assert north.max() <= extent.north + 1e-9
    if extent.north - extent.south < 100 and extent.east - extent.west < 300:
        middle = np.radians((north.min() + north.max()) / 2)
        width = (extent.east - extent.west) * max(np.cos(middle), 0.15)
        assert width / (extent.north - extent.south) == pytest.approx(ratio)


def test_degrees_as_maps_write_them() -> None:
    assert [_degree(one, "EW", around=True) for one in (0.0, 180.0, 181.5, -180.0, 360.0, -0.25)] == [
        "0°",
        "180°",
        "178.5° W",
        "180°",
        "0°",
        "0.25° W",
    ]
    assert [_degree(one, "NS", around=False) for one in (-41.5, 0.0, 10.0)] == ["41.5° S", "0°", "10° N"]
    assert place(-41.25, 182.0) == "41.250° S 178.000° W"


def test_the_coast_is_where_it_is() -> None:
    """A point-in-polygon test by matplotlib, over the rings as they are drawn."""
    from matplotlib.path import Path

    def inside(name: str, latitude: float, longitude: float) -> bool:
        return any(Path(ring).contains_point((longitude, latitude)) for ring in coast()[name][0])

    assert inside("land", -43.595, 170.142)
    assert inside("land", 55.75, 37.62)
    assert not inside("land", -41.3, 174.55)
    assert not inside("land", 0.0, -25.0)
    assert inside("lake", 47.5, -88.0)
    assert not inside("lake", 39.74, -104.99)


def test_a_map_is_widened_until_it_shows_land() -> None:
    assert shows_land(MapExtent(170, 178, -46, -38))
    assert shows_land(MapExtent(-190, -182, -46, -38))
    assert not shows_land(MapExtent(-125, -115, -35, -25))


def test_gaps_are_between_profiles_and_far_longer_than_usual() -> None:
    begins = [START + one * 3600 for one in (0, 5, 10, 15, 80, 85, 90)]
    batch = batch_of((3,) * 7, begins=begins)
    assert gaps_of(batch) == [(begins[3] + 20, begins[4])]
    assert gaps_of(batch.take([6, 2, 0, 5, 3, 1, 4])) == gaps_of(batch)
    assert gaps_of(batch_of((3,) * 7)) == []
    assert gaps_of(batch_of((3, 3))) == []


def test_neighbouring_levels_with_the_same_failed_tests_are_one_stretch() -> None:
    batch = batch_of((4, 10))
    flags = {
        ("spike", "TEMP"): {3: 4, 4: 4, 6: 4},
        ("rate_of_change", "TEMP"): {6: 3, 7: 3, 8: 3},
        ("range", "PRES"): {9: 4},
    }
    found = stretches(result_of(batch, flags), slice(4, 14), "TEMP")
    assert [(one.first, one.last, one.text, int(one.worst)) for one in found] == [
        (0, 0, "spike", 4),
        (2, 2, "spike, rate of change", 4),
        (3, 4, "rate of change ×2", 3),
    ]
    assert stretches(result_of(batch, flags), slice(0, 3), "TEMP") == []


@given(st.lists(st.floats(0, 1), max_size=9))
def test_labels_never_lie_on_each_other(wanted: list[float]) -> None:
    wanted = sorted(wanted, reverse=True)
    heights = _spread(wanted, [0.1] * len(wanted))
    assert all(above - below >= 0.1 - 1e-9 for above, below in pairwise(heights))
    assert all(0.05 - 1e-9 <= one <= 0.95 + 1e-9 for one in heights)


def test_names_are_shown_whole_or_shortened_in_their_middle() -> None:
    assert shown("MOANA_0012 ° é") == "MOANA_0012 ° é"
    assert shown("a\nb\x1b") == r"a\nb\x1b"
    long = shown("x" * 50 + "y" * 50, 21)
    assert len(long) <= 21
    assert long[0] == "x"
    assert long[-1] == "y"
