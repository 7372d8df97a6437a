"""What is written is read back: levels, times, places and flags, whatever the profiles were like."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.output.attributes import FileSource
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.profiles import Batch, Floats, joined
from bondstore.domains.ocean.qc.evaluate import Result, evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite, suite_names
from bondstore.domains.ocean.reading.netcdf import flags_here, read_here
from tests.domains.ocean.output.making import batch, profile
from tests.domains.ocean.wild import wild

ABOUT = FileSource(key="in/wild.csv", source_modified=1.7e9)
MILLISECOND, CENTIMETRE = 1e-3, 1e-7
"""In seconds, and in degrees."""


def near(ours: Floats, read: Floats, within: float = 0.0) -> bool:
    """Whether all values are there, and infinite ones missing."""
    there = np.isfinite(ours)
    return bool((np.isfinite(read) == there).all() and (np.abs(ours[there] - read[there]) <= within).all())


def check(whole: Batch, result: Result) -> None:
    data = netcdf_file(whole, result, ABOUT)
    read, stored = read_here(data, "wild_qc.nc")[0], flags_here(data, "wild_qc.nc")
    scale = result.suite.scale
    timed, placed = (any(getattr(one, name) for one in whole.profiles) for name in ("timed", "placed"))
    assert read.sizes.tolist() == whole.sizes.tolist()
    assert near(whole.pressure, read.pressure)
    assert near(whole.temperature, read.temperature)
    if whole.salinity is not None:
        assert read.salinity is not None
        assert near(whole.salinity, read.salinity)
    assert stored.meanings == dict(scale.meanings)
    if timed:
        assert near(whole.time, read.time, MILLISECOND)
    if placed:
        assert near(whole.latitude, read.latitude)
        apart = (read.longitude - whole.longitude + 180) % 360 - 180
        assert near(np.where(np.isinf(whole.longitude), np.inf, 0.0 * whole.longitude), apart, CENTIMETRE)
    for place, flags in result.flags.items():
        if place[1] not in result.rolled:
            continue
        assert_flags(whole, scale.write(flags), stored.tests[place], whole_profile(place[1], timed, placed))
    for on, flags in result.rolled.items():
        assert_flags(whole, scale.write(flags), stored.rolled[on], whole_profile(on, timed, placed))


def whole_profile(on: str, timed: bool, placed: bool) -> bool:
    return (on == "TIME" and not timed) or (on == "POSITION" and not placed)


def assert_flags(whole: Batch, ours: Floats, read: Floats, of_profile: bool) -> None:
    """Level by level; one flag for all levels of a profile is one of theirs."""
    if not of_profile:
        assert ours.tolist() == read.tolist()
        return
    for number in range(len(whole)):
        assert set(read[whole.owner == number].tolist()) <= set(ours[whole.owner == number].tolist())
        assert len(set(read[whole.owner == number].tolist())) <= 1


@pytest.mark.parametrize("which", suite_names())
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), number=st.integers(1, 5))
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_wild_profiles_and_their_flags(which: str, seed: int, number: int) -> None:
    random = np.random.default_rng(seed)
    whole = joined([wild(random) for _ in range(number)])
    check(whole, evaluate(whole, load_suite(which)))


@pytest.mark.parametrize("sizes", [(0, 1, 2), (2, 0, 1), (1, 1, 1), (3, 0, 0)])
def test_as_many_profiles_as_levels_and_one_time_and_place_for_each(sizes: tuple[int, ...]) -> None:
    profiles = [profile(number, timed=False, placed=False) for number in (1, 2, 3)]
    owner = np.repeat(np.arange(3), sizes)
    whole = batch(
        *sizes, profiles=profiles, time=1.7e9 + 86400.0 * owner, latitude=-40.0 - owner, longitude=170.0 + owner
    )
    data = netcdf_file(whole, evaluate(whole, load_suite("qartod")), ABOUT)
    read = read_here(data, "three.nc")[0]
    for name in ("time", "latitude", "longitude", "pressure"):
        assert near(getattr(whole, name), getattr(read, name), MILLISECOND), name


def test_the_number_for_missing_stands_where_nothing_was_measured_and_xarray_reads_it() -> None:
    hole = np.array([10.0, np.nan, 10.2])
    whole = joined([batch(3, temperature=hole), batch(2, salinity=True, profiles=[profile(2)])])
    result = evaluate(whole, load_suite("qartod"))
    data = netcdf_file(whole, result, ABOUT)
    with xarray.open_dataset(io.BytesIO(data), engine="scipy") as file:
        assert file.TEMP_quality_control.values.tolist()[1] == 9
        assert file.PSAL_quality_control.values.tolist()[:3] == [9, 9, 9]
        assert np.isnan(file.PSAL.values[:3]).all()
        assert file.TIME.dtype.kind == "M"
        assert file.sizes == {"profile": 2, "obs": 5, **{n: s for n, s in file.sizes.items() if n.endswith("_length")}}
    assert result.rolled["TEMP"].tolist()[1] == Flag.MISSING
    check(whole, result)
