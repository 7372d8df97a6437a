from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.doctor import Case, CheckStatus, machine


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def case(folder: Path, **settings: Any) -> Case:
    return Case(StoreSpec("memory://x", Profile(**settings)), folder=folder)


@pytest.mark.parametrize(
    ("free", "status"), [(10**8, CheckStatus.FAIL), (10**9, CheckStatus.WARN), (10**11, CheckStatus.OK)]
)
def test_space(tmp_path: Path, free: int, status: CheckStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free, 0, free))
    (check,) = machine.look_at_space(case(tmp_path / "not" / "yet"))
    assert check.status is status
    assert str(tmp_path) in check.message


def test_space_of_a_real_disk(tmp_path: Path) -> None:
    (check,) = machine.look_at_space(case(tmp_path))
    free = os.statvfs(tmp_path)
    told = float(check.message.split(" GB")[0].replace(",", ""))
    assert told == pytest.approx(free.f_bavail * free.f_frsize / 1e9, abs=1)


def test_a_file_is_no_destination(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    (check,) = machine.look_at_space(case(file / "below"))
    assert check.status is CheckStatus.FAIL


def test_ram_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    monkeypatch.setattr(machine, "MOUNTS", table)
    monkeypatch.setattr(machine, "candidates", lambda: [tmp_path])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 0, 10**9))
    table.write_text(f"/dev/sda1 / ext4 rw 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\n")
    (check,) = machine.look_for_ram_disk(case(tmp_path))
    assert check.status is CheckStatus.OK
    table.write_text("/dev/sda1 / ext4 rw 0 0\n")
    (check,) = machine.look_for_ram_disk(case(tmp_path))
    assert (check.status, bool(check.mend)) == (CheckStatus.WARN, True)
    (check,) = machine.look_for_ram_disk(case(tmp_path, plaintext="forbidden"))
    assert check.status is CheckStatus.FAIL
    table.unlink()
    (check,) = machine.look_for_ram_disk(case(tmp_path))
    assert check.status is CheckStatus.SKIPPED
    assert not check.passed


def test_mounts_with_blanks_and_over_one_another() -> None:
    kinds = machine.mounted("a /mnt/my\\040disk ext4 rw 0 0\nb /dev/shm ext4 rw 0 0\nc /dev/shm tmpfs rw 0 0\nodd\n")
    assert kinds == {"/mnt/my disk": "ext4", "/dev/shm": "tmpfs"}
    assert machine.kind_of(Path("/mnt/my disk/x/y"), kinds) == "ext4"


def test_a_check_is_a_record() -> None:
    (check,) = machine.look_at_space(case(Path("/")))
    assert set(check.record()) == {"kind", "check", "status", "message", "fix"}
    assert dataclasses.is_dataclass(check)
