"""Every QARTOD test against a plain loop over the manual's text, and no profile's flags depend on others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.tests import REGISTRY
from tests.domains.ocean.qc import qartod_oracles
from tests.domains.ocean.qc.qartod_cases import alone, batches, flags, qartod

PRES = {"window": 3.0, "along": "PRES", "least": 2}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("gap", "TIME", {"increment": 10.0}),
    *(("syntax", on, {}) for on in ("TIME", "POSITION", "PRES", "TEMP", "PSAL")),
    ("location", "POSITION", {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 360.0)}),
    (
        "location",
        "POSITION",
        {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 180.0), "range_max": 20.0, "from_earlier": True},
    ),
    ("location", "POSITION", {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 180.0), "range_max": 20.0}),
    ("gross_range", "TEMP", {"sensor_span": (0.0, 20.0), "operator_span": (10.125, 14.0)}),
    ("gross_range", "PSAL", {"sensor_span": (34.5, 35.0)}),
    ("gross_range", "PRES", {"sensor_span": (0.0, 5.0)}),
    (
        "climatology",
        "TEMP",
        {
            "windows": [
                {"pressure": (0.0, 4.0), "span": (10.125, 14.0)},
                {"month": (10.0, 1.0), "longitude": (170.0, -180.0), "span": (10.0, 12.0)},
                {"latitude": (-42.0, -41.5), "day_of_year": (1.0, 366.0), "span": (10.0, 20.0)},
                {"week": (1.0, 2.0), "quarter": (1.0, 1.0), "year": (2023.0, 2023.0), "span": (0.0, 1.0)},
            ]
        },
    ),
    ("spike", "TEMP", {"low": 0.125, "high": 4.0}),
    ("spike", "PRES", {"low": 0.5, "high": 0.5, "method": "third_difference"}),
    ("spike", "PSAL", {"low": 0.25, "high": 0.5}),
    ("rate_of_change", "TEMP", {"deviations": 2.0, **PRES}),
    ("rate_of_change", "PSAL", {"deviations": 1.0, "window": 20.0, "along": "TIME", "least": 1, "offset": 0.5}),
    ("rate_per_second", "TEMP", {"threshold": 0.0125}),
    ("flat_line", "TEMP", {"suspect_count": 2, "fail_count": 3, "eps": 0.125}),
    ("flat_line", "PSAL", {"suspect_count": 3, "fail_count": 5, "eps": 0.75}),
    ("multi_variate", "TEMP", {"other": "PSAL", "deviations": 0.5, "other_deviations": 4.0, **PRES}),
    ("attenuated_signal", "TEMP", {"warn": 1.0, "fail": 0.125, "measure": "deviation"}),
    ("attenuated_signal", "TEMP", {"warn": 0.25, "fail": 0.125, "measure": "range", "along": "PRES", "window": 2.0}),
    ("attenuated_signal", "PSAL", {"warn": 0.5, "fail": 0.25, "measure": "deviation", "window": 15.0}),
    ("neighbour", "TEMP", {"deviations": 0.5, "other_deviations": 4.0, "max_age": 3600.0, **PRES}),
    ("neighbour", "PSAL", {"deviations": 0.5, "other_deviations": 4.0, "max_distance": 20.0, **PRES}),
    ("neighbour", "TEMP", {"deviations": 0.5, "other_deviations": 4.0, "table": [(0.0, 9.0), (8.0, 17.0)], **PRES}),
    ("ts_space", "PSAL", {"curve": [(10.0, 34.0), (14.0, 35.0)], "warn": 0.5, "fail": 1.0}),
    ("ts_space", "TEMP", {"curve": [(10.0, 34.0), (20.0, 36.0)], "warn": 0.5, "fail": 0.5, "below": 2.0}),
    ("density_inversion", "TEMP", {"tolerance": 0.03}),
    ("density_inversion", "PSAL", {"tolerance": 0.5}),
]


def test_no_test_of_the_manual_is_left_out() -> None:
    named = {name for name in REGISTRY if name.startswith("qartod.")}
    assert named == {f"qartod.{name}" for name, _, _ in CASES}
    assert {REGISTRY[name].standard for name in named} == {f"QARTOD T/S 2.1, test {n}" for n in range(1, 14)}


@pytest.mark.parametrize(("name", "on", "thresholds"), CASES, ids=lambda one: one if isinstance(one, str) else "")
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batch=batches)
def test_flags_are_the_manuals_and_depend_on_no_other_profile(
    name: str, on: str, thresholds: dict[str, Any], batch: Batch
) -> None:
    run = getattr(qartod, name)
    whole = run(batch, on, **thresholds)
    ones = [run(one, on, **thresholds) for one in alone(batch)]
    assert flags(whole) == [flag for one in ones for flag in flags(one)]
    assert dict(whole.reasons) == {n: one.reasons[0] for n, one in enumerate(ones) if one.reasons}
    turned = run(batch.take(range(len(batch) - 1, -1, -1)), on, **thresholds)
    assert flags(turned) == [flag for one in reversed(ones) for flag in flags(one)]
    oracle = getattr(qartod_oracles, name)
    for one, said in zip(alone(batch), ones, strict=True):
        expected = oracle(one, on, **thresholds)
        assert [found if want is not None else None for found, want in zip(flags(said), expected, strict=True)] == (
            expected
        )
        assert bool(said.reasons) == bool((said.flags == 5).any())


@pytest.mark.parametrize(("name", "on", "thresholds"), CASES, ids=lambda one: one if isinstance(one, str) else "")
def test_a_batch_of_nothing(name: str, on: str, thresholds: dict[str, Any]) -> None:
    nothing = Batch([], np.zeros(0, np.int64), *(np.zeros(0) for _ in range(5)))
    assert flags(getattr(qartod, name)(nothing, on, **thresholds)) == []
