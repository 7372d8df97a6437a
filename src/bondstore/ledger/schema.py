"""The tables of a ledger, and how one is opened."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    IntegrityError,
    NoSpaceError,
    NotFoundError,
    out_of_files,
    used_up,
)
from bondstore.ledger.migrations import migrate
from bondstore.ledger.values import ImpossibleValueError
from bondstore.modes import make_database, make_path, refuse_led_away, refuse_writable

VERSION = 5

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
CREATE INDEX items_unsettled ON items (job, run) WHERE state IN ('quarantined', 'failed');
CREATE TABLE outputs (
  job TEXT NOT NULL, path TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  rows INTEGER, kind TEXT NOT NULL DEFAULT '', made_by TEXT NOT NULL DEFAULT '', etag TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '', rows_added INTEGER, todo TEXT NOT NULL DEFAULT '', run TEXT NOT NULL,
  PRIMARY KEY (job, path)
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
CREATE INDEX audit_anchors ON audit (key) WHERE action IN ('anchor', 'anchor.new');
CREATE TABLE received (place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
"""

_OURS = frozenset({"runs", "audit"})  # what a ledger of any version has
_ALL = _OURS | {"items", "outputs", "findings", "received"}
_LOOK = (  # one statement, one moment: another process may be making the tables right now
    "SELECT (SELECT user_version FROM pragma_user_version), coalesce(group_concat(name), '')"
    " FROM sqlite_master WHERE type = 'table'"
)


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a ledger file for one thread; for reading alone where its folder cannot be written, and `create` is false.

    Parameters
    ----------
    path : Path
        The SQLite file.
    create : bool
        Make the file (mode 0600) and its folder when they are missing.

    Raises
    ------
    NotFoundError
        No ledger there, or nothing in it, and `create` is false.
    IntegrityError
        The file is no ledger: it was damaged, or something else lies in its place.
    ConfigurationError
        It is of a newer Bondstore, or may not be written. Or it must be written before it can be read: it is of an
        earlier Bondstore, or a run was killed that has not put all into it.
    PolicyError
        The file is a link, or others can write to its folder.
    NoSpaceError
        The disk is full.
    """
    refuse_led_away(path)
    if create:
        _make(path)
    elif not path.exists():
        raise NotFoundError(f"There is no ledger at {path}.", hint="Name the folder that an earlier export wrote to.")
    elif not os.statvfs(path.parent).f_flag & os.ST_RDONLY:  # there nobody can write, whatever the mode
        refuse_writable(path.parent)
    sealed = not create and not os.access(path.parent, os.W_OK)
    place = _read_only(path) if sealed else path.absolute().as_uri()
    try:
        connection = sqlite3.connect(place, uri=True, timeout=120, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise translate(error, path) from error
    try:
        _prepare(connection, path, create=create, sealed=sealed)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(path: Path) -> None:
    try:
        make_path(str(path.parent))
        refuse_writable(path.parent)
        make_database(path)
    except BondstoreError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(path) from error
        if (exhausted := used_up(error)) is not None:
            raise exhausted from error
        raise ConfigurationError(
            f"The ledger {path} could not be made ({error.strerror}).", hint="Check the folder and its permissions."
        ) from error


def _read_only(path: Path) -> str:
    # SQLite makes an index beside a file in WAL mode even to read it. It does without where nobody can change the file,
    # which a log that is still there belies: then it reads the index of whoever is at work, or fails.
    log = path.with_name(f"{path.name}-wal")
    alone = not log.exists() or not log.stat().st_size
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"


def _prepare(connection: sqlite3.Connection, path: Path, *, create: bool, sealed: bool) -> None:
    try:
        # Looked at before anything is changed: somebody else's database stays as it is.
        version, tables = connection.execute(_LOOK).fetchone()
        ours = set(tables.split(",")) >= _OURS if version else not tables
        if not version and not tables and not create:
            raise NotFoundError(f"The ledger {path} is empty.", hint="Name the folder that an earlier run wrote to.")
        if version == VERSION:
            ours = set(tables.split(",")) >= _ALL
        if ours and version <= VERSION and not sealed:
            _open(connection)
    except sqlite3.OperationalError as error:
        if sealed and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CANTOPEN:
            raise _unfinished(path, "A run was killed that had not put all it recorded into it.") from error
        raise translate(error, path) from error
    except sqlite3.DatabaseError as error:
        raise damaged(path) from error
    if not ours:
        raise damaged(path)
    if version > VERSION:
        raise ConfigurationError(
            f"The ledger {path} was written by a newer Bondstore.",
            hint="Upgrade with: pip install -U bondstore",
        )
    if sealed and version < VERSION:
        raise _unfinished(path, "It is of an earlier Bondstore, and must be brought up to date.")


def _open(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL: a power cut may lose the last transactions, never break the file; their work is then done again.
    connection.execute("PRAGMA synchronous=NORMAL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        _create(connection)
    elif version < VERSION:
        migrate(connection, VERSION)


def damaged(path: Path) -> IntegrityError:
    """Return the error for a file that cannot be read as a ledger."""
    return IntegrityError(
        f"{path} is not a ledger, or it is damaged: it cannot be read.",
        hint="Keep the file as it is. Bring the ledger back from a backup, or see: bondstore audit verify --help",
    )


def shows_damage(error: BaseException | None) -> bool:
    """Whether an error comes of a ledger that is damaged, or that something else than a run changed."""
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such table", "no such column")):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, ImpossibleValueError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _unfinished(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The ledger {path} cannot be read where it cannot be written. {why}",
        hint="Copy its folder, with all that lies in it, to where you may write, and name the copy.",
    )


def _full(path: Path) -> NoSpaceError:
    return NoSpaceError(
        f"The ledger {path} could not be written: the disk is full or failing.",
        hint="Free some space and run the same command again; it goes on where it stopped.",
    )


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")  # two processes may open a new ledger at once
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def _may_open_none() -> bool:
    """Whether no file at all can be opened any more: of that SQLite says only that it cannot open its own."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return True
    return False


def translate(error: sqlite3.OperationalError, path: Path) -> Exception:
    """Turn SQLite's own words for a full disk or an unwritable folder into ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return _full(path)
    if code == sqlite3.SQLITE_CANTOPEN and _may_open_none():
        return out_of_files()
    return ConfigurationError(
        f"The ledger {path} could not be opened or written ({error}).", hint="Check the folder's permissions."
    )
