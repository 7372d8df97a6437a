"""What somebody put in the place of an output is kept, and what a run wrote is not taken for somebody's."""

from __future__ import annotations

import dataclasses
import errno
import logging
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import NoSpaceError
from bondstore.ledger import Ledger
from bondstore.modes import Modes
from bondstore.runs.context import RunContext
from bondstore.runs.destination import QUARANTINE
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.receipt import Receipt, begin_recording
from bondstore.runs.record import record
from bondstore.runs.work import Work
from tests.runs.conftest import SmallDisk

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


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


PUT = {
    "pipe": os.mkfifo,
    "socket": socket_at,
    "link to itself": lambda path: path.symlink_to(path),
    "link to a folder": lambda path: path.symlink_to(path.parent),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("content", [b"", b"1"])
@pytest.mark.parametrize("put", PUT.values(), ids=PUT)
def test_what_is_no_file_is_moved_and_never_opened(
    ledger: Ledger, dest: FolderDestination, put: Callable[[Path], None], content: bytes
) -> None:
    """Whoever opens a pipe waits for ever, and a device has no end."""
    write(ledger, dest, a=content)
    file = dest.root / "a"
    file.unlink()
    put(file)
    kind = stat.S_IFMT(file.lstat().st_mode)
    (known,) = ledger.outputs.known(JOB, ["a"]).values()
    assert not dest.holds(known)
    write(ledger, dest, a=b"2")
    assert file.read_bytes() == b"2"
    (folder,) = dest.corner.glob("changed-*")
    assert stat.S_IFMT((folder / "a").lstat().st_mode) == kind


def test_a_link_in_the_quarantine_of_a_folder_for_a_group_is_moved(dest: FolderDestination, tmp_path: Path) -> None:
    shared = dataclasses.replace(dest, modes=Modes("staff", os.getgid(), 0o2750, 0o640))
    sealed = f"{QUARANTINE}/a"
    with shared.locked(), shared.ledger() as ledger:
        with ledger.transaction():
            ledger.runs.put("r", JOB, {}, who="me", tool="", started_ms=0)
        write(ledger, shared, **{sealed: b"1"})
        (dest.root / sealed).unlink()
        (dest.root / sealed).symlink_to(tmp_path / "nowhere")
        write(ledger, shared, **{sealed: b"2"})
    (folder,) = dest.corner.glob("changed-*")
    assert (folder / sealed).is_symlink()


def test_a_file_that_we_may_not_read_is_kept(
    ledger: Ledger, dest: FolderDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ledger, dest, a=b"1")
    (dest.root / "a").write_bytes(b"X")
    usual = open

    def refuse(path: Any, *words: Any, **more: Any) -> Any:
        if str(path) == str(dest.root / "a"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return usual(path, *words, **more)

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    write(ledger, dest, a=b"2")
    monkeypatch.undo()
    assert kept(dest) == [("a", b"X")]
    assert (dest.root / "a").read_bytes() == b"2"


def test_a_disk_that_is_full_when_a_file_is_to_be_kept_is_told(small_tmpfs: SmallDisk) -> None:
    dest = FolderDestination(small_tmpfs.path / "out")
    with dest.locked(), dest.ledger() as ledger:
        with ledger.transaction():
            ledger.runs.put("r", JOB, {}, who="me", tool="", started_ms=0)
        write(ledger, dest, a=b"1")
        (dest.root / "a").write_bytes(b"mine")
        made = receipt(dest, a=b"2")
        fill = [small_tmpfs.path / str(number) for number in range(300)]
        with suppress(OSError):  # it has room for 200 files
            for one in fill:
                one.touch()
        with pytest.raises(NoSpaceError):
            record(ledger, context(dest), [made])
        assert (dest.root / "a").read_bytes() == b"mine"
        for one in fill:
            one.unlink(missing_ok=True)
        write(ledger, dest, a=b"2")
    assert kept(dest) == [("a", b"mine")]
    assert (dest.root / "a").read_bytes() == b"2"


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
