"""A file leaves only if its own flags say no less than its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import netCDF4
import numpy as np
import pytest

from bondstore.domains.ocean import verify
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.output.record import record_of
from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.evaluate import Result, evaluate, grades_of
from bondstore.domains.ocean.qc.flags import SCALES, Flag, flag_word, worst
from bondstore.domains.ocean.qc.ragged import absent
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading.netcdf import flags_here, read_here
from bondstore.domains.ocean.verify import verify_file
from bondstore.errors import IntegrityError
from bondstore.release.records import Record
from tests.domains.ocean.output.making import STEPS, about, batch, profile, result


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading in a process of its own is tested elsewhere."""
    monkeypatch.setattr(verify, "read_any", lambda key, data: read_here(data, key))
    monkeypatch.setattr(verify, "flags_in", flags_here)


def good(of: Batch, scale: str = "qartod", **instead: Flag) -> Result:
    """A result where all is good, but for the tests that are named."""
    steps = [*STEPS, ("qartod.syntax", "syntax", "TIME", {})]
    made = result(of, scale, steps=steps)
    flags = {
        place: np.where(absent(of, place[1]), Flag.MISSING, instead.get(place[0], Flag.GOOD)).astype(np.int8)
        for place in made.flags
    }
    rolled = {
        on: worst([found for (_, one), found in flags.items() if one == on], absent(of, on)) for on in made.rolled
    }
    return replace(made, flags=flags, rolled=rolled, grades=grades_of(of, rolled))


def written(of: Batch, said: Result) -> tuple[bytes, Record]:
    data = netcdf_file(of, said, about())
    return data, record_of("2024/05/one_qc.nc", data, of, said, about())


def changed(data: bytes, change: Callable[[netCDF4.Dataset], None]) -> bytes:
    """The file after somebody changed it."""
    with netCDF4.Dataset("in.nc", memory=data) as given:
        copy = netCDF4.Dataset("out.nc", "w", format="NETCDF3_CLASSIC", memory=len(data))
        copy.setncatts({name: given.getncattr(name) for name in given.ncattrs()})
        for name, dimension in given.dimensions.items():
            copy.createDimension(name, len(dimension))
        for name, one in given.variables.items():
            one.set_auto_maskandscale(False)
            one.set_auto_chartostring(False)
            fill = one.getncattr("_FillValue") if "_FillValue" in one.ncattrs() else None
            made = copy.createVariable(name, one.dtype, one.dimensions, fill_value=fill)
            made.set_auto_maskandscale(False)
            made.set_auto_chartostring(False)
            made.setncatts({x: one.getncattr(x) for x in one.ncattrs() if x not in {"_FillValue", "_Encoding"}})
            made[:] = one[:]
    change(copy)
    return bytes(copy.close())


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("flag", [Flag.GOOD, Flag.PROBABLY_GOOD, Flag.SILENT, Flag.UNEVALUATED, Flag.SUSPECT, Flag.BAD])
def test_what_we_write_vouches_for_itself(scale: str, flag: Flag) -> None:
    for of in (batch(5), batch(3, 0, 2, salinity=True), batch(0), batch(2, temperature=np.array([np.nan, 9.0]))):
        said = good(of, scale, spike=flag, density=flag)
        verify_file(*written(of, said))


@pytest.mark.parametrize("which", ["moana", "qartod", "argo"])
def test_what_the_suites_say_vouches_for_itself(which: str) -> None:
    of = batch(40, salinity=True)
    verify_file(*written(of, evaluate(of, load_suite(which))))


def test_a_profile_without_levels_has_no_part_in_what_its_file_is() -> None:
    of = batch(3, 0)
    data, record = written(of, good(of))
    assert record.grade == "good"
    verify_file(data, record)
    data, record = written(batch(0), good(batch(0)))
    assert record.grade == "missing"
    with pytest.raises(IntegrityError, match="is missing by its own flags"):
        verify_file(data, replace(record, grade="good"))


@pytest.mark.parametrize("flag", [Flag.UNEVALUATED, Flag.SUSPECT, Flag.BAD])
def test_a_record_that_claims_more_is_refused(flag: Flag) -> None:
    of = batch(5)
    data, record = written(of, good(of, spike=flag))
    assert record.grade == flag_word(flag)
    with pytest.raises(IntegrityError, match="by its own flags"):
        verify_file(data, replace(record, grade="good"))


@pytest.mark.parametrize("scale", SCALES)
def test_a_record_that_counts_more_good_levels_is_refused(scale: str) -> None:
    # the grade is honest: only a requirement by share would let such a file out
    of = batch(5)
    data, record = written(of, good(of, scale, spike=Flag.BAD))
    verify_file(data, record)
    for counts in ({"good": 5}, {"bad": 1, "good": 4}, {"bad": 5, "good": 50}, {"bad": 4}, {"missing": 5}):
        with pytest.raises(IntegrityError, match="fewer good levels"):
            verify_file(data, replace(record, levels={**record.levels, "TEMP": counts}))
    without = {name: counts for name, counts in record.levels.items() if name != "TEMP"}
    for levels in (without, {}, {**record.levels, "DOXY": {"good": 5}}):
        with pytest.raises(IntegrityError, match="other variables"):
            verify_file(data, replace(record, levels=levels))


@pytest.mark.parametrize("variable", ["TEMP", "PSAL", "PRES", "TIME"])
def test_a_file_without_the_flags_of_a_variable_is_refused(variable: str) -> None:
    of = batch(5, salinity=True)
    data, record = written(of, good(of))
    with pytest.raises(IntegrityError):
        verify_file(changed(data, lambda file: file.renameVariable(f"{variable}_quality_control", "x")), record)


def test_a_record_on_another_scale_is_refused() -> None:
    of = batch(5)
    data, record = written(of, good(of, spike=Flag.UNEVALUATED))
    claimed = replace(record, settings={**record.settings, "scale": "argo"}, grade="probably_good")
    with pytest.raises(IntegrityError, match="another scale"):
        verify_file(data, claimed)


def set_to(name: str, value: int) -> Callable[[netCDF4.Dataset], None]:
    def change(file: netCDF4.Dataset) -> None:
        file.variables[name][:] = value

    return change


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        (Flag.BAD, 1, "leaves out"),
        (Flag.BAD, 3, "leaves out"),
        (Flag.SUSPECT, 1, "leaves out"),
        (Flag.BAD, 9, "missing that are there"),
        (Flag.SILENT, 9, "missing that are there"),
    ],
)
def test_a_roll_up_that_hides_a_tests_verdict_is_refused(flag: Flag, value: int, words: str) -> None:
    of = batch(5)
    data, record = written(of, good(of, spike=flag))
    with pytest.raises(IntegrityError, match=words):
        verify_file(changed(data, set_to("TEMP_quality_control", value)), replace(record, grade="good"))


def test_a_roll_up_that_is_good_where_no_test_said_so_is_refused() -> None:
    of = batch(5)
    data, record = written(of, good(of, spike=Flag.SILENT, gross_range=Flag.SILENT))
    assert record.grade == "not_evaluated"
    with pytest.raises(IntegrityError, match="leaves out"):
        verify_file(changed(data, set_to("TEMP_quality_control", 1)), replace(record, grade="good"))


def test_a_value_that_is_not_there_is_not_good() -> None:
    of = batch(3, temperature=np.array([9.0, np.nan, 9.1]))
    data, record = written(of, good(of))
    verify_file(data, record)
    with pytest.raises(IntegrityError, match="good that are missing"):
        verify_file(changed(data, set_to("TEMP_quality_control", 1)), record)


def test_an_unchanged_copy_is_vouched_for() -> None:
    of = batch(5, 2, salinity=True, profiles=[profile(1), profile(2)])
    data, record = written(of, good(of))
    verify_file(changed(data, lambda _: None), record)


@pytest.mark.parametrize("half", ["LATITUDE", "LONGITUDE"])
@pytest.mark.parametrize("value", [0, 2, 3, 4])
def test_half_a_position_that_is_not_good_is_enough(half: str, value: int) -> None:
    of = batch(3)
    data, record = written(of, good(of))
    with pytest.raises(IntegrityError):
        verify_file(changed(data, set_to(f"{half}_quality_control", value)), record)
