"""The audit chain: an independent reckoning of it, and every way to tamper with it."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.ledger import Ledger, Read
from bondstore.ledger.audit import AuditEntry

COLUMNS = ("seq", "at_ms", "who", "action", "run", "key", "version", "bytes", "hash")
ENTRIES = 15
ZEROS = dict.fromkeys(("planned", "done", "skipped", "quarantined", "failed"), 0)

Rows = list[tuple[Any, ...]]


def fill(path: Path) -> None:
    """Three ended runs of five entries each."""
    with Ledger(path) as ledger:
        for n in range(3):
            run = ledger.runs.new_id()
            ledger.runs.put(run, "job", {}, who="me", tool="", started_ms=n)
            with ledger.transaction():
                ledger.audit.event("me@here", run, "run.start", "job")
                ledger.audit.reads("me@here", run, [Read(f"s/ü {n}/{m}.csv", f'"e{m}"', 100 * m) for m in range(3)])
                ledger.audit.event("me@here", run, "run.end", "finished", 300)
                ledger.runs.finish(run, "finished", ZEROS, ZEROS, ledger.audit.head(), at_ms=n + 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger with an unbroken chain; tests tamper with copies of it."""
    path = tmp_path_factory.mktemp("audit") / "ledger.sqlite"
    fill(path)
    return path


def raw_rows(path: Path) -> Rows:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY seq").fetchall()


def test_an_unbroken_chain_is_found_unbroken(whole: Path) -> None:
    with Ledger(whole) as ledger:
        report = ledger.audit.verify()
        assert (report.entries, report.broken_at, report.problem) == (ENTRIES, None, "")
        assert ledger.audit.head() == (ENTRIES, report.head)
    assert report.head == raw_rows(whole)[-1][-1]


def test_each_hash_is_over_the_one_before_and_the_entry(whole: Path) -> None:
    previous = b"\0" * 32
    for row in raw_rows(whole):
        line = json.dumps(list(row[:-1]), separators=(",", ":"))
        previous = hashlib.sha256(previous + line.encode()).digest()
        assert row[-1] == previous


@given(
    texts=st.tuples(*[st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))] * 5),
    size=st.integers(0, 2**62),
)
def test_any_text_is_bound_as_json_writes_it(texts: tuple[str, ...], size: int) -> None:
    who, action, run, key, version = texts
    entry = AuditEntry(7, 8, who, action, run, key, version, size, b"")
    line = json.dumps([7, 8, *texts, size], separators=(",", ":"))
    assert entry.expected_hash(b"\1" * 32) == hashlib.sha256(b"\1" * 32 + line.encode()).digest()


@pytest.mark.parametrize("value", ["NULL", "x'ff'", "5"])
@pytest.mark.parametrize("column", ["who", "key", "at_ms", "bytes"])
def test_a_table_that_was_made_anew_without_types_is_no_way_around(
    whole: Path, tmp_path: Path, column: str, value: str
) -> None:
    path = shutil.copy(whole, tmp_path / "ledger.sqlite")
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(
            f"ALTER TABLE audit RENAME TO typed; CREATE TABLE audit ({', '.join(COLUMNS)});"
            "INSERT INTO audit SELECT * FROM typed; DROP TABLE typed;"
            f"UPDATE audit SET {column} = {value} WHERE seq = 5"
        )
    with Ledger(path) as ledger:
        assert ledger.audit.verify().broken_at == 5


def test_an_empty_chain_holds(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        report = ledger.audit.verify()
        assert (report.entries, report.broken_at, report.head) == (0, None, bytes(32))
        assert (ledger.audit.head(), ledger.audit.last_run()) == ((0, bytes(32)), "")


def test_entries_say_who_read_what_for_which_run(whole: Path) -> None:
    with Ledger(whole) as ledger:
        run = ledger.runs.newest_first()[0].id
        entries = list(ledger.audit.entries())
        mine = list(ledger.audit.entries(run=run))
        assert [entry.seq for entry in entries] == list(range(1, ENTRIES + 1))
        assert ledger.audit.last_run() == run
    assert [(e.who, e.action, e.key, e.version, e.size) for e in mine[:3]] == [
        ("me@here", "run.start", "job", "", 0),
        ("me@here", "read", mine[1].key, '"e0"', 0),
        ("me@here", "read", mine[2].key, '"e1"', 100),
    ]
    assert len(mine) == 5
    assert mine[1].key.startswith("s/ü ")


def test_entries_are_chosen_by_run_key_time_and_number(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        with ledger.transaction():
            for n, key in enumerate(["s/a/1", "s/a_/1", "s/b/1", "S/a/1", "s/a/2"]):
                ledger.audit.reads("me", f"r{n % 2}", [Read(key, "", n)])
        ledger._connection.execute("UPDATE audit SET at_ms = 1000 * seq")
        entries = ledger.audit.entries

        def seqs(**chosen: Any) -> list[int]:
            return [entry.seq for entry in entries(**chosen)]

        assert seqs(prefixes=["s/a/"]) == [1, 5]
        assert seqs(prefixes=["s/b/", "S/"]) == [3, 4]
        assert seqs(prefixes=["%"]) == []
        assert seqs(since_ms=2000, until_ms=4000) == [2, 3]
        assert seqs(last=2) == [4, 5]
        assert seqs(run="r0", last=2) == [3, 5]
        assert seqs(run="r0", prefixes=["s/a"], since_ms=1001, last=9) == [5]
        assert seqs(last=0) == []


def test_a_hash_written_down_earlier_has_a_place_in_the_chain(whole: Path) -> None:
    rows = raw_rows(whole)
    with Ledger(whole) as ledger:
        assert [ledger.audit.position(row[-1]) for row in rows] == list(range(1, ENTRIES + 1))
        assert ledger.audit.position(bytes(32)) == 0
        assert ledger.audit.position(b"\x01" * 32) is None


def change(seq: int, column: str, value: Any) -> Callable[[sqlite3.Connection], None]:
    def act(raw: sqlite3.Connection) -> None:
        raw.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (value, seq))

    return act


def remove(first: int, last: int, *, close_gap: bool) -> Callable[[sqlite3.Connection], None]:
    def act(raw: sqlite3.Connection) -> None:
        raw.execute("DELETE FROM audit WHERE seq BETWEEN ? AND ?", (first, last))
        if close_gap:
            raw.execute("UPDATE audit SET seq = seq - ? WHERE seq > ?", (last - first + 1, last))

    return act


def swap(one: int, other: int) -> Callable[[sqlite3.Connection], None]:
    def act(raw: sqlite3.Connection) -> None:
        for old, new in ((one, -1), (other, one), (-1, other)):
            raw.execute("UPDATE audit SET seq = ? WHERE seq = ?", (new, old))

    return act


def forge_tail(first: int) -> Callable[[sqlite3.Connection], None]:
    """Change an entry and reckon every hash from there on anew, as somebody would who knows the format."""

    def act(raw: sqlite3.Connection) -> None:
        rows = raw.execute(f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY seq").fetchall()
        previous = rows[first - 2][-1] if first > 1 else bytes(32)
        for row in rows[first - 1 :]:
            fields = [*row[:-1]]
            fields[2] = "somebody else"
            previous = hashlib.sha256(previous + json.dumps(fields, separators=(",", ":")).encode()).digest()
            raw.execute("UPDATE audit SET who = ?, hash = ? WHERE seq = ?", (fields[2], previous, fields[0]))

    return act


seqs = st.integers(1, ENTRIES)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(1 << 62), 1 << 62)
changes = st.one_of(
    st.builds(change, seqs, st.sampled_from(["who", "action", "run", "key", "version"]), texts),
    st.builds(change, seqs, st.sampled_from(["at_ms", "bytes"]), numbers),
    st.builds(change, seqs, st.just("hash"), st.binary(min_size=0, max_size=40)),
    st.builds(change, seqs, st.just("seq"), st.integers(ENTRIES + 1, 1 << 62) | st.integers(-(1 << 62), 0)),
)
removals = (
    st.tuples(seqs, seqs).map(sorted).flatmap(lambda p: st.builds(remove, *map(st.just, p), close_gap=st.booleans()))
)
swaps = st.tuples(seqs, seqs).filter(lambda p: p[0] != p[1]).map(lambda p: swap(*p))


@settings(max_examples=150, deadline=None)
@given(st.one_of(changes, removals, swaps, st.builds(forge_tail, seqs)))
def test_whatever_is_tampered_with_is_found(whole: Path, tamper: Callable[[sqlite3.Connection], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(whole, folder))
        before = raw_rows(copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
            tamper(raw)
        changed = raw_rows(copy) != before
        with Ledger(copy) as ledger:
            report = ledger.audit.verify()
    assert (report.broken_at is not None) is changed
    assert bool(report.problem) is changed


@pytest.mark.parametrize("column", COLUMNS[2:7])
def test_text_that_is_none_is_found_too(whole: Path, tmp_path: Path, column: str) -> None:
    copy = Path(shutil.copy(whole, tmp_path))
    with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
        raw.execute(f"UPDATE audit SET {column} = CAST(x'ff' AS TEXT) WHERE seq = 7")
    with Ledger(copy) as ledger:
        report = ledger.audit.verify()
    assert report.broken_at == 7
    assert report.entries == 6


@pytest.mark.parametrize("seq", range(1, ENTRIES + 1))
def test_the_place_of_a_change_is_named(whole: Path, tmp_path: Path, seq: int) -> None:
    copy = Path(shutil.copy(whole, tmp_path))
    with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
        raw.execute("UPDATE audit SET bytes = bytes + 1 WHERE seq = ?", (seq,))
    with Ledger(copy) as ledger:
        report = ledger.audit.verify()
    assert (report.broken_at, report.entries) == (seq, seq - 1)
    assert str(seq) in report.problem


@pytest.mark.parametrize("seq", range(1, ENTRIES))
def test_a_missing_entry_is_called_missing(whole: Path, tmp_path: Path, seq: int) -> None:
    copy = Path(shutil.copy(whole, tmp_path))
    with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
        raw.execute("DELETE FROM audit WHERE seq = ?", (seq,))
    with Ledger(copy) as ledger:
        report = ledger.audit.verify()
    assert (report.broken_at, report.problem) == (seq, f"Entry {seq} is missing.")


@pytest.mark.parametrize("kept", range(ENTRIES))
def test_a_cut_off_end_is_found(whole: Path, tmp_path: Path, kept: int) -> None:
    copy = Path(shutil.copy(whole, tmp_path))
    with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
        raw.execute("DELETE FROM audit WHERE seq > ?", (kept,))
    with Ledger(copy) as ledger:
        report = ledger.audit.verify()
    assert report.broken_at == kept + 1
    assert "cut off" in report.problem


def test_a_run_that_wrote_down_another_end_is_found(whole: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(whole, tmp_path))
    with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
        raw.execute("UPDATE runs SET audit_hash = zeroblob(32) WHERE audit_seq = 10")
    with Ledger(copy) as ledger:
        assert ledger.audit.verify().broken_at == 10


def test_a_broken_chain_can_still_be_added_to_but_never_mends(whole: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(whole, tmp_path))
    with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
        raw.execute("UPDATE audit SET who = 'nobody' WHERE seq = 3")
    with Ledger(copy) as ledger:
        with ledger.transaction():
            ledger.audit.event("me", "", "look")
        assert ledger.audit.verify().broken_at == 3


def test_many_writers_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()

    def write(name: str) -> None:
        with Ledger(path) as ledger:
            for n in range(10):
                with ledger.transaction():
                    ledger.audit.reads(name, "run", [Read(f"{name}/{n}/{m}", "", n) for m in range(3)])

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Ledger(path) as ledger:
        assert (ledger.audit.verify().entries, ledger.audit.verify().broken_at) == (120, None)
        for name in "abcd":
            keys = [entry.key for entry in ledger.audit.entries() if entry.who == name]
            assert keys == [f"{name}/{n}/{m}" for n in range(10) for m in range(3)]
