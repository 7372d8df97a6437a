"""The Moana tests of values at, under and over their thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from bondstore.domains.ocean.qc.suite import all_tests
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.moana_made import NAN, T0, batch_of, cast, run, thresholds, why

SILENT, GOOD, PROBABLE, SUSPECT, BAD, OPEN, MISSING = 0, 1, 2, 3, 4, 5, 9


@pytest.mark.parametrize(
    ("on", "values", "wanted"),
    [
        ("TEMP", [-2.001, -2.0, 29.999, 30.0, 29.0, 34.0, 29.0], [BAD, GOOD, GOOD, SUSPECT, SUSPECT, BAD, BAD]),
        ("TEMP", [33.999, NAN, 15.0], [SUSPECT, MISSING, SUSPECT]),
        ("PRES", [-0.1, 0.0, 1599.9, 1600.0, 1500.0, 2000.0, 1.0], [BAD, GOOD, GOOD, SUSPECT, SUSPECT, BAD, BAD]),
        ("PRES", [1600.0, -0.1, 5.0], [SUSPECT, BAD, SUSPECT]),
    ],
)
def test_a_bound_once_reached_marks_what_follows_and_bad_stays_bad(
    on: str, values: list[float], wanted: list[int]
) -> None:
    one = cast(temp=values) if on == "TEMP" else cast(pres=values)
    assert run("moana.global_range", on, one) == wanted


def test_the_existing_chain_turns_bad_into_suspect() -> None:
    one = cast(pres=[1600.0, -0.1, 5.0])
    assert run("moana2024.global_range", "PRES", one) == [SUSPECT, SUSPECT, SUSPECT]
    back = cast(pres=[-0.1, 1600.0, 5.0], time=[T0 + 9, T0 + 5, T0 + 1])  # by time, not by order
    assert run("moana2024.global_range", "PRES", back) == [SUSPECT, SUSPECT, GOOD]


def test_what_follows_ends_with_the_profile_and_can_be_left_out() -> None:
    assert run("moana.global_range", "TEMP", cast(temp=[15.0, 35.0]), cast(temp=[15.0])) == [GOOD, BAD, GOOD]
    assert run("moana.global_range", "TEMP", cast(temp=[35.0, 31.0, 15.0]), lasting=False) == [BAD, SUSPECT, GOOD]


def test_the_marker_of_a_reset_is_no_temperature_the_sensor_had() -> None:
    one = cast(temp=[44.444, 15.0, 44.5, 15.0])
    assert run("moana.global_range", "TEMP", one) == [BAD, GOOD, BAD, BAD]
    assert run("moana2024.global_range", "TEMP", one) == [BAD, BAD, BAD, BAD]


def test_a_spike_is_over_three_deviations_of_its_profile() -> None:
    # one value d among n zeros: SD = d sqrt(n - 1) / n, and d sticks out by d: over 3 SD from n = 8 on
    # (3 sqrt(7) / 8 = 0.99, 3 sqrt(6) / 7 = 1.05)
    seven, eight = [0.0] * 3 + [1.0] + [0.0] * 3, [0.0] * 3 + [1.0] + [0.0] * 4
    assert run("moana.spike", "TEMP", cast(temp=seven)) == [SILENT, *[GOOD] * 5, SILENT]
    assert run("moana.spike", "TEMP", cast(temp=eight)) == [SILENT, GOOD, GOOD, SUSPECT, *[GOOD] * 3, SILENT]


def test_a_spike_of_pressure_is_over_two_deviations() -> None:
    # 2 sqrt(n - 1) / n is 1 at n = 2, and under it from 3 on
    assert run("moana.spike", "PRES", cast(pres=[0.0, 1.0, 0.0])) == [SILENT, SUSPECT, SILENT]
    assert run("moana.spike", "PRES", cast(pres=[0.0, 1.0, 2.0])) == [SILENT, GOOD, SILENT]


def test_ends_are_silent_though_the_existing_chain_flags_them() -> None:
    one = cast(40)
    assert run("moana.spike", "TEMP", one) == [SILENT, *[GOOD] * 38, SILENT]
    assert run("moana2024.spike", "TEMP", one) == [SUSPECT, *[GOOD] * 38, SUSPECT]


def test_a_spike_beside_a_missing_value_is_not_evaluated_and_no_seam_makes_one() -> None:
    one = cast(temp=[15.0, 15.0, NAN, 15.0, 15.0, 15.0])
    assert run("moana.spike", "TEMP", one) == [SILENT, OPEN, MISSING, OPEN, GOOD, SILENT]
    assert why("moana.spike", "TEMP", one) == {0: "a level beside has no value"}
    cold, warm = cast(3, temp=5.0), cast(3, temp=25.0)
    assert run("moana.spike", "TEMP", cold, warm) == [SILENT, GOOD, SILENT] * 2


@pytest.mark.parametrize("levels", [1, 2])
def test_under_three_levels_a_spike_cannot_be_told(levels: int) -> None:
    assert run("moana.spike", "TEMP", cast(levels)) == [OPEN] * levels
    assert why("moana.spike", "TEMP", cast(levels)) == {0: "the profile is too short"}
    assert run("moana2024.spike", "TEMP", cast(levels)) == [GOOD] * levels
    assert run("moana2024.spike", "PRES", cast(levels)) == [SILENT] * levels


def test_a_profile_without_finite_spread_never_becomes_good() -> None:
    for name in ("moana.spike", "moana.rate_of_change"):
        flags = run(name, "TEMP", cast(temp=[15.0, 1e300, -1e300, 15.0, 15.0]), cast(temp=[15.0, float("inf"), 15.0]))
        assert GOOD not in flags
    assert run("moana.temp_drift", "TEMP", cast(temp=[1e300, -1e300], pres=5.0)) == [OPEN, OPEN]


def test_interior_spikes_agree_with_ioos_qc() -> None:
    from ioos_qc import qartod

    random = np.random.default_rng(3)
    for _ in range(20):
        temp = np.round(15 + random.normal(0, 0.05, 60), 3)
        temp[random.integers(1, 59, 3)] += random.choice([-2.0, 2.0], 3)
        limit = 3 * float(np.std(temp))
        theirs = qartod.spike_test(temp, suspect_threshold=limit, fail_threshold=1e9)
        ours = run("moana.spike", "TEMP", cast(temp=temp.tolist()))
        assert ours[1:-1] == np.asarray(theirs)[1:-1].tolist()


def test_a_rate_is_over_two_degrees_a_dbar_and_two_deviations() -> None:
    # T = 0, 0, d, d: SD = d / 2, limit 2 + d; rate d / dp
    at, over = (cast(temp=[0.0, 0.0, 2.0, 2.0], pres=[1.0, 2.0, place, 3.0]) for place in (2.5, 2.49))
    assert run("moana.rate_of_change", "TEMP", at, resolution=0.0) == [SILENT, GOOD, GOOD, GOOD]
    assert run("moana.rate_of_change", "TEMP", over, resolution=0.0) == [SILENT, GOOD, SUSPECT, GOOD]
    up = cast(temp=[0.0, 0.0, 2.0, 2.0], pres=[3.0, 2.0, 1.51, 1.0])
    assert run("moana.rate_of_change", "TEMP", up, resolution=0.0) == [SILENT, GOOD, SUSPECT, GOOD]
    assert run("moana2024.rate_of_change", "PRES", up) == [GOOD, GOOD, SUSPECT, GOOD]


def test_a_rate_needs_two_pressures_that_differ() -> None:
    one = cast(temp=[15.0, 15.0, NAN, 15.0, 15.0, 20.0], pres=[1.0, NAN, 3.0, 4.0, 5.0, 5.0])
    assert run("moana.rate_of_change", "TEMP", one, resolution=0.0) == [SILENT, OPEN, MISSING, OPEN, GOOD, SILENT]
    assert run("moana.rate_of_change", "TEMP", cast(1), cast(2, temp=30.0), resolution=0.0) == [OPEN, SILENT, GOOD]


@pytest.mark.parametrize(("on", "under", "over"), [("TEMP", 0.049, 0.0501), ("PRES", 0.0099, 0.0101)])
def test_twenty_repeats_are_stuck(on: str, under: float, over: float) -> None:
    name = on.lower()

    def flags(values: list[float]) -> list[int]:
        return run("moana.stuck_value", on, cast(**{name: values}))

    assert flags([10.0] * 21 + [12.0]) == [SUSPECT] * 21 + [GOOD]
    assert flags([12.0] + [10.0] * 20 + [12.0]) == [GOOD] * 22
    assert flags([10.0 + under] + [10.0] * 20) == [SUSPECT] * 21
    assert flags([10.0 + over] + [10.0] * 20) == [GOOD] * 21
    assert flags([10.0] * 10 + [NAN] + [10.0] * 11) == [SUSPECT] * 10 + [MISSING] + [SUSPECT] * 11
    assert flags([10.0] * 20) == [OPEN] * 20
    assert run("moana2024.stuck_value", on, cast(**{name: [10.0] * 30})) == [SUSPECT] * 29 + [GOOD]


def test_a_drift_within_the_window_is_no_stuck_value() -> None:
    rising = [10.0 + 0.01 * one for one in range(30)]  # near its neighbour, not near the value twenty before
    assert run("moana.stuck_value", "TEMP", cast(temp=rising)) == [GOOD] * 30


def test_two_profiles_side_by_side_are_not_stuck_together() -> None:
    same = cast(15, temp=10.0)
    assert run("moana.stuck_value", "TEMP", same, same) == [OPEN] * 30
    assert run("moana.stuck_value", "TEMP", cast(temp=[11.0] * 3 + [10.0] * 18), same) == [GOOD] * 21 + [OPEN] * 15


def casts_at(pres: list[float], temp: list[float]) -> list[int]:
    return run("moana.temp_drift", "TEMP", cast(pres=pres, temp=temp), trim=0)


def test_drift_takes_both_a_spread_and_a_range_over_their_limits() -> None:
    # two values a, b: SD = |a - b| / 2; 0..10 dbar: SD over 2 and range over 7
    assert casts_at([5.0, 5.0], [10.0, 17.01]) == [SUSPECT, SUSPECT]
    assert casts_at([5.0, 5.0], [10.0, 17.0]) == [GOOD, GOOD]
    # one value d among n: SD = d sqrt(n - 1) / n: 8 degrees among 14 is 2.06, among 15 is 1.996
    assert casts_at([5.0] * 14, [10.0] * 13 + [18.0]) == [SUSPECT] * 14
    assert casts_at([5.0] * 15, [10.0] * 14 + [18.0]) == [GOOD] * 15


def test_drift_is_told_bin_by_bin_and_profile_by_profile() -> None:
    assert casts_at([5.0, 15.0], [10.0, 20.0]) == [GOOD, GOOD]
    assert casts_at([1500.0, 1500.0, 5.0], [10.0, 15.1, 15.0]) == [SUSPECT, SUSPECT, GOOD]
    assert run("moana.temp_drift", "TEMP", cast(1, temp=5.0), cast(1, temp=25.0)) == [GOOD, GOOD]


def test_an_edge_belongs_to_the_bin_below_it_but_the_last() -> None:
    assert casts_at([0.0, 9.9], [0.0, 20.0]) == [SUSPECT] * 2
    assert casts_at([10.0, 9.9], [0.0, 20.0]) == [GOOD] * 2
    assert casts_at([10.0, 19.9], [0.0, 20.0]) == [SUSPECT] * 2
    assert casts_at([2000.0, 1999.0], [0.0, 20.0]) == [SUSPECT] * 2
    assert casts_at([2000.1, -0.1, NAN], [0.0, 20.0, 5.0]) == [SILENT, SILENT, OPEN]
    edge = cast(pres=[10.0, 19.9, 15.0], temp=[20.0, 0.0, 0.0])
    assert run("moana2024.temp_drift", "TEMP", edge) == [GOOD] * 3


@pytest.mark.parametrize(
    "wrong",
    [{"spreads": (1.0,)}, {"ranges": (1.0,)}, {"edges": (5.0,)}, {"edges": (0.0, 0.0, *range(1, 9))}],
)
def test_bins_that_do_not_fit_are_told_as_configuration(wrong: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ConfigurationError):
        run("moana.temp_drift", "TEMP", cast(3), **wrong)


def test_no_repeats_is_told_as_configuration() -> None:
    with pytest.raises(ConfigurationError):
        run("moana.stuck_value", "TEMP", cast(3), repeats=0)


def test_a_sensor_nobody_has_is_missing_throughout() -> None:
    found = all_tests()["moana.climatology"].function(batch_of(cast(2)), "PSAL", period="month", rows=[(1.0,) * 10])
    assert found.flags.tolist() == [MISSING, MISSING]


def test_a_batch_is_fast() -> None:
    from time import perf_counter

    one = cast(180)
    batch = batch_of(*[one] * 500)  # 90,000 levels
    for name in ("moana.spike", "moana.stuck_value", "moana.rate_of_change", "moana.temp_drift", "moana.global_range"):
        began = perf_counter()
        all_tests()[name].function(batch, "TEMP", **thresholds(name, "TEMP"))
        assert perf_counter() - began < 2, name  # far above what it takes: only a loop over levels is so slow
