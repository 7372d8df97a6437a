"""The QARTOD tests 1 to 5 at, just under and just over each threshold."""

from __future__ import annotations

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Earlier, Position
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.qartod_cases import (
    GROSS,
    NAN,
    SECOND,
    STRICT,
    WIDE,
    T,
    cast,
    flags,
    over,
    qartod,
    said,
    under,
)


@pytest.mark.parametrize(
    ("wait", "flag"), [(59.5, 1), (60.0, 1), (over(SECOND + 60.0) - SECOND, 4), (0.0, 1), (-5.0, 1), (NAN, 9)]
)
def test_1_gap(wait: float, flag: int) -> None:
    assert said("gap", cast(time=[SECOND, SECOND + wait]), "TIME", increment=60.0) == [0, flag]


def test_1_gap_after_a_missing_time_is_not_known_and_one_time_for_all_says_nothing() -> None:
    assert said("gap", cast(time=[SECOND, NAN, SECOND]), "TIME", increment=60.0) == [0, 9, 5]
    assert said("gap", cast(time=[SECOND, SECOND + 900], timed=False), "TIME", increment=60.0) == [0, 0]


def test_2_syntax() -> None:
    assert said("syntax", cast([1.0, NAN], known={"truncated": "yes"})) == [4, 9]
    assert said("syntax", cast([1.0, NAN])) == [1, 9]


@pytest.mark.parametrize(
    ("north", "east", "strict", "wide"),
    [
        (90.0, 0.0, 1, 1),
        (over(90.0), 0.0, 4, 4),
        (under(-90.0), 0.0, 4, 4),
        (0.0, 0.0, 1, 1),
        (0.0, 180.0, 1, 1),
        (0.0, over(180.0), 4, 1),
        (0.0, 360.0, 4, 1),
        (0.0, over(360.0), 4, 4),
        (0.0, under(-180.0), 4, 4),
        (NAN, 0.0, 9, 9),
        (0.0, NAN, 9, 9),
        (np.inf, 0.0, 4, 4),
    ],
)
def test_3_location(north: float, east: float, strict: int, wide: int) -> None:
    batch = cast(latitude=[north], longitude=[east])
    assert said("location", batch, "POSITION", **STRICT) == [strict]
    assert said("location", batch, "POSITION", **WIDE) == [wide]


def test_3_displacement_at_just_under_and_just_over_its_limit() -> None:
    km = 6371.0 * np.pi / 180  # of a degree of latitude
    batch = cast(latitude=[0.0, 1.0, 2.0, 2.0], longitude=[179.5, 179.5, -180.5 + 0.0, NAN])
    assert said("location", batch, "POSITION", **WIDE, range_max=km * 1.0001) == [1, 1, 4, 9]
    batch = cast(latitude=[0.0, 1.0, 2.0, NAN, 2.0], longitude=[179.5, 179.5, -180.5 + 360.0, 0.0, 179.5])
    assert said("location", batch, "POSITION", **WIDE, range_max=km * 1.0001) == [1, 1, 1, 9, 5]
    assert said("location", batch, "POSITION", **WIDE, range_max=km * 0.9999) == [1, 3, 3, 9, 5]


def test_3_displacement_from_the_earlier_profile_only_if_asked() -> None:
    near, far = (Earlier(SECOND, Position(north, 0.0)) for north in (0.1, 1.0))
    for earlier, flag in ((near, 1), (far, 3), (Earlier(SECOND), 5), (None, 1)):
        batch = cast(latitude=[0.0, 0.0], longitude=[360.0, 0.0], earlier=earlier)
        assert said("location", batch, "POSITION", **WIDE, range_max=20.0, from_earlier=True) == [flag, 1]
        assert said("location", batch, "POSITION", **WIDE, range_max=20.0) == [1, 1]
    batch = cast(latitude=[0.0, 0.0], longitude=[0.0, 0.0], earlier=far, placed=False)
    assert said("location", batch, "POSITION", **WIDE, range_max=20.0, from_earlier=True) == [3, 3]


def test_4_gross_range() -> None:
    values = [-2.0, under(-2.0), 0.0, under(0.0), 30.0, over(30.0), 40.0, over(40.0), NAN, np.inf, -np.inf]
    assert said("gross_range", cast(values), **GROSS) == [3, 4, 1, 3, 1, 3, 3, 4, 9, 4, 4]
    assert said("gross_range", cast(pressure=[-2.1, 5.0]), "PRES", sensor_span=(-2.0, 9.0)) == [4, 1]


def test_4_gross_range_of_a_salinity_that_nobody_measured() -> None:
    assert said("gross_range", cast([1.0]), "PSAL", **GROSS) == [9]


JANUARY, JULY = 1_704_067_200.0, 1_720_000_000.0  # 2024-01-01T00:00:00Z and a day of July


def test_5_climatology_at_the_ends_of_its_span_and_of_its_window() -> None:
    windows = [{"month": (12.0, 2.0), "pressure": (0.0, 50.0), "span": (10.0, 20.0)}]
    values = [10.0, under(10.0), 20.0, over(20.0), 99.0, 99.0, 99.0, NAN]
    pressure = [0.0, 50.0, 50.0, 50.0, over(50.0), under(0.0), 10.0, 10.0]
    time = [JANUARY] * 6 + [JULY, JANUARY]
    assert said("climatology", cast(values, pressure=pressure, time=time), windows=windows) == [1, 3, 1, 3, 0, 0, 0, 9]
    late = [JANUARY - 31 * 86400 - 0.001, JANUARY - 31 * 86400, JANUARY + 60 * 86400 - 0.001, JANUARY + 60 * 86400]
    assert said("climatology", cast([99.0] * 4, time=late), windows=windows) == [0, 3, 3, 0]


def test_5_climatology_that_cannot_be_told_is_not_evaluated() -> None:
    windows = [{"month": (1.0, 3.0), "pressure": (0.0, 50.0), "longitude": (170.0, -170.0), "span": (10.0, 20.0)}]
    batch = cast(
        [12.0] * 5,
        time=[NAN, NAN, JANUARY, JANUARY, JANUARY],
        pressure=[1.0, 99.0, NAN, 1.0, 1.0],
        longitude=[175.0, 175.0, 185.0, NAN, 169.0],
    )
    verdict = qartod.climatology(batch, T, windows=windows)
    assert flags(verdict) == [5, 0, 5, 5, 0]
    assert "missing" in verdict.reasons[0]


def test_5_the_last_window_that_covers_a_level_decides() -> None:
    windows = [{"span": (0.0, 1.0)}, {"pressure": (0.0, 5.0), "span": (10.0, 11.0)}]
    assert said("climatology", cast([10.5, 0.5, 0.5], pressure=[5.0, 5.0, 6.0]), windows=windows) == [1, 3, 1]


def test_5_a_window_that_surely_covers_a_level_goes_over_one_of_which_that_is_not_known() -> None:
    month, all_ = {"month": (1.0, 3.0), "span": (10.0, 11.0)}, {"span": (0.0, 1.0)}
    batch = cast([0.5, 5.0], time=[NAN, NAN])
    assert said("climatology", batch, windows=[month, all_]) == [1, 3]
    assert said("climatology", batch, windows=[all_, month]) == [5, 5]


@pytest.mark.parametrize(
    "window", [{"month": (1.0, 2.0)}, {"span": (1.0, 2.0), "moon": (1.0, 2.0)}, {"span": (2.0, 1.0)}]
)
def test_5_a_window_that_makes_no_sense_is_refused(window: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(ConfigurationError):
        qartod.climatology(cast([1.0]), T, windows=[window])
