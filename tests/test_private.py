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


@pytest.fixture
def umask() -> Iterator[Callable[[int], object]]:
    before = os.umask(0o022)
    yield os.umask
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
        store.put(f"CHUNKED_DATA/{STUDY}/1ab2cd3e/gps/2024-01-09T03:00:00.csv", b"too short")
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
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    for name in ("STATE", "CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("PRIVATE_KEY", KEY)
    return Jobs(tmp_path)


@pytest.mark.parametrize("name", JOBS)
def test_nobody_else_sees_what_a_job_writes(name: str, jobs: Jobs, umask: Callable[[int], object]) -> None:
    lines = JOBS[name](jobs)
    umask(0o000)
    for line in lines:
        done(line)
        assert len(modes(jobs.dest)) > 3
        assert seen_by_others(jobs.folder / "lab") == []
        assert seen_by_others(jobs.folder / "home" / "state") == []


@pytest.mark.parametrize(("name", "mask"), [*((name, 0o077) for name in JOBS), ("phones", 0o000), ("original", 0o000)])
def test_a_group_reads_what_is_written_for_it(name: str, mask: int, jobs: Jobs, umask: Callable[[int], object]) -> None:
    group = another_group()
    lines = JOBS[name](jobs)
    umask(mask)
    for line in lines:
        done([*line, "--group", group.gr_name])
        assert len(modes(jobs.dest)) > 3
        assert not_for_group(jobs.folder / "lab", group.gr_gid) == []
        assert seen_by_others(jobs.folder / "home" / "state") == []


def test_what_was_there_before_keeps_its_mode(jobs: Jobs, umask: Callable[[int], object]) -> None:
    (line,) = jobs.study("beiwe", "export", "DEST")
    jobs.dest.mkdir(parents=True)
    jobs.dest.chmod(0o755)
    umask(0o000)
    done(line)
    assert stat.S_IMODE(jobs.dest.stat().st_mode) == 0o755
    assert [one for one in seen_by_others(jobs.dest) if not one.endswith(f"{jobs.dest.name} 0755")] == []


def test_who_the_group_cannot_reach_is_told(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    (line,) = jobs.study("beiwe", "export", "DEST")
    jobs.dest.mkdir(parents=True, mode=0o700)
    done([*line, "--group", another_group().gr_name])
    assert "stays as it is" in caplog.text
    assert f"'{jobs.dest}'" in caplog.text


def test_a_group_may_be_a_setting_and_a_run_that_goes_on_remembers_it(
    jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    group = another_group()
    (line,) = jobs.study("beiwe", "export", "DEST")
    settings = jobs.folder / "home" / "config" / "bondstore" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[profile.default]\ngroup = "{group.gr_name}"\n')
    done(line)
    assert not_for_group(jobs.dest, group.gr_gid) == []
    settings.unlink()
    lost = next(one for one in jobs.dest.rglob("*.csv") if ".bondstore" not in one.parts)
    lost.unlink()
    done(["run", "retry", "last", "--dest", str(jobs.dest)])
    assert lost.exists()
    assert not_for_group(jobs.dest, group.gr_gid) == []
    for one in jobs.dest.rglob("*.csv"):
        one.unlink()
    done([*line, "--group", ""])  # nobody's, whatever a setting says
    assert all(not one.stat().st_mode & 0o077 for one in jobs.dest.rglob("*.csv"))


def test_a_group_that_cannot_be_is_refused(jobs: Jobs, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = jobs.study("beiwe", "export", "DEST")
    assert main([*line, "--group", "nobody-has-this-group"]) == 4
    assert "There is no group" in capsys.readouterr().err
    line[2] = "s3://bucket/results"
    assert main([*line, "--group", another_group().gr_name]) == 2
    assert "--group is for folders" in capsys.readouterr().err
    assert not jobs.dest.exists()


@pytest.mark.parametrize("name", JOBS)
def test_a_destination_that_is_a_link_is_refused_unless_it_may_be_followed(
    name: str, jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = JOBS[name](jobs)
    other = jobs.folder / "other"
    other.mkdir()
    jobs.dest.parent.mkdir()
    jobs.dest.symlink_to(other)
    for line in lines:
        if str(jobs.dest) in line:  # what lies below a link that the line does not name as its own is above it
            before = modes(other)
            assert main(line) == 6
            err = capsys.readouterr().err
            assert "is a symbolic link" in err
            assert "--follow-links" in err
            assert modes(other) == before
        done([*line, "--follow-links"])
        assert len(modes(other)) > 3
    assert jobs.dest.is_symlink()


def test_a_run_that_goes_on_follows_the_links_that_it_followed(jobs: Jobs) -> None:
    (line,) = jobs.study("beiwe", "export", "DEST")
    other = jobs.folder / "other"
    other.mkdir()
    jobs.dest.parent.mkdir()
    jobs.dest.symlink_to(other)
    done([*line, "--follow-links"])
    lost = next(one for one in other.rglob("*.csv") if ".bondstore" not in one.parts)
    lost.unlink()
    done(["run", "retry", "last", "--dest", str(jobs.dest)])
    assert lost.exists()


def test_what_would_be_refused_is_refused_by_a_dry_run_too(jobs: Jobs) -> None:
    (line,) = jobs.study("beiwe", "export", "DEST")
    jobs.dest.parent.mkdir()
    (jobs.folder / "other").mkdir()
    jobs.dest.symlink_to(jobs.folder / "other")
    assert main([*line, "--dry-run"]) == 6
    assert main([*line, "--dry-run", "--follow-links"]) == 0


def test_links_above_the_destination_are_the_machine_s_own_affair(jobs: Jobs) -> None:
    (line,) = jobs.study("beiwe", "export", "DEST")
    (jobs.folder / "disk").mkdir()
    (jobs.folder / "lab").symlink_to(jobs.folder / "disk")
    done(line)
    assert len(modes(jobs.folder / "disk" / "results")) > 3
