"""The Moana test against a table of least and greatest values."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.qc.moana_climatology import COLUMNS
from bondstore.domains.ocean.qc.suite import parse_suite
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.moana_made import NAN, Cast, cast, run, why

SILENT, GOOD, PROBABLE, SUSPECT, BAD, OPEN, MISSING = 0, 1, 2, 3, 4, 5, 9
INF = float("inf")
ROW = (5.0, 5.0, -40.0, -30.0, 170.0, 180.0, 0.0, 100.0, 10.0, 20.0)


def flags(*casts: Cast, rows: list[tuple[float, ...]] | None = None, **given: Any) -> list[int]:
    given = {"period": "month", "rows": [ROW] if rows is None and "path" not in given else rows} | given
    return run("moana.climatology", "TEMP", *casts, **given)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_values_beyond_the_table_are_suspect_and_its_bounds_are_not() -> None:
    assert flags(cast(temp=[9.999, 10.0, 20.0, 20.001, NAN], pres=5.0)) == [SUSPECT, GOOD, GOOD, SUSPECT, MISSING]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"lat": -40.0}, GOOD),
        ({"lat": -40.001}, OPEN),
        ({"lat": -30.0}, GOOD),
        ({"lat": -29.999}, OPEN),
        ({"lat": NAN}, OPEN),
        ({"lon": 170.0}, GOOD),
        ({"lon": 169.999}, OPEN),
        ({"lon": 180.0}, GOOD),
        ({"lon": -180.0}, GOOD),
        ({"lon": -179.999}, OPEN),
        ({"pres": 0.0}, GOOD),
        ({"pres": -0.1}, OPEN),
        ({"pres": 99.9}, GOOD),
        ({"pres": 100.0}, OPEN),
        ({"pres": NAN}, OPEN),
        ({"time": at("2024-05-01")}, GOOD),
        ({"time": at("2024-05-31T23:59:59")}, GOOD),
        ({"time": at("2024-06-01")}, OPEN),
        ({"time": at("2024-04-30T23:59:59")}, OPEN),
        ({"time": NAN}, OPEN),
        ({"time": 1e300}, OPEN),
    ],
)
def test_a_level_that_no_row_holds_is_not_evaluated(given: dict[str, float], wanted: int) -> None:
    one = cast(1, temp=15.0, **given)
    assert flags(one) == [wanted]
    reason = "the table has no row for some of its levels"
    assert why("moana.climatology", "TEMP", one, period="month", rows=[ROW]) == ({0: reason} if wanted == OPEN else {})


def test_open_sides_ask_for_nothing() -> None:
    row = (-INF, INF, -INF, INF, -INF, INF, -INF, INF, 10.0, INF)
    nowhere = cast(temp=[5.0, 15.0], time=NAN, lat=NAN, lon=NAN, pres=NAN)
    assert flags(nowhere, rows=[row]) == [SUSPECT, GOOD]


def test_the_first_row_that_holds_a_level_decides() -> None:
    narrow = (*ROW[:8], 14.0, 16.0)
    assert flags(cast(temp=[12.0], pres=5.0), rows=[narrow, ROW]) == [SUSPECT]
    assert flags(cast(temp=[12.0], pres=5.0), rows=[ROW, narrow]) == [GOOD]


def test_an_area_may_cross_the_antimeridian() -> None:
    row = (*ROW[:4], 175.0, -175.0, *ROW[6:])
    lon = [175.0, 180.0, -180.0, 185.0, -175.0, -174.9, 174.9, 0.0]
    assert flags(cast(lon=lon, temp=15.0, pres=5.0), rows=[row]) == [GOOD] * 5 + [OPEN] * 3


@pytest.mark.parametrize(
    ("period", "first", "last", "inside", "outside"),
    [
        ("month", 11, 2, ["2023-11-01", "2023-12-31", "2024-01-01", "2024-02-29"], ["2023-10-31", "2024-03-01"]),
        ("quarter", 2, 2, ["2024-04-01", "2024-06-30"], ["2024-03-31", "2024-07-01"]),
        ("quarter", 4, 1, ["2024-10-01", "2024-03-31"], ["2024-04-01", "2024-09-30"]),
        ("day_of_year", 60, 61, ["2024-02-29", "2024-03-01", "2023-03-01"], ["2024-02-28", "2023-02-28", "2024-03-02"]),
        ("day_of_year", 366, 1, ["2024-12-31", "2024-01-01"], ["2023-12-31", "2024-01-02"]),
        ("month", 12, 12, ["1969-12-31"], ["1970-01-01"]),
    ],
)
def test_periods(period: str, first: float, last: float, inside: list[str], outside: list[str]) -> None:
    one = cast(time=[at(day) for day in inside + outside], temp=15.0, pres=5.0)
    wanted = [GOOD] * len(inside) + [OPEN] * len(outside)
    assert flags(one, period=period, rows=[(first, last, *ROW[2:])]) == wanted


def test_a_table_may_lie_in_a_csv_file_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("﻿" + ",".join(COLUMNS) + ",note\n5,5,-40,-30,170,180,0,,10,20,autumn\n", encoding="utf-8")
    one = cast(temp=[9.0, 15.0], pres=[5.0, 9000.0])
    assert flags(one, path=str(path)) == [SUSPECT, GOOD]
    path.write_text(",".join(COLUMNS) + "\n5,5,-40,-30,170,180,0,,5,14.5\n", encoding="utf-8")
    os.utime(path, (1, 1))
    assert flags(one, path=str(path)) == [GOOD, SUSPECT]


def test_a_table_may_lie_in_a_netcdf_file(tmp_path: Path) -> None:
    import netCDF4

    path = tmp_path / "table.nc"
    with netCDF4.Dataset(path, "w") as data:
        data.createDimension("row", 1)
        for name, value in zip(COLUMNS, ROW, strict=True):
            data.createVariable(name, "f4", ("row",))[:] = np.float32(value)
    assert flags(cast(temp=[9.0, 15.0], pres=5.0), path=str(path)) == [SUSPECT, GOOD]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "first,last\n1,2\n",
        ",".join(COLUMNS) + "\n",
        ",".join(COLUMNS) + "\n1,2,3\n",
        ",".join(COLUMNS) + "\n" + "x," * 10,
    ],
)
def test_a_table_that_cannot_be_read_is_told_as_configuration(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        flags(cast(1), path=str(path))


@pytest.mark.parametrize(
    "given",
    [
        {"rows": None, "path": None},
        {"rows": [ROW], "path": "table.csv"},
        {"rows": []},
        {"rows": [ROW[:9]]},
        {"rows": [(*ROW[:9], NAN)]},
        {"rows": [ROW], "period": "moon"},
        {"rows": None, "path": "/nowhere/table.csv"},
        {"rows": None, "path": "/nowhere/table.nc"},
    ],
)
def test_a_table_that_is_none_is_told_as_configuration(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        run("moana.climatology", "TEMP", cast(1), **({"period": "month"} | given))


def test_a_suite_states_its_rows_in_toml() -> None:
    stated = """
    [[test]]
    test = "moana.climatology"
    on = "TEMP"
    period = "month"
    rows = [[5, 5, -40, -30, 170, 180, 0, inf, 10, 20]]
    """
    (step,) = parse_suite(stated, "mine").steps
    assert run("moana.climatology", "TEMP", cast(temp=[9.0, 15.0], pres=5.0), **step.thresholds) == [SUSPECT, GOOD]


@pytest.mark.parametrize(("cell", "words"), [("nan", "not a finite number"), ('"deep"', "another type")])
def test_what_is_no_limit_of_a_row_is_refused(cell: str, words: str) -> None:
    stated = f"""
    [[test]]
    test = "moana.climatology"
    on = "TEMP"
    period = "month"
    rows = [[5, 5, -40, -30, 170, 180, 0, {cell}, 10, 20]]
    """
    with pytest.raises(ConfigurationError, match=words):
        parse_suite(stated, "mine")


def test_no_two_profiles_share_a_row_by_accident() -> None:
    warm, elsewhere = cast(2, temp=25.0, pres=5.0), cast(2, temp=25.0, lat=10.0)
    assert flags(warm, elsewhere, cast(0)) == [SUSPECT, SUSPECT, OPEN, OPEN]
