"""The QARTOD tests 6 to 10 at, just under and just over each threshold."""

from __future__ import annotations

import pytest

from bondstore.domains.ocean.qc.flags import Flag
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.qartod_cases import (
    FLAT,
    NAN,
    SD,
    SECOND,
    SPIKE,
    STILL,
    TWO,
    T,
    cast,
    over,
    qartod,
    said,
    under,
)


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
