"""Which entries of a record that others write to, too, are in this ledger already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


class Received:
    """The table of names."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, names: Sequence[str]) -> bool:
        """Note names; whether any of them is new."""
        cursor = self._connection.executemany(
            "INSERT OR IGNORE INTO received (name) VALUES (?)", ((name,) for name in names)
        )
        return cursor.rowcount > 0

    def in_order(self, names: Sequence[str]) -> list[str]:
        """Return those of some names that are noted, in the order in which they were."""
        rows = self._connection.execute(
            "SELECT name FROM received WHERE name IN (SELECT value FROM json_each(?)) ORDER BY place",
            (json.dumps(names),),
        )
        return [row[0] for row in rows]

    def behind(self, place: int) -> list[str]:
        """Return the names that were noted behind a place."""
        return [row[0] for row in self._connection.execute("SELECT name FROM received WHERE place > ?", (place,))]

    def last(self) -> int:
        """Return the place of the name that was noted last; 0 where there is none."""
        return int(self._connection.execute("SELECT coalesce(max(place), 0) FROM received").fetchone()[0])

    def keep(self, names: Sequence[str]) -> None:
        """Drop all others: their entries are gone, and will not come again."""
        self._connection.execute(
            "DELETE FROM received WHERE name NOT IN (SELECT value FROM json_each(?))", (json.dumps(names),)
        )
