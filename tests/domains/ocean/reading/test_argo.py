"""What an Argo file says beside its levels, and whole files through the Argo suite."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.output.argo_history import masks
from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.evaluate import Result, evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from tests.ocean_files import argo_nc

NAN = float("nan")
PRESSURE = [5.0, 20.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 700.0, 900.0, 1000.0]
WARM = [18.0, 17.8, 17.0, 16.0, 14.5, 13.0, 11.5, 10.0, 9.0, 7.0, 5.0, 4.5]
SALT = [35.4, 35.4, 35.4, 35.3, 35.2, 35.0, 34.9, 34.8, 34.7, 34.6, 34.5, 34.5]
TOLD = {"CONFIG_ParkPressure_dbar": [1000.0, 1000.0], "CONFIG_ProfilePressure_dbar": [2000.0, 500.0]}


def known(data: bytes, name: str) -> list[str | None]:
    batch, _ = read_any("x.nc", data)
    return [profile.known.get(name) for profile in batch.profiles]


def seconds(*date: int) -> str:
    return f"{datetime(*date, tzinfo=UTC).timestamp():.0f}"  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("created", "updated", "expected"),
    [
        ("20240601120000", "20240602130501", seconds(2024, 6, 2, 13, 5, 1)),
        ("20240601120000", "", seconds(2024, 6, 1, 12)),
        ("", "20240602130501", seconds(2024, 6, 2, 13, 5, 1)),
        ("20240601120000", "20240501120000", seconds(2024, 6, 1, 12)),
        ("20240601120000", "20241399000000", seconds(2024, 6, 1, 12)),
        ("2024-06-01", "yesterday", None),
        ("", "", None),
    ],
)
def test_when_a_file_was_made(created: str, updated: str, expected: str | None) -> None:
    assert known(argo_nc(created=created, updated=updated), "created") == [expected] * 2


def test_how_deep_a_float_was_told_to_go_in_each_mission() -> None:
    assert known(argo_nc(cycles=[1, 2, 3], missions=[1, 2, 2], told=TOLD), "deepest_pressure") == ["2000", "500", "500"]


@pytest.mark.parametrize(
    ("missions", "told", "expected"),
    [
        ([1, 3], TOLD, ["2000", None]),
        ([0, 99999], TOLD, [None, None]),
        ([], TOLD, [None, None]),
        ([], {"CONFIG_ProfilePressure_dbar": [2000.0]}, ["2000", "2000"]),
        ([1, 1], {"CONFIG_ParkPressure_dbar": [1000.0]}, [None, None]),
        ([1, 2], {"CONFIG_ProfilePressure_dbar": [NAN, -3.0]}, [None, None]),
        ([1, 1], None, [None, None]),
    ],
)
def test_how_deep_a_float_was_told_to_go_or_not(
    missions: Sequence[int], told: dict[str, list[float]] | None, expected: list[str | None]
) -> None:
    assert known(argo_nc(missions=missions, told=told), "deepest_pressure") == expected


@pytest.mark.parametrize(
    ("dimensions", "values", "expected"),
    [
        ((), [1500.0], ["1500", "1500"]),
        (("N_PROF",), [1500.0, 99999.0], ["1500", None]),
        (("N_LEVELS",), [1.0] * 6, [None, None]),
    ],
)
def test_a_variable_of_its_own(
    dimensions: tuple[str, ...], values: Sequence[float], expected: Sequence[str | None]
) -> None:
    def add(file: Any) -> None:
        variable = file.createVariable("CONFIG_ProfilePressure_dbar", "f4", dimensions, fill_value=99999.0)
        variable[...] = np.array(values).reshape(variable.shape)

    assert known(argo_nc(change=add), "deepest_pressure") == expected


def test_what_never_changes_stands_with_the_launch() -> None:
    def add(file: Any) -> None:
        file.createDimension("N_LAUNCH", 2)
        file.createDimension("LONG", 40)
        names = file.createVariable("LAUNCH_CONFIG_PARAMETER_NAME", "S1", ("N_LAUNCH", "LONG"))
        for row, name in enumerate(("CONFIG_CycleTime_hours", "CONFIG_ProfilePressure_dbar")):
            names[row] = np.array(list(name.ljust(40)), "S1")
        file.createVariable("LAUNCH_CONFIG_PARAMETER_VALUE", "f8", ("N_LAUNCH",))[:] = [240.0, 2000.5]

    assert known(argo_nc(change=add), "deepest_pressure") == ["2000.5"] * 2
    assert known(argo_nc(change=add, told=TOLD), "deepest_pressure") == [None] * 2, (
        "it changed, and to what is not said"
    )


@pytest.mark.parametrize("kind", ["S1", str])
def test_settings_that_are_no_numbers_are_no_settings(kind: Any) -> None:
    def add(file: Any) -> None:
        file.createVariable("CONFIG_ProfilePressure_dbar", kind, ("N_PROF",))[:] = np.array(["2", "3"], kind)

    batch, found = read_any("x.nc", argo_nc(change=add))
    assert (len(batch), found) == (2, [])
    assert "deepest_pressure" not in batch.profiles[0].known


# --- whole files


def two_cycles(**changed: Any) -> bytes:
    """Cycles 1 and 2 of a float in the Tasman Sea, without a fault."""
    warm, salt = [[one + 0.4 for one in WARM], WARM], [[one + 0.05 for one in SALT], SALT]
    made: dict[str, Any] = {
        "lat": [-40.0, -40.1],
        "lon": [165.0, 165.1],
        "pressure": [PRESSURE] * 2,
        "temperature": warm,
        "salinity": salt,
    }
    return argo_nc(**(made | changed))


def judged(data: bytes, suite: str = "argo") -> tuple[Batch, Result]:
    batch, found = read_any("dac/1901234_prof.nc", data)
    assert found == []
    return batch, evaluate(batch, load_suite(suite))


def performed(batch: Batch, result: Result, number: int) -> set[int]:
    mask = int(masks(batch, result)[number]["tests_performed"], 16)
    return {bit for bit in range(32) if mask >> bit & 1}


def test_a_whole_file_without_a_fault_is_good() -> None:
    batch, result = judged(two_cycles())
    assert result.reasons == {}
    assert result.grades.tolist() == [Flag.GOOD, Flag.GOOD]
    assert {one for flags in result.rolled.values() for one in flags.tolist()} == {Flag.GOOD}
    # the first cycle has none before it; no list and no configured pressure were given; it lies in neither sea
    assert performed(batch, result, 0) == {1, 2, 3, 4, 6, 8, 9, 12, 13, 14, 25}
    assert performed(batch, result, 1) == {1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 14, 16, 18, 25}


def test_a_whole_file_without_salinity_and_without_a_fault_is_good() -> None:
    batch, result = judged(two_cycles(salinity=None))
    assert result.grades.tolist() == [Flag.GOOD, Flag.GOOD]
    assert performed(batch, result, 1) == {1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 16, 25}  # 18 is of both


def test_what_the_float_was_told_is_looked_at_where_the_file_has_it() -> None:
    batch, result = judged(two_cycles(missions=[1, 2], told=TOLD))
    assert result.grades.tolist() == [Flag.GOOD, Flag.SUSPECT]  # 1000 dbar, and told 500
    assert 19 in performed(batch, result, 0) & performed(batch, result, 1)


def at(row: Sequence[float], number: int, value: float) -> list[list[float]]:
    """The second cycle with another value at one level."""
    second = [*row[:number], value, *row[number + 1 :]]
    return [[one + (0.4 if row is WARM else 0.0) for one in row], second]


@pytest.mark.parametrize(
    ("changed", "flag"),
    [
        ({"platform": "12"}, Flag.BAD),
        ({"days": [27150.25, 27999.0]}, Flag.BAD),
        ({"lat": [-40.0, -91.0]}, Flag.BAD),
        ({"lat": [-40.0, -25.0], "lon": [165.0, 135.0]}, Flag.BAD),
        ({"lat": [-40.0, 40.0]}, Flag.BAD),
        ({"pressure": at(PRESSURE, 8, 250.0)}, Flag.BAD),
        ({"pressure": at(PRESSURE, 0, -3.0)}, Flag.SUSPECT),
        ({"temperature": at(WARM, 3, 42.0)}, Flag.BAD),
        ({"temperature": at(WARM, 5, 22.0)}, Flag.BAD),
        ({"salinity": at(SALT, 5, 30.0)}, Flag.BAD),
        ({"temperature": [WARM, WARM], "salinity": [SALT, SALT]}, Flag.BAD),
        ({"salinity": [[one + 1.0 for one in SALT], SALT]}, Flag.SUSPECT),
    ],
)
def test_a_whole_file_with_a_fault_is_not_good(changed: dict[str, Any], flag: Flag) -> None:
    _, result = judged(two_cycles(**changed))
    assert result.grades.tolist()[1] == flag


@pytest.mark.parametrize(
    ("changed", "grades"),
    [
        ({"created": "", "updated": ""}, [Flag.UNEVALUATED] * 2),
        ({"cycles": [8, 9]}, [Flag.GOOD, Flag.GOOD]),  # none before cycle 8 is known: what compares is silent
        ({"platform": ""}, [Flag.UNEVALUATED] * 2),
        ({"days": [27150.25, NAN]}, [Flag.GOOD, Flag.UNEVALUATED]),
    ],
)
def test_a_file_that_lacks_what_a_test_needs_is_not_good(changed: dict[str, Any], grades: Sequence[Flag]) -> None:
    _, result = judged(two_cycles(**changed))
    assert result.grades.tolist() == grades


@pytest.mark.parametrize(
    ("line", "flag"), [("1901234,PSAL,20240101,,4,,XX", Flag.BAD), ("1901235,PSAL,20240101,,4,,XX", Flag.GOOD)]
)
def test_a_suite_of_your_own_with_a_grey_list(tmp_path: Path, line: str, flag: Flag) -> None:
    head = "PLATFORM_CODE,PARAMETER_NAME,START_DATE,END_DATE,QUALITY_CODE,COMMENT,DAC"
    (tmp_path / "ar_greylist.txt").write_text(f"{head}\n{line}\n", "utf-8")
    stated = '[[test]]\ntest = "argo.grey_list"\non = "PSAL"\nrequired = true\npath = "ar_greylist.txt"\n'
    (tmp_path / "own.toml").write_text(f'scale = "argo"\n{stated}', "utf-8")
    _, result = judged(two_cycles(), str(tmp_path / "own.toml"))
    assert set(result.rolled["PSAL"].tolist()) == {flag}
