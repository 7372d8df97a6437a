"""The tables of a ledger, and how one is opened."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from bondstore.errors import ConfigurationError, NoSpaceError, NotFoundError

VERSION = 1

_TABLES = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, job TEXT NOT NULL, params TEXT NOT NULL, who TEXT NOT NULL, tool TEXT NOT NULL,
  state TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER,
  planned INTEGER, done INTEGER, skipped INTEGER, quarantined INTEGER, failed INTEGER,
  planned_bytes INTEGER, done_bytes INTEGER, skipped_bytes INTEGER, quarantined_bytes INTEGER, failed_bytes INTEGER,
  audit_seq INTEGER, audit_hash BLOB
) STRICT;
CREATE TABLE items (
  job TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL,
  run TEXT NOT NULL, output TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_output ON items (output);
CREATE TABLE outputs (
  job TEXT NOT NULL, path TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  rows INTEGER, digest TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (job, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE findings (
  job TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, severity TEXT NOT NULL,
  message TEXT NOT NULL, count INTEGER NOT NULL, run TEXT NOT NULL, PRIMARY KEY (job, key, kind, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_by_run ON findings (run);
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, run TEXT NOT NULL,
  key TEXT NOT NULL, version TEXT NOT NULL, bytes INTEGER NOT NULL, hash BLOB NOT NULL
) STRICT;
"""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a ledger file for one thread.

    Parameters
    ----------
    path : Path
        The SQLite file.
    create : bool
        Make the file (mode 0600) and its folder when they are missing.

    Raises
    ------
    NotFoundError
        No ledger there and `create` is false.
    ConfigurationError
        The file is no ledger, or one of a newer Bondstore.
    """
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    elif not path.exists():
        raise NotFoundError(f"There is no ledger at {path}.", hint="Name the folder that an earlier export wrote to.")
    connection = sqlite3.connect(path, timeout=120, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        # NORMAL: a power cut may lose the last transactions, never break the file; their work is then done again.
        connection.execute("PRAGMA synchronous=NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            _create(connection)
    except sqlite3.OperationalError as error:
        raise translate(error, path) from error
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(
            f"{path} is not a ledger.", hint="Move it away, or name another destination folder."
        ) from error
    if version > VERSION:
        raise ConfigurationError(
            f"The ledger {path} was written by a newer Bondstore.",
            hint="Upgrade with: pip install -U bondstore",
        )


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")  # two processes may open a new ledger at once
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def translate(error: sqlite3.OperationalError, path: Path) -> Exception:
    """Turn SQLite's own words for a full disk or an unwritable folder into ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return NoSpaceError(
            f"The ledger {path} could not be written: the disk is full or failing.",
            hint="Free some space and run the same command again; it goes on where it stopped.",
        )
    return ConfigurationError(
        f"The ledger {path} could not be opened or written ({error}).", hint="Check the folder's permissions."
    )
