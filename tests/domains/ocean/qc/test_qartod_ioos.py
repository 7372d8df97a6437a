"""The QARTOD tests against ioos_qc 3.0.0, profile by profile; and every case where the two differ, with the rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ioos_qc import qartod as theirs
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, joined
from bondstore.domains.ocean.qc.seawater import sigma_theta
from tests.domains.ocean.qc.qartod_cases import NAN, SECOND, alone, cast, flags, qartod

WIDE = {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 180.0)}
TO_OURS = {1: {1}, 2: {0, 5}, 3: {3}, 4: {4}, 9: {9}}
"""Their flags, and which of ours each may be: theirs has one number for silent and for unevaluated."""


def dates(batch: Batch) -> NDArray[np.datetime64]:
    return (batch.time * 1e6).round().astype("datetime64[us]")


def ioos(function: Callable[..., Any], *columns: Any, **thresholds: Any) -> list[int]:
    """Their flags, or nothing where they raise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [int(one) for one in np.ma.filled(function(*columns, **thresholds), 9)]


def _columns() -> Batch:
    """Forty profiles as an instrument might give them, whole, at levels that every test may speak of."""
    random = np.random.default_rng(11)
    batches = []
    for _ in range(40):
        size = int(random.integers(8, 60))
        pressure = np.sort(random.choice(2000, size, replace=False)).astype(float)
        temperature = 20 * np.exp(-pressure / 500) + random.choice([0.01, 1.0]) * random.standard_normal(size)
        temperature[random.integers(0, size, 3)] += random.choice([-9.0, 2.0, 40.0], 3)
        temperature[3 : 3 + random.integers(0, 5)] = 12.0
        batches.append(
            cast(
                temperature.tolist(),
                pressure=(pressure if random.random() < 0.5 else pressure[::-1]).tolist(),
                salinity=(35 + random.standard_normal(size) * random.choice([0.01, 0.5])).tolist(),
                time=(SECOND + 10.0 * np.arange(size)).tolist(),
                latitude=np.clip(85 + random.standard_normal(size) * 4, -95, 95).tolist(),
                longitude=(178 + random.standard_normal(size)).tolist(),
            )
        )
    return joined(batches)


BATCH = _columns()
SALTY = replace(BATCH, latitude=np.full(BATCH.levels, -40.0))
"""The same where densities are known throughout."""
WINDOWS = [{"tspan": (1, 12), "vspan": (5.0, 15.0), "period": "month", "zspan": (0, 700)}]
PAIRS: dict[str, tuple[str, str, dict[str, Any], Callable[[Batch], list[int]]]] = {
    "gross range": (
        "gross_range",
        "TEMP",
        {"sensor_span": (-2.0, 30.0), "operator_span": (3.0, 18.0)},
        lambda one: ioos(theirs.gross_range_test, one.temperature, (-2.0, 30.0), (3.0, 18.0)),
    ),
    "location": (
        "location",
        "POSITION",
        {**WIDE, "range_max": 400.0},
        lambda one: ioos(theirs.location_test, one.longitude, one.latitude, 400e3),
    ),
    "climatology": (
        "climatology",
        "TEMP",
        {"windows": [{"month": (1.0, 12.0), "pressure": (0.0, 700.0), "span": (5.0, 15.0)}]},
        lambda one: ioos(theirs.climatology_test, WINDOWS, one.temperature, dates(one), one.pressure),
    ),
    "spike": (
        "spike",
        "TEMP",
        {"low": 1.0, "high": 5.0},
        lambda one: ioos(theirs.spike_test, one.temperature, 1.0, 5.0),
    ),
    "flat line": (
        "flat_line",
        "TEMP",
        {"suspect_count": 3, "fail_count": 5, "eps": 1e-9},
        lambda one: ioos(theirs.flat_line_test, one.temperature, dates(one), 20, 40, 1e-9),
    ),
    "attenuated signal, range": (
        "attenuated_signal",
        "TEMP",
        {"measure": "range", "warn": 25.0, "fail": 20.0},
        lambda one: ioos(theirs.attenuated_signal_test, one.temperature, dates(one), 25.0, 20.0, check_type="range"),
    ),
    "attenuated signal, deviation": (
        "attenuated_signal",
        "TEMP",
        {"measure": "deviation", "warn": 7.0, "fail": 6.0},
        lambda one: ioos(theirs.attenuated_signal_test, one.temperature, dates(one), 7.0, 6.0),
    ),
    "density inversion": (
        "density_inversion",
        "TEMP",
        {"tolerance": 0.03},
        lambda one: ioos(theirs.density_inversion_test, sigma_theta(one, 0.0), one.pressure, fail_threshold=-0.03),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_they_agree_flag_for_flag_on_whole_profiles(name: str) -> None:
    test, on, thresholds, oracle = PAIRS[name]
    batch = SALTY if name == "density inversion" else BATCH
    ours = flags(getattr(qartod, test)(batch, on, **thresholds))
    other = [flag for one in alone(batch) for flag in oracle(one)]
    apart = [(n, a, b) for n, (a, b) in enumerate(zip(ours, other, strict=True)) if a not in TO_OURS[b]]
    if name == "flat line":
        apart = [one for one in apart if BATCH.starts[BATCH.owner[one[0]]] + 1 < one[0]]  # see DISAGREEMENTS
    if name == "climatology":
        apart = [one for one in apart if one[1:] != (0, 2)]
    assert not apart
    assert {3, 4} & set(ours)
    assert {1} & set(ours)


def test_they_agree_on_rates_but_for_the_first_level() -> None:
    ours = np.array(flags(qartod.rate_per_second(BATCH, "TEMP", threshold=0.1)))
    parts = [ioos(theirs.rate_of_change_test, one.temperature, dates(one), 0.1) for one in alone(BATCH)]
    other = np.array([flag for part in parts for flag in part])
    rest = np.setdiff1d(np.arange(BATCH.levels), BATCH.starts)
    assert (ours[rest] == other[rest]).all()
    assert set(ours[rest].tolist()) == {1, 3}
    assert set(ours[BATCH.starts].tolist()) == {0}


TEMP = "TEMP"
FALL = cast(salinity=[35.0] * 6, temperature=[10.0, 12.0, 9.0, NAN, 8.0, 8.0], pressure=[0, 1, 2, 3, 4, 4])
DISAGREEMENTS: dict[str, tuple[Callable[[], list[int] | None], list[int], list[int], Callable[[], list[int]], str]] = {
    # what: (ioos_qc, its flags, ours, our call, the rule that decides)
    "1: the first level": (
        lambda: ioos(theirs.time_gap_test, np.array([0, 7200, 7201], "M8[s]"), fail_span=1),
        [4, 4, 1],
        [0, 4, 1],
        lambda: flags(qartod.gap(cast(time=[0, 7200, 7201]), "TIME", increment=3600.0)),
        "NOW - TIM_STMP is of an observation and the one before: the first has none, and arrived before the gap",
    ),
    "1: an expected window in fractions of a second": (
        lambda: ioos(theirs.time_gap_test, np.array([0, 1500, 3000], "M8[ms]"), fail_span=1.6 / 3600),
        [4, 4, 4],
        [0, 1, 1],
        lambda: flags(qartod.gap(cast(time=[0, 1.5, 3.0]), "TIME", increment=1.6)),
        "TIM_INC is as stated; they cut it to whole seconds",
    ),
    "3: half a position": (
        lambda: ioos(theirs.location_test, np.array([10.0, 10.0]), np.array([NAN, 0.0])),
        [4, 1],
        [9, 1],
        lambda: flags(qartod.location(cast(latitude=[NAN, 0.0], longitude=[10.0, 10.0]), "POSITION", **WIDE)),
        "fail is LAT > |90| or LONG > |180|, and missing is not beyond",
    ),
    "3: a missing position, and the displacement from it": (
        lambda: ioos(theirs.location_test, np.array([10.0, NAN, 10.0]), np.array([0.0, NAN, 0.0]), 1000.0),
        [1, 3, 3],
        [1, 9, 5],
        lambda: flags(
            qartod.location(
                cast(latitude=[0.0, NAN, 0.0], longitude=[10.0, NAN, 10.0]), "POSITION", **WIDE, range_max=1.0
            )
        ),
        "missing data are flagged missing; DISP from a place that is not known is not known",
    ),
    "3: longitude 182": (
        lambda: ioos(theirs.location_test, np.array([182.0]), np.array([0.0])),
        [4],
        [1],
        lambda: flags(
            qartod.location(
                cast(latitude=[0.0], longitude=[182.0]),
                "POSITION",
                latitudes=(-90.0, 90.0),
                longitudes=(-180.0, 360.0),
            )
        ),
        "limits are the operator's: 182 east is a place, and files with longitudes of 0 to 360 write it so",
    ),
    "5: a season over the turn of the year": (
        lambda: ioos(
            theirs.climatology_test,
            [{"tspan": (12, 2), "vspan": (0, 1), "period": "month"}],
            np.array([5.0, 5.0]),
            np.array([0.0, 86400.0 * 180]),
            np.array([1.0, 1.0]),
        ),
        [2, 3],
        [3, 0],
        lambda: flags(
            qartod.climatology(
                cast([5.0, 5.0], time=[0.0, 86400.0 * 180]),
                TEMP,
                windows=[{"month": (12.0, 2.0), "span": (0.0, 1.0)}],
            )
        ),
        "T_Season is of the season that the operator states; they sort its ends and judge the rest of the year",
    ),
    "6: a threshold of 0": (
        lambda: ioos(theirs.spike_test, np.array([1.0, 3.0, 1.0]), 0, 0),
        [2, 1, 2],
        [0, 4, 0],
        lambda: flags(qartod.spike(cast([1.0, 3.0, 1.0]), TEMP, low=0.0, high=0.0)),
        "|x - SPK_REF| > THRSHLD_HIGH, also when that is 0",
    ),
    "7: the first level": (
        lambda: ioos(theirs.rate_of_change_test, np.array([1.0, 2.0]), np.array([0.0, 10.0]), 0.5),
        [1, 1],
        [0, 1],
        lambda: flags(qartod.rate_per_second(cast([1.0, 2.0]), TEMP, threshold=0.5)),
        "T(n) - T(n-1): there is no T(n-1), so the test says nothing and calls nothing good",
    ),
    "7: the time between levels in fractions of a second": (
        lambda: ioos(theirs.rate_of_change_test, np.array([1.0, 2.0]), np.array([0, 1900], "M8[ms]"), 0.6),
        [1, 3],
        [0, 1],
        lambda: flags(qartod.rate_per_second(cast([1.0, 2.0], time=[0.0, 1.9]), TEMP, threshold=0.6)),
        "1 degree in 1.9 s is 0.53 a second; they cut 1.9 s to 1 s",
    ),
    "7: after a missing value": (
        lambda: ioos(theirs.rate_of_change_test, np.array([1.0, NAN, 9.0]), np.arange(3) * 10.0, 0.5),
        [1, 9, 1],
        [0, 9, 5],
        lambda: flags(qartod.rate_per_second(cast([1.0, NAN, 9.0]), TEMP, threshold=0.5)),
        "flag 2 is for a test that was not evaluated; it is no pass",
    ),
    "7: a change in no time": (
        lambda: ioos(theirs.rate_of_change_test, np.array([1.0, 9.0]), np.array([5.0, 5.0]), 0.5),
        [1, 3],
        [0, 5],
        lambda: flags(qartod.rate_per_second(cast([1.0, 9.0], time=[5.0, 5.0]), TEMP, threshold=0.5)),
        "nothing over 0 s is no rate: two levels that a clock of whole seconds cannot tell apart are no jump",
    ),
    "8: the first levels": (
        lambda: ioos(theirs.flat_line_test, np.ones(3), np.arange(3) * 10.0, 20, 40, 0.1),
        [1, 1, 3],
        [0, 0, 3],
        lambda: flags(qartod.flat_line(cast([1.0] * 3), TEMP, suspect_count=3, fail_count=5, eps=0.1)),
        "three most recent observations are not there yet",
    ),
    "8: values around the present one": (
        lambda: ioos(theirs.flat_line_test, np.array([1.09, 0.91, 1.0]), np.arange(3) * 10.0, 20, 40, 0.1),
        [1, 1, 1],
        [0, 0, 3],
        lambda: flags(qartod.flat_line(cast([1.09, 0.91, 1.0]), TEMP, suspect_count=3, fail_count=5, eps=0.1)),
        "each T(n) - T(n-i) < EPS, measured from T(n); they measure the range of them all",
    ),
    "8: a profile too short": (
        lambda: ioos(theirs.flat_line_test, np.ones(2), np.arange(2) * 10.0, 20, 40, 0.1),
        [1, 1],
        [5, 5],
        lambda: flags(qartod.flat_line(cast([1.0] * 2), TEMP, suspect_count=3, fail_count=5, eps=0.1)),
        "a test that could not run has not passed",
    ),
    "10: before the window is full": (
        lambda: ioos(
            theirs.attenuated_signal_test,
            np.array([1.0, 2.0, 1.0]),
            (np.arange(3) * 10).astype("M8[s]"),
            0.5,
            0.1,
            15,
            check_type="range",
        ),
        [4, 1, 1],
        [0, 0, 1],
        lambda: flags(
            qartod.attenuated_signal(
                cast([1.0, 2.0, 1.0]), TEMP, measure="range", warn=0.5, fail=0.1, along="TIME", window=15.0
            )
        ),
        "during TST_TIM: a single value has no range that could fail",
    ),
    "13: a level after one without density, and levels at one pressure": (
        lambda: ioos(theirs.density_inversion_test, sigma_theta(FALL, 0.0), FALL.pressure, fail_threshold=-0.03),
        [4, 4, 1, 9, 9, 1],
        [4, 4, 5, 9, 5, 0],
        lambda: flags(qartod.density_inversion(FALL, TEMP, tolerance=0.03)),
        "a value that is there is not missing, but not evaluated; sigma(n) is of a deeper level than sigma(n-1)",
    ),
}


@pytest.mark.parametrize("what", DISAGREEMENTS)
def test_where_they_differ(what: str) -> None:
    call, theirs_say, ours_say, ours, rule = DISAGREEMENTS[what]
    assert call() == theirs_say
    assert ours() == ours_say
    assert theirs_say != ours_say
    assert rule


@pytest.mark.parametrize(
    ("function", "columns", "name", "on", "thresholds"),
    [
        (theirs.spike_test, (np.zeros(0), 1.0, 2.0), "spike", TEMP, {"low": 1.0, "high": 2.0}),
        (theirs.time_gap_test, (np.zeros(0, "M8[s]"),), "gap", "TIME", {"increment": 1.0}),
    ],
)
def test_where_they_raise(
    function: Callable[..., Any], columns: Any, name: str, on: str, thresholds: dict[str, Any]
) -> None:
    with pytest.raises(IndexError):
        ioos(function, *columns)
    assert flags(getattr(qartod, name)(cast(), on, **thresholds)) == []


def test_over_profiles_put_together_they_see_across_the_seam() -> None:
    two = joined([cast([1.0, 1.0, 1.0]), cast([9.0, 9.0, 9.0])])
    assert ioos(theirs.spike_test, two.temperature, 1.0, 2.0) == [2, 1, 4, 4, 1, 2]
    assert flags(qartod.spike(two, TEMP, low=1.0, high=2.0)) == [0, 1, 0, 0, 1, 0]
