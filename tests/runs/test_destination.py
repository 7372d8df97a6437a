"""The folder a run writes to: held by one run, and honest about what is in it."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bondstore.errors import ConfigurationError, Exit, PolicyError
from bondstore.ledger import Output
from bondstore.runs.folder_destination import FolderDestination

HOLD = """
import sys
from pathlib import Path
from bondstore.runs.folder_destination import FolderDestination
with FolderDestination(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_run(destination: FolderDestination) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that holds the folder."""
    command = [sys.executable, "-c", HOLD, str(destination.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child
        finally:
            child.kill()


def test_a_second_run_is_refused(destination: FolderDestination) -> None:
    with another_run(destination) as child:
        scratch = destination.scratch / "theirs"
        scratch.mkdir(parents=True)
        with pytest.raises(PolicyError, match="Another run") as refused, destination.locked():
            pytest.fail("the folder was held twice")
        assert refused.value.exit_code is Exit.REFUSED
        assert refused.value.hint
        assert scratch.exists()  # what the other one is writing is left alone
        assert destination.busy()
        child.kill()
        child.wait()
        assert not destination.busy()
        with destination.locked():  # a killed run holds nothing, and its leftovers are cleared
            assert not scratch.exists()
            assert destination.busy()
    assert not destination.busy()


def test_another_folder_is_free(destination: FolderDestination, tmp_path: Path) -> None:
    with another_run(destination), FolderDestination(tmp_path / "other").locked():
        pass


def test_leftovers_are_cleared_at_the_end_too(destination: FolderDestination) -> None:
    with destination.locked():
        destination.group().write("a", [b"x"])
        assert destination.scratch.exists()
    assert not destination.scratch.exists()
    assert not (destination.root / "a").exists()


def test_a_folder_that_was_never_written_to_is_not_busy_and_not_made(destination: FolderDestination) -> None:
    assert not destination.busy()
    assert not destination.root.exists()


def test_only_its_owner_sees_the_private_corner(destination: FolderDestination) -> None:
    destination.prepare()
    destination.prepare()
    assert stat.S_IMODE((destination.root / ".bondstore").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError) as refused, FolderDestination(tmp_path / "file" / "dest").locked():
        pass
    assert refused.value.hint


def test_sealed_bytes_are_kept_below_the_quarantine_whatever_the_key(destination: FolderDestination) -> None:
    for key in ("../../x", "/etc/passwd", "a/b.csv", ".."):
        path = os.path.normpath(destination.quarantine_path(key))
        assert path.startswith(".bondstore/quarantine/")


@pytest.fixture
def recorded(destination: FolderDestination) -> tuple[Path, Output]:
    path = destination.root / "a" / "b.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"hello")
    return path, Output("a/b.csv", hashlib.sha256(b"hello").digest(), 5, path.stat().st_mtime_ns)


def test_a_file_as_recorded_is_held(destination: FolderDestination, recorded: tuple[Path, Output]) -> None:
    assert destination.holds(recorded[1])


def test_a_touched_file_is_held_a_changed_one_is_not(
    destination: FolderDestination, recorded: tuple[Path, Output]
) -> None:
    path, output = recorded
    os.utime(path, ns=(0, output.mtime_ns + 1))
    assert destination.holds(output)
    path.write_bytes(b"jello")
    os.utime(path, ns=(0, output.mtime_ns + 1))
    assert not destination.holds(output)
    path.write_bytes(b"hello and more")
    os.utime(path, ns=(0, output.mtime_ns))
    assert not destination.holds(output)


def test_a_missing_file_is_not_held(destination: FolderDestination, recorded: tuple[Path, Output]) -> None:
    path, output = recorded
    path.unlink()
    assert not destination.holds(output)
    path.parent.rmdir()
    assert not destination.holds(output)
    path.parent.write_text("a file where the folder was")
    assert not destination.holds(output)
    path.parent.unlink()
    path.mkdir(parents=True)
    assert not destination.holds(output)


def test_where_nothing_came_of_the_objects_no_file_is_missing(destination: FolderDestination) -> None:
    assert destination.holds(Output("t.csv", b"", 0, 0))
