"""The ledger: its tables and columns."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from docs.generator.text import code, page, table

from bondstore.ledger import Ledger
from bondstore.ledger.schema import VERSION

INTRODUCTION = f"""Each destination has a record of its own, in `DEST/.bondstore`: in a folder the ledger itself, in
a store the parts that every machine makes its copy of the ledger from. The ledger is an SQLite file of version
{VERSION}; any SQLite program can read it. What you read on the terminal or in a notebook is recorded in
`~/.local/state/bondstore/ledger.sqlite`. Use the commands where you can: tables may change with the version, `--json`
does not. No secret is in it, and no value from the data; keys name participants by their ids."""
TABLES = {
    "runs": "One row a run: what was asked, by whom, with which version, how it ended, and the tally in objects "
    "and bytes.",
    "items": "One row an object and job: its version (etag), size, state (`planned`, `done`, `quarantined`, "
    "`failed`), the file it "
    "goes into, and why it is where it is.",
    "outputs": "One row a file written: its SHA-256, size, rows where it is a table, what it is (`kind`), the digest "
    "of what it was made of (`made_by`), the store's own tag (`etag`), where it comes from (`source`), rows that its "
    "sources lack (`rows_added`), and the run that is to make it again (`todo`).",
    "findings": "One row a finding: see [findings](findings.md). `place` is the place inside the object.",
    "audit": "One row for everything read: who, which object and version, when, how many bytes, for which run. And "
    "one for every file written (`write`, with its path, SHA-256 and size) or removed, for what became of every object "
    "(`done`, `quarantined`, `failed`) and for every finding. `hash` is SHA-256 over the hash before it and this row.",
    "received": "One row an entry of a record that others write to as well (of a destination in a store) and that this "
    "ledger has taken over: its name.",
}
KEEP, NO_RUN = "no", "while no run is going on"
FOLDER = (
    ("ledger.sqlite", "the ledger: all that the runs did, and the audit chain", KEEP),
    (
        "ledger.sqlite-wal, ledger.sqlite-shm",
        "SQLite's own, while the ledger is open; a killed run leaves them, and the first has the newest entries",
        KEEP,
    ),
    ("lock", "held by a run that is going on, so that a second one waits; it is empty", NO_RUN),
    ("tmp/", "files being written; cleared by the next run", NO_RUN),
    (
        "unknown-TIME/",
        "files that lay in the quarantine and that no run had put there; moved here, and said",
        "once you know what they are",
    ),
    (
        "renamed.json",
        "which names files have for now in place of those that the record has, encrypted; no run writes meanwhile",
        "never: rename the files back",
    ),
    (
        "ledger-before-TIME.sqlite",
        "a ledger that could not be read, or whose chain was broken, when a new one was accepted",
        "when the audit is of no interest any more",
    ),
)
STORE = (
    (
        "record.json",
        "the pointer: which snapshot counts, and its SHA-256. Where others of the record lie and it does not, the "
        "record is broken (exit code 7)",
        KEEP,
    ),
    (
        "ledger/NAME.sqlite.zst",
        "the snapshot: the whole ledger, compressed. One that `record.json` does not name was left by a killed run",
        "one that `record.json` does not name, while no run is going on",
    ),
    (
        "receipts/NAME.json",
        "what was recorded since the snapshot: an object for each batch of work and for a run's end. A run that ends "
        "puts many of them into a new snapshot and removes them itself",
        KEEP,
    ),
    (
        "receipts/NAME.begun.json",
        "the same for a run's beginning; it also names all entries before it, in the order that the audit chain has",
        KEEP,
    ),
    (
        "head.json",
        "where the audit chain stood when the last run ended: every later state of the record must go on from it",
        KEEP,
    ),
    (
        "lease.json",
        "who writes at this moment, renewed every 10 s; a run removes it as it ends. One that a killed run left is "
        "taken over after half a minute",
        NO_RUN,
    ),
)
BOTH = (
    (
        "quarantine/",
        "objects that could not be handled in full, as they were fetched, still sealed; the path is the key. A run "
        "removes those that were mended. Where an object is gone from the source, this is the last copy of it",
        "no: the next run fetches again what is gone",
    ),
    (
        "parts/",
        "Screenlake: what came of each zip: clean rows, and what is known of each image. Tables are made of it. "
        "Without a part its zip is done anew, which takes the zip",
        KEEP,
    ),
    (
        "staged/",
        "Screenlake: images, with faces covered, that wait for the name that people see",
        KEEP,
    ),
)
COPY = """A machine keeps its copy of a store's record in `~/.local/state/bondstore/destinations/NAME/.bondstore`: the
ledger, with `lock` and `tmp/` as in a folder, and a few files that say what the copy began with. It may be removed
while no run is going on: the next command makes it anew. A `ledger-before-TIME.sqlite` there is what this account had
recorded before the store had a record, or in another order: keep it as long as the audit is of interest."""
STRAYS = """Nothing of yours belongs into `.bondstore`, and no destination may lie there. An object in `receipts/` that
is no entry ends every command with exit code 7, and is named: move it away."""


def make() -> str:
    """Return the page."""
    parts = [
        INTRODUCTION,
        "In the `.bondstore` of a folder, which only its owner can open:",
        _places(FOLDER),
        "In the `.bondstore/` of a store:",
        _places(STORE),
        "In both:",
        _places(BOTH),
        COPY,
        STRAYS,
    ]
    for name, columns in schema().items():
        rows = ((code(column), kind) for column, kind in columns)
        parts += [f"## {name}", TABLES[name], table(("column", "type"), rows)]
    return page("The ledger", *parts)


def _places(rows: Sequence[tuple[str, str, str]]) -> str:
    shown = ((", ".join(map(code, name.split(", "))), holds, removed) for name, holds, removed in rows)
    return table(("name", "holds", "may be removed"), shown)


def schema() -> dict[str, list[tuple[str, str]]]:
    """Return the columns of every table, from a ledger made for the purpose."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        with Ledger(path):
            pass
        connection = sqlite3.connect(path)
        try:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {
                name: [
                    (row[1], row[2].lower() + (", key" if row[5] else ""))
                    for row in connection.execute(f"PRAGMA table_info({name})")
                ]
                for name in names
            }
        finally:
            connection.close()
