"""``bondstore audit``: who read what, and the proof that the record is unbroken."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from demo.study import STUDY

from bondstore.ledger import Read, personal_ledger
from tests.cli.conftest import Call, Result
from tests.cli.exports import Lab, lab

__all__ = ["lab"]


def change(lab: Lab, *statements: str) -> None:
    with closing(sqlite3.connect(lab.ledger)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def ask(lab: Lab, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(lab.ledger)) as database:
        return database.execute(query).fetchall()


def link(previous: bytes, row: tuple[Any, ...]) -> bytes:
    """The chain as documented: SHA-256 over the previous hash and the entry as compact JSON."""
    return hashlib.sha256(previous + json.dumps(row, separators=(",", ":")).encode()).digest()


def forge(lab: Lab) -> None:
    """Drop the second read and write the whole record anew, so that it fits together."""
    rows = ask(lab, "SELECT at_ms, who, action, run, key, version, bytes FROM audit ORDER BY seq")
    del rows[2]
    head, entries = bytes(32), []
    for seq, row in enumerate(rows, 1):
        head = link(head, (seq, *row))
        entries.append((seq, *row, head))
    with closing(sqlite3.connect(lab.ledger)) as database:
        database.execute("DELETE FROM audit")
        database.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", entries)
        database.execute("UPDATE runs SET audit_seq = ?, audit_hash = ?", (len(rows), head))
        database.commit()


def verify(cli: Call, lab: Lab, *words: str) -> Result:
    return cli("audit", "verify", "--dest", str(lab.out), "--json", *words)


def head_of(cli: Call, lab: Lab) -> str:
    return str(verify(cli, lab).records[-1]["head"])


def test_every_read_is_shown_newest_last(lab: Lab, cli: Call) -> None:
    run = lab.export().run
    everything = cli("audit", "show", "--dest", str(lab.out), "--json", "--all").records
    # each object is read, written and done
    assert [one["seq"] for one in everything] == list(range(1, 3 * len(lab.data) + 3))
    records = cli("audit", "show", "--dest", str(lab.out), "--json").records
    assert records == [one for one in everything if one["action"] in ("read", "run.start", "run.end")]
    files = {one["key"]: one["version"] for one in everything if one["action"] == "write"}
    assert files == {name: hashlib.sha256((lab.out / name).read_bytes()).hexdigest() for name in lab.files()}
    assert [one["action"] for one in (records[0], records[-1])] == ["run.start", "run.end"]
    reads = {one["key"]: one["bytes"] for one in records[1:-1]}
    assert reads == {one.key: len(one.sealed) for one in lab.data}
    assert {one["run"] for one in records} == {run}
    assert {one["who"].partition("@")[0] for one in records} == {getpass.getuser()}
    assert all(one["version"] for one in records[1:-1])
    text = cli("audit", "show", "--dest", str(lab.out)).out.splitlines()
    assert text[0].split() == ["time", "who", "action", "bytes", "run", "key", "version"]
    assert len(text) == len(records) + 1


def test_filters(lab: Lab, cli: Call) -> None:
    first, second = lab.export().run, lab.export().run
    show = ("audit", "show", "--dest", str(lab.out), "--json")
    every = cli(*show).records
    assert cli(*show, "--limit", "3").records == every[-3:]
    assert cli(*show, "--run", "last").records == [one for one in every if one["run"] == second]
    assert cli(*show, "--run", first, "--limit", "2").records == [one for one in every if one["run"] == first][-2:]
    gps, calls = f"CHUNKED_DATA/{STUDY}/1ab2cd3e/gps/", f"{STUDY}/1ab2cd3e/gps/"
    found = cli(*show, "--prefix", gps, "--prefix", calls).records
    assert {one["key"] for one in found} == {one.key for one in lab.data if one.key.startswith((gps, calls))}
    assert found
    assert cli(*show, "--prefix", "%").records == []
    assert cli(*show, "--since", "2100-01-01").records == []
    assert cli(*show, "--until", "2100-01-01", "--since", "2020-01-01").records == every
    middle = every[len(every) // 2]["time"]
    split = [cli(*show, word, middle).records for word in ("--until", "--since")]
    assert split[0] + split[1] == every
    # as times, not as texts: a whole second is written without its zeros
    assert all(datetime.fromisoformat(one["time"]) < datetime.fromisoformat(middle) for one in split[0])
    assert cli(*show, "--run", "1999").code == 3


def test_without_a_folder_the_own_reads_are_shown(lab: Lab, cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("audit", "show").code == 3
    assert cli("audit", "verify").code == 3
    lab.export()
    with personal_ledger() as ledger, ledger.transaction():
        ledger.audit.reads("me@here", "", [Read("a/b.csv", "v1", 12)])
    shown = cli("audit", "show", "--json").records[-1]
    assert (shown["key"], shown["who"], shown["bytes"], shown["run"]) == ("a/b.csv", "me@here", 12, "")
    assert "run" not in cli("audit", "show").out.split("\n")[0].split()
    assert cli("audit", "verify").code == 0
    monkeypatch.chdir(lab.out)
    assert "--dest ." in cli("audit", "verify").err


def test_an_unbroken_record_ends_with_0_and_its_head(lab: Lab, cli: Call) -> None:
    lab.export()
    (record,) = verify(cli, lab).records
    assert record["entries"] == 3 * len(lab.data) + 2
    head = bytes(32)
    for row in ask(lab, "SELECT seq, at_ms, who, action, run, key, version, bytes FROM audit ORDER BY seq"):
        head = link(head, row)
    assert record["head"] == head.hex()
    text = cli("audit", "verify", "--dest", str(lab.out))
    assert (text.code, head.hex() in text.out) == (0, True)
    assert "unbroken" in text.err
    assert "Write the head down elsewhere" in text.err


@pytest.mark.parametrize(
    ("tampering", "position", "problem"),
    [
        ("UPDATE audit SET bytes = bytes + 1 WHERE seq = 5", 5, "changed"),
        ("UPDATE audit SET key = 'x' WHERE seq = 5", 5, "changed"),
        ("UPDATE audit SET who = 'nobody' WHERE seq = 1", 1, "changed"),
        ("UPDATE audit SET at_ms = at_ms - 1 WHERE seq = 5", 5, "changed"),
        ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 5", 5, "changed"),
        ("UPDATE audit SET key = CAST(x'ff' AS TEXT) WHERE seq = 5", 5, "cannot be read"),
        ("DELETE FROM audit WHERE seq = 5", 5, "missing"),
        ("DELETE FROM audit WHERE seq = 1", 1, "missing"),
        ("DELETE FROM audit WHERE seq >= 9", 9, "cut off"),
        ("DELETE FROM audit", 1, "cut off"),
    ],
)
def test_tampering_ends_with_7(tampering: str, position: int, problem: str, lab: Lab, cli: Call) -> None:
    lab.export()
    change(lab, tampering)
    result = verify(cli, lab)
    assert result.code == 7
    error = result.records[-1]
    assert error["type"] == "IntegrityError"
    assert f"entry {position}:" in error["message"]
    assert problem in error["message"]


def test_two_ends_written_down_at_one_position_end_with_7(lab: Lab, cli: Call) -> None:
    """A tail that was cut off and grown again to the same length."""
    lab.export()
    columns = ", ".join(row[1] for row in ask(lab, "PRAGMA table_info(runs)"))
    other = columns.replace("id", "'0'", 1)
    change(
        lab,
        f"INSERT INTO runs ({columns}) SELECT {other} FROM runs",
        "UPDATE runs SET audit_hash = zeroblob(32) WHERE id <> '0'",
    )
    assert verify(cli, lab).code == 7


def test_a_damaged_page_ends_with_7(lab: Lab, cli: Call) -> None:
    lab.export()
    change(lab)
    ((root, size),) = ask(lab, "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'audit'")
    with lab.ledger.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    result = verify(cli, lab)
    assert result.code == 7
    assert "damaged" in result.records[-1]["message"]
    assert cli("audit", "show", "--dest", str(lab.out)).code == 7


def test_a_record_written_anew_is_told_by_an_earlier_head(
    lab: Lab, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.export()
    head = head_of(cli, lab)
    forge(lab)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another account"))
    assert verify(cli, lab).code == 0  # it fits together: only what was written down elsewhere can tell
    result = verify(cli, lab, "--expect", head)
    assert result.code == 7
    assert "not in the record" in result.err


def test_an_earlier_head_is_found(lab: Lab, cli: Call) -> None:
    lab.export()
    first = verify(cli, lab).records[-1]
    lab.export()
    (record,) = verify(cli, lab, "--expect", first["head"].upper()).records
    assert record["expected_at"] == first["entries"]
    assert record["entries"] == first["entries"] + 2
    text = cli("audit", "verify", "--dest", str(lab.out), "--expect", first["head"])
    assert "2 came after it" in text.err
    assert verify(cli, lab, "--expect", "1" * 64).code == 7


def test_the_head_of_an_empty_record_proves_nothing_of_one_with_entries(
    lab: Lab, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.export()
    result = verify(cli, lab, "--expect", "0" * 64)
    assert result.code == 2
    assert "proves nothing" in result.err
    for file in lab.files():
        (lab.out / file).unlink()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another account"))
    change(lab, "DELETE FROM audit", *(f"DELETE FROM {table}" for table in ("runs", "outputs", "items", "findings")))
    assert verify(cli, lab, "--expect", "0" * 64).records[-1]["expected_at"] == 0


def test_a_window_that_ends_before_it_starts_ends_with_2(lab: Lab, cli: Call) -> None:
    lab.export()
    for words in (("2026-11-30", "2026-11-01"), ("2026-11-30T12:00", "2026-11-30T12:00")):
        since, until = words
        result = cli("audit", "show", "--dest", str(lab.out), "--since", since, "--until", until)
        assert result.code == 2
        assert "The window ends before it starts." in result.err
    assert cli("audit", "show", "--dest", str(lab.out), "--since", "2026-11-30", "--until", "2026-11-30").code == 0


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 63])
def test_a_shortened_hash_ends_with_2(text: str, lab: Lab, cli: Call) -> None:
    lab.export()
    assert verify(cli, lab, "--expect", text).code == 2


def test_no_record_ends_with_3(cli: Call, tmp_path: Path) -> None:
    for verb in ("show", "verify"):
        assert cli("audit", verb, "--dest", str(tmp_path)).code == 3
    assert list(tmp_path.glob("**/*.sqlite")) == []


def test_files_are_hashed_again(lab: Lab, cli: Call) -> None:
    lab.export()
    good = verify(cli, lab, "--files")
    assert (good.code, good.records[-1]["files_changed"]) == (0, 0)
    text = cli("audit", "verify", "--dest", str(lab.out), "--files")
    assert f"All {len(lab.data)} files are what the runs wrote." in text.err
    changed, missing, *_ = sorted(lab.out / name for name in lab.files())
    state = changed.stat()
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(changed, ns=(state.st_atime_ns, state.st_mtime_ns))  # same size, same time: only the hash can tell
    missing.unlink()
    result = verify(cli, lab, "--files")
    assert result.code == 7
    found = {one["key"]: one["finding"] for one in result.records if one["kind"] == "finding"}
    assert {lab.out / key: kind for key, kind in found.items()} == {changed: "file-changed", missing: "file-missing"}
    assert [one["kind"] for one in result.records[-2:]] == ["chain", "error"]
    assert verify(cli, lab).code == 0
    (lab.out / "notes.txt").write_text("mine")
    lab.export()  # sees the missing file; that of the same size and time only a hash can tell
    again = verify(cli, lab, "--files").records
    assert (again[-2]["files_changed"], again[-2]["files_unknown"]) == (1, 1)
    assert [one["key"] for one in again if one.get("finding") == "file-unknown"] == ["notes.txt"]


def test_files_need_a_folder(lab: Lab, cli: Call) -> None:
    assert cli("audit", "verify", "--files").code == 2
