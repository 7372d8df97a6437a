"""The items of a job: every object that was ever planned, and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence


class State(StrEnum):
    """What became of an item."""

    PLANNED = "planned"
    DONE = "done"
    QUARANTINED = "quarantined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Item:
    """One object in a job.

    Parameters
    ----------
    key : str
        The object's key.
    version : str
        Its etag or version: another version is another object.
    size : int
        Its size in bytes, as stored.
    output : str
        The file it goes into, relative to the destination.
    state : State
        What became of it.
    reason : str
        The finding kind that put it into quarantine, or the class of the error it failed with.
    """

    key: str
    version: str
    size: int
    output: str
    state: State = State.PLANNED
    reason: str = ""


class Items:
    """The items table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def known(self, job: str, keys: Sequence[str]) -> dict[str, Item]:
        """Return what is recorded of these keys."""
        rows = self._connection.execute(
            "SELECT key, version, size, output, state, reason FROM items"
            " WHERE job = ? AND key IN (SELECT value FROM json_each(?))",
            (job, json.dumps(keys)),
        )
        return {row[0]: Item(row[0], row[1], row[2], row[3], State(row[4]), row[5]) for row in rows}

    def put(self, job: str, run: str, items: Iterable[Item]) -> None:
        """Record items, replacing what was known of their keys."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO items (job, key, version, size, state, run, output, reason)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((job, i.key, i.version, i.size, i.state.value, run, i.output, i.reason) for i in items),
        )

    def forget(self, job: str, keys: Sequence[str]) -> None:
        """Drop the record of these keys: the next plan takes them as new."""
        self._connection.execute(
            "DELETE FROM items WHERE job = ? AND key IN (SELECT value FROM json_each(?))",
            (job, json.dumps(keys)),
        )

    def planned(self, job: str, run: str, page: int = 1000) -> Iterator[list[Item]]:
        """Yield the items a run still has to do, in key order, a page at a time.

        Items that are recorded as done meanwhile do not disturb the walk.
        """
        last = ""
        while True:
            rows = self._connection.execute(
                "SELECT key, version, size, output FROM items"
                " WHERE job = ? AND key > ? AND run = ? AND state = 'planned' ORDER BY key LIMIT ?",
                (job, last, run, page),
            ).fetchall()
            if not rows:
                return
            yield [Item(*row) for row in rows]
            last = rows[-1][0]

    def in_state(self, job: str, state: State) -> Iterator[Item]:
        """Yield the items of a job that are in a state, in key order."""
        rows = self._connection.execute(
            "SELECT key, version, size, output, reason FROM items WHERE job = ? AND state = ? ORDER BY key",
            (job, state.value),
        )
        for row in rows:
            yield Item(row[0], row[1], row[2], row[3], state, row[4])
