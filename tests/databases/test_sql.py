"""What is special to relational databases: files for their owner only, passwords by reference, tables of others."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from bondstore.databases import Change, Row, open_table, sqlcolumns, sqlengine
from bondstore.databases.sql import SqlTable
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError, StoreError, UnreachableError, UsageError
from tests.databases.rigs import Database
from tests.servers.ports import free_ports
from tests.servers.postgresql import PostgreSQL


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "made here" / "rows.sqlite"


def test_a_file_for_its_owner_only(file: Path) -> None:
    table = open_table(f"sqlite:///{file}", "people", key="id")
    assert not table.exists()
    assert not file.parent.exists()
    table.create()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    table.apply([Change("k", None, {"a": "x"})])
    assert {stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()} == {0o600}


def test_real_columns_that_any_tool_reads(file: Path) -> None:
    table = open_table(f"sqlite:///{file}", "people", key="user_id", numeric=True)
    table.create()
    table.apply([Change(5, None, {"Phone": "0412", "n": 3, "Port state/territory": "NSW"})])
    with sqlite3.connect(file) as connection:
        found = connection.execute('SELECT user_id, "Phone", n, "Port state/territory" FROM people').fetchall()
    connection.close()
    assert found == [(5, "0412", 3, "NSW")]


def test_a_relative_path(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    open_table("sqlite:///here.sqlite", "people", key="id").create()
    assert (tmp_path / "here.sqlite").exists()


def test_tables_and_files_of_others_are_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE people (id TEXT PRIMARY KEY, a TEXT)")
    connection.close()
    before = file.read_bytes()
    table = open_table(f"sqlite:///{file}", "people", key="id")
    for act in (table.create, table.exists, lambda: table.apply([Change("k", None, {})])):
        with pytest.raises(ConfigurationError):
            act()
    assert file.read_bytes() == before
    other = file.with_name("text")
    other.write_bytes(b"this is no database, but a text of a person\n" * 40)
    with pytest.raises(ConfigurationError):
        open_table(f"sqlite:///{other}", "people", key="id").create()
    assert other.read_bytes().startswith(b"this is no database")


def test_values_of_two_kinds_in_a_column_are_refused(file: Path) -> None:
    table = open_table(f"sqlite:///{file}", "people", key="id")
    table.create()
    table.apply([Change("a", None, {"n": 1, "half": 0.5})])
    with pytest.raises(ConfigurationError):
        table.apply([Change("b", None, {"n": "one"})])
    with pytest.raises(ConfigurationError):
        table.apply([Change("b", None, {"x": "one"}), Change("c", None, {"x": 1})])
    table.apply([Change("b", None, {"half": 1})])
    assert list(table.scan()) == [Row("a", 1, {"n": 1, "half": 0.5}), Row("b", 1, {"half": 1.0})]


def test_names_that_a_database_would_confuse(database: Database) -> None:
    if database.kind == "dynamodb":
        pytest.skip("attributes have no such limits")
    table = database.made()
    table.apply([Change(1, None, {"Port": "x"})])
    with pytest.raises(ConfigurationError):
        table.apply([Change(2, None, {"port": "x"})])
    with pytest.raises(UsageError):
        table.apply([Change(2, None, {"p" * 64: "x"})])
    with pytest.raises(UsageError):
        table.apply([Change(2, None, {f"c{n}": "x" for n in range(501)})])
    assert [row.key for row in table.scan()] == [1]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host/db",
        "postgresql://me:@host/db",
        "postgresql://host/db?password=secret",
        "postgresql://host/db?passfile=/etc/passwd",
        "postgresql://host/db?sslmode=require&options=-c%20x",
        "postgresql://host",
        "postgresql://host:x/db",
        "postgresql://host/a/b",
        "sqlite://relative",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///x?mode=ro",
        "postgresql+psycopg://host/db",
    ],
)
def test_urls_that_hold_more_than_a_place(url: str) -> None:
    with pytest.raises(UsageError) as told:
        open_table(url, "people", key="id")
    assert "secret" not in str(told.value)


def test_a_password_by_variable(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgresql.create_database()
    monkeypatch.setenv("PGPASSWORD", "canary-password")
    table = open_table(url, "people", key="id")
    table.create()
    assert table.exists()
    assert "canary" not in repr(table)


def test_no_such_database_and_no_answer(postgresql: PostgreSQL) -> None:
    url = postgresql.create_database()
    with pytest.raises(NotFoundError):
        open_table(f"{url}x", "people", key="id").exists()
    with pytest.raises(UnreachableError):
        open_table(f"postgresql://me@127.0.0.1:{free_ports(1)[0]}/db", "people", key="id").exists()


def test_a_failure_repeats_no_value(file: Path) -> None:
    table = open_table(f"sqlite:///{file}", "people", key="id")
    table.create()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON people BEGIN SELECT RAISE(ABORT, 'SECRET'); END")
    connection.close()
    with pytest.raises(BondstoreError) as told:
        table.apply([Change("SECRET", None, {})])
    assert type(told.value) is StoreError
    assert "SECRET" not in str(told.value)


def test_two_who_add_columns_do_not_wait_for_each_other(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One held a row and asked for its turn, the other had the turn and asked for the table."""
    url = postgresql.create_database()
    people, history = (open_table(url, name, key="id") for name in ("people", "people_history"))
    for table in (people, history):
        table.create()
    people.apply([Change("first", None, {"a": "x"})])
    met = threading.Barrier(2)
    real = sqlengine.one_at_a_time

    def turn(connection: Any) -> None:
        if threading.current_thread().name == "second":
            real(connection)
            met.wait(10)
        else:
            met.wait(10)
            real(connection)

    for module in (sqlengine, sqlcolumns):
        monkeypatch.setattr(module, "one_at_a_time", turn, raising=False)
    raised: list[BaseException] = []

    def write(key: str, fields: dict[str, Any]) -> None:
        try:
            people.apply([Change(key, None, fields)], also=[(history, [Change(key, None, {"c": "y"})])])
        except BondstoreError as error:
            raised.append(error)

    threads = [threading.Thread(target=write, args=("one", {"a": "x"}), name="first")]
    threads.append(threading.Thread(target=write, args=("two", {"a": "x", "b": "y"}), name="second"))
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert raised == []
    assert [[row.key for row in table.scan()] for table in (people, history)] == [
        ["first", "one", "two"],
        ["one", "two"],
    ]


def test_a_reader_sees_rows_with_their_columns_or_not_at_all(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sync beside another one read an empty state, and took the table for somebody else's."""
    table = open_table(postgresql.create_database(), "people", key="id")
    assert isinstance(table, SqlTable)
    table.create()
    looked = SqlTable._present

    def meanwhile(self: SqlTable, connection: Any) -> Any:
        found = looked(self, connection)
        monkeypatch.setattr(SqlTable, "_present", looked)
        table.apply([Change("k", None, {"a": "x"})])
        return found

    monkeypatch.setattr(SqlTable, "_present", meanwhile)
    assert table.get("k") is None
    assert table.get("k") == Row("k", 1, {"a": "x"})
