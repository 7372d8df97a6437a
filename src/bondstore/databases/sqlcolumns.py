"""Columns of a table in a relational database: found, added for new fields, and the statements over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.databases.rows import VERSION, Value
from bondstore.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Delete, Insert, Select, Table, Update
    from sqlalchemy.engine import Connection

_LONGEST = 63  # PostgreSQL cuts longer names without a word
_MOST = 500


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one table as they are now."""

    # Its columns are keyed k, v, f0, f1, …: names from outside stand in no statement as anything but quoted names.
    table: Table
    fields: tuple[str, ...]
    kinds: tuple[type, ...]

    @classmethod
    def of(cls, connection: Connection, name: str, key: str, *, numeric: bool) -> Columns | None:
        """Look a table up; None when there is none."""
        from sqlalchemy import Column, MetaData, Table, inspect

        looked = inspect(connection)
        if not looked.has_table(name):
            return None
        found = {one["name"]: one["type"] for one in looked.get_columns(name)}
        if looked.get_pk_constraint(name)["constrained_columns"] != [key] or VERSION not in found:
            raise ConfigurationError(
                f"The table {name} was not made by Bondstore, or has another key than {key}.",
                hint="Name another table.",
            )
        if _kind(name, found[key]) is not (int if numeric else str):
            raise ConfigurationError(
                f"The key of the table {name} is not a {'number' if numeric else 'text'}.", hint="Name another table."
            )
        fields = tuple(one for one in found if one not in (key, VERSION))
        table = Table(
            name,
            MetaData(),
            Column(key, found[key], key="k", primary_key=True, autoincrement=False),
            Column(VERSION, found[VERSION], key="v"),
            *(Column(field, found[field], key=f"f{i}") for i, field in enumerate(fields)),
        )
        return cls(table, fields, tuple(_kind(name, found[field]) for field in fields))

    @property
    def key(self) -> Any:
        """The key's column."""
        return self.table.c["k"]

    def select(self) -> Select[Any]:
        """Return the query for key, version and fields of all rows."""
        from sqlalchemy import select

        return select(*self.table.c)

    def insert(self) -> Insert:
        """Return the statement for a new row; binds ``k``, ``n`` and those of `bound`."""
        from sqlalchemy import bindparam, insert

        return insert(self.table).values({"k": bindparam("k"), "v": bindparam("n"), **self._binds()})

    def update(self) -> Update:
        """Return the statement for a row of version ``v``, which becomes ``n``."""
        from sqlalchemy import bindparam, update

        return update(self.table).where(*self._same()).values({"v": bindparam("n"), **self._binds()})

    def delete(self) -> Delete:
        """Return the statement that takes a row of version ``v`` away."""
        from sqlalchemy import delete

        return delete(self.table).where(*self._same())

    def bound(self, fields: Mapping[str, Value] | None) -> dict[str, Value]:
        """Return the values of all columns for the statements: None where a field is not there."""
        return {f"b{i}": (fields or {}).get(field) for i, field in enumerate(self.fields)}

    def _binds(self) -> dict[str, Any]:
        from sqlalchemy import bindparam

        return {f"f{i}": bindparam(f"b{i}") for i in range(len(self.fields))}

    def _same(self) -> tuple[Any, Any]:
        from sqlalchemy import bindparam

        # other names than the columns' keys: SQLAlchemy would take those for values to set
        return (self.table.c["k"] == bindparam("at"), self.table.c["v"] == bindparam("was"))


def make_table(connection: Connection, name: str, key: str, *, numeric: bool) -> None:
    """Make an empty table with key and version."""
    from sqlalchemy import BigInteger, Column, MetaData, String, Table

    # by the signs' numbers, as everywhere else, and not by the rules of somebody's language
    text = String(collation="C") if connection.dialect.name == "postgresql" else String()
    kind = BigInteger() if numeric else text
    Table(
        name,
        MetaData(),
        Column(key, kind, primary_key=True, autoincrement=False),
        Column(VERSION, BigInteger(), nullable=False),
    ).create(connection)


def missing(columns: Columns, rows: Sequence[Mapping[str, Value]]) -> dict[str, type]:
    """Return the fields that have no column yet, and what they hold."""
    wanted: dict[str, type] = {}
    for fields in rows:
        for name, value in fields.items():
            if value is not None and not (type(value) is int and wanted.get(name) is float):
                known = wanted.setdefault(name, type(value))
                if known is int and type(value) is float:
                    wanted[name] = float
                elif known is not type(value):
                    raise _mixed(columns.table.name)
    there = dict(zip(columns.fields, columns.kinds, strict=True))
    for name, kind in wanted.items():
        if name in there and there[name] is not kind and not (there[name] is float and kind is int):
            raise _mixed(columns.table.name)
    new = {name: kind for name, kind in wanted.items() if name not in there}
    if new:
        _check_names(columns.table, [*there, *new])
    return new


def add(connection: Connection, table: str, fields: Mapping[str, type]) -> None:
    """Add columns, which another may have done by now."""
    for name, kind in fields.items():
        _add(connection, table, name, kind)


def _add(connection: Connection, table: str, name: str, kind: type) -> None:
    from sqlalchemy import BigInteger, Boolean, Double, Text

    types: dict[type, Any] = {str: Text(), int: BigInteger(), float: Double(), bool: Boolean()}
    prepare = connection.dialect.identifier_preparer
    type_name = types[kind].compile(connection.dialect)
    unless = "IF NOT EXISTS " if connection.dialect.name == "postgresql" else ""
    quoted = [prepare.quote_identifier(one) for one in (table, name)]
    connection.exec_driver_sql(f"ALTER TABLE {quoted[0]} ADD COLUMN {unless}{quoted[1]} {type_name}")


def _check_names(table: Table, names: list[str]) -> None:
    if any(len(name.encode()) > _LONGEST for name in names):
        raise UsageError(f"A column of the table {table.name} has a name of more than {_LONGEST} bytes.")
    if len(names) > _MOST:
        raise UsageError(f"The table {table.name} would have more than {_MOST} columns.")
    if len({name.lower() for name in [*names, VERSION, table.c["k"].name]}) < len(names) + 2:
        raise ConfigurationError(
            f"Two columns of the table {table.name} would differ only in small and capital letters.",
            hint="Name the column in the CSV as it is in the table.",
        )


def _mixed(table: str) -> ConfigurationError:
    return ConfigurationError(f"A column of the table {table} would hold values of two kinds.")


def _kind(table: str, of: Any) -> type:
    from sqlalchemy import types

    for base, kind in ((types.Boolean, bool), (types.Integer, int), (types.Float, float), (types.String, str)):
        if isinstance(of, base):
            return kind
    raise ConfigurationError(f"The table {table} has a column that Bondstore did not make.", hint="Name another table.")
