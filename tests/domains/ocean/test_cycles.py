"""The float's cycle before: from whatever folder, in whatever order files come, the same at any width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean import service
from bondstore.domains.ocean.cycles import CycleIndex, likely_before
from bondstore.domains.ocean.qc.casts import split_casts
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.service import Asked
from bondstore.ledger import Item
from bondstore.release.records import Record
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
    assert index.before("z/R5900001_009.nc") == item("x/R5900001_007.nc")
    assert index.before("z/D5900001_009.nc") == item("x/D5900001_007.nc")
    assert index.before("z/D5900001_009D.nc") == item("x/D5900001_007D.nc")
    assert index.before("z/D5900001_007.nc") == item("y/R5900001_004.nc")
    assert index.before("z/R5900001_004.nc") is None
    assert index.before("z/R5900002_009.nc") is None
    assert index.before("x/a.nc") is None


def test_likely_names() -> None:
    assert likely_before("a/R5900001_010.nc") == ("a/R5900001_009.nc", "a/D5900001_009.nc")
    assert likely_before("a/R5900001_000.nc") == ()


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
