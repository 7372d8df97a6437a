"""``bondstore verify DEST``: files that ``bondstore get`` wrote, against the record of its runs."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bondstore.ledger import Item
from bondstore.vault.get import GetObjects
from tests.cli.conftest import Call
from tests.homes import Home


@pytest.fixture
def back(home: Home, cli: Call, tmp_path: Path) -> Path:
    """Where a vault of three files was fetched to."""
    secret, source = tmp_path / "passphrase", tmp_path / "source"
    secret.write_text("lantern over quiet water")
    secret.chmod(0o600)
    source.mkdir()
    for number, name in enumerate(("a.edf", "b.edf", "c.avi")):
        (source / name).write_bytes(random.Random(number).randbytes(10_000))
    reference = ("--passphrase", f"file:{secret}")
    url = (tmp_path / "vault").as_uri()
    assert cli("keys", "new", "anna", *reference).code == 0
    assert cli("put", str(source), url, "--seal-for", "anna", *reference, "--yes").code == 0
    assert cli("get", url, str(tmp_path / "back"), "--unseal", *reference, "--yes").code == 0
    return tmp_path / "back"


def found(cli: Call, place: Path, *words: str) -> tuple[int, list[tuple[str, str]], dict[str, int]]:
    result = cli("verify", str(place), *words, "--json")
    *rows, last = result.records
    assert last.pop("kind") == "fetched"
    return result.code, sorted((row["finding"], row["key"]) for row in rows), last


WHOLE = {"files": 3, "bytes": 30_000, "wrong": 0, "waiting": 0, "failed": 0}


@pytest.mark.parametrize("way", [(), ("--deep",), ("--sample", "50")], ids=" ".join)
def test_what_was_fetched_is_as_it_was_recorded(back: Path, cli: Call, way: tuple[str, ...]) -> None:
    assert found(cli, back, *way) == (0, [], WHOLE)
    assert cli("verify", str(back), *way).code == 0


def test_what_was_changed_is_named(back: Path, cli: Call) -> None:
    whole = (back / "a.edf").read_bytes()
    (back / "a.edf").write_bytes(whole[:-1])
    (back / "b.edf").unlink()
    (back / "mine.txt").write_bytes(b"x")
    expected = [("file-changed", "a.edf"), ("file-missing", "b.edf"), ("file-unknown", "mine.txt")]
    for way in ((), ("--deep",)):
        assert found(cli, back, *way) == (7, expected, WHOLE | {"wrong": 2})


def test_a_record_that_was_changed_proves_nothing(back: Path, cli: Call) -> None:
    with closing(sqlite3.connect(back / ".bondstore/ledger.sqlite")) as raw:
        raw.execute("UPDATE outputs SET size = size + 1 WHERE path = 'a.edf'")
        raw.commit()
    told = cli("verify", str(back))
    assert told.code == 7
    assert "these rows do not match it" in told.err


def test_what_has_yet_to_arrive_is_counted(
    back: Path, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = GetObjects.take
    taken = []

    def stopping(self: GetObjects, item: Item, *more: Any) -> None:
        taken.append(item)
        if len(taken) == 2:
            raise KeyboardInterrupt
        take(self, item, *more)

    place = tmp_path / "again"
    reference = ("--passphrase", f"file:{tmp_path}/passphrase")
    get = ("get", (tmp_path / "vault").as_uri(), str(place), "--unseal", *reference, "--yes", "--jobs", "1")
    with monkeypatch.context() as patch:
        patch.setattr(GetObjects, "take", stopping)
        patch.setattr(GetObjects, "number", 1)
        assert cli(*get).code == 130
    assert found(cli, place, "--deep") == (8, [], WHOLE | {"files": 1, "bytes": 10_000, "waiting": 2})
    assert cli(*get).code == 0
    assert found(cli, place, "--deep") == (0, [], WHOLE)


def test_what_could_not_be_fetched_is_counted(back: Path, cli: Call, tmp_path: Path) -> None:
    """A damaged object is not fetched; the rest is there and proved."""
    stored = tmp_path / "vault/data/c.avi.c4gh"
    stored.write_bytes(stored.read_bytes()[:-1])
    place = tmp_path / "again"
    reference = ("--passphrase", f"file:{tmp_path}/passphrase")
    assert cli("get", (tmp_path / "vault").as_uri(), str(place), "--unseal", *reference, "--yes").code == 7
    code, rows, last = found(cli, place, "--deep")
    assert (code, rows, last["failed"]) == (5, [], 1)
