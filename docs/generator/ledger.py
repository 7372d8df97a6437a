"""The ledger: its tables and columns."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from docs.generator.text import code, page, table

from bondstore.ledger import Ledger
from bondstore.ledger.schema import VERSION

INTRODUCTION = f"""Each destination has its own ledger, an SQLite file in `DEST/.bondstore/ledger.sqlite`. What
you read on the terminal or in a notebook is recorded in `~/.local/state/bondstore/ledger.sqlite`. It is version
{VERSION}; any SQLite program can read it. Use the commands where you can: tables may change with the version,
`--json` does not. No secret is in it, and no value from the
data; keys name participants by their ids."""
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
    "audit": "One row for everything read: who, which object and version, when, how many bytes, for which run. "
    "`hash` is SHA-256 "
    "over the hash before it and this row.",
    "received": "One row an entry of a record that others write to as well (of a destination in a store) and that this "
    "ledger has taken over: its name.",
}
FOLDER = (
    ("ledger.sqlite", "the ledger; beside it SQLite's own `-wal` and `-shm` while it is open"),
    (
        "quarantine/",
        "objects that could not be handled in full, as they were fetched, still sealed; the path is the key",
    ),
    ("tmp/", "files being written; cleared by the next run"),
)


def make() -> str:
    """Return the page."""
    parts = [INTRODUCTION, "In `DEST/.bondstore`, which only its owner can open:"]
    parts.append(table(("name", "holds"), ((code(name), text) for name, text in FOLDER)))
    for name, columns in schema().items():
        rows = ((code(column), kind) for column, kind in columns)
        parts += [f"## {name}", TABLES[name], table(("column", "type"), rows)]
    return page("The ledger", *parts)


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
