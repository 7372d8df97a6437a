"""A record that is gone, empty, damaged or put back in an older state is told until it is accepted."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from demo.study import STUDY

from tests.cli.conftest import Call
from tests.cli.exports import KEY_VARIABLE, Lab, lab

__all__ = ["lab"]


def emptied(lab: Lab) -> None:
    lab.ledger.write_bytes(b"")


def gone(lab: Lab) -> None:
    lab.ledger.unlink()


def corner_gone(lab: Lab) -> None:
    shutil.rmtree(lab.ledger.parent)


def journal_left_behind(lab: Lab) -> None:
    """The file as it is copied by whoever does not know of the journal beside it, right after the first run began."""
    lab.ledger.unlink()
    with closing(sqlite3.connect(lab.ledger)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")


def older_state(lab: Lab) -> None:
    shutil.copy(lab.ledger.with_name("backup"), lab.ledger)


def damaged(lab: Lab) -> None:
    size = lab.ledger.stat().st_size
    lab.ledger.write_bytes(b"\xff" * size)


@pytest.fixture
def export(lab: Lab) -> tuple[str, ...]:
    """The words that do on the command line what `Lab.export` does."""
    place = (str(lab.out), "--store", lab.bucket.as_uri(), "--study", STUDY, "--key", f"env:{KEY_VARIABLE}")
    return ("beiwe", "export", *place, "--source", "both", "--yes")


LOSSES = [emptied, gone, corner_gone, journal_left_behind, older_state, damaged]


def lose(lab: Lab, loss: Callable[[Lab], None]) -> None:
    """Two runs, with a backup made between them; then the loss."""
    lab.export()
    shutil.copy(lab.ledger, lab.ledger.with_name("backup"))
    lab.export()
    loss(lab)


@pytest.mark.parametrize("loss", LOSSES)
def test_it_is_told_until_it_is_accepted(
    loss: Callable[[Lab], None], lab: Lab, cli: Call, export: tuple[str, ...]
) -> None:
    lose(lab, loss)
    before = lab.files(), lab.ledger.read_bytes() if lab.ledger.exists() else None
    place = ("--dest", str(lab.out))
    for words in (("audit", "verify", *place), ("audit", "verify", *place, "--files"), export):
        result = cli(*words)
        assert result.code == 7, words
        assert "audit verify" in result.err
    for words in (("run", "list", *place), ("audit", "show", *place), ("run", "resume", "last", *place)):
        assert cli(*words).code == 7, words
    assert (lab.files(), lab.ledger.read_bytes() if lab.ledger.exists() else None) == before
    assert cli("audit", "verify", *place, "--accept-new-chain").code == 0
    assert cli("audit", "verify", *place).code == 0
    assert cli("audit", "verify", *place, "--accept-new-chain").code == 2  # there is nothing more to accept
    assert cli(*export).code == 0
    assert cli("audit", "verify", *place, "--files").code == 0
    kept = list(lab.ledger.parent.glob("ledger-before-*.sqlite"))
    unreadable = loss in (emptied, journal_left_behind, damaged)
    assert [one.read_bytes() for one in kept] == ([before[1]] if unreadable else [])


def test_a_folder_that_was_removed_with_all_in_it_begins_anew(lab: Lab, cli: Call, export: tuple[str, ...]) -> None:
    lab.export()
    shutil.rmtree(lab.out)
    result = cli(*export)
    assert result.code == 0
    assert "A new one begins" in result.err
    assert cli("audit", "verify", "--dest", str(lab.out), "--files").code == 0
    assert "A new one begins" not in cli(*export).err


def test_a_mistyped_folder_has_no_record_to_accept(lab: Lab, cli: Call) -> None:
    result = cli("audit", "verify", "--dest", str(lab.out / "typo"), "--accept-new-chain")
    assert result.code == 3
    assert not lab.out.exists()


def test_files_of_ones_own_beside_a_first_run_are_no_lost_record(lab: Lab, cli: Call, export: tuple[str, ...]) -> None:
    lab.out.mkdir()
    (lab.out / "notes.txt").write_text("mine")
    assert cli(*export).code == 0
    assert cli(*export).code == 0
    result = cli("audit", "verify", "--dest", str(lab.out), "--files", "--json")
    assert result.code == 0
    assert [one["key"] for one in result.records if one["kind"] == "finding"] == ["notes.txt"]


MENDED = ("a file's size", "an object called done", "an object's version")
"""Changes after which the next run does the object anew, and records it as it is."""
CHANGES = {
    "a file's hash": "UPDATE outputs SET sha256 = zeroblob(32) WHERE path = (SELECT min(path) FROM outputs)",
    "a file's size": "UPDATE outputs SET size = size + 1 WHERE path = (SELECT min(path) FROM outputs)",
    "a file taken out": "DELETE FROM outputs WHERE path = (SELECT min(path) FROM outputs)",
    "a file put in": "INSERT INTO outputs (job, path, sha256, size, mtime_ns, run)"
    " SELECT job, 'mine.csv', zeroblob(32), 1, 0, run FROM outputs LIMIT 1",
    "an object called done": "UPDATE items SET state = 'done' WHERE state = 'quarantined'",
    "an object's version": "UPDATE items SET version = 'x' WHERE key = (SELECT min(key) FROM items)",
    "a finding taken out": "DELETE FROM findings",
    "a finding made milder": "UPDATE findings SET severity = 'info'",
    "a finding moved": "UPDATE findings SET key = key || 'x'",
    "a tally": "UPDATE runs SET quarantined = 0",
    "a tally of a run that is said to go on": "UPDATE runs SET quarantined = 0, ended_ms = NULL",
    "a whole run": "DELETE FROM runs; DELETE FROM outputs; DELETE FROM items; DELETE FROM findings",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_row_is_found_also_after_the_next_run(
    what: str, lab: Lab, cli: Call, export: tuple[str, ...]
) -> None:
    lab.damage()
    lab.export()
    assert cli("audit", "verify", "--dest", str(lab.out)).code == 0
    with closing(sqlite3.connect(lab.ledger)) as raw:
        raw.executescript(CHANGES[what])
        raw.commit()
    result = cli("audit", "verify", "--dest", str(lab.out))
    assert result.code == 7
    assert "these rows do not match it" in result.err
    assert cli(*export).code == 5
    assert cli("audit", "verify", "--dest", str(lab.out)).code == (0 if what in MENDED else 7)


IMPOSSIBLE = {
    "a table that is gone": "DROP TABLE findings",
    "a column that is gone": "ALTER TABLE items DROP COLUMN reason",
    "an object in no state": "UPDATE items SET state = 'odd'",
    "a finding of no severity": "UPDATE findings SET severity = 'odd'",
    "a run without its options": "UPDATE runs SET params = 'odd'",
    "a run at no time": "UPDATE runs SET started_ms = 99999999999999999",
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_what_no_run_can_have_written_is_damage(what: str, lab: Lab, cli: Call, export: tuple[str, ...]) -> None:
    lab.damage()
    lab.export()
    with closing(sqlite3.connect(lab.ledger)) as raw:
        raw.executescript(IMPOSSIBLE[what])
        raw.commit()
    place = ("--dest", str(lab.out))
    results = [cli(*words) for words in (("run", "show", "last", *place), ("audit", "verify", *place), export)]
    assert 7 in [one.code for one in results]
    for result in results:
        assert result.code in (0, 5, 7), result.err
        assert "unexpected" not in result.err


def test_a_changed_file_is_found_also_where_it_is_to_be_made_again(lab: Lab, cli: Call) -> None:
    lab.export()
    changed = min(lab.files())
    (lab.out / changed).write_bytes(b"mine")
    with closing(sqlite3.connect(lab.ledger)) as raw:
        raw.execute("UPDATE outputs SET todo = 'x' WHERE path = ?", (changed,))
        raw.commit()
    result = cli("audit", "verify", "--dest", str(lab.out), "--files", "--json")
    assert result.code == 7
    assert [one["finding"] for one in result.records if one["kind"] == "finding"] == ["file-changed"]


def test_sealed_bytes_that_are_gone_are_fetched_again(lab: Lab, cli: Call) -> None:
    [bad] = lab.damage()
    assert lab.export().tally.quarantined.objects == 1
    kept = lab.destination.root / lab.destination.quarantine_path(bad)
    sealed = kept.read_bytes()
    assert lab.export().plan.todo.objects == 0
    for harm in (kept.unlink, lambda: kept.write_bytes(sealed[:-1])):
        harm()
        result = cli("audit", "verify", "--dest", str(lab.out), "--files", "--json")
        assert result.code == 7
        assert [one["key"] for one in result.records if one["kind"] == "finding"] == [str(kept.relative_to(lab.out))]
        again = lab.export()
        assert (again.plan.todo.objects, again.tally.quarantined.objects) == (1, 1)
        assert kept.read_bytes() == sealed
    assert cli("audit", "verify", "--dest", str(lab.out), "--files").code == 0


@pytest.mark.parametrize("name", ["/proc/nowhere", "x" * 300, "x" * 300 + "/y"])
def test_a_folder_that_cannot_be_is_told_in_a_sentence(name: str, lab: Lab, cli: Call, export: tuple[str, ...]) -> None:
    place = str(lab.out.parent / name)
    words = [place if word == str(lab.out) else word for word in export]
    for line, codes in (
        (words, {4}),
        (("run", "list", "--dest", place), {3, 4}),
        (("audit", "verify", "--dest", place), {3, 4}),
    ):
        result = cli(*line)
        assert result.code in codes, result.err
        assert "unexpected" not in result.err
