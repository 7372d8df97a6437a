"""The QARTOD tests at, just under and just over each threshold; short, missing and doubled levels; seams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Batch, Earlier, Position, joined
from bondstore.domains.ocean.qc import qartod
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.errors import ConfigurationError, MissingExtraError
from tests.domains.ocean.qc.qartod_cases import NAN, SECOND, cast, flags


def over(value: float) -> float:
    return float(np.nextafter(value, np.inf))


def under(value: float) -> float:
    return float(np.nextafter(value, -np.inf))


T = "TEMP"
WIDE = {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 360.0)}
STRICT = {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 180.0)}
GROSS = {"sensor_span": (-2.0, 40.0), "operator_span": (0.0, 30.0)}
SPIKE = {"low": 1.0, "high": 2.0}
SD = {"deviations": 3.0, "window": 100.0, "along": "PRES", "least": 2}
FLAT = {"suspect_count": 3, "fail_count": 5, "eps": 0.5}
STILL = {"warn": 1.0, "fail": 0.5}
CURVE = {"curve": [(0.0, 34.0), (10.0, 35.0)], "warn": 0.25, "fail": 0.5}
TWO = {"other": "PSAL", "deviations": 1.0, "other_deviations": 1.0, "window": 100.0, "along": "PRES", "least": 2}
ALL: list[tuple[str, str, dict[str, Any]]] = [
    ("gap", "TIME", {"increment": 60.0}),
    ("syntax", T, {}),
    ("location", "POSITION", {**STRICT, "range_max": 20.0}),
    ("gross_range", T, GROSS),
    ("climatology", T, {"windows": [{"span": (0.0, 1.0)}]}),
    ("spike", T, SPIKE),
    ("rate_of_change", T, SD),
    ("rate_per_second", T, {"threshold": 1.0}),
    ("flat_line", T, FLAT),
    ("multi_variate", T, TWO),
    ("attenuated_signal", T, {**STILL, "measure": "deviation"}),
    ("neighbour", T, {name: one for name, one in TWO.items() if name != "other"}),
    ("ts_space", T, CURVE),
    ("density_inversion", T, {"tolerance": 0.03}),
]


def said(name: str, batch: Batch, on: str = T, **thresholds: Any) -> list[int]:
    return flags(getattr(qartod, name)(batch, on, **thresholds))


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


@pytest.mark.parametrize(
    "window", [{"month": (1.0, 2.0)}, {"span": (1.0, 2.0), "moon": (1.0, 2.0)}, {"span": (2.0, 1.0)}]
)
def test_5_a_window_that_makes_no_sense_is_refused(window: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(ConfigurationError):
        qartod.climatology(cast([1.0]), T, windows=[window])


@pytest.mark.parametrize(
    ("top", "flag"), [(1.0, 1), (over(1.0), 3), (-1.0, 1), (-1.5, 3), (2.0, 3), (over(2.0), 4), (-3.0, 4)]
)
def test_6_spike(top: float, flag: int) -> None:
    assert said("spike", cast([0.5, top, -0.5]), **SPIKE) == [0, flag, 0]


def test_6_spike_beside_missing_values_and_in_short_profiles() -> None:
    assert said("spike", cast([1.0, 1.0, NAN, 1.0, 9.0, 1.0]), **SPIKE) == [0, 5, 9, 5, 4, 0]
    assert said("spike", cast([1.0, 9.0]), **SPIKE) == [5, 5]
    assert said("spike", cast([1.0, 9.0, 1.0]), **SPIKE, method="third_difference") == [5, 5, 5]


@pytest.mark.parametrize(("top", "flag"), [(1 / 3, 1), (0.375, 3), (0.625, 3), (0.75, 4), (-0.75, 4)])
def test_6_third_difference(top: float, flag: int) -> None:
    assert said("spike", cast([0.0, 0.0, top, 0.0]), **SPIKE, method="third_difference") == [0, 0, flag, 0]


@pytest.mark.parametrize(("deviations", "flag"), [(4.0, 1), (over(4.0), 1), (under(4.0), 3), (0.0, 3), (9.0, 1)])
def test_7_rate_of_change_at_its_multiple_of_the_deviation(deviations: float, flag: int) -> None:
    for step in (4.0, -4.0):
        batch = cast([1.0, -1.0, 1.0, -1.0, -1.0 + step])
        assert said("rate_of_change", batch, **(SD | {"deviations": deviations}))[-1] == flag


def test_7_rate_of_change_takes_the_deviation_of_its_window_alone() -> None:
    values = [50.0, -50.0, 1.0, -1.0, 1.0, -1.0, 3.0]
    assert said("rate_of_change", cast(values), **(SD | {"window": 100.0}))[-1] == 1
    assert said("rate_of_change", cast(values), **(SD | {"window": 4.0}))[-1] == 3
    assert said("rate_of_change", cast(values), **(SD | {"window": 5.0}))[-1] == 1  # the window's end belongs to it
    up = cast(values, pressure=[30.0, 29.0, 28.0, 27.0, 26.0, 25.0, 24.0])
    assert said("rate_of_change", up, **(SD | {"window": 4.0}))[-1] == 3
    assert said("rate_of_change", cast(values), **(SD | {"window": 40.0, "along": "TIME"}))[-1] == 3


def test_7_rate_of_change_with_an_offset_and_with_too_few_values() -> None:
    values = [1.0, 1.0, 3.0]
    assert said("rate_of_change", cast(values), **SD) == [0, 0, 3]
    assert said("rate_of_change", cast(values), **SD, offset=2.0) == [0, 0, 1]
    assert said("rate_of_change", cast(values, pressure=[0.0, 1.0, 200.0]), **SD) == [0, 0, 5]
    assert said("rate_of_change", cast(values, pressure=[0.0, 1.0, NAN]), **SD) == [0, 0, 5]
    assert said("rate_of_change", cast([1.0, NAN, 1.0, 1.0]), **SD) == [0, 9, 5, 1]


@pytest.mark.parametrize(
    ("step", "took", "flag"),
    [
        (5.0, 10.0, 1),
        (over(5.0), 10.0, 3),
        (under(5.0), 10.0, 1),
        (0.75, 1.5, 1),  # 0.75 a second, were the fraction cut off
        (0.5, 0.5, 3),
        (5.0, -10.0, 1),
        (6.0, -10.0, 3),
        (0.0, 0.0, 1),
        (0.1, 0.0, 5),
        (1.0, NAN, 5),
    ],
)
def test_7_rate_per_second(step: float, took: float, flag: int) -> None:
    batch = cast([0.0, step], time=[SECOND, SECOND + took])
    assert said("rate_per_second", batch, threshold=0.5) == [0, flag]


def test_8_flat_line() -> None:
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5 + 0.4375, 1.5]
    assert said("flat_line", cast(values), **FLAT) == [0, 0, 3, 3, 4, 4, 1, 1, 3]
    assert said("flat_line", cast([1.0, 1.5, 1.0, under(1.5), 1.25, 1.0]), **FLAT) == [0, 0, 1, 3, 4, 3]
    assert said("flat_line", cast([1.0] * 5), **(FLAT | {"eps": 0.0})) == [0, 0, 1, 1, 1]


def test_8_flat_line_with_a_value_missing() -> None:
    assert said("flat_line", cast([1.0, NAN, 1.0, 1.0, 1.0, 1.0, 9.0]), **FLAT) == [0, 9, 5, 5, 3, 3, 1]
    assert said("flat_line", cast([1.0, NAN, 9.0, 1.0]), **FLAT) == [0, 9, 1, 1]
    assert said("flat_line", cast([1.0, 1.0]), **FLAT) == [5, 5]
    with pytest.raises(ConfigurationError):
        qartod.flat_line(cast([1.0]), T, suspect_count=1, fail_count=5, eps=0.5)


@pytest.mark.parametrize(
    ("temperature", "salinity", "flag"),
    [
        ([1.0, -1.0, 1.0, -1.0, 0.0], [34.0, 36.0, 34.0, 36.0, 36.0], 1),  # the step of one SD is not over it
        ([1.0, -1.0, 1.0, -1.0, 0.5], [34.0, 36.0, 34.0, 36.0, 36.0], 3),
        ([1.0, -1.0, 1.0, -1.0, 0.5], [34.0, 36.0, 34.0, 36.0, 35.0], 1),  # the other's step of one SD is not under it
        ([1.0, -1.0, 1.0, -1.0, 0.5], [34.0, 36.0, 34.0, 36.0, 35.125], 3),
        ([1.0, -1.0, 1.0, -1.0, 0.5], [34.0, 36.0, 34.0, 36.0, NAN], 5),
        ([1.0, -1.0, 1.0, -1.0, 0.0], [34.0, 36.0, 34.0, 36.0, NAN], 1),
    ],
)
def test_9_multi_variate(temperature: list[float], salinity: list[float], flag: int) -> None:
    assert said("multi_variate", cast(temperature, salinity=salinity), **TWO)[-1] == flag


def test_9_multi_variate_without_the_second_variable() -> None:
    verdict = qartod.multi_variate(cast([1.0, -1.0, 1.0, -1.0, 9.0]), T, **TWO)
    assert verdict.flags[-1] == Flag.UNEVALUATED
    assert "compared" in verdict.reasons[0]


@pytest.mark.parametrize(("half", "flag"), [(1.0, 1), (0.75, 3), (0.5, 3), (0.4375, 4), (0.0, 4)])
def test_10_attenuated_signal(half: float, flag: int) -> None:
    values = [half, -half, half, -half]
    assert said("attenuated_signal", cast(values), **STILL, measure="deviation") == [flag] * 4
    assert said("attenuated_signal", cast([half / 2, -half / 2, NAN]), **STILL, measure="range") == [flag, flag, 9]


def test_10_attenuated_signal_in_a_window() -> None:
    window = {"measure": "range", "along": "PRES", "window": 2.0, **STILL}
    assert said("attenuated_signal", cast([9.0, 5.0, 5.0, 5.0, 5.0, 6.0]), **window) == [0, 0, 1, 4, 4, 1]
    assert said("attenuated_signal", cast([9.0, 5.0, 5.0], pressure=[0.0, NAN, 9.0]), **window) == [0, 5, 5]
    assert said("attenuated_signal", cast([9.0, NAN]), **STILL, measure="range") == [5, 9]


ONE = {name: one for name, one in TWO.items() if name != "other"}


def test_11_neighbour() -> None:
    values = [1.0, -1.0, 1.0, -1.0, 0.5]
    still, moving = ([1.0, -1.0, 1.0, -1.0, last] for last in (-1.0, 0.5))
    deep = np.arange(5.0)
    for other, flag in ((still, 3), (moving, 1)):
        rows = list(zip(deep.tolist(), other, strict=True))
        assert said("neighbour", cast(values), **ONE, table=rows)[-1] == flag
        earlier = Earlier(SECOND - 60.0, Position(-41.0, 173.0), deep[::-1].copy(), np.array(other[::-1]))
        batch = cast(values, earlier=earlier)
        assert said("neighbour", batch, **ONE, max_age=60.0, max_distance=1.0)[-1] == flag
        assert said("neighbour", batch, **ONE, max_age=59.0) == [5] * 5


def test_11_no_adequate_neighbour() -> None:
    verdict = qartod.neighbour(cast([1.0, NAN]), T, **ONE)
    assert flags(verdict) == [5, 9]
    assert "neighbour" in verdict.reasons[0]
    far = Earlier(SECOND, Position(0.0, 0.0), np.arange(2.0), np.arange(2.0))
    assert said("neighbour", cast([1.0, 2.0, 3.0, 4.0], earlier=far), **ONE, max_distance=20.0) == [5] * 4


@pytest.mark.parametrize(
    ("salinity", "flag"), [(34.5, 1), (34.6875, 1), (34.75, 3), (35.0, 3), (over(35.0), 4), (34.25, 3), (33.9, 4)]
)
def test_12_ts_space(salinity: float, flag: int) -> None:
    assert said("ts_space", cast([5.0], salinity=[salinity]), **CURVE) == [flag]
    assert said("ts_space", cast([5.0], salinity=[salinity]), "PSAL", **CURVE) == [flag]


def test_12_ts_space_beyond_its_curve_and_above_its_depth() -> None:
    batch = cast([0.0, under(0.0), 10.0, over(10.0), NAN, 5.0], salinity=[34.0, 34.0, 35.0, 35.0, 35.0, NAN])
    assert said("ts_space", batch, **CURVE) == [1, 0, 1, 0, 9, 5]
    batch = cast([5.0, 5.0, 5.0], salinity=[39.0] * 3, pressure=[under(9.0), 9.0, NAN])
    assert said("ts_space", batch, **CURVE, below=9.0) == [0, 4, 5]
    assert said("ts_space", cast([5.0]), **CURVE) == [5]
    with pytest.raises(ConfigurationError):
        qartod.ts_space(batch, T, curve=[(1.0, 34.0), (1.0, 35.0)], warn=1.0, fail=2.0)


def test_13_density_inversion_at_its_threshold() -> None:
    import gsw

    batch = cast([10.0, 10.5, 9.0], salinity=[35.0, 35.0, 35.0])
    absolute = gsw.SA_from_SP(35.0, np.arange(3.0), 173.0, -41.0)
    dense = gsw.sigma0(absolute, gsw.CT_from_t(absolute, np.array([10.0, 10.5, 9.0]), np.arange(3.0)))
    fall = float(dense[0] - dense[1])
    assert 0.05 < fall < 0.2
    assert said("density_inversion", batch, tolerance=fall + 1e-9) == [1, 1, 1]
    assert said("density_inversion", batch, tolerance=fall - 1e-9) == [4, 4, 1]
    up = cast([9.0, 10.5, 10.0], salinity=[35.0] * 3, pressure=[2.0, 1.0, 0.0])
    assert said("density_inversion", up, "PSAL", tolerance=0.03) == [1, 4, 4]


def test_13_density_inversion_of_just_the_threshold_passes() -> None:
    from bondstore.domains.ocean.qc.qartod_density import inversions

    batch = cast([1.0] * 4, pressure=[0.0, 1.0, 2.0, 2.0])
    for fall, bad in ((0.25, False), (over(0.25), True), (under(0.25), False)):
        found, compared, unsure = inversions(batch, np.array([0.0, -fall, 9.0, 0.0]), 0.25)
        assert found.tolist() == [bad, bad, False, False]
        assert compared.tolist() == [True, True, True, False]
        assert not unsure.any()


def test_13_density_inversion_without_what_density_needs() -> None:
    lack = "no density"
    assert said("density_inversion", cast([1.0, 2.0]), tolerance=0.03) == [5, 5]
    for name in ("pressure", "latitude", "longitude", "salinity"):
        given = {"salinity": [35.0] * 4, name: [35.0, 35.0, NAN, 35.0]} | (
            {"pressure": [0, 1, 2, 3]} if name != "pressure" else {"pressure": [0.0, 1.0, NAN, 3.0]}
        )
        verdict = qartod.density_inversion(cast([1.0] * 4, **given), T, tolerance=0.03)
        assert flags(verdict) == [1, 5, 5, 5], name
        assert verdict.reasons[0].startswith(lack)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e300, 361.0])
def test_13_a_position_that_cannot_be_does_not_reach_the_library(bad: float) -> None:
    batch = cast([1.0, 2.0], salinity=[35.0, 35.0], longitude=[bad, bad])
    assert said("density_inversion", batch, tolerance=0.03) == [5, 5]


def test_13_without_gsw_there_is_an_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gsw", None)
    with pytest.raises(MissingExtraError) as caught:
        said("density_inversion", cast([1.0, 2.0], salinity=[35.0, 35.0]), tolerance=0.03)
    assert "pip install 'bondstore[ocean]'" in str(caught.value.hint)


@pytest.mark.parametrize(("name", "on", "thresholds"), ALL, ids=[one[0] for one in ALL])
def test_no_levels_one_level_nothing_but_missing_and_doubled_times(
    name: str, on: str, thresholds: dict[str, Any]
) -> None:
    short = {"syntax": 1, "location": 1, "gross_range": 1, "climatology": 3, "ts_space": 0}
    assert said(name, cast(), on, **thresholds) == []
    assert said(name, cast([12.0]), on, **thresholds) == [short.get(name, 5)]
    gone = cast([NAN] * 4, time=[NAN] * 4, latitude=[NAN] * 4, longitude=[NAN] * 4, pressure=[NAN] * 4)
    assert said(name, gone, on, **thresholds) == [9] * 4
    doubled = cast([1.0, 1.0, 1.0, 1.0], time=[SECOND] * 4, salinity=[34.0, 34.0, 34.0, 34.0])
    expected = {
        "gap": [0, 1, 1, 1],
        "climatology": [1] * 4,
        "spike": [0, 1, 1, 0],
        "rate_of_change": [0, 0, 1, 1],
        "rate_per_second": [0, 1, 1, 1],
        "flat_line": [0, 0, 3, 3],
        "multi_variate": [0, 0, 1, 1],
        "attenuated_signal": [4] * 4,
        "neighbour": [5] * 4,
    }
    assert said(name, doubled, on, **thresholds) == expected.get(name, [1] * 4)


@pytest.mark.parametrize(("name", "on", "thresholds"), ALL, ids=[one[0] for one in ALL])
def test_a_seam_is_no_neighbour(name: str, on: str, thresholds: dict[str, Any]) -> None:
    """Cold shallow water after warm deep water is a step, a spike and an inversion only to one who sees no seam."""
    one = cast([20.0, 20.5, 21.0], salinity=[36.0, 36.1, 36.3], pressure=[0.0, 9.0, 99.0])
    two = cast(
        [1.0, 1.5, 1.25], salinity=[30.0, 30.1, 30.3], time=[SECOND + 1e6 + n for n in range(3)], latitude=[50.0] * 3
    )
    whole = said(name, joined([one, two, one]), on, **thresholds)
    assert whole == [flag for each in (one, two, one) for flag in said(name, each, on, **thresholds)]


@pytest.mark.parametrize(
    ("name", "thresholds"),
    [
        ("gross_range", {"sensor_span": (2.0, 1.0)}),
        ("gross_range", {"sensor_span": (1.0, 2.0), "operator_span": (NAN, 2.0)}),
        ("spike", {"low": 2.0, "high": 1.0}),
        ("spike", {**SPIKE, "method": "median"}),
        ("rate_of_change", SD | {"along": "DEPTH"}),
        ("attenuated_signal", {"warn": 0.1, "fail": 0.2, "measure": "range"}),
        ("attenuated_signal", {**STILL, "measure": "variance"}),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(name: str, thresholds: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        said(name, cast([1.0]), **thresholds)
    assert caught.value.hint


def test_the_suite_calls_a_clean_profile_good_and_a_spoilt_one_bad() -> None:
    pressure = np.arange(0.0, 60.0, 2.0)
    salt = (35.0 + pressure / 100).tolist()
    clean = cast((15.0 - pressure / 20).tolist(), pressure=pressure.tolist(), salinity=salt)
    without = cast((15.0 - pressure / 20).tolist(), pressure=pressure.tolist())
    spoilt = cast((15.0 - pressure / 20 + 9.0 * (pressure == 20)).tolist(), pressure=pressure.tolist(), salinity=salt)
    lone = cast([12.0])
    result = evaluate(joined([clean, without, spoilt, lone]), load_suite("qartod"))
    assert result.grades.tolist() == [Flag.GOOD, Flag.GOOD, Flag.BAD, Flag.UNEVALUATED]
    assert result.flags["spike", "TEMP"][60 + 10] == Flag.BAD
    assert result.flags["density_inversion", "PSAL"][30:60].tolist() == [Flag.SILENT] * 30
