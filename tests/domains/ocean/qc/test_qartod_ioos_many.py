"""The five tests of the suite against ioos_qc on 300 random profiles with holes: where they differ, a rule decides."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ioos_qc import qartod as theirs
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, joined
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import neighbour
from bondstore.domains.ocean.qc.seawater import sigma_theta
from tests.domains.ocean.qc.qartod_cases import NAN, SECOND, alone, cast, qartod

Where = NDArray[np.bool_]
PROFILES = 300
AS_OURS = {1: {1}, 2: {0, 5}, 3: {3}, 4: {4}, 9: {9}}
"""Their flags, and which of ours each may be: theirs has one number for silent and for unevaluated."""


def profile(random: np.random.Generator) -> Batch:
    size = int(random.choice([1, 2, 3, 10, 40, 180]))
    step = random.choice([0.0, 1.0, 2.0], size, p=[0.05, 0.75, 0.2])
    pressure = np.cumsum(step)
    columns = {
        "temperature": 20 * np.exp(-pressure / 60) + random.normal(0, 0.02, size),
        "salinity": 35 + random.normal(0, 0.01, size),
        "pressure": pressure[:: random.choice([-1, 1])].copy(),
        "latitude": random.choice([0.0, 89.999, -50.0]) + random.normal(0, 1e-3, size),
        "longitude": random.choice([0.0, 179.5, -70.0]) + random.normal(0, 1e-3, size),
    }
    columns["temperature"][random.integers(0, size, max(1, size // 30))] += random.choice([0.0, 3.0, 12.0, 40.0])
    for name in ("temperature", "salinity", "pressure", "latitude", "longitude"):
        if random.random() < 0.3:
            columns[name][random.integers(0, size, max(1, size // 30))] = NAN
    seconds = np.cumsum(random.choice([0.0, 1.0, 5.0], size, p=[0.02, 0.49, 0.49]))
    return cast(**{name: one.tolist() for name, one in columns.items()}, time=(SECOND + seconds).tolist())


RANDOM = np.random.default_rng(20)
BATCH = joined([profile(RANDOM) for _ in range(PROFILES)])
FIRST = np.isin(np.arange(BATCH.levels), BATCH.starts)
ALONE = (BATCH.sizes == 1)[BATCH.owner]


def beside(hole: Where, *offsets: int) -> Where:
    """Which levels have a hole next to them."""
    return np.logical_or.reduce([neighbour(BATCH, hole.astype(float), offset) == 1 for offset in offsets])


def same_as_beside(values: NDArray[np.float64], *offsets: int) -> Where:
    return np.logical_or.reduce([neighbour(BATCH, values, offset) == values for offset in offsets])


NO_TEMPERATURE = np.isnan(BATCH.temperature)
NOWHERE = np.isnan(BATCH.latitude) | np.isnan(BATCH.longitude)
DENSITY = sigma_theta(BATCH, 0.0)
UNSURE = np.isnan(DENSITY) | np.isnan(BATCH.pressure)

Rules = dict[str, tuple[set[tuple[int, int]], Where]]
TESTS: dict[str, tuple[str, str, dict[str, Any], Callable[[Batch], Any], Rules]] = {
    # test, variable, thresholds, ioos_qc; the rules: pairs of theirs and ours, and where they may stand
    "gross range": (
        "gross_range",
        "TEMP",
        {"sensor_span": (-2.0, 30.0), "operator_span": (3.0, 20.0)},
        lambda one: theirs.gross_range_test(one.temperature, (-2.0, 30.0), (3.0, 20.0)),
        {},
    ),
    "spike": (
        "spike",
        "TEMP",
        {"low": 1.0, "high": 5.0},
        lambda one: theirs.spike_test(one.temperature, 1.0, 5.0),
        {},
    ),
    "rate of change": (
        "rate_per_second",
        "TEMP",
        {"threshold": 0.5},
        lambda one: theirs.rate_of_change_test(one.temperature, (one.time * 1e6).astype("M8[us]"), 0.5),
        {
            "a first level has no level before it, and nothing is called good that was not compared": (
                {(1, 0), (1, 5)},
                FIRST,
            ),
            "a level before without a value is nothing to compare with": ({(1, 5)}, beside(NO_TEMPERATURE, -1)),
            "nothing over no time is no rate": ({(1, 5), (3, 5)}, same_as_beside(BATCH.time, -1)),
        },
    ),
    "location": (
        "location",
        "POSITION",
        {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 180.0), "range_max": 0.2},
        lambda one: theirs.location_test(one.longitude, one.latitude, 200.0),
        {
            "what is missing is missing, not beyond a limit and not far away": ({(3, 9), (4, 9)}, NOWHERE),
            "the displacement from a place that is not known is not known": (
                {(1, 5), (3, 5)},
                beside(NOWHERE, -1),
            ),
        },
    ),
    "density": (
        "density_inversion",
        "TEMP",
        {"tolerance": 0.03},
        lambda one: theirs.density_inversion_test(sigma_theta(one, 0.0), one.pressure, fail_threshold=-0.03),
        {
            "of two levels at one pressure, none is the deeper": ({(1, 0)}, same_as_beside(BATCH.pressure, -1, 1)),
            "a level of which one neighbour has no density was compared by half": ({(1, 5)}, beside(UNSURE, 1)),
            "a value that is there is not missing for want of a density here or before": (
                {(9, 5), (9, 4)},
                ~NO_TEMPERATURE & (UNSURE | beside(UNSURE, -1)),
            ),
            "a value that is not there is missing, though it be the only one": ({(2, 9)}, NO_TEMPERATURE & ALONE),
        },
    ),
}


def of_ioos(call: Callable[[Batch], Any], one: Batch) -> list[int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [int(flag) for flag in np.ma.filled(call(one), 9)]


@pytest.mark.parametrize("name", TESTS)
def test_they_agree_but_where_a_rule_decides(name: str) -> None:
    test, on, thresholds, call, rules = TESTS[name]
    ours = getattr(qartod, test)(BATCH, on, **thresholds).flags
    other = np.array([flag for one in alone(BATCH) for flag in of_ioos(call, one)])
    apart = np.array([mine not in AS_OURS[flag] for mine, flag in zip(ours.tolist(), other.tolist(), strict=True)])
    for rule, (pairs, where) in rules.items():
        ruled = where & np.array([pair in pairs for pair in zip(other.tolist(), ours.tolist(), strict=True)])
        assert (apart & ruled).any(), f"no level is decided by: {rule}"
        apart &= ~ruled
    left = {(int(other[n]), int(ours[n])) for n in np.flatnonzero(apart)}
    assert not left, left
    assert {Flag.GOOD, Flag.MISSING} < set(ours.tolist())
    assert {Flag.SUSPECT, Flag.BAD} & set(ours.tolist())
