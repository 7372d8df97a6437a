from __future__ import annotations

from collections.abc import Callable

import pytest

from bondstore.registry.settings import HISTORY_KEY, KEY
from tests.databases.rigs import Database, database
from tests.registry.labs import Lab

__all__ = ["database"]


@pytest.fixture
def lab(database: Database) -> Lab:
    """A table of participants that is not there yet, in each kind of database in turn."""
    return Lab(database.kind, _opener(database))


@pytest.fixture
def small(tmp_path: object) -> Lab:
    """The same in SQLite alone."""
    return Lab("sqlite", _opener(Database("sqlite", f"sqlite:///{tmp_path}/small.sqlite")))


def _opener(database: Database) -> Callable[[], tuple[object, object]]:
    return lambda: (
        database.table("people", key=KEY),
        database.table("people-history", key=HISTORY_KEY, numeric=False),
    )
