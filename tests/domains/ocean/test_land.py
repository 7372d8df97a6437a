"""Land by named places, around the date line and at the poles, and positions that are none."""

from __future__ import annotations

import time
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.ocean.land import is_land, on_earth

INLAND = {
    "Aoraki": (-43.595, 170.142),
    "Ruapehu": (-39.28, 175.57),
    "Alice Springs": (-23.70, 133.88),
    "Everest": (27.988, 86.925),
    "Kilimanjaro": (-3.08, 37.35),
    "Denver": (39.74, -104.99),
    "Moscow": (55.75, 37.62),
    "Brasilia": (-15.79, -47.88),
    "Sahara": (23.0, 5.0),
    "Greenland's ice": (72.0, -40.0),
    "Mauna Loa": (19.6, -155.5),
    "Iceland": (64.8, -18.5),
    "Chatham Island": (-44.03, -176.5),
    "Stewart Island": (-47.0, 167.85),
    "Dead centre of Tasmania": (-42.0, 146.6),
    "Chukotka at the date line": (67.5, 180.0),
    "South Pole": (-90.0, 0.0),
    "near the South Pole": (-89.99, 179.99),
}
AT_SEA = {
    "Pacific": (-30.0, -120.0),
    "Atlantic": (0.0, -25.0),
    "Indian Ocean": (-20.0, 80.0),
    "North Pole": (90.0, 0.0),
    "Null Island": (0.0, 0.0),
    "Southern Ocean at the date line": (-60.0, 180.0),
    "Black Sea": (43.0, 34.0),
    "Sea of Azov": (46.0, 36.5),
    "Marmara": (40.7, 28.2),
    "White Sea": (65.5, 37.5),
    "Caspian Sea": (41.5, 51.0),
    "Lake Superior": (47.5, -88.0),
    "Lake Baikal": (53.5, 108.0),
    "Lake Victoria": (-1.0, 33.0),
    "Lake Ladoga": (60.8, 31.5),
    "Persian Gulf": (26.5, 52.0),
    "Cook Strait": (-41.3, 174.55),
    "Bering Strait": (65.75, -169.0),
    "Gibraltar": (35.95, -5.6),
    "Bosporus": (41.1, 29.06),
    "Malacca": (2.5, 101.3),
    "Dover": (51.0, 1.4),
    "Bass Strait": (-39.8, 146.0),
    "Milford Sound": (-44.60, 167.85),
    "Doubtful Sound": (-45.30, 167.00),
    "Queen Charlotte Sound": (-41.20, 174.20),
    "Hardangerfjord": (60.20, 6.20),
    "Nelson harbour": (-41.26, 173.28),
    "Port Phillip": (-38.1, 144.85),
    "Sydney Harbour": (-33.85, 151.26),
    "Auckland, Waitemata": (-36.83, 174.77),
    "Storm Bay": (-43.1, 147.5),
}


@pytest.mark.parametrize("place", INLAND)
def test_places_on_land(place: str) -> None:
    assert is_land(*INLAND[place])


@pytest.mark.parametrize("place", AT_SEA)
def test_places_at_sea_in_straits_fjords_and_inland_seas(place: str) -> None:
    assert not is_land(*AT_SEA[place])


def test_it_is_not_all_sea_around_the_date_line() -> None:
    """The row of cells is whole: what lies at 180 is found from either side."""
    assert is_land([67.5] * 5, [179.99, 180.0, -180.0, -179.99, 180.01]).all()


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (np.nan, 10.0),
        (23.0, np.nan),
        (np.inf, 5.0),
        (23.0, -np.inf),
        (90.0001, 5.0),
        (-90.0001, 5.0),
        (23.0, 360.0001),
        (23.0, -180.0001),
        (23.0, 365.0),
        (1e300, 1e300),
    ],
)
def test_what_is_no_position_is_not_on_earth_and_not_on_land(latitude: float, longitude: float) -> None:
    assert not on_earth(latitude, longitude)
    assert not is_land(latitude, longitude)


def test_edges_are_on_earth() -> None:
    assert on_earth([90.0, -90.0, 0.0, 0.0], [0.0, 360.0, -180.0, 360.0]).all()


@given(st.floats(-90, 90), st.integers(-3600, -1))
def test_both_ways_to_write_a_longitude_are_one(latitude: float, cell: int) -> None:
    longitude = (cell + 0.5) / 20  # the middle of a cell: an edge may be rounded to either side
    assert is_land(latitude, longitude) == is_land(latitude, longitude + 360)


@given(st.lists(st.tuples(st.floats(-95, 95) | st.just(np.nan), st.floats(-200, 380)), max_size=20))
def test_many_are_as_each_alone(places: list[tuple[float, float]]) -> None:
    latitude, longitude = [one[0] for one in places], [one[1] for one in places]
    assert is_land(latitude, longitude).tolist() == [bool(is_land(*one)) for one in places]
    assert on_earth(latitude, longitude).tolist() == [bool(on_earth(*one)) for one in places]


def test_shapes() -> None:
    assert is_land([], []).shape == (0,)
    assert is_land(1.0, 2.0).shape == ()
    assert is_land([[1.0], [2.0]], [3.0, 4.0, 5.0]).shape == (2, 3)
    assert on_earth([[1.0], [2.0]], [3.0, 4.0, 5.0]).shape == (2, 3)
    assert is_land([1, 2], [3, 4]).dtype == np.bool_


def test_the_share_of_land_is_that_of_the_earth() -> None:
    """Some 29 % of the earth is land; a strip along its shores and the lakes are not counted."""
    random = np.random.default_rng(5)
    latitude = np.degrees(np.arcsin(random.uniform(-1, 1, 200_000)))
    share = is_land(latitude, random.uniform(-180, 180, 200_000)).mean()
    assert 0.26 < share < 0.29


def test_it_is_small_and_quick() -> None:
    assert (files("bondstore.domains.ocean") / "land.npz").stat().st_size < 300_000  # type: ignore[attr-defined]
    latitude, longitude = np.random.default_rng(1).uniform([[-90], [-180]], [[90], [180]], (2, 1_000_000))
    is_land(latitude, longitude)
    begin = time.perf_counter()
    is_land(latitude, longitude)
    assert time.perf_counter() - begin < 1  # some 0.04 s on an idle machine
