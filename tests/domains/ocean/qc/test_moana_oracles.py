"""The vectorised Moana tests against slow loops over one profile, and against themselves in other company."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import all_tests, load_suite
from tests.domains.ocean.qc import moana_oracles, moana_oracles_2024
from tests.domains.ocean.qc.moana_made import BATCHES, Cast, batch_of

SMALLER = {"repeats": 3, "smallest_cluster": 3}
"""Thresholds in levels, made small enough for the short profiles drawn here."""
STEPS: list[tuple[str, str, dict[str, Any]]] = [
    (step.test.name, step.on, {name: SMALLER.get(name, value) for name, value in step.thresholds.items()})
    for which in ("moana", "moana-2024")
    for step in load_suite(which).steps
]
STEPS += [
    ("moana.spike", "TEMP", {"deviations": 3.0}),
    ("moana.stuck_value", "TEMP", {"repeats": 3, "within": 0.05}),
    ("moana.rate_of_change", "TEMP", {"rate": 2.0, "deviations": 2.0}),
    ("moana.rate_of_change", "TEMP", {"rate": 0.1, "deviations": 0.1, "resolution": 0.5, "but_back": True}),
    ("moana.temp_drift", "TEMP", {"edges": (0.0, 10.0, 20.0), "spreads": (0.1, 0.5), "ranges": (0.2, 2.0), "trim": 1}),
    ("moana.one_level_spike", "TEMP", {"shallow": 0.02, "deep": 0.01, "split": 10.0, "factor": 1.5, "beside": 3}),
    ("moana.gear_type", "POSITION", {"still": 0.0}),
    ("moana.gear_type", "POSITION", {"still": 2.5}),
    ("moana2024.datetime_increasing", "TIME", {}),
    ("moana.climatology", "TEMP", {"period": "month", "rows": [(5, 5, -40, -30, 170, -170, 0, 20, 10.01, 17.0)]}),
]
WITHOUT_ORACLE = {"moana.position_on_land", "moana.climatology"}  # cases of their own: test_moana_place, _climatology


def test_every_test_is_compared() -> None:
    ours = {name for name in all_tests() if name.startswith(("moana.", "moana2024."))}
    assert ours == {name for name, _, _ in STEPS}
    assert len(ours) == 20 + 15


@settings(max_examples=100, deadline=None)
@given(casts=BATCHES)
def test_flags_are_those_of_a_loop_over_one_profile(casts: list[Cast]) -> None:
    batch = batch_of(*casts)
    for name, on, stated in STEPS:
        if name in WITHOUT_ORACLE:
            continue
        module, _, short = name.partition(".")
        oracle = getattr(moana_oracles if module == "moana" else moana_oracles_2024, short)
        wanted = [flag for one in casts for flag in oracle(one, on, **stated)]
        found = all_tests()[name].function(batch, on, **stated).flags.tolist()
        either = [n for n, flag in enumerate(wanted) if flag == moana_oracles.EITHER]
        for n in either:
            wanted[n] = found[n]
        assert (name, on, found) == (name, on, wanted)


@settings(max_examples=50, deadline=None)
@given(casts=BATCHES, shuffling=st.integers(0, 2**32))
def test_flags_and_reasons_do_not_depend_on_the_company(casts: list[Cast], shuffling: int) -> None:
    batch = batch_of(*casts)
    order = random.Random(shuffling).sample(range(len(batch)), len(batch))
    for name, on, stated in STEPS:
        function = all_tests()[name].function
        together = function(batch, on, **stated)
        apart = [together.flags[batch.owner == number] for number in range(len(batch))]
        for number in range(len(batch)):
            alone = function(batch.take([number]), on, **stated)
            np.testing.assert_array_equal(alone.flags, apart[number], name)
            assert (name, alone.reasons.get(0)) == (name, together.reasons.get(number))
        mixed = function(batch.take(order), on, **stated)
        np.testing.assert_array_equal(
            mixed.flags, np.concatenate([apart[number] for number in order] or [np.zeros(0, np.int8)]), name
        )


@settings(max_examples=50, deadline=None)
@given(casts=BATCHES)
def test_unevaluated_profiles_have_a_reason_without_data_and_missing_is_where_a_value_is_missing(
    casts: list[Cast],
) -> None:
    batch = batch_of(*casts)
    for name, on, stated in STEPS:
        said = all_tests()[name].function(batch, on, **stated)
        if name.startswith("moana."):
            open_ = set(batch.owner[said.flags == Flag.UNEVALUATED].tolist())
            assert (name, set(said.reasons)) == (name, open_)
        assert all(why and not any(sign.isdigit() for sign in why) for why in said.reasons.values())
        values = batch.latitude + batch.longitude if on == "POSITION" else batch.column(on)
        assert values is not None
        np.testing.assert_array_equal(said.flags == Flag.MISSING, np.isnan(values), name)
