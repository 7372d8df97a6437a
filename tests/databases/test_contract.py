"""What holds for a table of rows by key, whatever database keeps it."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.databases import Change, Row, open_table
from bondstore.databases.rows import is_storable
from bondstore.errors import ChangedError, ConfigurationError, NotFoundError, UsageError
from tests.databases.rigs import Database

TEXTS = st.text(max_size=40).filter(is_storable)
NAMES = st.text(min_size=1, max_size=12).filter(lambda t: t.isprintable() and t.lower() not in ("user_id", "_version"))


def new(key: int | str, **fields: object) -> Change:
    return Change(key, None, fields)  # type: ignore[arg-type]


def test_a_table_that_is_not_there(database: Database) -> None:
    table = database.table()
    assert not table.exists()
    with pytest.raises(NotFoundError):
        table.get(1)
    with pytest.raises(NotFoundError):
        list(table.scan())
    with pytest.raises(NotFoundError):
        table.apply([new(1, a="x")])
    assert not table.exists()


def test_made_once_and_again(database: Database) -> None:
    table = database.table()
    table.create()
    table.apply([new(1, a="x")])
    table.create()
    assert table.exists()
    assert table.get(1) == Row(1, 1, {"a": "x"})
    assert table.get(2) is None


def test_a_table_with_another_key_is_refused(database: Database) -> None:
    database.made()
    with pytest.raises(ConfigurationError):
        database.table(numeric=False).exists()
    with pytest.raises(ConfigurationError):
        database.table(key="other").exists()


def test_values_come_back_as_they_were(database: Database) -> None:
    fields = {
        "text": "0412 345 678",
        "empty": "",
        "blank": "  ",
        "lines": "a\r\nb\n",
        "odd": "Ünïcødé 🐟 '\"; DROP TABLE people --",
        "number": -5,
        "large": 2**63 - 1,
        "half": 0.1 + 0.2,
        "tiny": 1e-100,
        "yes": True,
        "no": False,
        "nothing": None,
    }
    table = database.made()
    given = table.apply([Change(7, None, fields)])
    there = {name: value for name, value in fields.items() if value is not None}
    assert given == [Row(7, 1, there)]
    [row] = database.table().scan()
    assert row == Row(7, 1, there)
    assert {name: type(value) for name, value in row.fields.items()} == {k: type(v) for k, v in there.items()}


def test_fields_replace_all_fields(database: Database) -> None:
    table = database.made()
    table.apply([new(1, a="x", b="y"), new(2, a="z")])
    assert table.apply([Change(1, 1, {"b": "w", "c": None})]) == [Row(1, 2, {"b": "w"})]
    assert table.get(1) == Row(1, 2, {"b": "w"})
    assert table.apply([Change(2, 1, None)]) == [None]
    assert [row.key for row in table.scan()] == [1]


@pytest.mark.parametrize(
    "wrong",
    [new(1, a="again"), Change(2, 1, {"a": "x"}), Change(1, 2, {"a": "x"}), Change(2, 1, None), Change(1, 2, None),
     Change(1, None, None), Change(1, 0, {"a": "x"})],
    ids=["there", "not there", "other version", "gone", "other version gone", "not absent", "no version"],
)  # fmt: skip
def test_all_or_nothing(database: Database, wrong: Change) -> None:
    table, other = database.made(), database.made("other-rows", key="id", numeric=False)
    table.apply([new(1, a="first"), new(3, a="third")])
    for changes, also in (
        ([new(5, a="fifth"), Change(3, 1, {"a": "new"}), wrong], [new("k", b="y")]),
        ([wrong, new(5, a="fifth")], [new("k", b="y")]),
    ):
        with pytest.raises(ChangedError):
            table.apply(changes, also=[(other, also)])
        with pytest.raises(ChangedError):
            other.apply(also, also=[(table, changes)])
    assert sorted(table.scan(), key=lambda row: row.key) == [Row(1, 1, {"a": "first"}), Row(3, 1, {"a": "third"})]
    assert list(other.scan()) == []


def test_two_tables_at_once(database: Database) -> None:
    table, other = database.made(), database.made("other-rows", key="id", numeric=False)
    assert table.apply([new(1, a="x")], also=[(other, [new("k", b=1)])]) == [Row(1, 1, {"a": "x"})]
    assert table.apply([], also=[(other, [Change("k", 1, {"b": 2})])]) == []
    assert other.get("k") == Row("k", 2, {"b": 2})
    assert table.apply([]) == []


@pytest.mark.parametrize(
    "changes",
    [
        [new(1, a="x"), new(1, a="y")],
        [new("text", a="x")],
        [new(True, a="x")],
        [new(2**63, a="x")],
        [new(1, user_id="x")],
        [new(1, _version=3)],
        [new(1, **{"": "x"})],
        [new(1, **{"a\nb": "x"})],
        [new(1, a="nul \0")],
        [new(1, a="half \ud800")],
        [new(1, a=float("nan"))],
        [new(1, a=2**63)],
    ],
)
def test_what_no_table_can_hold_is_refused_and_not_repeated(database: Database, changes: list[Change]) -> None:
    table = database.made()
    with pytest.raises(UsageError) as told:
        table.apply(changes)
    assert "nul" not in str(told.value)
    assert list(table.scan()) == []


@pytest.mark.parametrize(
    "name",
    ["Port state/territory", 'quoted " name', "per%cent %(x)s %s", "semi;colon", ":colon", "select", "#hash", "k", "f0",
     "$dollar", "ünï", "a.b", "[0]", "back`tick", "b0", "at"],
)  # fmt: skip
def test_hostile_names_of_fields(database: Database, name: str) -> None:
    table = database.made()
    table.apply([new(1, **{name: "x", "plain": "y"})])
    table.apply([Change(1, 1, {name: "z", "plain": "y"})])
    assert table.get(1) == Row(1, 2, {name: "z", "plain": "y"})
    assert [row.fields for row in table.scan()] == [{name: "z", "plain": "y"}]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(NAMES, TEXTS, max_size=4), max_size=6))
def test_any_texts_under_any_names(database: Database, rows: list[dict[str, str]]) -> None:
    names = {name for fields in rows for name in fields}
    if len({name.lower() for name in names}) < len(names) or any(len(name.encode()) > 63 for name in names):
        return
    table = database.made(f"t-{abs(hash(tuple(sorted(names)))):x}-{len(rows)}"[:40], key="user_id")
    for row in list(table.scan()):
        table.apply([Change(row.key, row.version, None)])
    table.apply([Change(number, None, fields) for number, fields in enumerate(rows)])
    assert {row.key: row.fields for row in table.scan()} == dict(enumerate(rows))


def test_texts_as_keys_in_their_order(database: Database) -> None:
    table = database.made("by-text", key="id", numeric=False)
    keys = ["b", "a", "B", "é", "~sync", "1", "10", "2"]
    table.apply([new(key, n=number) for number, key in enumerate(keys)])
    found = [row.key for row in table.scan()]
    assert sorted(found) == sorted(keys)
    if database.kind != "dynamodb":
        assert found == sorted(keys)
    with pytest.raises(UsageError):
        table.get("")


def test_many_rows_over_pages(database: Database) -> None:
    table = database.made()
    rows = {key: f"row {key}" for key in range(60 if database.kind == "dynamodb" else 2500)}
    table.apply([new(key, a=text) for key, text in rows.items()])
    assert {row.key: row.fields["a"] for row in table.scan()} == rows


def test_every_one_of_many_counters_counts(database: Database) -> None:
    """Threads add one each, again when another was first: none is lost."""
    database.made().apply([new(1, n=0)])
    failed: list[BaseException] = []

    def add(times: int) -> None:
        table = database.table()
        try:
            while times:
                row = table.get(1)
                assert row is not None
                try:
                    table.apply([Change(1, row.version, {"n": int(row.fields["n"] or 0) + 1})])
                    times -= 1
                except ChangedError:
                    continue
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=add, args=(5,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert database.table().get(1) == Row(1, 21, {"n": 20})


def test_made_by_many_at_once(database: Database) -> None:
    failed: list[BaseException] = []

    def make(number: int) -> None:
        try:
            table = database.made()
            table.apply([new(number, **{f"field {number}": "x"})])
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=make, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert {row.key: dict(row.fields) for row in database.table().scan()} == {n: {f"field {n}": "x"} for n in range(5)}


@pytest.mark.parametrize("name", ["", "ab", "x" * 56, "a b", "../x", "a/b", "naïve", '"', "-a"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UsageError):
        open_table("sqlite:///x", name, key="id")
