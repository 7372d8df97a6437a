"""The default suite's tests of shape: spikes of one level, and one value repeated while the sensor moves."""

from __future__ import annotations

import numpy as np
import pytest

from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.moana_made import NAN, Cast, batch_of, cast, run, why

SILENT, GOOD, SUSPECT, BAD, OPEN, MISSING = 0, 1, 3, 4, 5, 9
SPIKE, STUCK = "moana.one_level_spike", "moana.repeated_value"


def smooth(random: np.random.Generator, kind: int) -> Cast:
    """A dive through a thermocline, down a slope, below a mixed layer, or in mixed water; often up again."""
    levels, spacing = int(random.integers(30, 200)), float(random.choice([0.5, 1.0, 1.2, 2.0, 5.0]))
    pres = 1 + spacing * np.arange(levels)
    top = random.uniform(12, 25)
    low = top - random.uniform(0.3, 9)
    middle, width = random.uniform(0.2, 0.8) * pres[-1], random.uniform(0.05, 0.3) * pres[-1]
    shape = (
        (1 + np.tanh((pres - middle) / width)) / 2,
        (pres - 1) / (pres[-1] - 1),
        1 - np.exp(-np.maximum(pres - middle, 0) / width),
        np.zeros(levels),
    )[kind]
    temp = top + (low - top) * shape
    if random.random() < 0.5:
        pres, temp = np.append(pres, pres[-2::-1]), np.append(temp, temp[-2::-1])
    noisy = temp + random.normal(0, random.choice([0.002, 0.005, 0.01]), len(temp))
    return cast(pres=pres.tolist(), temp=np.round(noisy, 3).tolist())


def test_a_spike_of_two_degrees_is_found_in_each_of_100_smooth_profiles_and_nothing_else() -> None:
    random = np.random.default_rng(20261129)
    casts = [smooth(random, number % 4) for number in range(100)]
    places = [int(random.integers(1, len(one) - 1)) for one in casts]
    for one, place, sign in zip(casts, places, random.choice([-2.0, 2.0], 100), strict=True):
        one.temp[place] += sign
    batch = batch_of(*casts)
    result = evaluate(batch, load_suite("moana"))
    flags = result.rolled["TEMP"]
    planted = batch.starts + np.array(places)
    assert (flags[planted] == SUSPECT).all()
    others = np.delete(np.arange(batch.levels), planted)
    wrong = [on for on in result.rolled for flag in result.rolled[on][others] if flag not in (GOOD, 2)]
    assert len(wrong) <= 1


def test_a_spike_shows_on_a_slope_steeper_than_itself() -> None:
    # 2.5 degrees a level, and 2 off it: no extreme at all, but -1, 2, -1 in the second differences
    slope = [30 - 2.5 * one for one in range(12)]
    assert run(SPIKE, "TEMP", cast(temp=slope)) == [SILENT, *[GOOD] * 10, SILENT]
    slope[6] += 2
    assert run(SPIKE, "TEMP", cast(temp=slope)) == [SILENT, *[GOOD] * 5, SUSPECT, *[GOOD] * 4, SILENT]


@pytest.mark.parametrize(
    "temp",
    [
        [18.0] * 6 + [13.0] * 6,  # a step
        [18.0] * 6 + [18.0 - 2.5 * one for one in range(6)],  # the foot of a mixed layer
        [18.0, 13.0, 13.0, 13.0],  # a first level in air
        [18.0, 18.0, 13.0, 13.0],
        [15.0, 15.0, 19.0, 19.0, 15.0, 15.0],  # two levels off together: not its to find
    ],
)
def test_steps_bends_and_ends_are_no_spikes(temp: list[float]) -> None:
    assert run(SPIKE, "TEMP", cast(temp=temp)) == [SILENT, *[GOOD] * (len(temp) - 2), SILENT]


def test_the_bound_is_one_degree_and_half_a_degree_from_500_dbar_on() -> None:
    def at(pressure: float, height: float) -> int:
        return run(SPIKE, "TEMP", cast(temp=[15.0] * 3 + [15.0 + height] + [15.0] * 3, pres=pressure))[3]

    assert [at(499.9, 1.001), at(499.9, 1.0), at(500.0, 0.501), at(500.0, 0.5)] == [SUSPECT, GOOD, SUSPECT, GOOD]
    assert at(NAN, 1.0) == GOOD


def test_in_restless_water_a_spike_must_be_six_times_what_is_around_it() -> None:
    # zigzag by 0.2: |d| is 0.2 throughout, its scale 0.297, the limit 1.779
    restless = [15.0 + 0.2 * (one % 2) for one in range(41)]
    for height, flag in ((1.7, GOOD), (1.9, SUSPECT)):
        temp = list(restless)
        temp[20] = 15.2 + height  # above both beside it, at 15.2, by `height`
        assert run(SPIKE, "TEMP", cast(temp=temp)) == [SILENT, *[GOOD] * 19, flag, *[GOOD] * 19, SILENT]


def test_missing_values_are_left_out_and_few_or_infinite_ones_are_not_evaluated() -> None:
    gap = cast(temp=[15.0, 15.0, NAN, 18.0, NAN, 15.0, 15.0])
    assert run(SPIKE, "TEMP", gap) == [SILENT, GOOD, MISSING, SUSPECT, MISSING, GOOD, SILENT]
    assert run(SPIKE, "TEMP", cast(2), cast(1), cast(0)) == [OPEN] * 3
    assert why(SPIKE, "TEMP", cast(2)) == {0: "fewer than three levels have a value"}
    wild = cast(temp=[15.0, 15.0, float("inf"), 15.0, 15.0])
    assert run(SPIKE, "TEMP", wild) == [SILENT, OPEN, OPEN, OPEN, SILENT]


def test_twenty_exact_repeats_in_moving_water_are_stuck_and_nineteen_are_not() -> None:
    below, above = [13.0 + 0.1 * one for one in range(3)], [10.0 - 0.1 * one for one in range(3)]
    assert run(STUCK, "TEMP", cast(temp=below + [12.6] * 21 + above)) == [GOOD] * 3 + [SUSPECT] * 21 + [GOOD] * 3
    assert run(STUCK, "TEMP", cast(temp=below + [12.6] * 20 + above)) == [GOOD] * 26
    assert run(STUCK, "TEMP", cast(temp=[12.6] * 21)) == [SUSPECT] * 21
    assert run(STUCK, "TEMP", cast(temp=[12.6] * 20)) == [SILENT] * 20
    assert (
        run(STUCK, "TEMP", cast(temp=[12.6] * 10 + [NAN] + [12.6] * 11)) == [SUSPECT] * 10 + [MISSING] + [SUSPECT] * 11
    )
    assert run(STUCK, "TEMP", cast(15, temp=12.6), cast(15, temp=12.6)) == [SILENT] * 30


def test_a_mixed_layer_is_not_stuck() -> None:
    random = np.random.default_rng(2)
    mixed = np.round(17.5 + random.normal(0, 0.002, 160), 3).tolist()
    assert run("moana.stuck_value", "TEMP", cast(temp=mixed)) == [SUSPECT] * 160, "by the rule of moana-qc"
    assert run(STUCK, "TEMP", cast(temp=mixed)) == [GOOD] * 160
    # without any noise the layer ends as it was, by a thousandth; a sensor that comes loose does not
    layer = [17.5] * 40 + [17.5 - 0.001 * one for one in range(1, 20)]
    assert run(STUCK, "TEMP", cast(temp=layer)) == [GOOD] * 59


def test_gear_that_rests_may_measure_one_temperature_for_hours() -> None:
    resting = cast(temp=[12.6] * 40 + [13.0], pres=[80.0 + 0.1 * (one % 3) for one in range(40)] + [79.0])
    assert run(STUCK, "TEMP", resting) == [GOOD] * 41
    lost = cast(temp=[12.6] * 21 + [13.0], pres=[NAN, *[float(one) for one in range(21)]])
    assert run(STUCK, "TEMP", lost) == [OPEN] + [GOOD] * 21
    assert why(STUCK, "TEMP", lost) == {0: "a level has no pressure"}


def test_a_position_of_exactly_0_0_is_suspect_and_one_zero_is_not() -> None:
    one = cast(lat=[0.0, 0.0, -36.0, -0.0, 91.0], lon=[0.0, 175.6, 0.0, 0.0, 0.0])
    assert run("moana.impossible_location", "POSITION", one) == [SUSPECT, GOOD, GOOD, SUSPECT, BAD]
    assert (evaluate(batch_of(cast(3, lat=0.0, lon=0.0)), load_suite("moana")).rolled["POSITION"] == SUSPECT).all()


def test_a_rate_over_a_step_of_a_tenth_of_a_dbar_is_no_gradient() -> None:
    # resting gear: 0.3 degrees in five minutes, while the tide moves it by 0.1 dbar, is 3 degrees a dbar
    one = cast(temp=[12.0] * 10 + [12.3] * 10, pres=[80.0] * 10 + [80.1] * 10)
    assert run("moana.rate_of_change", "TEMP", one, resolution=0.0)[10] == SUSPECT
    assert run("moana.rate_of_change", "TEMP", one) == [SILENT, *[GOOD] * 19]


def test_a_warm_seas_thermocline_is_no_drift() -> None:
    # 27 to 17 degrees from 50 to 100 dbar, one cast: SD 2.9 and range 10 in that bin of moana-qc
    pres = [float(one) for one in range(51, 100)] * 3
    temp = [27.5 - 0.22 * (one - 50) for one in pres]
    flags = evaluate(batch_of(cast(temp=temp, pres=pres)), load_suite("moana")).flags["temp_drift", "TEMP"]
    assert (flags == GOOD).all()
    # another cast ten degrees off at the same depths is one
    warm = [value + 10 * (place >= 49) for place, value in enumerate(temp)]
    flags = evaluate(batch_of(cast(temp=warm, pres=pres)), load_suite("moana")).flags["temp_drift", "TEMP"]
    assert (flags == SUSPECT).all()


def test_the_level_after_a_spike_and_its_bin_are_left_alone() -> None:
    # 8 degrees off at one of ten levels: its rate back is as high as its rate away, and its bin is wide
    one = cast(temp=[15.0] * 10 + [23.0] + [15.0] * 20, pres=[float(place) for place in range(1, 32)])
    assert run("moana.rate_of_change", "TEMP", one) == [SILENT, *[GOOD] * 9, SUSPECT, *[GOOD] * 20]
    assert run("moana.rate_of_change", "TEMP", one, but_back=False)[10:12] == [SUSPECT, SUSPECT]
    assert SUSPECT not in run("moana.temp_drift", "TEMP", one)
    rolled = evaluate(batch_of(one), load_suite("moana")).rolled["TEMP"]
    assert np.flatnonzero(rolled == SUSPECT).tolist() == [10]
    two = cast(temp=[15.0] * 10 + [23.0] * 10, pres=[float(place % 10) for place in range(20)])  # down warm, up cold
    assert run("moana.temp_drift", "TEMP", two) == [SUSPECT] * 20


def test_thresholds_that_say_nothing_are_told_as_configuration() -> None:
    for name, wrong in ((SPIKE, {"beside": 0}), (STUCK, {"repeats": 0}), (STUCK, {"resolution": 0.0})):
        with pytest.raises(ConfigurationError):
            run(name, "TEMP", cast(3), **wrong)
