"""Both Moana suites load, and run over whatever a fleet brings."""

from __future__ import annotations

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Batch, joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite
from tests.domains.ocean.qc.moana_made import NAN, batch_of, cast
from tests.ocean_files import moana_fleet

SUITES = ("moana", "moana-2024")


@pytest.fixture(scope="module")
def fleet() -> Batch:
    from bondstore.domains.ocean.reading import read_moana

    return joined([read_moana(data, key)[0] for key, data in moana_fleet(12, levels=60).items()])


@pytest.mark.parametrize("which", SUITES)
def test_a_suite_runs_over_a_fleet_and_no_test_fails(which: str, fleet: Batch) -> None:
    result = evaluate(fleet, load_suite(which))
    assert len(result.flags) == len(load_suite(which).steps)
    said = {why for reasons in result.reasons.values() for why in reasons.values()}
    assert not any("failed" in why for why in said)
    alone = evaluate(fleet.take([3]), load_suite(which))
    for key, flags in alone.flags.items():
        np.testing.assert_array_equal(flags, result.flags[key][fleet.owner == 3])


def test_a_plausible_fleet_is_good_but_for_what_the_rules_cannot_tell(fleet: Batch) -> None:
    result = evaluate(fleet, load_suite("moana"))
    for label, on in (("spike", "TEMP"), ("spike", "PRES"), ("rate_of_change", "TEMP"), ("temp_drift", "TEMP")):
        assert np.isin(result.flags[label, on], (Flag.GOOD, Flag.SILENT)).all(), label
    for label in ("impossible_date", "datetime_increasing", "timing_gap", "reset_code_check", "timestamp_overflow"):
        assert np.isin(result.flags[label, "TIME"], (Flag.GOOD, Flag.SILENT)).all(), label
    assert (result.rolled["TIME"] == Flag.GOOD).all()
    assert (result.rolled["PRES"] == Flag.GOOD).all()


@pytest.mark.parametrize("which", SUITES)
@pytest.mark.parametrize(
    "batch",
    [
        batch_of(),
        batch_of(cast(0)),
        batch_of(cast(1), cast(0), cast(1)),
        batch_of(cast(3, time=NAN, lat=NAN, lon=NAN, pres=NAN, temp=NAN)),
        batch_of(cast(30, time=5.0)),
        batch_of(cast(3, temp=float("inf"), pres=float("-inf"), lat=1e308, lon=-1e308, time=1e308)),
    ],
    ids=["no-profile", "no-level", "one-level", "all-missing", "one-time", "wild"],
)
def test_odd_batches_run_through_and_no_test_fails(which: str, batch: Batch) -> None:
    result = evaluate(batch, load_suite(which))
    assert all(flags.shape == (batch.levels,) for flags in result.flags.values())
    assert not any("failed" in why for reasons in result.reasons.values() for why in reasons.values())


def test_the_compat_suite_says_nothing_of_rows_that_the_chain_drops() -> None:
    one = cast(lat=[-36.0, 0.0, -36.0, -36.0, -36.0], time=[1.7e9, 1.7e9 + 1, 1.7e9 + 1, 1.7e9 + 2, 1.7e9 + 3])
    one.temp[3] = NAN
    result = evaluate(batch_of(one), load_suite("moana-2024"))
    dropped = [False, True, True, True, False]  # no latitude; the first at its time is dropped; no temperature
    for (label, on), flags in result.flags.items():
        silent = np.isin(flags, (Flag.SILENT, Flag.MISSING))
        assert silent[dropped].all(), (label, on)


def test_suites_write_the_numbers_of_the_chain() -> None:
    for which in SUITES:
        written = load_suite(which).scale.write(np.array([0, 1, 2, 3, 4, 5, 9], np.int8))
        assert written.tolist() == [0, 1, 2, 3, 4, 0, 9]
