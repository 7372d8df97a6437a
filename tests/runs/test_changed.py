"""What somebody put in the place of an output is kept, and what a run wrote is not taken for somebody's."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.ledger import Ledger
from bondstore.runs.context import RunContext
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.receipt import Receipt, begin_recording
from bondstore.runs.record import record
from bondstore.runs.work import Work

JOB = "job"


@pytest.fixture
def dest(tmp_path: Path) -> FolderDestination:
    return FolderDestination(tmp_path / "out")


@pytest.fixture
def ledger(dest: FolderDestination) -> Iterator[Ledger]:
    with dest.locked(), dest.ledger() as ledger:
        with ledger.transaction():
            ledger.runs.put("r", JOB, {}, who="me", tool="", started_ms=0)
        yield ledger


def context(dest: FolderDestination) -> RunContext:
    return RunContext("r", JOB, "me", StoreSpec("file:///nowhere", Profile()), dest)


def receipt(dest: FolderDestination, **files: bytes) -> Receipt:
    work = Work(context(dest))
    for path, data in files.items():
        work.write(path, [data])
    return work.seal()


def write(ledger: Ledger, dest: FolderDestination, **files: bytes) -> None:
    record(ledger, context(dest), [receipt(dest, **files)])


def kept(dest: FolderDestination) -> list[tuple[str, bytes]]:
    """What lies in the corner: paths below the folder of that time."""
    folders = dest.corner.glob("changed-*")
    return sorted(
        (path.relative_to(folder).as_posix(), path.read_bytes())
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_a_changed_file_is_kept_when_a_run_writes_it_anew(
    ledger: Ledger, dest: FolderDestination, caplog: pytest.LogCaptureFixture
) -> None:
    write(ledger, dest, **{"a/b": b"1", "same": b"1"})
    (dest.root / "a/b").write_bytes(b"mine")
    with caplog.at_level(logging.WARNING):
        write(ledger, dest, **{"a/b": b"2", "same": b"2"})
    assert kept(dest) == [("a/b", b"mine")]
    assert (dest.root / "a/b").read_bytes() == b"2"
    (line,) = caplog.messages
    assert "a/b" in line
    assert str(next(dest.corner.glob("changed-*"))) in line


def test_one_that_changed_twice_in_a_second_is_kept_twice(ledger: Ledger, dest: FolderDestination) -> None:
    for mine in (b"mine", b"mine too"):
        write(ledger, dest, a=b"1")
        (dest.root / "a").write_bytes(mine)
    write(ledger, dest, a=b"2")
    assert kept(dest) == [("a", b"mine"), ("a", b"mine too")]


def test_a_file_that_no_run_wrote_is_kept(ledger: Ledger, dest: FolderDestination) -> None:
    dest.root.mkdir(exist_ok=True)
    (dest.root / "a").write_bytes(b"mine")
    write(ledger, dest, a=b"1")
    assert kept(dest) == [("a", b"mine")]


def test_a_changed_file_is_kept_when_its_output_goes(ledger: Ledger, dest: FolderDestination) -> None:
    write(ledger, dest, a=b"1", b=b"1")
    (dest.root / "a").write_bytes(b"mine")
    record(ledger, context(dest), [Receipt(gone=["a", "b"], counted=False)])
    assert kept(dest) == [("a", b"mine")]
    assert not (dest.root / "a").exists()
    assert not (dest.root / "b").exists()


@pytest.mark.parametrize("leads", ["elsewhere", "nowhere"])
def test_a_link_is_moved_and_where_it_leads_is_not_touched(
    ledger: Ledger, dest: FolderDestination, tmp_path: Path, leads: str
) -> None:
    write(ledger, dest, a=b"1")
    if leads == "elsewhere":
        (tmp_path / leads).write_bytes(b"mine")
    (dest.root / "a").unlink()
    (dest.root / "a").symlink_to(tmp_path / leads)
    write(ledger, dest, a=b"2")
    assert not (dest.root / "a").is_symlink()
    (folder,) = dest.corner.glob("changed-*")
    assert (folder / "a").readlink() == tmp_path / leads
    if leads == "elsewhere":
        assert (tmp_path / leads).read_bytes() == b"mine"


def test_an_older_version_of_ours_is_not_taken_for_somebodys(ledger: Ledger, dest: FolderDestination) -> None:
    """Killed after the new one was recorded and before it had its name."""
    write(ledger, dest, a=b"1")
    killed = receipt(dest, a=b"2")
    with ledger.transaction():
        begin_recording(ledger, JOB, "r", "me", [killed], at_ms=0)
    assert (dest.root / "a").read_bytes() == b"1"
    write(ledger, dest, a=b"3")
    assert kept(dest) == []
    assert (dest.root / "a").read_bytes() == b"3"


def test_one_that_was_only_touched_is_replaced(ledger: Ledger, dest: FolderDestination) -> None:
    write(ledger, dest, a=b"1")
    os.utime(dest.root / "a", ns=(1, 1))
    write(ledger, dest, a=b"2")
    assert kept(dest) == []
