"""Argo tests 1 to 5: platform, date, position, land, speed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.profiles import Position
from bondstore.domains.ocean.qc.argo import EARTH, distance
from tests.domains.ocean.qc.argo_cases import BAD, GOOD, MISSING, NAN, SILENT, UNEVALUATED, before, cast, run

TEN_DAYS = 864000.0
JULD_1997 = (17167 - 7305) * 86400.0  # 1997-01-01


@pytest.mark.parametrize(
    ("platform", "flag"),
    [
        ("5900001", GOOD),
        ("29012", GOOD),
        ("590001", BAD),
        ("59000012", BAD),
        ("59-0001", BAD),
        ("٥٩٠٠٠٠١", BAD),
        ("", UNEVALUATED),
    ],
)
def test_a_platform_is_five_or_seven_digits(platform: str, flag: int) -> None:
    assert run("argo.platform", "TEMP", cast([1.0, NAN], platform=platform)) == [flag, MISSING]


@pytest.mark.parametrize(
    ("time", "flag"),
    [
        (math.nextafter(JULD_1997, 0), BAD),
        (JULD_1997, GOOD),
        (math.nextafter(1.7e9, 0), GOOD),
        (1.7e9, BAD),
        (NAN, MISSING),
        (math.inf, BAD),
    ],
)
def test_a_date_is_from_1997_to_before_now(time: float, flag: int) -> None:
    assert run("argo.date", "TIME", cast([1.0], time=time, download=1.7e9)) == [flag]
    assert run("argo.date", "TIME", cast([1.0], time=time, known={"created": "1700000000"})) == [flag]
    assert run("argo.date", "TIME", cast([1.0], time=time), now=1.7e9 / 86400 + 7305) == [flag]


def test_a_date_without_now_is_unevaluated_but_for_one_too_early() -> None:
    found = run("argo.date", "TIME", cast([1.0]), cast([1.0], time=0.0), cast([1.0], known={"created": "soon"}), cast())
    assert found == [UNEVALUATED, BAD, UNEVALUATED]


@pytest.mark.parametrize(
    ("latitude", "longitude", "flag"),
    [
        (90.0, 180.0, GOOD),
        (-90.0, -180.0, GOOD),
        (0.0, 0.0, GOOD),
        (math.nextafter(90.0, 99), 0.0, BAD),
        (0.0, math.nextafter(-180.0, -999), BAD),
        (0.0, 190.0, BAD),
        (math.inf, 0.0, BAD),
        (NAN, 0.0, MISSING),
        (0.0, NAN, MISSING),
    ],
)
def test_a_position_is_on_the_globe(latitude: float, longitude: float, flag: int) -> None:
    assert run("argo.position", "POSITION", cast([1.0], latitude=latitude, longitude=longitude)) == [flag]


@pytest.mark.parametrize(
    ("latitude", "longitude", "flag"),
    [
        (-40.0, 170.0, GOOD),
        (-45.0, -170.0, GOOD),
        (-45.0, 190.0, GOOD),
        (23.0, 10.0, BAD),
        (48.0, 15.0, BAD),
        (95.0, 10.0, UNEVALUATED),
        (0.0, 400.0, UNEVALUATED),
        (NAN, 10.0, MISSING),
    ],
)
def test_a_position_on_land_is_bad(latitude: float, longitude: float, flag: int) -> None:
    assert run("argo.land", "POSITION", cast([1.0, 2.0], latitude=latitude, longitude=longitude)) == [flag] * 2


def north(metres: float) -> float:
    """The latitude so far north of -40."""
    return -40.0 + math.degrees(metres / EARTH)


@pytest.mark.parametrize(
    ("metres", "flag"),
    [(0.0, GOOD), (3.0 * TEN_DAYS - 1.0, GOOD), (3.0 * TEN_DAYS + 1.0, BAD), (-3.0 * TEN_DAYS - 1.0, BAD)],
)
@pytest.mark.parametrize("on", ["TIME", "POSITION"])
def test_a_float_drifts_no_faster_than_three_metres_a_second(metres: float, flag: int, on: str) -> None:
    assert run("argo.speed", on, cast([1.0, 2.0], latitude=north(metres), earlier=before([]))) == [flag] * 2


def test_speed_over_the_date_line_and_in_other_longitudes() -> None:
    earlier = before([], position=Position(-40.0, 179.9))
    assert (
        run(
            "argo.speed",
            "TIME",
            cast([1.0], longitude=-179.9, earlier=earlier),
            cast([1.0], longitude=180.1, earlier=earlier),
        )
        == [GOOD] * 2
    )


def test_speed_in_no_time_and_back_in_time() -> None:
    same, later = before([], time=1.6e9), before([], time=1.6e9 + 1)
    assert run(
        "argo.speed",
        "TIME",
        cast([1.0], earlier=same),
        cast([1.0], earlier=same, latitude=-41.0),
        cast([1.0], earlier=later),
    ) == [GOOD, BAD, UNEVALUATED]


def test_speed_without_an_earlier_profile() -> None:
    assert run("argo.speed", "TIME", cast([1.0]), required=True) == [UNEVALUATED]
    assert run("argo.speed", "TIME", cast([1.0])) == [SILENT]
    assert run(
        "argo.speed", "TIME", cast([1.0], known={"cycle": "1"}), cast([1.0], known={"cycle": "2"}), required=True
    ) == [SILENT, UNEVALUATED]
    earlier = before([], position=None)
    assert run("argo.speed", "TIME", cast([1.0], earlier=earlier), required=True) == [UNEVALUATED]
    assert run("argo.speed", "TIME", cast([1.0], earlier=earlier)) == [SILENT]


def test_speed_without_a_place_here_or_there() -> None:
    nowhere = before([], position=Position(NAN, 0.0))
    assert (
        run(
            "argo.speed",
            "TIME",
            cast([1.0], latitude=NAN, earlier=before([])),
            cast([1.0], earlier=nowhere),
            required=True,
        )
        == [UNEVALUATED] * 2
    )
    assert run("argo.speed", "POSITION", cast([1.0], latitude=NAN, earlier=before([]))) == [MISSING]


def test_speed_never_looks_at_a_neighbour_in_the_batch() -> None:
    alone = cast([1.0], latitude=10.0, earlier=before([], position=Position(10.0, 170.0)))
    assert run("argo.speed", "TIME", cast([1.0], latitude=-40.0, earlier=before([])), alone) == [GOOD, GOOD]


degrees = st.floats(-180, 180)


@given(st.floats(-90, 90), degrees, st.floats(-90, 90), degrees)
@settings(max_examples=50)
def test_the_distance_is_that_of_vectors(south: float, west: float, north: float, east: float) -> None:
    one, other = (
        (
            math.cos(math.radians(a)) * math.cos(math.radians(b)),
            math.cos(math.radians(a)) * math.sin(math.radians(b)),
            math.sin(math.radians(a)),
        )
        for a, b in ((south, west), (north, east))
    )
    expected = EARTH * 2 * math.asin(min(1.0, math.dist(one, other) / 2))
    assert distance(south, west, north, east) == pytest.approx(expected, rel=1e-6, abs=1.0)
