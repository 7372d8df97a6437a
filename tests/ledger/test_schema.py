"""How a ledger is opened: made private, and refused when it is none or too new."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bondstore.errors import ConfigurationError, Exit, IntegrityError, NotFoundError
from bondstore.findings import Finding, Severity
from bondstore.ledger import Ledger, personal_ledger, personal_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_may_read_a_new_ledger(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Ledger(path) as ledger, ledger.transaction():
            ledger.audit.event("me", "", "look")
            files = [path, *path.parent.glob("ledger.sqlite-*")]
            assert len(files) == 3  # the log and the index beside it hold the same rows
            assert {mode(file) for file in files} == {0o600}
    finally:
        os.umask(before)


def test_what_was_recorded_is_there_when_opened_again(path: Path) -> None:
    finding = Finding("truncated", Severity.ERROR, "k", "m")
    with Ledger(path) as ledger, ledger.transaction():
        ledger.findings.put("job", "r", [finding])
    with Ledger(path, create=False) as again:
        assert list(again.findings.walk()) == [finding]


@pytest.mark.parametrize("again", [Ledger, lambda path: Ledger(path, create=False)])
def test_another_process_does_not_take_an_open_one_for_left(path: Path, again: Callable[[Path], Ledger]) -> None:
    """The last one to close a ledger removes its journal: to be open has to count, however often it is opened."""
    journal = path.with_name(f"{path.name}-wal")
    with Ledger(path) as ours:
        again(path).close()
        look = f"import pathlib, bondstore.ledger as it; it.Ledger(pathlib.Path({str(path)!r}), create=False).close()"
        subprocess.run([sys.executable, "-c", look], check=True)
        assert journal.exists()
        with ours.transaction():
            ours.audit.event("me", "", "look")
        assert journal.stat().st_size
    assert not journal.exists()
    with Ledger(path) as one:
        assert one.audit.verify().broken_at is None
        assert one.audit.head()[0] == 1


def test_a_folder_in_its_place_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite"):
        Ledger(path)


def test_a_missing_one_is_not_made_unasked(path: Path) -> None:
    with pytest.raises(NotFoundError) as refused:
        Ledger(path, create=False)
    assert refused.value.exit_code is Exit.NOT_FOUND
    assert not path.parent.exists()


def test_a_newer_one_is_refused_and_left_as_it_is(path: Path) -> None:
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version=99")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="newer") as refused:
        Ledger(path)
    assert refused.value.hint is not None
    assert "pip install -U bondstore" in refused.value.hint
    assert path.read_bytes() == before


def test_a_file_that_is_no_ledger_is_refused_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"subject,age\n" * 1000)
    with pytest.raises(IntegrityError, match="is not a ledger"):
        Ledger(path)
    assert path.read_bytes() == b"subject,age\n" * 1000


@pytest.mark.parametrize("version", [0, 1, 7])
def test_somebody_elses_database_is_refused_and_left_as_it_is(path: Path, version: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE bookmarks (url TEXT)")
        raw.execute(f"PRAGMA user_version={version}")
    before = path.read_bytes()
    with pytest.raises(IntegrityError, match="is not a ledger"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "ledger.sqlite", tmp_path):
        with pytest.raises(ConfigurationError) as refused:
            Ledger(path)
        assert refused.value.hint


def test_two_processes_may_open_a_new_one_at_once(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom bondstore.ledger import Ledger\nsys.stdin.read()\n"
        "with Ledger(Path(sys.argv[1])) as ledger, ledger.transaction():\n"
        "    ledger.audit.event('me', '', sys.argv[2])\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], stdin=subprocess.PIPE) for name in "abcd"
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0] * 4
    with Ledger(path) as ledger:
        assert sorted(entry.action for entry in ledger.audit.entries()) == ["a", "b", "c", "d"]
        assert ledger.audit.verify().broken_at is None


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_a_transaction_holds_altogether_or_not_at_all(ledger: Ledger, stop: type[BaseException]) -> None:
    def half() -> None:
        with ledger.transaction():
            ledger.audit.event("me", "", "half")
            raise stop

    with pytest.raises(stop):
        half()
    assert ledger.audit.head() == (0, bytes(32))
    with ledger.transaction():
        ledger.audit.event("me", "", "whole")
    assert [entry.action for entry in ledger.audit.entries()] == ["whole"]


def test_the_personal_record_lies_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert personal_path() == tmp_path / "state" / "bondstore" / "ledger.sqlite"
    with pytest.raises(NotFoundError):
        personal_ledger(create=False)
    personal_ledger().close()
    assert mode(personal_path()) == 0o600
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("state", [None, "", "relative/folder"])  # the standard says: ignore what is not absolute
def test_without_a_state_folder_it_lies_below_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if state is None:
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_STATE_HOME", state)
    assert personal_path() == tmp_path / ".local" / "state" / "bondstore" / "ledger.sqlite"
