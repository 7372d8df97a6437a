"""Argo tests 6, 7, 15 and 19: ranges, seas, grey list, deepest pressure."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from bondstore.domains.ocean.qc.argo_ranges import REGIONS, inside, region
from bondstore.domains.ocean.qc.files import FileName
from bondstore.domains.ocean.qc.suite import all_tests
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.argo_cases import BAD, GOOD, MISSING, NAN, SILENT, SUSPECT, UNEVALUATED, batch, cast, run

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
    # Manual 3.9, test 6: PRES < -5 is 4, -5 <= PRES <= -2.4 is 3; the chain of Coriolis has it so too.
    assert found == [BAD, SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]


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
    assert run("argo.deepest_pressure", "TEMP", made, required=True) == [UNEVALUATED]
    assert run("argo.deepest_pressure", "TEMP", made) == [SILENT], "as the suite says"
    assert run("argo.deepest_pressure", "TEMP", made, required=True, configured=3.9) == [SUSPECT]
    assert run("argo.deepest_pressure", "TEMP", made, required=True, configured=4.1) == [GOOD]


def test_what_the_file_says_counts_before_the_suite() -> None:
    made = cast([1.0], [30.0], known={"deepest_pressure": "10"})
    assert run("argo.deepest_pressure", "TEMP", made, configured=1000.0) == [SUSPECT]


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
    assert run("argo.exclusion_list", "TEMP", cast([1.0, NAN], known=known), required=True) == [flag, MISSING]


def test_the_name_of_before_2025_asks_for_the_same() -> None:
    made = batch(cast([1.0], known={"exclusion_list": "TEMP:3"}))
    assert all_tests()["argo.grey_list"].function(made, "TEMP", required=True).flags.tolist() == [SUSPECT]


def test_no_grey_list_where_none_is_asked_for() -> None:
    assert run("argo.exclusion_list", "TEMP", cast([1.0])) == [SILENT]


GREY = """PLATFORM_CODE,PARAMETER_NAME,START_DATE,END_DATE,QUALITY_CODE,COMMENT,DAC
5900001,TEMP,20200913,,3,"drifts, slowly",XX
5900002,TEMP,20200101,20200913,4,,XX
5900003,PSAL,20200101,,4,,XX
5900004,TEMP,20200101,,3,,XX
5900004,TEMP,20200101,,4,,XX
5900005,TEMP,20200914,,4,,XX
5900006,TEMP,20200101,20200912,4,,XX
"""
"""Profiles are of 2020-09-13, 12:26."""


def grey(tmp_path: Path, text: str) -> FileName:
    (tmp_path / "ar_greylist.txt").write_text(text, "utf-8")
    return FileName(str(tmp_path / "ar_greylist.txt"))


@pytest.mark.parametrize(
    ("platform", "time", "flag"),
    [
        ("5900001", 1.6e9, SUSPECT),
        ("5900001", 1599955199.0, GOOD),  # the last second of the day before
        ("5900001", 1599955200.0, SUSPECT),
        ("5900002", 1.6e9, BAD),
        ("5900002", 1600041599.0, BAD),  # the last second of the last day
        ("5900002", 1600041600.0, GOOD),
        ("5900003", 1.6e9, GOOD),
        ("5900004", 1.6e9, BAD),
        ("5900005", 1.6e9, GOOD),
        ("5900006", 1.6e9, GOOD),
        ("5900007", 1.6e9, GOOD),
        ("5900007", NAN, GOOD),
        ("5900001", NAN, UNEVALUATED),
        ("", 1.6e9, UNEVALUATED),
    ],
)
def test_a_grey_list_from_a_file(tmp_path: Path, platform: str, time: float, flag: int) -> None:
    made = cast([1.0, NAN], platform=platform, time=time)
    for required in (False, True):
        assert run("argo.exclusion_list", "TEMP", made, path=grey(tmp_path, GREY), required=required) == [flag, MISSING]


def test_what_is_known_of_a_profile_counts_before_the_list(tmp_path: Path) -> None:
    made = cast([1.0], known={"grey_list": ""})
    assert run("argo.exclusion_list", "TEMP", made, path=grey(tmp_path, GREY)) == [GOOD]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PLATFORM_CODE,PARAMETER_NAME\n5900001,TEMP\n",
        GREY + "5900009,TEMP,soon,,4,,XX\n",
        GREY + "5900009,TEMP,20200101,20201301,4,,XX\n",
        GREY + "5900009,TEMP,20200101,,9,,XX\n",
        GREY + "5900009,TEMP\n",
        GREY + ",TEMP,20200101,,4,,XX\n",
    ],
)
def test_a_grey_list_that_cannot_be_read_is_no_empty_list(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        run("argo.exclusion_list", "TEMP", cast([1.0]), path=grey(tmp_path, text))


def test_a_grey_list_that_is_not_there_or_another_than_the_suite_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        run("argo.exclusion_list", "TEMP", cast([1.0]), path=FileName(str(tmp_path / "none.txt")))
    named = FileName(grey(tmp_path, GREY), "0" * 64)
    with pytest.raises(ConfigurationError):
        run("argo.exclusion_list", "TEMP", cast([1.0]), path=named)
