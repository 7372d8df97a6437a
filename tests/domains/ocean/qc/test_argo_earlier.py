"""Argo tests 16 and 18: against the profile before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.profiles import Earlier
from tests.domains.ocean.qc.argo_cases import (
    BAD,
    GOOD,
    MISSING,
    NAN,
    SILENT,
    SUSPECT,
    UNEVALUATED,
    before,
    cast,
    rows,
    run,
    slow_drift,
    slow_frozen,
)

DEEP = [100.0, 1900.0, 2000.0]


@pytest.mark.parametrize(("on", "limit"), [("TEMP", 1.0), ("PSAL", 0.5)])
def test_the_deep_mean_drifts(on: str, limit: float) -> None:
    earlier = before([50.0, 0.0, 0.0], DEEP, [50.0, 0.0, 0.0])
    for drift, flag in ((limit, GOOD), (math.nextafter(limit, 9), SUSPECT), (-limit, GOOD), (-2 * limit, SUSPECT)):
        values = [0.0, drift, drift]
        assert run("argo.sensor_drift", on, cast(values, DEEP, values, earlier=earlier)) == [flag] * 3


def test_only_the_layer_that_both_have_is_compared() -> None:
    """The deeper water of one of them is no drift: 28 false alarms in real profiles of different depth."""
    earlier = before([4.0, 4.0, 2.0], [900.0, 1000.0, 2000.0])
    assert run("argo.sensor_drift", "TEMP", cast([4.5, 4.5], [900.0, 1000.0], earlier=earlier)) == [GOOD] * 2
    shallow = before([4.0, 4.0], [900.0, 1000.0])
    deep = cast([4.5, 4.5, 2.0], [900.0, 1000.0, 2000.0], earlier=shallow)
    assert run("argo.sensor_drift", "TEMP", deep) == [GOOD] * 3
    assert (
        run("argo.sensor_drift", "TEMP", cast([5.5, 5.5, 2.0], [900.0, 1000.0, 2000.0], earlier=shallow))
        == [SUSPECT] * 3
    )


def test_near_the_surface_there_is_no_layer_to_compare() -> None:
    made = cast([9.0], [99.0], earlier=before([1.0], [2000.0])), cast([9.0], [100.0], earlier=before([1.0], [100.0]))
    assert run("argo.sensor_drift", "TEMP", *made) == [SILENT, SUSPECT]


def test_the_deepest_hundred_begin_with_a_hundred() -> None:
    earlier = before([0.0], [2000.0])
    assert run("argo.sensor_drift", "TEMP", cast([9.0, 0.0], [1900.0, 2000.0], earlier=earlier)) == [SUSPECT] * 2
    assert run("argo.sensor_drift", "TEMP", cast([9.0, 0.0], [1899.9, 2000.0], earlier=earlier)) == [GOOD] * 2


@pytest.mark.parametrize("name", ["argo.sensor_drift", "argo.frozen_profile"])
def test_nothing_to_compare_with(name: str) -> None:
    def salty(values: list[float], pressure: list[float] | None = None, **rest: object) -> object:
        return cast(values, pressure, [35.0] * len(values), **rest)

    made = (
        salty([1.0]),
        salty([1.0], known={"cycle": "0"}),
        salty([1.0], known={"cycle": "2"}),
        salty([1.0], earlier=before([], salinity=[])),
        salty([NAN], earlier=before([1.0], salinity=[35.0])),
        salty([1.0], [NAN], earlier=before([1.0], salinity=[35.0])),
        salty([]),
        salty([1.0], earlier=Earlier(0.0)),
    )
    asked = [UNEVALUATED, SILENT, UNEVALUATED, UNEVALUATED, MISSING, UNEVALUATED, UNEVALUATED]
    assert run(name, "TEMP", *made, required=True) == asked
    assert run(name, "TEMP", *made) == [MISSING if flag == MISSING else SILENT for flag in asked]
    assert run(name, "PSAL", cast([1.0], salinity=[35.0], earlier=before([1.0]))) == [SILENT]


SLABS = [25.0, 75.0, 125.0, 175.0]


@pytest.mark.parametrize(
    ("temperature", "salinity", "flag"),
    [
        ([0.0, 0.0, 0.0, 0.0], [0.0] * 4, BAD),
        ([0.0, 0.0, 0.0, 0.0799], [0.0] * 4, BAD),
        ([0.0, 0.0, 0.0, 0.0801], [0.0] * 4, GOOD),  # the mean
        ([0.00099, 0.01, 0.01, 0.01], [0.0] * 4, BAD),
        ([0.00101, 0.01, 0.01, 0.01], [0.0] * 4, GOOD),  # the least
        ([0.0] * 4, [0.0, 0.0, 0.0, 0.0159], BAD),
        ([0.0] * 4, [0.0, 0.0, 0.0, 0.0161], GOOD),
    ],
)
def test_a_frozen_profile_repeats_the_one_before_in_both(
    temperature: list[float], salinity: list[float], flag: int
) -> None:
    made = cast(temperature, SLABS, salinity, earlier=before([0.0] * 4, SLABS, [0.0] * 4))
    assert run("argo.frozen_profile", "TEMP", made) == [flag] * 4
    assert run("argo.frozen_profile", "PSAL", made) == [flag] * 4


def test_salinity_alone_that_repeats_is_not_frozen() -> None:
    """Deep water has the same salinity for months: judged on it alone the test called 2,178 real levels bad."""
    made = cast([1.0] * 4, SLABS, [35.0] * 4, earlier=before([2.0] * 4, SLABS, [35.0] * 4))
    assert run("argo.frozen_profile", "PSAL", made) == [GOOD] * 4
    assert run("argo.frozen_profile", "TEMP", made) == [GOOD] * 4


def test_without_salinity_nobody_can_say_whether_it_is_frozen() -> None:
    assert run("argo.frozen_profile", "TEMP", cast([1.0] * 4, SLABS, earlier=before([1.0] * 4, SLABS))) == [SILENT] * 4


def test_one_slab_far_off_thaws() -> None:
    pressure, salt = [25.0 + 50.0 * n for n in range(40)], [35.0] * 40
    earlier = before([0.0] * 40, pressure, salt)
    for most, flag in ((0.2999, BAD), (0.3001, GOOD)):
        made = cast([0.0] * 39 + [most], pressure, salt, earlier=earlier)
        assert run("argo.frozen_profile", "TEMP", made) == [flag] * 40


def test_slabs_begin_at_their_multiples() -> None:
    earlier = before([0.0], [49.9], [35.0])
    made = cast([0.0], [0.0], [35.0], earlier=earlier), cast([0.0], [50.0], [35.0], earlier=earlier)
    assert run("argo.frozen_profile", "TEMP", *made) == [BAD, SILENT]


def test_each_profile_has_its_own_before() -> None:
    one = cast([1.0], [150.0], [35.0], earlier=before([1.0], [150.0], [35.0]))
    other = cast([5.0], [150.0], [35.0], earlier=before([9.0], [150.0], [35.0]))
    assert run("argo.frozen_profile", "TEMP", one, other, one) == [BAD, GOOD, BAD]
    assert run("argo.sensor_drift", "TEMP", one, other, one) == [GOOD, SUSPECT, GOOD]


pairs = st.lists(
    st.tuples(
        st.sampled_from([0.0, 40.0, 50.0, 99.0, 140.0, NAN]), st.sampled_from([0.0, 0.0005, 0.01, 1.0, 2.0, NAN])
    ),
    max_size=6,
)


@given(st.lists(st.tuples(pairs, pairs), max_size=4))
@settings(max_examples=50)
def test_both_are_those_of_loops(made: list[tuple[list[tuple[float, float]], list[tuple[float, float]]]]) -> None:
    casts, drift, frozen = [], [], []
    for now, then in made:
        here, there = (
            ([one[0] for one in now], [one[1] for one in now]),
            ([one[0] for one in then], [one[1] for one in then]),
        )
        # salinity stands still, so that temperature decides; where it is missing no slab of it is left
        salt = [0.0 * value for value in here[1]], [0.0 * value for value in there[1]]
        casts.append(cast(here[1], here[0], salt[0], earlier=before(there[1], there[0], salt[1])))
        repeats = slow_frozen(here, there, 0.02)
        carried = any(not math.isnan(value) for value in here[1])
        still = SILENT if repeats is None or not carried else BAD if repeats else GOOD
        for found, flag in ((drift, slow_drift(here, there, 100.0, 1.0)), (frozen, still)):
            found += [MISSING if math.isnan(value) else flag for value in here[1]]
    assert run("argo.sensor_drift", "TEMP", *casts) == drift
    assert run("argo.frozen_profile", "TEMP", *casts) == frozen


@given(rows(0, 3))
@settings(max_examples=20)
def test_pressures_of_any_size_do_no_harm(values: list[float]) -> None:
    huge = [1e300 * (-1) ** n for n in range(len(values))]
    made = cast(values, huge, values, earlier=before(values, huge, values))
    found = run("argo.frozen_profile", "TEMP", made)
    assert len(found) == len(values)
    assert np.isin(found, (BAD, SILENT, MISSING)).all()
