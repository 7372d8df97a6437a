"""Ledgers of earlier versions: what they say is still known, in the columns of today."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bondstore.ledger import Ledger
from bondstore.ledger.schema import VERSION

OLD = Path(__file__).parent / "old"
"""Dumps of ledgers that the last Bondstore with version 1 wrote: exports, a rebuild, phones, profiles."""
NAMES = sorted(path.stem for path in OLD.glob("*.sql"))


def old_ledger(name: str, path: Path, *more: str) -> list[dict[str, Any]]:
    """Make the ledger of a dump, with some more statements; return its outputs as they were."""
    with closing(sqlite3.connect(path)) as made:
        made.executescript((OLD / f"{name}.sql").read_text())
        for statement in more:
            made.execute(statement)
        made.commit()
        assert made.execute("PRAGMA user_version").fetchone() == (1,)
        made.row_factory = sqlite3.Row
        return [dict(row) for row in made.execute("SELECT * FROM outputs ORDER BY job, path")]


def outputs_of(path: Path) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(path)) as raw:
        raw.row_factory = sqlite3.Row
        return {row["path"]: dict(row) for row in raw.execute("SELECT * FROM outputs")}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost(name: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    before = old_ledger(name, path)
    with closing(sqlite3.connect(path)) as raw:
        others = {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in ("runs", "items", "audit")}
    with Ledger(path) as ledger:
        report = ledger.audit.verify()
        assert report.broken_at is None
        assert report.entries == len(others["audit"]) > 0
        assert not list(ledger.disagreements())  # of earlier versions the chain holds reads alone
    after = outputs_of(path)
    assert len(after) == len(before)
    for row in before:
        kept = after[row["path"]]
        assert {name: kept[name] for name in ("job", "sha256", "size", "mtime_ns", "rows", "run")} == {
            name: row[name] for name in ("job", "sha256", "size", "mtime_ns", "rows", "run")
        }
        assert kept["kind"]
    with closing(sqlite3.connect(path)) as raw:
        assert {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in others} == others
        assert raw.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert "outputs_1" not in {row[0] for row in raw.execute("SELECT name FROM sqlite_master")}


def test_rows_that_a_rebuilt_hour_gained(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    before = old_ledger("rebuilt", path)
    Ledger(path).close()
    after = outputs_of(path)
    assert before
    for row in before:
        chunked, added = map(int, row["digest"].split("+"))
        kept = after[row["path"]]
        assert (kept["rows"], kept["rows_added"], kept["made_by"]) == (chunked + added, added, "")


def test_files_in_a_store_keep_their_tag(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    before = old_ledger("ocean_store", path)
    Ledger(path).close()
    after = outputs_of(path)
    tagged = [row for row in before if "|" in row["digest"]]
    assert len(tagged) == 5
    for row in before:
        assert (after[row["path"]]["made_by"], after[row["path"]]["etag"]) == (
            re.sub(r"\|.*", "", row["digest"]),
            re.sub(r"^[^|]*\|?", "", row["digest"]),
        )
    assert Counter(row["kind"] for row in after.values()) == {"profile": 2, "deployment": 4, "status": 1}


def test_images_keep_what_brings_them_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    before = old_ledger("screens", path)
    Ledger(path).close()
    after = outputs_of(path)
    images = [row for row in before if "/images/" in row["path"]]
    assert len(images) == 4
    for row in images:
        token, part = row["digest"].split(" ")
        kept = after[row["path"]]
        assert (kept["kind"], kept["made_by"], kept["source"]) == ("image", token, part)
        assert after[part]["kind"] == "part"


def test_profiles_know_what_kind_of_file_each_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    old_ledger("ocean", path)
    Ledger(path).close()
    assert {name: row["kind"] for name, row in outputs_of(path).items()} == {
        "2024/01/one-9af7a039_qc.nc": "profile",
        "2024/01/one-9af7a039_qc.nc.json": "record",
        "2024/01/one_qc.nc": "profile",
        "2024/01/one_qc.nc.json": "record",
        "parquet/year=2024/month=01/profiles.parquet": "month",
        "status.csv": "status",
    }


def test_tables_that_a_killed_run_still_had_to_make(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    planned = (
        "UPDATE outputs SET digest = 'planned:1ab2cd3e/gps', sha256 = x'', run = 'r9' WHERE path LIKE '%/gps.parquet'"
    )
    (job,) = {row["job"] for row in old_ledger("beiwe", path, planned) if row["digest"].startswith("planned:")}
    with Ledger(path) as ledger:
        assert ledger.outputs.planned(job, "r9") == ["1ab2cd3e/gps"]
        assert ledger.outputs.planned(job, "r8") == []


def test_an_hour_that_was_stale_still_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    old_ledger("rebuilt", path, "UPDATE outputs SET digest = 'stale', sha256 = x'', rows = NULL")
    Ledger(path).close()
    assert {(row["sha256"], row["made_by"], row["rows_added"]) for row in outputs_of(path).values()} == {
        (b"", "", None)
    }


def test_two_that_open_it_at_once_make_one_step(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    before = old_ledger("screens", path)
    ledgers = [Ledger(path) for _ in range(3)]
    for ledger in ledgers:
        ledger.close()
    assert len(outputs_of(path)) == len(before)
