"""The files a job wrote."""

from __future__ import annotations

from dataclasses import replace

from bondstore.ledger import Ledger, Output

FILE = Output("a/b.csv", bytes(range(32)), 7, 1_700_000_000_123_456_789)
TABLE = Output("t/ü.parquet", bytes(32), 1 << 41, 5, 0, "made of this")


def test_what_is_put_is_known_again(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.outputs.put("job", "r1", [FILE, TABLE])
    assert ledger.outputs.known("job", [FILE.path, TABLE.path, "never"]) == {FILE.path: FILE, TABLE.path: TABLE}
    assert ledger.outputs.known("other", [FILE.path]) == {}
    assert ledger.outputs.known("job", []) == {}


def test_putting_again_replaces_within_a_job_only(ledger: Ledger) -> None:
    changed = Output(FILE.path, bytes([9] * 32), 8, 2, 3, "d")
    with ledger.transaction():
        ledger.outputs.put("job", "r1", [FILE])
        ledger.outputs.put("other", "r1", [FILE])
        ledger.outputs.put("job", "r2", [changed])
    assert list(ledger.outputs.walk("job")) == [changed]
    assert list(ledger.outputs.walk("other")) == [FILE]


def test_walk_goes_by_path_over_one_job_or_all(ledger: Ledger) -> None:
    names = ["c", "a", "b/1", "b"]
    with ledger.transaction():
        ledger.outputs.put("job", "r1", [Output(name, bytes(32), 1, 1) for name in names[:2]])
        ledger.outputs.put("other", "r1", [Output(name, bytes(32), 1, 1) for name in names[2:]])
    assert [one.path for one in ledger.outputs.walk()] == ["a", "b", "b/1", "c"]
    assert [one.path for one in ledger.outputs.walk("other")] == ["b", "b/1"]


def test_planned_files_are_no_files_yet_and_one_that_is_made_again_still_is(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.outputs.put("job", "r0", [FILE, TABLE])
        ledger.outputs.plan("job", "r1", [(TABLE.path, "p gps"), ("a/new", "p accel: x")])
        ledger.outputs.plan("job", "r2", [("b", "another run's")])
        ledger.outputs.plan("other", "r1", [("c", "another job's")])
    assert ledger.outputs.planned("job", "r1") == ["p accel: x", "p gps"]
    again = replace(TABLE, made_by="", source="p gps")
    assert list(ledger.outputs.walk()) == [FILE, again]
    assert ledger.outputs.total() == (2, 7 + (1 << 41))
    with ledger.transaction():
        ledger.outputs.put("job", "r1", [TABLE])
    assert ledger.outputs.planned("job", "r1") == ["p accel: x"]
    assert ledger.outputs.total() == (2, 7 + (1 << 41))


def test_objects_that_nothing_came_of_leave_no_file(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.outputs.put("job", "r1", [Output("t.csv", b"", 0, 0, 0, made_by="digest")])
    assert list(ledger.outputs.walk()) == []
    assert ledger.outputs.total() == (0, 0)
    assert ledger.outputs.known("job", ["t.csv"])["t.csv"].made_by == "digest"


def test_files_below_a_folder_and_files_that_are_gone(ledger: Ledger) -> None:
    names = ["a/b", "a/b/1", "a/b/c/2", "a/bc/3", "b"]
    with ledger.transaction():
        ledger.outputs.put("job", "r1", [Output(name, bytes(32), 1, 1) for name in names])
        ledger.outputs.put("other", "r1", [Output("a/b/9", bytes(32), 1, 1)])
        ledger.outputs.put("job", "r1", [Output("a/b/nothing", b"", 0, 0)])
    assert [one.path for one in ledger.outputs.under("job", "a/b/")] == ["a/b/1", "a/b/c/2"]
    with ledger.transaction():
        ledger.outputs.forget("job", ["a/b/1", "a/b/9", "never"])
    assert [one.path for one in ledger.outputs.under("job", "a/b/")] == ["a/b/c/2"]
    assert [one.path for one in ledger.outputs.under("other", "a/b/")] == ["a/b/9"]
