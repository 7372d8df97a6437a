"""The Moana tests of place and gear at, under and over their thresholds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.qc.common import distance
from tests.domains.ocean.qc.moana_made import NAN, SEA, T0, Cast, cast, run, why

SILENT, GOOD, PROBABLE, SUSPECT, BAD, OPEN, MISSING = 0, 1, 2, 3, 4, 5, 9
KM_NORTH = 180 / math.pi / 6371.0  # degrees of latitude


def test_positions_beyond_the_globe_are_bad_and_its_bounds_are_not() -> None:
    lat = [90.0, 90.001, -90.0, -90.001, 0.0, 0.0, 0.0, 0.0, NAN, 0.0]
    lon = [0.0, 0.0, 0.0, 0.0, -180.0, -180.001, 360.0, 360.001, 0.0, NAN]
    wanted = [GOOD, BAD, GOOD, BAD, GOOD, BAD, GOOD, BAD, MISSING, MISSING]
    assert run("moana.impossible_location", "POSITION", cast(lat=lat, lon=lon)) == wanted


def test_zero_is_a_position_but_not_for_the_existing_chain() -> None:
    one = cast(lat=[0.0, -36.0, -36.0], lon=[175.0, 0.0, 175.0])
    assert run("moana.impossible_location", "POSITION", one) == [GOOD, GOOD, GOOD]
    assert run("moana2024.impossible_location", "POSITION", one) == [SILENT, SILENT, GOOD]


def test_within_five_kilometres_of_the_workshop_is_bad() -> None:
    lat = [-41.25707 + km * KM_NORTH for km in (0.0, 4.999, 5.001, -4.999, -5.001)]
    one = cast(lat=[*lat, NAN], lon=173.28393)
    assert run("moana.remove_ref_location", "POSITION", one) == [BAD, BAD, GOOD, BAD, GOOD, MISSING]
    other = cast(lat=-41.25707, lon=[173.28393 - 360, 173.28393 + 0.05, 173.28393 + 0.07])
    assert run("moana.remove_ref_location", "POSITION", other) == [BAD, BAD, GOOD]


def test_distances_are_those_of_an_independent_library() -> None:
    import gsw

    random = np.random.default_rng(7)
    lat, lon = random.uniform(-80, 80, (2, 200)), random.uniform(-180, 360, (2, 200))
    theirs = gsw.distance(lon.T, lat.T, axis=1)[:, 0] / 1000
    np.testing.assert_allclose(distance(lat[0], lon[0], lat[1], lon[1]), theirs, rtol=1e-4)


def sailing(*knots: float, every: float = 60.0) -> Cast:
    """North, at a speed from level to level."""
    lat = [-36.0]
    for one in knots:
        lat.append(lat[-1] + one * 1.852 * every / 3600 * KM_NORTH)
    return cast(lat=lat, time=[T0 + every * n for n in range(len(lat))])


def test_over_a_hundred_knots_the_later_position_is_suspect() -> None:
    one = sailing(99.9, 100.1, 5.0)
    assert run("moana.impossible_speed", "POSITION", one) == [SILENT, GOOD, SUSPECT, GOOD]
    assert run("moana2024.impossible_speed", "POSITION", one) == [GOOD, GOOD, SUSPECT, GOOD]


def test_two_positions_in_one_second_take_a_second() -> None:
    near = cast(lat=[-36.0, -36.0 + 0.05 * KM_NORTH], time=[T0, T0])
    far = cast(lat=[-36.0, -36.0 + 0.053 * KM_NORTH], time=[T0, T0])
    assert run("moana.impossible_speed", "POSITION", near, far) == [SILENT, GOOD, SILENT, SUSPECT]


def test_speed_is_measured_from_the_nearest_position_before_and_over_no_seam() -> None:
    gap = cast(lat=[-36.0, NAN, -36.0 + 100 * KM_NORTH, -36.0], lon=SEA[1], time=[T0, T0 + 1, T0 + 2, NAN])
    assert run("moana.impossible_speed", "POSITION", gap) == [SILENT, MISSING, SUSPECT, OPEN]
    assert why("moana.impossible_speed", "POSITION", gap) == {0: "a position has no time"}
    assert run("moana.impossible_speed", "POSITION", cast(2), cast(2, lat=10.0)) == [SILENT, GOOD, SILENT, GOOD]


def test_a_step_back_in_time_is_no_excuse_but_for_the_existing_chain() -> None:
    one = cast(lat=[-36.0, -35.0], time=[T0, T0 - 60])
    assert run("moana.impossible_speed", "POSITION", one) == [SILENT, SUSPECT]
    assert run("moana2024.impossible_speed", "POSITION", one) == [GOOD, GOOD]


def test_crossing_the_antimeridian_is_no_leap() -> None:
    one = cast(lat=-36.0, lon=[179.9999, -179.9999, 180.0003], time=[T0, T0 + 60, T0 + 120])
    assert run("moana.impossible_speed", "POSITION", one) == [SILENT, GOOD, GOOD]


def test_inland_is_suspect_whichever_way_longitudes_are_written() -> None:
    lat = [-25.0, -25.0, 40.0, 40.0, -36.0, -36.0, 91.0, NAN]
    lon = [134.0, 134.0 - 360 + 360, -100.0, 260.0, 175.6, 200.0, 10.0, 10.0]
    one = cast(lat=lat, lon=lon)
    assert run("moana.position_on_land", "POSITION", one) == [*[SUSPECT] * 4, GOOD, GOOD, OPEN, MISSING]
    assert why("moana.position_on_land", "POSITION", one) == {0: "a position is none on Earth"}


def dive(first: float, last: float, **given: Any) -> Cast:
    return cast(pres=[first, *[50.0] * 8, last], **given)


@pytest.mark.parametrize(
    ("first", "last", "gear", "wanted"),
    [
        (10.0, 10.0, "stationary", GOOD),
        (10.1, 5.0, "stationary", SUSPECT),
        (5.0, 10.1, "passive", SUSPECT),
        (10.1, 5.0, "mobile", PROBABLE),
        (5.0, 10.1, " Towed ", PROBABLE),
        (5.0, 10.1, None, OPEN),
        (5.0, 10.1, "unknown", OPEN),
        (5.0, 5.0, None, GOOD),
    ],
)
def test_profiles_begin_and_end_near_the_surface(first: float, last: float, gear: str | None, wanted: int) -> None:
    one = dive(first, last, gear=gear)
    assert run("moana.stationary_position_check", "POSITION", one) == [wanted] * 10


def test_first_and_last_are_those_with_a_good_time_and_position() -> None:
    stray = {"pres": [60.0, 5.0, *[50.0] * 7, 5.0], "gear": "stationary"}
    elsewhere = cast(lat=[95.0, *[-36.0] * 9], **stray)
    workshop = cast(lat=[-41.25707, *[-36.0] * 9], lon=[173.28393, *[175.6] * 9], **stray)
    nowhere = cast(lat=[NAN, *[-36.0] * 9], **stray)
    old = cast(time=[0.0, *[T0 + one for one in range(9)]], **stray)
    for one in (elsewhere, workshop, nowhere, old):
        assert set(run("moana.stationary_position_check", "POSITION", one)[1:]) == {GOOD}
    # the existing chain asks for two of the flags by names they no longer have
    assert set(run("moana2024.stationary_position_check", "POSITION", elsewhere)) == {SUSPECT}
    assert set(run("moana2024.stationary_position_check", "POSITION", workshop)) == {GOOD}


def test_without_a_good_level_the_position_cannot_be_told() -> None:
    one = cast(6, lat=-41.25707, lon=173.28393, gear="stationary")
    assert run("moana.stationary_position_check", "POSITION", one) == [OPEN] * 6
    assert run("moana.start_end_dist_check", "POSITION", one) == [OPEN] * 6
    assert run("moana2024.stationary_position_check", "POSITION", one) == [SILENT] * 6
    assert run("moana2024.start_end_dist_check", "POSITION", one) == [BAD] * 6


@pytest.mark.parametrize(
    ("metres", "gear", "wanted", "then"),
    [
        (4.99, "stationary", GOOD, GOOD),
        (5.01, "stationary", PROBABLE, PROBABLE),
        (49.99, "stationary", PROBABLE, PROBABLE),
        (50.01, "stationary", SUSPECT, PROBABLE),
        (50.01, "mobile", SILENT, SILENT),
        (4.99, None, GOOD, SILENT),
        (5.01, None, OPEN, SILENT),
    ],
)
def test_stationary_gear_begins_and_ends_at_one_place(metres: float, gear: str | None, wanted: int, then: int) -> None:
    one = cast(lat=[-36.0, *[-35.0] * 8, -36.0 + metres / 1000 * KM_NORTH], gear=gear)
    assert run("moana.start_end_dist_check", "POSITION", one) == [wanted] * 10
    assert run("moana2024.start_end_dist_check", "POSITION", one) == [then] * 10


def test_the_existing_chain_rounds_to_a_centimetre_first() -> None:
    one = cast(lat=[-36.0, *[-36.0] * 8, -36.0 + 0.005004 * KM_NORTH], gear="stationary")
    assert run("moana.start_end_dist_check", "POSITION", one) == [PROBABLE] * 10
    assert run("moana2024.start_end_dist_check", "POSITION", one) == [GOOD] * 10


@pytest.mark.parametrize(
    ("knots", "gear", "wanted"),
    [(0.0, "stationary", GOOD), (0.0, "mobile", SUSPECT), (1.0, "stationary", SUSPECT), (1.0, "mobile", GOOD)],
)
def test_gear_moves_or_it_does_not(knots: float, gear: str, wanted: int) -> None:
    one = sailing(knots, knots)
    one.gear = gear
    assert run_gear(one, still=0.0) == [wanted] * 3
    assert run_gear(one, still=0.99) == [wanted] * 3
    assert run_gear(one, still=1.01) == ([GOOD] if gear == "stationary" else [SUSPECT]) * 3


def run_gear(*casts: Cast, still: float) -> list[int]:
    from bondstore.domains.ocean.qc.moana_place import gear_type
    from tests.domains.ocean.qc.moana_made import batch_of

    return [int(flag) for flag in gear_type(batch_of(*casts), "POSITION", still=still).flags]


def test_gear_of_no_known_class_or_place_is_not_evaluated() -> None:
    assert run_gear(cast(2, gear=None), cast(1), cast(2, time=T0), still=0.0) == [OPEN] * 5
