"""Argo tests 8, 9, 12, 13 and 14: levels beside each other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.ocean.qc.argo_cases import (
    BAD,
    GOOD,
    MISSING,
    NAN,
    SILENT,
    UNEVALUATED,
    cast,
    rows,
    run,
    slow_increasing,
    slow_inversion,
    slow_rollover,
    slow_spike,
    slow_stuck,
)

SOME = settings(max_examples=50)


def over(value: float) -> float:
    return math.nextafter(value, math.inf)


@pytest.mark.parametrize(
    ("pressure", "flags"),
    [
        ([], []),
        ([5.0], [GOOD]),
        ([5.0, 5.0, 5.0, over(5.0)], [GOOD] * 4),  # no reversal of 20 dbar: until February 2024 two of them failed
        ([1.0, 40.0, 20.0, 21.0, 40.0, 50.0], [GOOD, BAD, GOOD, GOOD, GOOD, GOOD]),  # from the middle, 21, upwards
        ([10.0, 20.0, 50.0, 60.0, 40.0, 41.0, 70.0], [GOOD, GOOD, GOOD, GOOD, BAD, GOOD, GOOD]),  # 20 dbar, and 19
        ([100.0, 200.0, 100.0], [GOOD, GOOD, BAD]),
        ([1.0, NAN, 1.0, 2.0], [GOOD, MISSING, GOOD, GOOD]),
        ([NAN, NAN], [MISSING, MISSING]),
        ([60.0, 40.0, 20.0], [BAD, GOOD, BAD]),
    ],
)
def test_pressure_increases(pressure: list[float], flags: list[int]) -> None:
    made = cast([1.0] * len(pressure), pressure)
    assert run("argo.pressure_increasing", "PRES", made) == flags
    assert run("argo.pressure_increasing", "TEMP", made) == [UNEVALUATED if flag == MISSING else flag for flag in flags]


def test_pressure_begins_anew_at_a_seam() -> None:
    assert (
        run("argo.pressure_increasing", "PRES", cast([1.0] * 2, [8.0, 9.0]), cast(), cast([1.0] * 2, [8.0, 9.0]))
        == [GOOD] * 4
    )


def test_near_surface_pressures_are_looked_at_from_the_deepest_up() -> None:
    pressure = [30.0, 1.0, 2.0, 3.0, 31.0]
    near = {"vertical_sampling_scheme": "Near-surface sampling: averaged, unpumped"}
    assert run("argo.pressure_increasing", "PRES", cast([1.0] * 5, pressure, known=near)) == [BAD] + [GOOD] * 4
    assert run("argo.pressure_increasing", "PRES", cast([1.0] * 5, [*pressure[1:], 2.0], known=near)) == [GOOD] * 4 + [
        BAD
    ]


@given(st.lists(rows(0, 60), max_size=4))
@SOME
def test_pressure_increases_as_a_loop_has_it(pressures: list[list[float]]) -> None:
    found = run("argo.pressure_increasing", "PRES", *(cast([1.0] * len(row), row) for row in pressures))
    assert found == [flag for row in pressures for flag in slow_increasing(row)]


@pytest.mark.parametrize(
    ("on", "pressure", "limit"),
    [("TEMP", 499.0, 6.0), ("TEMP", 500.0, 2.0), ("PSAL", 499.0, 0.9), ("PSAL", 500.0, 0.3)],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_spikes_over_the_limit(on: str, pressure: float, limit: float, sign: float) -> None:
    for size, flag in ((limit, GOOD), (over(limit), BAD)):
        values = [0.0, sign * size, 0.0]
        made = cast(values, [pressure - 1.0, pressure, pressure + 1.0], values)
        assert run("argo.spike", on, made) == [SILENT, flag, SILENT]


def test_a_step_is_no_spike() -> None:
    assert run("argo.spike", "TEMP", cast([0.0, 0.0, 30.0, 30.0])) == [SILENT, GOOD, GOOD, SILENT]


def test_spikes_look_past_what_is_missing() -> None:
    assert run("argo.spike", "TEMP", cast([0.0, NAN, 7.0, NAN, 0.0])) == [SILENT, MISSING, BAD, MISSING, SILENT]
    assert run("argo.spike", "TEMP", cast([0.0, 1.0, 7.0, 0.0], [1.0, NAN, 3.0, 4.0])) == [
        SILENT,
        UNEVALUATED,
        BAD,
        SILENT,
    ]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 9.0], [1.0, NAN, 9.0], [NAN] * 4])
def test_too_short_for_a_spike(values: list[float]) -> None:
    assert run("argo.spike", "TEMP", cast(values)) == [MISSING if math.isnan(one) else UNEVALUATED for one in values]


def test_no_spike_over_a_seam() -> None:
    assert (
        run("argo.spike", "TEMP", cast([0.0, 0.0, 0.0]), cast([20.0] * 3), cast([0.0] * 3))
        == [SILENT, GOOD, SILENT] * 3
    )


@given(st.lists(rows(0, 12), max_size=4))
@SOME
def test_spikes_are_those_of_a_loop(values: list[list[float]]) -> None:
    made = [cast(row, [100.0 * (n + 1) for n in range(len(row))]) for row in values]
    assert run("argo.spike", "TEMP", *made) == [
        flag for one in made for flag in slow_spike(one.temperature, one.pressure, 6.0, 2.0)
    ]


@pytest.mark.parametrize(("on", "jump"), [("TEMP", 10.0), ("PSAL", 5.0)])
def test_rollover_flags_both_sides(on: str, jump: float) -> None:
    for size, flag in ((jump, GOOD), (over(jump), BAD)):
        values = [0.0, 0.0, size, size]
        assert run("argo.rollover", on, cast(values, salinity=values)) == [GOOD, flag, flag, GOOD]


def test_rollover_of_little_and_over_seams() -> None:
    assert run(
        "argo.rollover", "TEMP", cast([1.0]), cast(), cast([NAN]), cast([30.0, 30.0]), cast([0.0, NAN, 0.0])
    ) == [
        UNEVALUATED,
        MISSING,
        GOOD,
        GOOD,
        GOOD,
        MISSING,
        GOOD,
    ]


@given(st.lists(rows(0, 25), max_size=4))
@SOME
def test_rollovers_are_those_of_a_loop(values: list[list[float]]) -> None:
    assert run("argo.rollover", "TEMP", *map(cast, values)) == [
        flag for row in values for flag in slow_rollover(row, 10.0)
    ]


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ([], []),
        ([5.0], [UNEVALUATED]),
        ([5.0, NAN], [UNEVALUATED, MISSING]),
        ([5.0, 5.0], [BAD, BAD]),
        ([5.0, NAN, 5.0], [BAD, MISSING, BAD]),
        ([5.0, over(5.0)], [GOOD, GOOD]),
        ([NAN, NAN], [MISSING, MISSING]),
    ],
)
def test_stuck_values(values: list[float], flags: list[int]) -> None:
    assert run("argo.stuck_value", "TEMP", cast(values)) == flags


@given(st.lists(st.lists(st.sampled_from([1.0, 1.0, 1.0, 2.0, NAN]), max_size=5), max_size=6))
@SOME
def test_stuck_values_are_those_of_a_loop(values: list[list[float]]) -> None:
    assert run("argo.stuck_value", "TEMP", *map(cast, values)) == [flag for row in values for flag in slow_stuck(row)]


def lighter_by(drop: float) -> float:
    """The salinity at 20 dbar, 10 degrees, with which water is lighter by so much than with 35 at 10 dbar."""
    import gsw
    from scipy.optimize import brentq

    def density(salinity: float, pressure: float) -> float:
        absolute = gsw.SA_from_SP(salinity, pressure, 170.0, -40.0)
        return float(gsw.rho(absolute, gsw.CT_from_t(absolute, 10.0, pressure), 15.0))

    return float(brentq(lambda salinity: density(35.0, 10.0) - density(salinity, 20.0) - drop, 30.0, 36.0))


@pytest.mark.parametrize("on", ["TEMP", "PSAL"])
@pytest.mark.parametrize(("drop", "flag"), [(0.0299999, GOOD), (0.0300001, BAD)])
def test_inversions_flag_both_levels(on: str, drop: float, flag: int) -> None:
    made = cast([10.0, 10.0], [10.0, 20.0], [35.0, lighter_by(drop)])
    assert run("argo.density_inversion", on, made) == [flag, flag]


def test_inversions_of_little_and_over_seams() -> None:
    heavy, light = cast([2.0, 2.0], salinity=[35.0, 35.0]), cast([20.0, 20.0], salinity=[35.0, 35.0])
    assert run("argo.density_inversion", "TEMP", heavy, light) == [GOOD] * 4
    lacking = cast([2.0, 2.0, 2.0], salinity=[35.0, NAN, 35.0])
    assert run("argo.density_inversion", "TEMP", lacking, cast([2.0], salinity=[35.0]), cast()) == [
        GOOD,
        UNEVALUATED,
        GOOD,
        UNEVALUATED,
    ]
    assert run("argo.density_inversion", "TEMP", cast([2.0, 2.0])) == [UNEVALUATED] * 2
    assert (
        run("argo.density_inversion", "TEMP", cast([2.0, 2.0], salinity=[35.0, 35.0], latitude=NAN))
        == [UNEVALUATED] * 2
    )


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from([2.0, 10.0, 10.1, 20.0, NAN]), st.sampled_from([34.0, 35.0, 35.03, NAN])),
            max_size=8,
        ),
        max_size=3,
    )
)
@SOME
def test_inversions_are_those_of_a_loop(levels: list[list[tuple[float, float]]]) -> None:
    made = [cast([one[0] for one in row], salinity=[one[1] for one in row]) for row in levels]
    expected = [flag for one in made for flag in slow_inversion(one.pressure, one.temperature, one.salinity, 0.03)]
    assert run("argo.density_inversion", "TEMP", *made) == expected
