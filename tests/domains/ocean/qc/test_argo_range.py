"""Argo tests 6, 7, 15 and 19: ranges, seas, grey list, deepest pressure."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from bondstore.domains.ocean.qc.regions import REGIONS, inside, region
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.argo_cases import BAD, GOOD, MISSING, NAN, SILENT, SUSPECT, UNEVALUATED, cast, run

UP, DOWN = math.inf, -math.inf


def over(value: float) -> float:
    return math.nextafter(value, UP)


def under(value: float) -> float:
    return math.nextafter(value, DOWN)


def test_global_range_of_temperature() -> None:
    values = [under(-2.5), -2.5, over(-2.5), under(40.0), 40.0, over(40.0), NAN, UP, DOWN]
    assert run("argo.range", "TEMP", cast(values)) == [BAD, GOOD, GOOD, GOOD, GOOD, BAD, MISSING, BAD, BAD]


def test_global_range_of_salinity() -> None:
    values = [under(2.0), 2.0, 41.0, over(41.0), NAN]
    assert run("argo.range", "PSAL", cast([1.0] * 5, salinity=values)) == [BAD, GOOD, GOOD, BAD, MISSING]
    assert run("argo.range", "PSAL", cast([1.0] * 2)) == [MISSING] * 2


@pytest.mark.parametrize("on", ["PRES", "TEMP", "PSAL"])
def test_pressures_above_the_surface(on: str) -> None:
    pressure = [under(-5.0), -5.0, over(-5.0), -2.4, over(-2.4), 0.0]
    found = run("argo.pressure_range", on, cast([1.0] * 6, pressure, [35.0] * 6))
    assert found == [BAD, BAD, SUSPECT, SUSPECT, GOOD, GOOD]


def test_a_value_without_a_pressure_is_unevaluated() -> None:
    assert run("argo.pressure_range", "TEMP", cast([1.0, NAN], [NAN, NAN])) == [UNEVALUATED, MISSING]
    assert run("argo.pressure_range", "PRES", cast([1.0, NAN], [NAN, 3.0])) == [MISSING, GOOD]


@pytest.mark.parametrize(
    ("sea", "place", "values", "flags"),
    [
        ("red_sea", (20.0, 38.0), [under(21.7), 21.7, 40.0, over(40.0)], [BAD, GOOD, GOOD, BAD]),
        ("mediterranean", (35.0, 18.0), [under(10.0), 10.0, 40.0, over(40.0)], [BAD, GOOD, GOOD, BAD]),
        ("mediterranean", (35.0, 378.0), [under(10.0), 10.0, 40.0, over(40.0)], [BAD, GOOD, GOOD, BAD]),
        ("mediterranean", (-40.0, 170.0), [0.0, 10.0, 20.0, 50.0], [SILENT] * 4),
    ],
)
def test_seas_with_ranges_of_their_own(
    sea: str, place: tuple[float, float], values: list[float], flags: list[int]
) -> None:
    spans = {"red_sea": (21.7, 40.0), "mediterranean": (10.0, 40.0)}
    made = cast(values, latitude=place[0], longitude=place[1])
    assert run("argo.regional_range", "TEMP", made, sea=sea, span=spans[sea]) == flags


def test_a_sea_without_a_position() -> None:
    assert run("argo.regional_range", "TEMP", cast([1.0, NAN], latitude=NAN)) == [UNEVALUATED, MISSING]


def test_there_is_no_such_sea() -> None:
    with pytest.raises(ConfigurationError):
        region("tethys")


@given(st.sampled_from(sorted(REGIONS)), st.floats(5, 55), st.floats(-10, 55))
@settings(max_examples=200)
def test_polygons_are_those_of_shapely(name: str, latitude: float, longitude: float) -> None:
    shape = Polygon([(east, north) for north, east in REGIONS[name]])
    point = Point(longitude, latitude)
    if shape.boundary.distance(point) < 1e-6:
        return
    import numpy as np

    for turn in (0.0, 360.0):
        assert inside(np.array([latitude]), np.array([longitude + turn]), REGIONS[name]).tolist() == [
            shape.contains(point)
        ]


@pytest.mark.parametrize(
    ("told", "most"), [("1000", 1100.0), ("2000", 2200.0), ("10", 25.0), ("5", 12.5), ("505", 505 * 1.8)]
)
def test_no_deeper_than_told(told: str, most: float) -> None:
    made = cast([1.0] * 3, [most - 0.001, most + 0.001, NAN], known={"deepest_pressure": told})
    assert run("argo.deepest_pressure", "TEMP", made) == [GOOD, SUSPECT, UNEVALUATED]
    assert run("argo.deepest_pressure", "PRES", made) == [GOOD, SUSPECT, MISSING]


@pytest.mark.parametrize("told", ["", "deep", "nan", "inf", "-3", "0"])
def test_not_knowing_how_deep(told: str) -> None:
    made = cast([1.0], known={"deepest_pressure": told})
    assert run("argo.deepest_pressure", "TEMP", made) == [UNEVALUATED]
    assert run("argo.deepest_pressure", "TEMP", made, required=False) == [SILENT]


@pytest.mark.parametrize(
    ("known", "flag"),
    [
        ({}, UNEVALUATED),
        ({"grey_list": ""}, GOOD),
        ({"grey_list": "PSAL:4"}, GOOD),
        ({"grey_list": "PSAL:4, TEMP:3"}, SUSPECT),
        ({"grey_list": "TEMP:4"}, BAD),
        ({"grey_list": "TEMP:2"}, 2),
        ({"grey_list": "TEMP"}, UNEVALUATED),
        ({"grey_list": "TEMP:9"}, UNEVALUATED),
    ],
)
def test_the_grey_list(known: dict[str, str], flag: int) -> None:
    assert run("argo.grey_list", "TEMP", cast([1.0, NAN], known=known)) == [flag, MISSING]


def test_no_grey_list_where_none_is_asked_for() -> None:
    assert run("argo.grey_list", "TEMP", cast([1.0]), required=False) == [SILENT]
