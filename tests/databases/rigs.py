from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bondstore.databases import Table, open_table
from bondstore.databases.sqlengine import engine_of

KINDS = ("sqlite", "postgresql", "dynamodb")


@dataclass(frozen=True)
class Database:
    """An empty database of one kind."""

    kind: str
    url: str

    def table(self, name: str = "people", *, key: str = "user_id", numeric: bool = True) -> Table:
        return open_table(self.url, name, key=key, numeric=numeric)

    def made(self, name: str = "people", *, key: str = "user_id", numeric: bool = True) -> Table:
        table = self.table(name, key=key, numeric=numeric)
        table.create()
        return table


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, of each kind in turn."""
    kind: str = request.param
    if kind == "sqlite":
        yield Database(kind, f"sqlite:///{tmp_path}/db/rows.sqlite")
    elif kind == "postgresql":
        url = request.getfixturevalue("postgresql").create_database()
        yield Database(kind, url)
        engine_of(url).dispose()
    else:
        request.getfixturevalue("moto_environment")
        yield Database(kind, "dynamodb://")
