"""Engines and transactions of relational databases, and what their failures mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    CredentialsError,
    MissingExtraError,
    NoSpaceError,
    NotFoundError,
    StoreError,
    TransientStoreError,
    UnreachableError,
)
from bondstore.modes import make_database, make_path

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_PATIENCE = 60
_CONNECT = 10
_SQLITE = "sqlite:///"


@cache
def engine_of(url: str) -> Engine:
    """Return the engine of a database, one a process."""
    try:
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool
    except ImportError:
        raise MissingExtraError("SQLAlchemy is not installed.", hint="pip install 'bondstore[sql]'") from None
    if url.startswith(_SQLITE):
        # No pool: nothing keeps the file open, and connections never wander between threads or into children.
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": _PATIENCE})
        event.listen(engine, "connect", _no_implicit_begin)
        event.listen(engine, "begin", _begin)
        return engine
    try:
        return create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=1,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT, "application_name": "bondstore"},
        )
    except ImportError:
        raise MissingExtraError("psycopg is not installed.", hint="pip install 'bondstore[postgresql]'") from None


@contextmanager
def transaction(engine: Engine, url: str, *, write: bool) -> Iterator[Connection]:
    """Everything inside happens together, or not at all; failures lose their texts, which quote values.

    Who reads sees one moment: rows of columns that came after the look at the columns would seem to be empty.
    """
    from sqlalchemy.exc import SQLAlchemyError

    if is_missing(url):
        raise NotFoundError(f"There is no database {_shown(url)}.", hint="Check the path.")
    try:
        moment = {} if write or url.startswith(_SQLITE) else {"isolation_level": "REPEATABLE READ"}
        with engine.connect().execution_options(bondstore_write=write, **moment) as connection, connection.begin():
            yield connection
    except SQLAlchemyError as raised:
        raise _understand(raised, _shown(url)) from None


def is_missing(url: str) -> bool:
    """Tell whether a SQLite database has no file yet."""
    return url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists()


def make_file(url: str) -> None:
    """Make the file of a SQLite database, for its owner only (mode 0600), and its folder."""
    if not is_missing(url):
        return
    path = Path(url.removeprefix(_SQLITE))
    try:
        make_path(str(path.parent))
        make_database(path)
    except OSError as error:
        raise ConfigurationError(
            f"The database {path} could not be made ({error.strerror}).", hint="Check the folder and its permissions."
        ) from error


def one_at_a_time(connection: Connection) -> None:
    """Let one process at a time change the shape of tables, until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        # Any number will do that no other program takes; PostgreSQL lets go of it by itself.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7305447213)")


def is_taken(raised: BaseException) -> bool:
    """Tell whether a new row failed because there is one of its key."""
    cause = getattr(raised, "orig", None)
    codes = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)
    unique = "23505"
    return getattr(cause, "sqlite_errorcode", None) in codes or getattr(cause, "sqlstate", None) == unique


def _no_implicit_begin(connection: Any, _: Any) -> None:
    # sqlite3's own idea of when a transaction begins leaves reads and changes of tables outside of it
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("bondstore_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _shown(url: str) -> str:
    return url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else url


def _understand(raised: BaseException, place: str) -> BondstoreError:
    cause = getattr(raised, "orig", None)
    if (number := getattr(cause, "sqlite_errorcode", None)) is not None:
        return _by_sqlite(number & 0xFF, place)
    return _by_postgresql(str(getattr(cause, "sqlstate", None) or ""), str(cause or ""), type(raised).__name__, place)


def _by_sqlite(number: int, place: str) -> BondstoreError:
    if number in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return NoSpaceError(f"The database {place} could not be written: the disk is full or failing.")
    if number in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TransientStoreError(f"The database {place} is in use by another.", hint="Run the same command again.")
    if number in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return ConfigurationError(f"{place} is no sound SQLite database.", hint="Keep it as it is; name another file.")
    if number in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return ConfigurationError(f"The database {place} could not be opened.", hint="Check path and permissions.")
    return StoreError(f"The database {place} failed (SQLite's code {number}).")


def _by_postgresql(state: str, text: str, kind: str, place: str) -> BondstoreError:
    if state.startswith("28") or state == "42501" or "authentication failed" in text or "no password" in text:
        return CredentialsError(
            f"The database {place} refused.", hint="Check the user; the password comes by PGPASSWORD or PGPASSFILE."
        )
    if state == "3D000" or ("database" in text and "does not exist" in text):
        return NotFoundError(f"There is no database {place}.", hint="Check its name, or create it.")
    if state.startswith(("40", "55P", "57", "53")):
        if state == "53100":
            return NoSpaceError(f"The database {place} has no space left.")
        return TransientStoreError(f"The database {place} is too busy ({state}).", hint="Run the same command again.")
    if not state and kind == "OperationalError":
        return UnreachableError(f"The database {place} gives no answer.", hint="Check host, port and network.")
    return StoreError(f"The database {place} failed ({state or kind}).")
