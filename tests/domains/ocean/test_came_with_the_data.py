"""Flags, adjusted values and test masks that a file brings: kept, and never made better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import polars as pl
import pytest

from bondstore.domains.ocean import service
from bondstore.domains.ocean.profiles import NONE, joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.service import Asked
from bondstore.domains.ocean.verify import verify_file
from bondstore.errors import IntegrityError
from bondstore.release.records import Record
from tests.ocean_files import argo_nc, ragged_nc
from tests.real_ocean import real


def adjusted(mode: str, qc: str, values: list[float], errors: float = 0.01) -> Callable[[Any], None]:
    """Write DATA_MODE, and `values` as TEMP_ADJUSTED with the flags `qc`; NaN for fill values."""

    def change(file: Any) -> None:
        modes = file.createVariable("DATA_MODE", "S1", ("N_PROF",))
        modes[:] = np.full(file.dimensions["N_PROF"].size, mode.encode())
        for name in ("PRES", "TEMP", "PSAL"):
            raw = np.ma.filled(file.variables[name][:], np.nan)
            block = np.array([values] * len(raw)) if name == "TEMP" else raw
            file.variables[f"{name}_ADJUSTED"][:] = np.ma.masked_invalid(block)
            flags = file.createVariable(f"{name}_ADJUSTED_QC", "S1", file.variables[name].dimensions)
            each = qc if name == "TEMP" else "1" * raw.shape[1]
            flags[:] = np.array([list(each)] * len(raw), "S1")
            error = file.createVariable(f"{name}_ADJUSTED_ERROR", "f4", file.variables[name].dimensions)
            error[:] = np.full(raw.shape, errors, np.float32)

    return change


VALUES = [18.0, 17.9, 17.5, 16.6, 15.1, float("nan")]


def one(mode: str, qc: str = "112114") -> Any:
    return read_any("D1901234_002.nc", argo_nc(cycles=[2], change=adjusted(mode, qc, VALUES)))[0]


@pytest.mark.parametrize("mode", ["A", "D"])
def test_adjusted_values_are_judged_where_they_are_no_fill_values(mode: str) -> None:
    batch = one(mode)
    assert batch.temperature[:5].tolist() == pytest.approx(VALUES[:5])
    assert batch.temperature[5] == pytest.approx(18.0 - 0.03 * 200.0)  # the raw value: adjusted, it is a fill value
    assert batch.source["TEMP"].tolist() == [1, 1, 2, 1, 1, 4]
    assert batch.carried["TEMP_raw"].tolist() == pytest.approx([18.0 - 0.03 * one for one in (5, 10, 20, 50, 100, 200)])
    assert batch.source["TEMP_raw"].tolist() == [1] * 6
    assert np.allclose(batch.carried["TEMP_adjusted_error"], 0.01, atol=1e-6)


def test_an_adjusted_value_that_is_a_fill_value_is_beyond_repair_whatever_its_flag() -> None:
    assert one("D", "111111").source["TEMP"].tolist() == [1, 1, 1, 1, 1, 4]


def test_an_adjusted_value_is_beyond_repair_in_a_file_without_flags_of_adjusted_values_too() -> None:
    def change(file: Any) -> None:
        adjusted("D", "111111", VALUES)(file)
        file.renameVariable("TEMP_ADJUSTED_QC", "TEMP_ADJUSTED_OTHER")

    batch = read_any("D1901234_002.nc", argo_nc(cycles=[2], change=change))[0]
    assert batch.source["TEMP"].tolist() == [1, 1, 1, 1, 1, 4]


def test_in_real_time_the_values_are_the_measured_ones() -> None:
    batch = one("R")
    assert batch.temperature.tolist() == pytest.approx([18.0 - 0.03 * one for one in (5, 10, 20, 50, 100, 200)])
    assert not batch.carried
    assert batch.source["TEMP"].tolist() == [1] * 6


def test_a_test_worsens_a_flag_of_the_source_and_never_betters_it() -> None:
    pressure = [[5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 400.0]]
    temperature = [[18.0, 17.9, 17.8, 99.0, 16.0, 15.0, 14.0, 13.0]]
    data = argo_nc(cycles=[2], pressure=pressure, temperature=temperature, flags=["12315811"])
    batch = read_any("R1901234_002.nc", data)[0]
    result = evaluate(batch, load_suite("argo"))
    # 1 stays good, 2, 5 and 8 are probably good at best, 3 stays suspect, and 99 degrees are bad though its flag says 1
    assert result.rolled["TEMP"].tolist() == [
        Flag.GOOD,
        Flag.PROBABLY_GOOD,
        Flag.SUSPECT,
        Flag.BAD,
        Flag.PROBABLY_GOOD,
        Flag.PROBABLY_GOOD,
        Flag.GOOD,
        Flag.GOOD,
    ]
    assert result.grades.tolist() == [Flag.BAD]
    salt = [[35.0 + 0.001 * one for one in pressure[0]]]
    calm = [[18.0 - 0.01 * one for one in pressure[0]]]
    data = argo_nc(cycles=[2], pressure=pressure, temperature=calm, salinity=salt, flags=["11141111"])
    bad = read_any("R1901234_002.nc", data)[0]
    assert evaluate(bad, load_suite("argo")).rolled["TEMP"].tolist() == [1, 1, 1, 4, 1, 1, 1, 1]
    assert evaluate(bad, load_suite("argo")).grades.tolist() == [Flag.BAD]


def test_flags_of_other_files_are_taken_by_what_their_words_mean() -> None:
    def meaning(file: Any) -> None:
        file.variables["TEMP_quality_control"].flag_values = np.array([1, 2, 3, 4, 9], "i1")
        file.variables["TEMP_quality_control"].flag_meanings = "pass not_evaluated suspect fail missing_data"

    flags = {"TEMP_quality_control": [1, 2, 3, 4, 1]}
    plain = read_any("a.nc", ragged_nc(sizes=(5,), flags=flags))[0]
    assert plain.source["TEMP"].tolist() == [1, 2, 3, 4, 1]  # no words: as in Argo's and IMOS's table
    batch = read_any("a.nc", ragged_nc(sizes=(5,), flags=flags, change=meaning))[0]
    assert batch.source["TEMP"].tolist() == [1, 0, 3, 4, 1]  # of QARTOD's, 2 is not evaluated
    rolled = evaluate(batch, load_suite("qartod")).rolled["TEMP"]
    assert rolled[2:4].tolist() == [Flag.SUSPECT, Flag.BAD]


def test_words_that_refuse_a_value_are_taken_so() -> None:
    def meaning(file: Any) -> None:
        file.variables["TEMP_quality_control"].flag_values = np.array([1, 2, 3, 4, 5], "i1")
        file.variables["TEMP_quality_control"].flag_meanings = "good not_good rejected out_of_range doubtful"

    flags = {"TEMP_quality_control": [1, 2, 3, 4, 5]}
    batch = read_any("a.nc", ragged_nc(sizes=(5,), flags=flags, change=meaning))[0]
    assert batch.source["TEMP"].tolist() == [1, 4, 4, 4, 3]


def test_flags_that_do_not_fit_the_values_are_told_and_not_taken() -> None:
    def shorter(file: Any) -> None:
        file.createDimension("three", 3)
        file.createVariable("TEMP_quality_control", "i1", ("three",))[:] = np.ones(3, "i1")

    batch, found = read_any("a.nc", ragged_nc(sizes=(5,), change=shorter))
    assert [finding.kind for finding in found] == ["flags-unreadable"]
    assert "TEMP" not in batch.source


def test_what_some_files_of_a_batch_bring_is_none_in_the_others() -> None:
    with_flags, without = one("D"), read_any("a.nc", ragged_nc(sizes=(2,)))[0]
    both = joined([with_flags, without])
    assert both.source["TEMP"].tolist() == [*with_flags.source["TEMP"].tolist(), NONE, NONE]
    assert both.take([1]).trimmed().source == {}
    assert both.take([0]).trimmed().source.keys() == with_flags.source.keys()


def qc(source: Path, dest: Path, **asked: Any) -> list[Record]:
    service.qc(str(source), str(dest), Asked(**asked), jobs=1)
    return [Record.from_json(path.read_bytes()) for path in sorted(dest.rglob("*.nc.json"))]


def test_source_flags_and_masks_stand_in_the_file_the_table_and_the_record(tmp_path: Path) -> None:
    source, dest = tmp_path / "raw", tmp_path / "qc"
    source.mkdir()
    (name,) = real("argo/2902269/D2902269_001.nc")
    (source / name.name).write_bytes(name.read_bytes())
    (record,) = qc(source, dest, tests="argo", form="both")
    with netCDF4.Dataset(name) as came, netCDF4.Dataset(dest / record.file) as made:
        came.set_auto_mask(False)
        for variable in ("PRES", "TEMP", "PSAL"):
            theirs = came[f"{variable}_ADJUSTED_QC"][0].astype(int)
            assert made[f"{variable}_source_quality_control"][:].tolist() == theirs.tolist()
            assert (
                made[f"{variable}_raw_source_quality_control"][:].tolist()
                == came[f"{variable}_QC"][0].astype(int).tolist()
            )
            better, raw = came[f"{variable}_ADJUSTED"][0], came[variable][0]
            assert np.allclose(made[variable][:], np.where(better < 9e4, better, raw), atol=1e-4)
            assert np.allclose(made[f"{variable}_raw"][:], raw, atol=1e-4)
            merged = np.ma.filled(made[f"{variable}_quality_control"][:], 0)
            assert (merged[theirs == 4] == 4).all()
        assert made.data_mode == "D"
        assert made.source_tests_performed == "D7B7E"
        assert made.source_tests_failed == "940"
        assert int(made.tests_performed, 16) & 1 << 6
        assert made.source_profile_temp_qc == made.profile_temp_qc == "D"  # 91 of 329 levels are good: 28 %
    assert record.grade == "bad"
    assert record.tests["source/TEMP"] == {"bad": 238, "good": 91}
    (table,) = (dest / "parquet").rglob("*.parquet")
    rows = pl.read_parquet(table)
    assert Counter(rows["TEMP_source_quality_control"].to_list()) == {1: 91, 4: 238}
    assert rows["TEMP_raw"].null_count() == 0
    assert rows["data_mode"].unique().to_list() == ["D"]


def test_a_record_that_hides_a_flag_of_the_source_is_refused(tmp_path: Path) -> None:
    source, dest = tmp_path / "raw", tmp_path / "qc"
    source.mkdir()
    (source / "R1901234_002.nc").write_bytes(argo_nc(cycles=[2], flags=["111411"]))
    (record,) = qc(source, dest, tests="argo")
    path = dest / record.file
    verify_file(path.read_bytes(), record)
    with netCDF4.Dataset(path, "a") as file:
        file["TEMP_quality_control"][:] = np.ones(6, "i1")
    with pytest.raises(IntegrityError, match="roll-up leaves out"):
        verify_file(path.read_bytes(), record)


@pytest.mark.parametrize("flag", "01235789")
def test_a_flag_of_the_source_that_a_scale_lacks_does_not_hold_a_file_back(tmp_path: Path, flag: str) -> None:
    """QARTOD has no "probably good": a source's 2, 5 or 8 is good there, in the file and for who looks into it."""
    source, dest = tmp_path / "raw", tmp_path / "qc"
    source.mkdir()
    (source / "R1901234_002.nc").write_bytes(argo_nc(cycles=[2], flags=[f"111{flag}11"]))
    (record,) = qc(source, dest, tests="qartod")
    verify_file((dest / record.file).read_bytes(), record)


def test_flags_of_a_published_fishsoop_file_are_kept(tmp_path: Path) -> None:
    (name,) = real("fishsoop/*.nc")
    batch = read_any(name.name, name.read_bytes())[0]
    with netCDF4.Dataset(name) as came:
        came.set_auto_mask(False)
        assert batch.source["TEMP"].tolist() == came["TEMPERATURE_quality_control"][:].tolist()
        assert batch.source["PRES"].tolist() == came["PRES_quality_control"][:].tolist()
    assert Counter(batch.source["TEMP"].tolist()) == {1: 366, 3: 2}
    assert set(batch.source["POSITION"].tolist()) == {1}
    rolled = evaluate(batch, load_suite("qartod")).rolled["TEMP"]
    assert (rolled[batch.source["TEMP"] == 3] >= Flag.SUSPECT).all()


@pytest.fixture(scope="module")
def floats(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """All real Argo files, tested as a user would."""
    folder = real("argo/*/*.nc")[0].parents[1]
    dest = tmp_path_factory.mktemp("argo") / "qc"
    listed = folder / "ar_greylist.txt"
    return dest, qc(folder, dest, tests="argo", exclusion_list=str(listed))


def test_no_real_file_graded_good_holds_a_level_that_its_centre_flagged_bad(
    floats: tuple[Path, list[Record]],
) -> None:
    dest, records = floats
    assert len(records) == 60
    for record in records:
        if record.grade in {"good", "probably_good"}:
            with netCDF4.Dataset(dest / record.file) as file:
                names = [name for name in file.variables if name.endswith("_source_quality_control")]
                of_values = [name for name in names if "_raw_" not in name]
                assert of_values
                assert all((file[name][:] < 3).all() for name in of_values), record.file


def test_99_of_100_levels_that_the_centres_call_good_are_good(floats: tuple[Path, list[Record]]) -> None:
    dest, records = floats
    for variable in ("PRES", "TEMP", "PSAL"):
        good = both = 0
        for record in records:
            with netCDF4.Dataset(dest / record.file) as file:
                if variable not in file.variables:
                    continue
                theirs = file[f"{variable}_source_quality_control"][:] == 1
                ours = file[f"{variable}_quality_control"][:] == 1
                good, both = good + int(theirs.sum()), both + int((theirs & ours).sum())
        assert good > 7000
        assert both >= 0.99 * good, variable


def test_9_of_10_single_cycle_files_are_graded(floats: tuple[Path, list[Record]]) -> None:
    _, records = floats
    assert sum(record.grade != "not_evaluated" for record in records) >= 54
    assert Counter(record.grade for record in records)["good"] >= 30


def test_the_cycle_before_is_found_in_real_files(floats: tuple[Path, list[Record]]) -> None:
    """Tests 5, 16 and 18 ran wherever the source has one of the float's ten cycles before."""
    dest, records = floats
    first = {"R13857_001", "D2902269_000", "R2902269_000", "D2902696_001", "D3902131_001", "D3902131_001D"}
    first |= {"D5900865_001"}
    # the folders hold a float's first cycles and some far later ones: the first after the gap has none near before it
    first |= {"R13857_071", "R2902269_028", "D2902696_026", "D3902131_081", "D5900865_041"}
    for record in records:
        with netCDF4.Dataset(dest / record.file) as file:
            ran = str(file.tests_performed) if "tests_performed" in file.ncattrs() else None
        stem = Path(record.source.key).stem
        if ran is not None:
            assert bool(int(ran, 16) & 1 << 5) == (stem not in first), stem


def test_every_real_file_says_of_itself_what_its_record_claims(floats: tuple[Path, list[Record]]) -> None:
    dest, records = floats
    for record in records[::6]:
        verify_file((dest / record.file).read_bytes(), record)
