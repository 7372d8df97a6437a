"""A disk that runs full under profiles, tables or the record: a sentence, nothing half, and the same run goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bondstore.errors import NoSpaceError
from tests.faults.conftest import Disk
from tests.ocean_files import moana_fleet
from tests.oceanlab import Sea

FLEET = moana_fleet(24, levels=40, seed=2)
SPACE = 20_000


@pytest.fixture
def sea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sea:
    monkeypatch.setattr("bondstore.domains.ocean.profile_files.ProfileFiles.number", 4)
    (tmp_path / "sea").mkdir()
    made = Sea(tmp_path / "sea")
    made.hold(FLEET)
    return made


def fits(sea: Sea) -> bool:
    """Whether a run comes to its end; the only error there may be is that there is no space."""
    try:
        sea.qc(form="both")
    except NoSpaceError:
        return False
    return True


def test_wherever_it_is_full_the_same_run_goes_on_once_there_is_space(sea: Sea, disk: Disk) -> None:
    sea.qc(form="both")
    expected = sea.written()
    sea.dest = (disk.folder / "out").as_uri()
    seen = set()
    for size in range(260, SPACE, 110):  # in KiB; the ledger alone takes some 300
        disk.resize(size)
        if fits(sea):
            break
        there = {path: data for path, data in sea.written().items() if path != "status.csv"}
        assert there.items() <= expected.items()
        seen.add((len([path for path in there if path.endswith(".nc")]), any("parquet" in path for path in there)))
        disk.resize(SPACE)
        assert fits(sea)
        sea.check()
        assert sea.written() == expected
        shutil.rmtree(disk.folder / "out")
    assert len({files for files, _ in seen}) >= 3, seen


def test_the_record_of_a_remote_destination_finds_no_space(
    sea: Sea, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was put without having been recorded is found there, and left as it is."""
    sea.qc(form="both")
    expected = sea.written()
    monkeypatch.setenv("XDG_STATE_HOME", str(disk.folder))
    ends = set()
    for size in range(260, SPACE, 24):
        sea.dest = f"memory://full-{size}"
        disk.resize(size)
        if fits(sea):
            break
        ends.add(len(sea.written()))
        disk.resize(SPACE)
        assert fits(sea)
        sea.check()
        assert sea.written() == expected
        shutil.rmtree(disk.folder / "bondstore")
    assert len(ends) >= 2, ends
