"""The suites as they ship: what they say of a profile never depends on which others are in its batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.profiles import COLUMNS, Batch, Floats, joined
from bondstore.domains.ocean.qc.evaluate import Result, evaluate, pick
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import absent
from bondstore.domains.ocean.qc.suite import load_suite, suite_names
from bondstore.domains.ocean.reading import read_any
from tests.domains.ocean.wild import wild
from tests.ocean_files import argo_nc, moana_fleet

SUITES = suite_names()
BEATS = (Flag.MISSING, Flag.GOOD, Flag.PROBABLY_GOOD, Flag.UNEVALUATED, Flag.SUSPECT, Flag.BAD)


def said(batch: Batch, result: Result, number: int) -> dict[str, object]:
    """All that a result says of one profile, but for salinity that nobody measured."""
    rows = slice(int(batch.starts[number]), int(batch.starts[number] + batch.sizes[number]))
    salty = batch.salinity is not None and not np.isnan(batch.salinity[rows]).all()
    return {
        "grade": int(result.grades[number]),
        "flags": {place: found[rows].tolist() for place, found in result.flags.items() if salty or place[1] != "PSAL"},
        "rolled": {on: found[rows].tolist() for on, found in result.rolled.items() if salty or on != "PSAL"},
        "reasons": {place: why[number] for place, why in result.reasons.items() if number in why},
    }


def check(which: str, ones: Sequence[Batch], order: Sequence[int]) -> None:
    suite = load_suite(which)
    alone = [said(one, evaluate(one, suite), 0) for one in ones]
    batch = joined([ones[number] for number in order])
    result = evaluate(batch, suite)
    assert [said(batch, result, place) for place in range(len(order))] == [alone[number] for number in order]
    half = range(len(order) // 2, len(order))
    some, part = pick(batch, result, half)
    assert [said(some, part, place) for place in range(len(half))] == [alone[order[number]] for number in half]


@pytest.mark.parametrize("which", SUITES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_alone_or_in_any_company(which: str, data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    ones = [wild(random) for _ in range(data.draw(st.integers(1, 9)))]
    check(which, ones, data.draw(st.permutations(range(len(ones)))))


@pytest.mark.parametrize("which", SUITES)
def test_fleets_read_from_files(which: str) -> None:
    files = {**moana_fleet(5, levels=40, seed=4), "float.nc": argo_nc(cycles=(1, 2, 3))}
    batches = [read_any(key, data)[0] for key, data in files.items()]
    ones = [batch.take([number]) for batch in batches for number in range(len(batch))]
    check(which, ones, list(reversed(range(len(ones)))))


@pytest.mark.parametrize("which", SUITES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_is_good_was_called_good_and_nothing_worse(which: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    batch = joined([wild(random) for _ in range(6)])
    result = evaluate(batch, load_suite(which))
    for on, rolled in result.rolled.items():
        tests = np.array([found for (_, of), found in result.flags.items() if of == on]).reshape(-1, batch.levels)
        good = (rolled == Flag.GOOD) | (rolled == Flag.PROBABLY_GOOD)
        assert ((tests[:, good] == Flag.GOOD) | (tests[:, good] == Flag.PROBABLY_GOOD)).any(axis=0).all()
        assert not np.isin(tests[:, good], (Flag.UNEVALUATED, Flag.SUSPECT, Flag.BAD)).any()
        assert ((rolled == Flag.MISSING) == absent(batch, on)).all()
        assert (rolled[(tests == Flag.BAD).any(axis=0)] == Flag.BAD).all()
        assert Flag.SILENT not in rolled
    for number, grade in enumerate(result.grades.tolist()):
        flags = [one for found in result.rolled.values() for one in found[batch.owner == number].tolist()]
        assert BEATS.index(grade) >= max(map(BEATS.index, flags), default=0)
        assert (grade == Flag.MISSING) == (batch.sizes[number] == 0)
        if grade in {Flag.GOOD, Flag.PROBABLY_GOOD}:
            assert all(
                (found[batch.owner == number] != Flag.MISSING).any()
                for on, found in result.rolled.items()
                if on != "PSAL"
            )


@pytest.mark.parametrize("which", sorted(set(SUITES) - {"moana-2024"}))
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_reason_for_each_profile_that_is_unevaluated_and_none_without(which: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    batch = joined([wild(random) for _ in range(6)])
    result = evaluate(batch, load_suite(which))
    for place, found in result.flags.items():
        open_ = set(batch.owner[found == Flag.UNEVALUATED].tolist())
        assert set(result.reasons.get(place, {})) == open_
        assert not [why for why in result.reasons.get(place, {}).values() if why.startswith("the test")]


def test_one_bad_level_leaves_its_neighbours_tested_as_if_it_were_not_there() -> None:
    good = read_any("float.nc", argo_nc(cycles=(1,), pressure=[[float(10 * n) for n in range(1, 21)]]))[0]
    suite, columns = load_suite("argo"), columns_of(good)
    spoilt = good.temperature.copy()
    spoilt[9] = 99.0
    keep = np.arange(good.levels) != 9
    with_it = evaluate(replace(good, temperature=spoilt), suite)
    fewer = {name: one[keep] for name, one in columns.items()}
    source = {name: one[keep] for name, one in good.source.items()}
    without = evaluate(replace(good, sizes=good.sizes - 1, source=source, **fewer), suite)
    assert with_it.rolled["TEMP"][9] == Flag.BAD
    for place, found in with_it.flags.items():
        assert found[keep].tolist() == without.flags[place].tolist(), place


def columns_of(batch: Batch) -> dict[str, Floats]:
    found = {name: getattr(batch, name) for name in COLUMNS.values()}
    assert all(one is not None for one in found.values())
    return found
