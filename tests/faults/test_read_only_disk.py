"""A disk that cannot be written: what is recorded there can be read, and what would write says why it does not."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demo.study import STUDY

from tests.cli.conftest import Call, cli, home, shell
from tests.cli.exports import KEY_VARIABLE, Lab, lab
from tests.conftest import IN_CI

__all__ = ["cli", "home", "lab", "shell"]
Seal = Callable[[], None]


@pytest.fixture
def seal(tmp_path: Path, lab: Lab) -> Iterator[Seal]:
    """Make the disk of the export read-only: a real one for root, whom no mode stops, else folders without a w."""
    lab.out.mkdir()
    if os.geteuid() != 0:
        yield lambda: _without_w(lab.out)
        for folder, _, _ in os.walk(lab.out):
            Path(folder).chmod(0o700)
        return
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(lab.out)], capture_output=True).returncode:
        if IN_CI:
            pytest.fail("a disk cannot be mounted here, and CI skips no fault", pytrace=False)
        pytest.skip("a disk cannot be mounted here")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,ro", str(lab.out)], check=True) and None
    finally:
        subprocess.run(["umount", "--lazy", str(lab.out)], check=True)


def _without_w(top: Path) -> None:
    for folder, _, files in os.walk(top, topdown=False):
        for name in files:
            (Path(folder) / name).chmod(0o400)
        Path(folder).chmod(0o500)


READING = (
    ("run", "list"),
    ("run", "show", "last"),
    ("audit", "verify"),
    ("audit", "verify", "--files"),
    ("audit", "show"),
)


def study_of(lab: Lab) -> tuple[str, ...]:
    return ("--store", lab.bucket.as_uri(), "--study", STUDY, "--key", f"env:{KEY_VARIABLE}")


def test_what_is_recorded_can_be_read(lab: Lab, seal: Seal, cli: Call) -> None:
    lab.export()
    before = {words: cli(*words, "--dest", str(lab.out)).out for words in READING}
    seal()
    for words in READING:
        result = cli(*words, "--dest", str(lab.out))
        assert (result.code, result.out) == (0, before[words]), result.err
    planned = cli("beiwe", "export", str(lab.out), *study_of(lab), "--dry-run", "--json")
    assert planned.code == 0, planned.err
    assert planned.records[-1]["skipped"] == len(lab.data)


def test_what_would_write_says_why_it_does_not(lab: Lab, seal: Seal, cli: Call) -> None:
    lab.export()
    seal()
    for words in (
        ("beiwe", "export", str(lab.out), *study_of(lab)),
        ("run", "retry", "last", "--dest", str(lab.out)),
    ):
        result = cli(*words)
        assert result.code == 4, result.err
        assert str(lab.out) in result.err
        assert "OSError" not in result.err


def test_a_new_destination_there_says_why_it_is_not_made(lab: Lab, seal: Seal, cli: Call) -> None:
    seal()
    result = cli("beiwe", "export", str(lab.out / "new"), *study_of(lab))
    assert result.code == 4, result.err
    assert str(lab.out) in result.err
    assert "OSError" not in result.err


def test_a_ledger_of_an_earlier_version_must_be_written_before_it_is_read(lab: Lab, seal: Seal, cli: Call) -> None:
    lab.ledger.parent.mkdir()
    source = Path(__file__).parents[1] / "ledger" / "old" / "beiwe.sql"
    database = sqlite3.connect(lab.ledger)
    database.executescript(source.read_text())
    database.close()
    seal()
    result = cli("run", "list", "--dest", str(lab.out))
    assert result.code == 4
    assert "earlier Bondstore" in result.err
    assert "Copy its folder" in result.err


def test_a_log_that_a_killed_run_left_is_told(lab: Lab, seal: Seal, cli: Call, tmp_path: Path) -> None:
    lab.export()
    with lab.destination.ledger() as ledger:
        with ledger.transaction():
            ledger.audit.event("me", "", "look")
        shutil.copytree(lab.ledger.parent, tmp_path / "killed")
    shutil.rmtree(lab.ledger.parent)
    shutil.copytree(tmp_path / "killed", lab.ledger.parent)
    lab.ledger.with_name("ledger.sqlite-shm").unlink()
    assert lab.ledger.with_name("ledger.sqlite-wal").stat().st_size
    seal()
    result = cli("audit", "verify", "--dest", str(lab.out))
    assert result.code == 4
    assert "A run was killed" in result.err


def test_an_empty_file_is_no_ledger(lab: Lab, seal: Seal, cli: Call) -> None:
    lab.ledger.parent.mkdir()
    lab.ledger.touch()
    seal()
    result = cli("run", "list", "--dest", str(lab.out))
    assert result.code == 3
    assert "is empty" in result.err


def test_a_home_that_cannot_be_written_is_named(
    lab: Lab, seal: Seal, cli: Call, shell: Call, s3_environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(lab.out / "state"))
    place = f"{s3_environment}/out"
    assert shell("beiwe", "export", place, *study_of(lab)).code == 0  # its own process: this one keeps files open
    seal()
    for words in (("run", "list", "--dest", place), ("audit", "verify", "--dest", place)):
        result = cli(*words)
        assert result.code == 4, result.err
        assert f"The record of {place} is kept in {lab.out}" in result.err
        assert "XDG_STATE_HOME" in result.err
