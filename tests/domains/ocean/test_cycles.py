"""The float's cycle before: from whatever folder, in whatever order files come, the same at any width."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bondstore.domains.ocean import service
from bondstore.domains.ocean.compare import compare
from bondstore.domains.ocean.cycles import CycleIndex, FilesBefore, likely_names
from bondstore.domains.ocean.plot import Picture, plot
from bondstore.domains.ocean.qc.casts import split_casts
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.suite import load_suite, parse_suite
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.service import Asked
from bondstore.domains.ocean.show import show
from bondstore.errors import TransientStoreError, UsageError
from bondstore.findings import Finding
from bondstore.ledger import Item
from bondstore.release.records import Record
from bondstore.stores import Store, open_store
from bondstore.stores.address import store_spec
from tests.domains.ocean.qc.argo_cases import batch, cast
from tests.ocean_files import argo_nc

PRESSURE = [5.0, 50.0, 100.0, 200.0, 300.0, 500.0, 700.0, 1000.0]
WARM = [18.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0]
SALT = [35.4, 35.3, 35.2, 35.0, 34.9, 34.7, 34.6, 34.5]


def cycle(number: int, off: float = 0.0, **more: Any) -> bytes:
    return argo_nc(
        cycles=[number],
        days=[27150.25 + 10 * number],
        pressure=[PRESSURE],
        temperature=[[one + 0.1 * number + off for one in WARM]],
        salinity=[[one + 0.01 * number + off for one in SALT]],
        **more,
    )


class Floats:
    """A folder of single-cycle files, and a destination."""

    def __init__(self, root: Path) -> None:
        self.source, self.dest = root / "raw", root / "qc"

    def put(self, **files: bytes) -> None:
        for name, data in files.items():
            path = self.source / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".nc").write_bytes(data)

    def qc(self, dest: str = "", jobs: int = 1, **asked: Any) -> dict[str, int]:
        result = service.qc(
            str(self.source), str(self.dest) + dest, Asked(**{"tests": "argo", "form": "both", **asked}), jobs=jobs
        )
        return result.tally.objects()

    def written(self, dest: str = "") -> dict[str, bytes]:
        root = Path(str(self.dest) + dest)
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and ".bondstore" not in path.parts
        }

    def record(self, stem: str) -> Record:
        (found,) = self.dest.rglob(f"{stem}_qc.nc.json")
        return Record.from_json(found.read_bytes())


@pytest.fixture
def floats(tmp_path: Path) -> Floats:
    return Floats(tmp_path)


def drifted(record: Record) -> bool:
    return record.tests["sensor_drift/PSAL"].get("suspect", 0) > 0


def test_a_cycle_is_compared_with_the_one_before_in_another_folder(floats: Floats) -> None:
    floats.put(
        a__R1901234_001=cycle(1), b__c__R1901234_002=cycle(2, off=0.8), R1901235_001=cycle(1, platform="1901235")
    )
    floats.qc()
    assert drifted(floats.record("R1901234_002"))  # its salinity is off by 0.81, more than 0.5
    assert floats.record("R1901234_001").tests["sensor_drift/PSAL"] == {"not_applicable": 8}
    assert not floats.record("R1901234_001").unevaluated
    assert floats.record("R1901234_001").grade == floats.record("R1901235_001").grade == "good"


def test_a_cycle_that_comes_late_has_the_one_after_it_tested_again(floats: Floats) -> None:
    floats.put(b__R1901234_002=cycle(2, off=0.8), b__R1901234_003=cycle(3, off=0.8))
    floats.qc()
    assert not drifted(floats.record("R1901234_002"))
    floats.put(a__R1901234_001=cycle(1))
    floats.qc()
    assert drifted(floats.record("R1901234_002"))
    floats.qc("-fresh")
    assert floats.written() == floats.written("-fresh")
    before = floats.written()
    assert floats.qc()["done"] == 0
    assert floats.written() == before


def test_a_cycle_that_was_replaced_has_the_one_after_it_tested_again(floats: Floats) -> None:
    floats.put(R1901234_001=cycle(1, off=0.8), R1901234_002=cycle(2, off=0.8))
    floats.qc()
    assert not drifted(floats.record("R1901234_002"))
    floats.put(R1901234_001=cycle(1))
    floats.qc()
    assert drifted(floats.record("R1901234_002"))
    floats.qc("-fresh")
    assert floats.written() == floats.written("-fresh")


def test_a_damaged_cycle_is_none_and_the_one_before_it_counts(floats: Floats) -> None:
    floats.put(R1901234_001=cycle(1), R1901234_002=b"CDF\x01 and then nothing", R1901234_003=cycle(3, off=0.8))
    floats.qc()
    assert drifted(floats.record("R1901234_003"))
    before = floats.written()
    assert floats.qc()["done"] == 0
    assert floats.written() == before


def test_the_answer_is_the_same_at_any_width(floats: Floats) -> None:
    names = {f"f{number % 3}__R1901234_{number:03d}": cycle(number, off=0.8 * (number % 2)) for number in range(1, 8)}
    floats.put(**names)
    floats.qc()
    floats.qc("-wide", jobs=2)
    assert floats.written() == floats.written("-wide")


def test_few_files_of_an_event_look_for_the_cycle_before_by_its_name(floats: Floats) -> None:
    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8))
    asked = Asked(tests="argo")
    service.qc(str(floats.source), str(floats.dest), asked, keys=["R1901234_002.nc"], jobs=1)
    assert drifted(floats.record("R1901234_002"))


def test_what_was_bad_in_the_cycle_before_is_not_compared_with(floats: Floats) -> None:
    """Test 16 asks for the last good profile: here its deep salinity is flagged bad by its centre."""
    floats.put(
        R1901234_001=cycle(1, off=0.8, flags=["44444444"]),
        R1901234_002=cycle(2),
    )
    floats.qc()
    assert not drifted(floats.record("R1901234_002"))


LISTED = "PLATFORM_CODE,PARAMETER_NAME,START_DATE,END_DATE,QUALITY_CODE\n1901234,PSAL,20240512,20240512,4\n"
"""The list names the salinity on the day of cycle 1 (27160 days after 1950-01-01 is 2024-05-12)."""


def test_drift_that_lasts_is_caught_in_every_cycle(floats: Floats) -> None:
    """Manual 3.9, test 16: against the previous good profile, which is cycle 2 for all of them."""
    floats.put(**{f"R1901234_{one:03d}": cycle(one, off=0.8 if one > 2 else 0.0) for one in range(1, 9)})
    floats.qc()
    found = [drifted(floats.record(f"R1901234_{one:03d}")) for one in range(1, 9)]
    assert found == [False, False, True, True, True, True, True, True]


def test_one_cycle_that_is_off_does_not_fail_the_next(floats: Floats) -> None:
    floats.put(**{f"R1901234_{one:03d}": cycle(one, off=0.8 if one == 3 else 0.0) for one in range(1, 6)})
    floats.qc()
    assert [drifted(floats.record(f"R1901234_{one:03d}")) for one in range(1, 6)] == [False, False, True, False, False]


def test_a_position_that_is_off_once_does_not_fail_the_next_cycle(floats: Floats) -> None:
    """Test 5: 3 m/s are 2592 km in ten days; from 100 to 150 degrees east at 40 degrees south are 4,194 km."""
    floats.put(**{f"R1901234_{one:03d}": cycle(one, lon=[150.0 if one == 2 else 100.0]) for one in (1, 2, 3)})
    floats.qc()
    found = [floats.record(f"R1901234_{one:03d}").tests["speed/POSITION"] for one in (1, 2, 3)]
    assert found == [{"not_applicable": 8}, {"bad": 8}, {"good": 8}]


def test_a_cycle_that_the_exclusion_list_names_is_not_compared_with(floats: Floats, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(LISTED)
    floats.put(R1901234_001=cycle(1, off=0.8), R1901234_002=cycle(2))
    floats.qc(exclusion_list=str(listed))
    assert floats.record("R1901234_001").tests["exclusion_list/PSAL"] == {"bad": 8}
    assert not drifted(floats.record("R1901234_002"))
    rows = compare(str(floats.source), exclusion_list=str(listed)).rows
    assert not [one for one in rows if one.test == "sensor_drift" and one.tests_say == "suspect"]


def test_since_a_day_the_cycle_before_is_the_same_and_nothing_is_tested_twice(floats: Floats) -> None:
    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8))
    os.utime(floats.source / "R1901234_001.nc", (1.7e9, 1.7e9))
    asked = Asked(tests="argo", form="both")
    since = datetime(2024, 1, 1, tzinfo=UTC)
    result = service.qc(str(floats.source), str(floats.dest), asked, since=since, jobs=1)
    assert result.tally.objects()["done"] == 1
    assert drifted(floats.record("R1901234_002"))
    (table,) = (data for path, data in floats.written().items() if path.endswith(".parquet"))
    assert pl.read_parquet(table)["PSAL_quality_control"].max() == 3
    assert service.qc(str(floats.source), str(floats.dest), asked, since=since, jobs=1).tally.objects()["done"] == 0
    floats.qc()
    floats.qc("-fresh")
    assert floats.written() == floats.written("-fresh")


def test_an_event_takes_the_nearest_cycle_of_the_store_and_not_a_far_one_of_the_record(floats: Floats) -> None:
    """From cycle to cycle the salinity grows by 0.41, from the first to the third by 0.82: more than 0.5."""
    asked = Asked(tests="argo")
    floats.put(R1901234_001=cycle(1, off=-0.4))
    service.qc(str(floats.source), str(floats.dest), asked, keys=["R1901234_001.nc"], jobs=1)
    floats.put(R1901234_002=cycle(2), R1901234_003=cycle(3, off=0.4))
    service.qc(str(floats.source), str(floats.dest), asked, keys=["R1901234_003.nc"], jobs=1)
    assert not drifted(floats.record("R1901234_003"))


def event(floats: Floats, name: str, dest: str, at: float) -> int:
    """Let a file arrive at a time, and handle its event; return how many objects were counted."""
    os.utime(floats.source / name, (at, at))
    return service.qc(str(floats.source), dest, Asked(tests="argo"), keys=[name], jobs=1).tally.objects()["done"]


@pytest.mark.parametrize("kind", ["folder", "store"])
def test_the_event_of_a_late_cycle_has_the_next_ones_tested_again(
    floats: Floats, kind: str, request: pytest.FixtureRequest
) -> None:
    dest = str(floats.dest) if kind == "folder" else request.getfixturevalue("s3_environment") + "/late"
    store = open_store(store_spec(dest))

    def salinity(stem: str) -> bool:
        (found,) = (one.key for one in store.list() if one.key.endswith(f"{stem}_qc.nc.json"))
        return drifted(Record.from_json(bytes(store.get(found).data)))

    floats.put(R1901234_010=cycle(10, off=0.8), R1901234_011=cycle(11, off=0.8), R1901234_012=cycle(12))
    os.utime(floats.source / "R1901234_012.nc", (1.7e9, 1.7e9))  # there, but nobody asked for it
    event(floats, "R1901234_010.nc", dest, 1.71e9)
    event(floats, "R1901234_011.nc", dest, 1.72e9)
    assert not salinity("R1901234_010")
    assert not salinity("R1901234_011")
    floats.put(R1901234_009=cycle(9))
    assert event(floats, "R1901234_009.nc", dest, 1.73e9) == 1
    assert salinity("R1901234_010")
    assert salinity("R1901234_011")
    assert not [one.key for one in store.list() if "R1901234_012" in one.key]


def test_a_suite_that_names_the_earlier_profile_in_a_threshold_looks_for_it() -> None:
    """QARTOD's location with `from_earlier`, and its neighbour test without a table."""
    location = """[[test]]
test = "qartod.location"
latitudes = [-90.0, 90.0]
longitudes = [-180.0, 180.0]
range_max = 500.0
"""
    neighbour = """[[test]]
test = "qartod.neighbour"
on = "TEMP"
deviations = 3.0
other_deviations = 3.0
window = 50.0
along = "PRES"
least = 3
"""
    assert not parse_suite(location, "mine").compares
    assert parse_suite(location + "from_earlier = true", "mine").compares
    assert parse_suite(neighbour, "mine").compares
    assert not parse_suite(neighbour + "table = [[0.0, 10.0], [100.0, 9.0]]", "mine").compares


def test_a_first_level_is_judged_by_the_cycle_before_in_another_file(floats: Floats, tmp_path: Path) -> None:
    """From 100 to 110 degrees east at 40 degrees south are 852 km."""
    suite = tmp_path / "mine.toml"
    suite.write_text("""
[[test]]
test = "qartod.location"
latitudes = [-90.0, 90.0]
longitudes = [-180.0, 180.0]
range_max = 500.0
from_earlier = true
""")
    floats.put(R1901234_001=cycle(1, lon=[100.0]), R1901234_002=cycle(2, lon=[110.0]))
    floats.qc(tests=str(suite))
    assert floats.record("R1901234_002").tests["location/POSITION"] == {"suspect": 8}


def test_comparing_a_single_file_finds_its_cycle_before(floats: Floats) -> None:
    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8))
    for source in (floats.source / "R1901234_002.nc", floats.source):
        found = {(one.tests_say, one.levels) for one in compare(source).rows if one.test == "sensor_drift"}
        assert ("suspect", 8) in found


def test_showing_a_single_file_says_what_quality_control_says(floats: Floats) -> None:
    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8))
    for name in (str(floats.source / "R1901234_002.nc"), f"{floats.source.as_uri()}/R1901234_002.nc"):
        (view,) = show(name, tests="argo").views
        counts = next(one.counts for one in view.tests if (one.label, one.on) == ("sensor_drift", "PSAL"))
        assert counts["suspect"] == 8


def drawn(source: Path, dest: Path) -> dict[str, str]:
    """Return what the pictures of profiles show, in words, by name."""
    told: list[Picture | Finding] = []
    plot(source, dest, tests="argo", tell=told.append)
    return {Path(one.path).stem: one.description for one in told if isinstance(one, Picture) if one.shows == "profile"}


def test_pictures_show_what_quality_control_says(floats: Floats, tmp_path: Path) -> None:
    """Of raw files, of results, and of a single one; its cycle before is in another folder, or beside it."""
    floats.put(a__R1901234_001=cycle(1), b__c__R1901234_002=cycle(2, off=0.8), b__c__R1901234_003=cycle(3, off=0.8))
    said = "Salinity flags: 8 suspect; failed tests: sensor drift."
    floats.qc(form="netcdf")
    for number, (source, end) in enumerate(((floats.source, ""), (floats.dest, "_qc"))):
        found = drawn(source, tmp_path / f"pictures{number}")
        assert [said in found[f"R1901234_{one:03d}{end}"] for one in (1, 2, 3)] == [False, True, True]
    floats.put(b__c__R1901234_001=cycle(1))
    (only,) = drawn(floats.source / "b" / "c" / "R1901234_003.nc", tmp_path / "single").values()
    assert said in only


def test_pictures_since_a_day_are_compared_with_the_cycle_before_that_day(floats: Floats, tmp_path: Path) -> None:
    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8))
    os.utime(floats.source / "R1901234_001.nc", (1.7e9, 1.7e9))
    told: list[Picture | Finding] = []
    plot(floats.source, tmp_path / "out", tests="argo", since=datetime(2024, 1, 1, tzinfo=UTC), tell=told.append)
    (only,) = (one for one in told if isinstance(one, Picture) and one.shows == "profile")
    assert (only.source, "sensor drift" in only.description) == ("R1901234_002.nc", True)


def test_pictures_and_a_look_go_by_the_exclusion_list(floats: Floats, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(LISTED)
    floats.put(R1901234_001=cycle(1))
    told: list[Picture | Finding] = []
    plot(floats.source, tmp_path / "out", tests="argo", exclusion_list=listed, tell=told.append)
    (drawing,) = (one for one in told if isinstance(one, Picture) and one.shows == "profile")
    assert "Salinity flags: 8 bad; failed tests: exclusion list." in drawing.description
    (view,) = show(str(floats.source / "R1901234_001.nc"), tests="argo", exclusion_list=listed).views
    assert next(one.counts for one in view.tests if one.label == "exclusion_list" and one.on == "PSAL") == {"bad": 8}
    with pytest.raises(UsageError, match="No test of this suite looks at the exclusion list"):
        plot(floats.source, tmp_path / "out", exclusion_list=listed)


def test_a_file_without_flags_is_shown_by_the_tests_of_its_kind_with_its_cycle_before(floats: Floats) -> None:
    def bare(file: Any) -> None:
        for name in [one for one in file.variables if one.endswith("_QC")]:
            file.renameVariable(name, f"{name}_NOT")

    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8, change=bare))
    (view,) = show(str(floats.source / "R1901234_002.nc")).views
    assert view.suite == "argo"
    counts = next(one.counts for one in view.tests if (one.label, one.on) == ("sensor_drift", "PSAL"))
    assert counts == {"suspect": 8}


def test_a_picture_is_not_drawn_where_the_cycle_before_could_not_be_had(
    floats: Floats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8))
    busy_for_cycle_1(monkeypatch)
    told: list[Picture | Finding] = []
    done = plot(floats.source / "R1901234_002.nc", tmp_path / "out", tests="argo", tell=told.append)
    assert [(one.kind, one.key) for one in told if isinstance(one, Finding)] == [("not-fetched", "R1901234_002.nc")]
    assert (done.tally.complete, done.pictures) == (False, 0)


def busy_for_cycle_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer for cycle 1 as a server that is busy, when it is asked for along with another file."""
    get_many = Store.get_many

    def cut(self: Store, keys: Any, *more: Any, **named: Any) -> Any:
        answers = get_many(self, keys, *more, **named)
        return [
            TransientStoreError("busy") if key.endswith("34_001.nc") else answer
            for key, answer in zip(keys, answers, strict=True)
        ]

    monkeypatch.setattr(Store, "get_many", cut)


def test_comparing_tells_of_a_cycle_before_that_could_not_be_had_and_of_what_reading_found(
    floats: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(file: Any) -> None:
        file.renameVariable("TEMP_QC", "TEMP_ODD")
        file.createVariable("TEMP_QC", "i1", ("N_PROF", "N_LEVELS"))

    floats.put(R1901234_001=cycle(1), R1901234_002=cycle(2, off=0.8), R1901235_001=cycle(1, change=odd))
    found = compare(floats.source).findings
    assert [(one.kind, one.key) for one in found] == [("flags-unreadable", "R1901235_001.nc")]
    busy_for_cycle_1(monkeypatch)
    only = compare(floats.source / "R1901234_002.nc")
    assert [(one.kind, one.key) for one in only.findings] == [("not-fetched", "R1901234_002.nc")]
    assert only.rows == ()


def item(key: str, version: str = "1") -> Item:
    return Item(key, version, 10, "")


def test_of_several_files_of_a_cycle_that_of_the_same_way_and_mode_is_taken() -> None:
    index = CycleIndex(
        item(key)
        for key in (
            "x/R5900001_007.nc",
            "x/D5900001_007.nc",
            "x/D5900001_007D.nc",
            "y/R5900001_004.nc",
            "x/a.nc",
            "R5.nc",
        )
    )
    before = FilesBefore(index).of
    assert before("z/R5900001_009.nc") == (item("x/R5900001_007.nc"), item("y/R5900001_004.nc"))
    assert before("z/D5900001_009.nc")[0] == item("x/D5900001_007.nc")
    assert before("z/D5900001_009D.nc")[0] == item("x/D5900001_007D.nc")
    assert before("z/D5900001_007.nc") == (item("y/R5900001_004.nc"),)
    assert before("z/R5900001_004.nc") == ()
    assert before("z/R5900002_009.nc") == ()
    assert before("z/R5900001_015.nc") == (item("x/R5900001_007.nc"),)  # 4 lies more than ten cycles before it
    assert before("x/a.nc") == ()


def test_a_raw_file_is_compared_with_raw_files_and_a_result_with_results() -> None:
    keys = ("a/R5900001_007.nc", "a/R5900001_007_qc.nc")
    before = FilesBefore(CycleIndex(item(key) for key in keys)).of
    assert [before(f"z/R5900001_008{end}.nc") for end in ("", "_qc")] == [(item(keys[0]),), (item(keys[1]),)]


def test_likely_names() -> None:
    before = likely_names("a/R5900001_010.nc", -1)
    assert list(before) == list(range(9, -1, -1))
    assert before[9] == ("a/R5900001_009.nc", "a/D5900001_009.nc")
    assert likely_names("a/R5900001_000.nc", -1) == {}
    assert likely_names("a/R5900001_001_qc.nc", -1) == {0: ("a/R5900001_000_qc.nc", "a/D5900001_000_qc.nc")}
    assert likely_names("a/D5900001_999.nc", 1)[1000] == ("a/D5900001_1000.nc", "a/R5900001_1000.nc")


def test_near_surface_data_are_compared_with_near_surface_data_only() -> None:
    def schemes(file: Any) -> None:
        file.createDimension("STRING256", 256)
        said = file.createVariable("VERTICAL_SAMPLING_SCHEME", "S1", ("N_PROF", "STRING256"))
        for number in range(4):
            text = ("Primary sampling: averaged []", "Near-surface sampling: averaged, unpumped []")[number % 2]
            said[number] = np.array(list(text.ljust(256)), "S1")

    data = argo_nc(
        cycles=[1, 1, 2, 2],
        pressure=[[5.0, 10.0], [1.0], [5.0, 10.0], [1.0]],
        days=[27150.25, 27150.25, 27160.25, 27160.25],
        change=schemes,
    )
    found = [one.earlier for one in read_any("1901234_prof.nc", data)[0].profiles]
    assert found[0] is found[1] is None
    assert found[2].pressure.tolist() == [5.0, 10.0]
    assert found[3].pressure.tolist() == [1.0]


# --- casts end to end


def test_two_casts_end_to_end_are_tested_each_by_itself() -> None:
    down = [10.0, 100.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
    made = batch(cast([20.0 - one / 100 for one in [*down, *down]], [*down, *down]), cast([20.0, 19.0], [10.0, 100.0]))
    parts, owners = split_casts(made)
    assert parts.sizes.tolist() == [7, 7, 2]
    assert owners.tolist() == [0, 0, 1]
    result = evaluate(made, load_suite("argo"))
    assert set(result.flags["pressure_increasing", "PRES"].tolist()) == {1}
    assert len(result.grades) == 2


@pytest.mark.parametrize(
    "pressure",
    [
        [10.0, 100.0, 200.0, 5.0, 400.0, 500.0],  # one level too shallow
        [10.0, 20.0, 2000.0, 30.0, 40.0, 50.0],  # one level too deep
        [1000.0, 800.0, 600.0, 400.0, 200.0, 10.0],  # from the deep up
        [1.0, 6.0, 2.0, 1.5, 7.0, 20.0],  # waves at the surface
        [100.0, 200.0, 300.0, 180.0, 190.0, 400.0],  # falls back by less than half
    ],
)
def test_a_wild_pressure_is_no_second_cast(pressure: list[float]) -> None:
    made = batch(cast([1.0] * len(pressure), pressure))
    assert split_casts(made)[0] is made
