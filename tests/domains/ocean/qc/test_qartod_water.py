"""The QARTOD tests 11 to 13 at each threshold; and all of them in short, empty and doubled profiles, and at seams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Earlier, Position, joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.errors import ConfigurationError, MissingExtraError
from tests.domains.ocean.qc.qartod_cases import (
    ALL,
    CURVE,
    NAN,
    SD,
    SECOND,
    SPIKE,
    STILL,
    TWO,
    T,
    cast,
    flags,
    over,
    qartod,
    said,
    under,
)

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


def test_11_nothing_is_made_up_beyond_the_ends_of_the_neighbour() -> None:
    table = [(1.0, 5.0), (2.0, 5.5), (4.0, 4.5)]
    up = cast([1.0, -1.0, 1.0, -1.0, 0.5], pressure=[4.0, 3.0, 2.0, 1.0, 0.0])
    assert said("neighbour", up, **ONE, table=table)[-1] == 5
    down = cast([1.0, -1.0, 1.0, -1.0, 0.5], pressure=[1.0, 2.0, 3.0, 4.0, 4.5])
    assert said("neighbour", down, **ONE, table=table)[-1] == 5


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
    from bondstore.domains.ocean.qc.qartod_water import inversions

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
    assert result.flags["density_inversion", "PSAL"][30:60].tolist() == [Flag.MISSING] * 30
