"""A disk that runs full under parts, images or tables: a sentence, nothing half, and the same command goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from demo.phones import Shape

from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.names import ImageNames
from bondstore.errors import NoSpaceError
from bondstore.runs.folder_destination import FolderDestination
from tests.faults.conftest import Disk
from tests.faults.test_full_disk import told
from tests.faults.test_phones_killed import panelists_finished, zips_done
from tests.phonelab import PhoneLab, tree, whole
from tests.studies import Ended

SHAPE = Shape(panelists=4, zips=4, screenshots=3, rows=120, size=(216, 468), traces=0.2)
HOW = Handling(redact="none", parquet=True)
STEP = 170


@pytest.fixture
def lab(tmp_path: Path) -> PhoneLab:
    """Zips with more rows than usual, and a calm run's results beside them."""
    made = PhoneLab(tmp_path)
    made.fill(SHAPE)
    made.run(HOW, dest=tmp_path / "calm")
    return made


def check_part(dest: Path, expected: dict[str, str]) -> None:
    """Whatever is visible is whole, though the report over all may know less."""
    for path, digest in tree(dest).items():
        assert digest == expected[path], path


def fits(lab: PhoneLab, dest: Path) -> bool:
    """Whether a run comes to its end; the only error there may be is that there is no space."""
    try:
        lab.run(HOW, dest=dest)
    except NoSpaceError:
        return False
    return True


def test_wherever_it_is_full_the_same_run_goes_on_once_there_is_space(lab: PhoneLab, disk: Disk) -> None:
    """While zips are done, while panelists are finished: at disks of every size up to the one that is enough."""
    expected, dest = tree(lab.folder / "calm"), disk.folder / "out"
    seen: set[tuple[int, int]] = set()
    for size in range(260, 20_000, STEP):  # in KiB; the ledger alone takes some 300
        disk.resize(size)
        if fits(lab, dest):
            break
        seen.add((zips_done(dest), panelists_finished(dest)))
        check_part(dest, expected)
        disk.resize(20_000)
        assert fits(lab, dest)
        assert tree(dest) == expected
        left = {path.relative_to(dest / ".bondstore").parts[0] for path in files(dest / ".bondstore")}
        assert left == {"ledger.sqlite", "lock", "parts"}
        shutil.rmtree(dest)
    assert len({zips for zips, _ in seen}) >= 3, "while parts and images are written"
    assert len({finished for zips, finished in seen if zips == 16}) >= 2, "while tables are written"
    whole(lab, dest)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def process(lab: PhoneLab, dest: Path, *words: str) -> Ended:
    line = ["screenlake", "process", str(lab.source), str(dest), "--query-id", "q", "--redact", "none"]
    line += ["--format", "parquet", "--yes", "--json", *words]
    done = subprocess.run(
        [sys.executable, "-m", "bondstore", *line],
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(lab.folder / "home")},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_it_is_said_and_overcome(lab: PhoneLab, disk: Disk, jobs: str) -> None:
    """At first there is no space for the zips, then none for the tables."""
    expected, dest = tree(lab.folder / "calm"), disk.folder / "out"
    size = 500
    for zips in (range(1, 16), range(16, 17)):
        while zips_done(dest) not in zips:  # how much the ledger takes besides differs from run to run
            size += 100
            disk.resize(size)
            ended = process(lab, dest, "--jobs", jobs)
            told(ended, dest)
        assert panelists_finished(dest) < 4
        check_part(dest, expected)
    disk.resize(20_000)
    ended = process(lab, dest, "--jobs", jobs)
    assert ended.code == 0, ended.err
    assert tree(dest) == expected


def test_no_space_for_the_names_of_very_many_images(disk: Disk) -> None:
    """The names of a panelist's images are kept in a file while it is finished."""
    group = FolderDestination(disk.folder / "out").group()
    disk.resize(1_000)

    def name_many() -> None:
        with group.explaining(), ImageNames(group.reserve()) as names:
            for number in range(100_000):
                names.add(number, f"img_{number}.jpg", f"{number:064x}", f"{number:064x}", "part.zip")

    with pytest.raises(NoSpaceError, match="no space left"):
        name_many()
