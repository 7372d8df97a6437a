"""Tables in a relational database through SQLAlchemy: a column a field, all-or-nothing changes by a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bondstore.databases import sqlengine
from bondstore.databases.rows import Change, Key, Row, Table, changed, check_changes, check_key, kept
from bondstore.databases.sqlcolumns import Columns, add, make_table, missing
from bondstore.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_PAGE = 1000


class SqlTable:
    """One table of a relational database; see `Table`."""

    most: int | None = None

    def __init__(self, url: str, name: str, *, key: str, numeric: bool = False) -> None:
        self.name, self.url = name, url
        self._key, self._numeric = key, numeric
        self._engine = sqlengine.engine_of(url)

    def __repr__(self) -> str:
        return f"SqlTable({self.url!r}, {self.name!r})"

    def exists(self) -> bool:
        """Tell whether the table is there, with this key."""
        if sqlengine.is_missing(self.url):
            return False
        with self._transaction() as connection:
            return self._columns(connection) is not None

    def create(self) -> None:
        """Make the table unless it is there."""
        sqlengine.make_file(self.url)
        with self._transaction(write=True) as connection:
            sqlengine.one_at_a_time(connection)
            if self._columns(connection) is None:
                make_table(connection, self.name, self._key, numeric=self._numeric)

    def get(self, key: Key) -> Row | None:
        """Return one row as it is now, or None."""
        check_key(self.name, key, numeric=self._numeric)
        with self._transaction() as connection:
            columns = self._present(connection)
            found = connection.execute(columns.select().where(columns.key == key)).first()
            return self._row(columns, found) if found is not None else None

    def scan(self) -> Iterator[Row]:
        """Yield all rows by key, a page at a time: no transaction stays open while the caller works."""
        last: Key | None = None
        while True:
            with self._transaction() as connection:
                columns = self._present(connection)
                query = columns.select().order_by(columns.key).limit(_PAGE)
                found = connection.execute(query.where(columns.key > last) if last is not None else query).all()
                rows = [self._row(columns, one) for one in found]
            yield from rows
            if len(rows) < _PAGE:
                return
            last = rows[-1].key

    def apply(
        self, changes: Sequence[Change], *, also: Sequence[tuple[Table, Sequence[Change]]] = ()
    ) -> list[Row | None]:
        """Make changes in one transaction; see `Table.apply`."""
        work: list[tuple[SqlTable, Sequence[Change]]] = [(self, changes)]
        for table, others in also:
            if not isinstance(table, SqlTable) or table.url != self.url:
                raise UsageError("Tables of two databases cannot be changed at once.")
            work.append((table, others))
        for one, some in work:
            check_changes(one.name, some, key=one._key, numeric=one._numeric)
        # in one order for all writers: two that lock the same rows then never wait for each other
        work = sorted(((one, some) for one, some in work if some), key=lambda pair: pair[0].name)
        if work and not self._write_all(work):
            # Who adds columns is alone from the first lock on. Asked for behind a row, that turn could be held by one
            # who waits for this very table: PostgreSQL ended one of the two.
            self._write_all(work, widening=True)
        return [change.after for change in changes]

    def _write_all(self, work: Sequence[tuple[SqlTable, Sequence[Change]]], *, widening: bool = False) -> bool:
        """Write everything, or nothing where columns must be added first."""
        with self._transaction(write=True) as connection:
            if widening:
                sqlengine.one_at_a_time(connection)
            found = []
            for one, some in work:
                columns = one._present(connection)
                new = missing(columns, [change.fields for change in some if change.fields is not None])
                if new and not widening:
                    return False
                if new:
                    add(connection, one.name, new)
                    columns = one._present(connection)
                found.append(columns)
            for (one, some), columns in zip(work, found, strict=True):
                one._write(connection, columns, some)
        return True

    @contextmanager
    def _transaction(self, *, write: bool = False) -> Iterator[Connection]:
        with sqlengine.transaction(self._engine, self.url, write=write) as connection:
            yield connection

    def _columns(self, connection: Connection) -> Columns | None:
        return Columns.of(connection, self.name, self._key, numeric=self._numeric)

    def _present(self, connection: Connection) -> Columns:
        columns = self._columns(connection)
        if columns is None:
            raise NotFoundError(f"There is no table {self.name} in the database.", hint="Check name and database.")
        return columns

    def _row(self, columns: Columns, found: Any) -> Row:
        key, version, *values = found
        return Row(key, version, kept(dict(zip(columns.fields, values, strict=True))))

    def _write(self, connection: Connection, columns: Columns, changes: Sequence[Change]) -> None:
        order = sorted(changes, key=lambda change: (_sort(change), change.key))
        for kind, group in groupby(order, key=_sort):
            some = list(group)
            done = getattr(self, f"_{kind}")(connection, columns, some)
            if done != len(some):
                raise changed(self.name)

    def _delete(self, connection: Connection, columns: Columns, some: list[Change]) -> int:
        values = [{"at": change.key, "was": change.expected} for change in some]
        return int(connection.execute(columns.delete(), values).rowcount)

    def _update(self, connection: Connection, columns: Columns, some: list[Change]) -> int:
        values = [
            {"at": change.key, "was": change.expected, "n": (change.expected or 0) + 1, **columns.bound(change.fields)}
            for change in some
        ]
        return int(connection.execute(columns.update(), values).rowcount)

    def _insert(self, connection: Connection, columns: Columns, some: list[Change]) -> int:
        from sqlalchemy.exc import IntegrityError

        values = [{"k": change.key, "n": 1, **columns.bound(change.fields)} for change in some]
        try:
            connection.execute(columns.insert(), values)
        except IntegrityError as raised:
            if not sqlengine.is_taken(raised):
                raise
            raise changed(self.name) from None
        return len(some)

    def _absent(self, connection: Connection, columns: Columns, some: list[Change]) -> int:
        there = sum(
            connection.execute(columns.select().where(columns.key == change.key)).first() is not None for change in some
        )
        return len(some) - there


def _sort(change: Change) -> str:
    if change.fields is None:
        return "absent" if change.expected is None else "delete"
    return "insert" if change.expected is None else "update"
