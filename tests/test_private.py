"""What a job writes to a disk is its owner's alone, whatever the umask, and a group's where that is named."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo.phones import Shape
from demo.study import KEY, STUDY
from demo.study import Shape as StudyShape
from demo.study import make as make_study

from bondstore.cli.main import main
from bondstore.stores import open_store
from tests.oceanlab import Sea, dive_on
from tests.phonelab import PhoneLab


@pytest.fixture(params=[0o000, 0o077], ids="umask-{:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    try:
        yield request.param
    finally:
        os.umask(before)


def another_group() -> grp.struct_group:
    """A group that this account may give files to, and that they do not have by themselves."""
    own = set(os.getgroups()) - {os.getegid()}
    found = [one for one in grp.getgrall() if one.gr_gid in own or (os.geteuid() == 0 and one.gr_gid != os.getegid())]
    if not found:
        pytest.skip("this account is in one group only")
    return found[0]


def seen_by_others(place: Path) -> list[str]:
    """What anybody but the owner can read, write or enter."""
    return [f"{one} {mode:04o}" for one, mode in modes(place).items() if mode & 0o077]


def modes(place: Path) -> dict[Path, int]:
    found = [place, *place.rglob("*")] if place.exists() else []
    return {one: stat.S_IMODE(one.lstat().st_mode) for one in found}


def not_for_group(dest: Path, gid: int) -> list[str]:
    """What of a destination a group cannot read, or could write to; or others could read."""
    wrong = []
    for one, mode in modes(dest).items():
        if ".bondstore" in one.parts:
            wanted = not mode & 0o077
        elif one.is_dir():
            wanted = mode == 0o2750 and one.stat().st_gid == gid
        else:
            wanted = mode == 0o640 and one.stat().st_gid == gid
        if not wanted:
            wrong.append(f"{one} {mode:04o} {one.lstat().st_gid}")
    return wrong


@dataclass(frozen=True)
class Jobs:
    """Lines of the command line that write to folders; each ends with 0 or 5."""

    folder: Path

    @property
    def dest(self) -> Path:
        return self.folder / "lab" / "results"

    def phones(self) -> list[list[str]]:
        lab = PhoneLab(self.folder)
        lab.fill(Shape(panelists=1, zips=2, screenshots=2, restricted=0, rows=4, size=(96, 160)))
        process = ["screenlake", "process", str(lab.source), str(self.dest), "--jobs", "2", "--batch", "1", "--fast"]
        return [[*process, "--format", "parquet"], ["screenlake", "review", str(self.dest)]]

    def ocean(self) -> list[list[str]]:
        sea = Sea(self.folder, self.dest.as_uri())
        dives = {f"{number}.csv": dive_on(f"202405{number + 10}", str(number)) for number in range(3)}
        sea.hold({**dives, "broken.csv": b"no profile"})
        qc = ["ocean", "qc", sea.source.as_uri(), str(self.dest), "--tests", str(sea.little), "--plots", "--jobs", "2"]
        drawn = ["ocean", "plot", sea.source.as_uri(), str(self.dest / "plots"), "--tests", str(sea.little)]
        return [[*qc, "--format", "both"], drawn]

    def study(self, *words: str) -> list[list[str]]:
        made = make_study(StudyShape(participants=1, hours=2, rows=20, missing=0.5))
        store = open_store((self.folder / "sealed").as_uri())
        store.put_many([(one.key, one.sealed) for one in made])
        store.put(f"{STUDY}/1ab2cd3e/gps/2024-01-01 03_00_00.csv", b"no sealed bytes")
        opened = ["--store", (self.folder / "sealed").as_uri(), "--study", STUDY, "--key", "env:PRIVATE_KEY"]
        jobs = ["--jobs", "2"]
        return [[*(str(self.dest) if word == "DEST" else word for word in words), *opened, *jobs]]


JOBS: dict[str, Callable[[Jobs], list[list[str]]]] = {
    "phones": Jobs.phones,
    "ocean": Jobs.ocean,
    "original": lambda jobs: jobs.study("beiwe", "export", "DEST"),
    "forest": lambda jobs: jobs.study("beiwe", "export", "DEST", "--format", "forest"),
    "csv": lambda jobs: jobs.study("beiwe", "export", "DEST", "--format", "csv"),
    "parquet": lambda jobs: jobs.study("beiwe", "export", "DEST", "--format", "parquet"),
    "rebuild": lambda jobs: jobs.study("beiwe", "reconcile", "--rebuild", "DEST"),
}


def done(line: list[str]) -> None:
    assert main(line) in (0, 5), line


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int) -> Jobs:
    for name in ("STATE", "CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("PRIVATE_KEY", KEY)
    return Jobs(tmp_path)


@pytest.mark.parametrize("name", JOBS)
def test_nobody_else_sees_what_a_job_writes(name: str, jobs: Jobs) -> None:
    for line in JOBS[name](jobs):
        done(line)
        assert len(modes(jobs.dest)) > 3
        assert seen_by_others(jobs.folder / "lab") == []
        assert seen_by_others(jobs.folder / "home" / "state") == []


@pytest.mark.parametrize("name", JOBS)
def test_a_group_reads_what_is_written_for_it(name: str, jobs: Jobs) -> None:
    group = another_group()
    for line in JOBS[name](jobs):
        done([*line, "--group", group.gr_name])
        assert len(modes(jobs.dest)) > 3
        assert not_for_group(jobs.folder / "lab", group.gr_gid) == []
        assert seen_by_others(jobs.folder / "home" / "state") == []
