"""The items of a job: every object that was ever planned, and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from os.path import commonprefix
from typing import TYPE_CHECKING

from bondstore.ledger.values import word

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
        return {row[0]: Item(row[0], row[1], row[2], row[3], word(State, row[4]), row[5]) for row in rows}

    def anywhere(self, keys: Sequence[str]) -> dict[str, set[str]]:
        """Return the files that done items of any job with these keys went into."""
        rows = self._connection.execute(
            "SELECT key, output FROM items WHERE state = 'done' AND job IN (SELECT DISTINCT job FROM runs)"
            " AND key IN (SELECT value FROM json_each(?))",
            (json.dumps(keys),),
        )
        found: dict[str, set[str]] = {}
        for key, output in rows:
            found.setdefault(key, set()).add(output)
        return found

    def under(self, job: str, prefix: str) -> Iterator[tuple[Item, str]]:
        """Yield what is recorded of keys that start so, each with the run that took it up last, in key order."""
        rows = self._connection.execute(
            "SELECT key, version, size, output, state, reason, run FROM items"
            " WHERE job = ? AND key > ? AND key < ? ORDER BY key",
            (job, prefix, f"{prefix}\U0010ffff"),
        )
        for row in rows:
            yield Item(row[0], row[1], row[2], row[3], word(State, row[4]), row[5]), row[6]

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

    def keys_of(self, job: str, outputs: Sequence[str]) -> dict[str, str]:
        """Return the keys of items that each go into a file of their own, by that file."""
        rows = self._connection.execute(
            "SELECT output, key FROM items WHERE job = ? AND output IN (SELECT value FROM json_each(?))",
            (job, json.dumps(outputs)),
        )
        return dict(rows.fetchall())

    def outputs_of(self, job: str) -> Iterator[str]:
        """Yield the files that the items of a job go into, in key order."""
        for row in self._connection.execute("SELECT output FROM items WHERE job = ? ORDER BY key", (job,)):
            yield row[0]

    def sharing(self, job: str) -> Iterator[list[Item]]:
        """Yield the done items that go into one file though each should have its own, by key; file by file."""
        rows = self._connection.execute(
            "SELECT output, key, version, size FROM items WHERE job = ? AND state = 'done' AND output IN"
            " (SELECT output FROM items WHERE job = ? AND state = 'done' GROUP BY output HAVING count(*) > 1)"
            " ORDER BY output, key",
            (job, job),
        ).fetchall()
        for output, group in groupby(rows, key=lambda row: row[0]):
            yield [Item(key, version, size, output, State.DONE) for _, key, version, size in group]

    def any_run(self, job: str) -> str | None:
        """Return the id of a run that took up items of a job; None where none ever did."""
        row = self._connection.execute("SELECT run FROM items WHERE job = ? LIMIT 1", (job,)).fetchone()
        return None if row is None else str(row[0])

    def sample(self, job: str) -> tuple[str, ...]:
        """Return up to 18 keys from one end of a job to the other, done ones first; fast, however many it has."""
        done = self._connection.execute(
            "SELECT key FROM (SELECT path FROM outputs WHERE job = :job LIMIT 1000) CROSS JOIN items"
            " ON output = path AND job = :job AND state = 'done' LIMIT 2",
            {"job": job},
        ).fetchall()
        ends = self._ends(job, "", "\U0010ffff" * 2)
        spans = [ends] if ends else []
        found = [key for span in spans for key in span]
        for _ in range(3):
            spans = [part for low, high in spans for part in self._halves(job, low, high)]
            found += [key for span in spans for key in span]
        return tuple(dict.fromkeys([*(row[0] for row in done), *found]))

    def _halves(self, job: str, low: str, high: str) -> Iterator[tuple[str, str]]:
        """Part two keys and what is between them where their names do, each half from its first to its last key."""
        if low == high:
            return
        same = len(commonprefix([low, high]))  # noqa: RUF071 - of texts, character by character
        after = ord(low[same]) if len(low) > same else 0
        middle = (after + ord(high[same]) + 1) // 2
        if 0xD800 <= middle < 0xE000:  # no characters
            middle = 0xE000
        pivot = high[:same] + chr(middle)
        for part in (self._ends(job, low, pivot), self._ends(job, pivot, f"{high}\0")):
            if part:
                yield part

    def _ends(self, job: str, start: str, end: str) -> tuple[str, str] | None:
        """Return the first and the last key from `start` on and before `end`."""
        within = "FROM items WHERE job = :job AND key >= :start AND key < :end"
        row = self._connection.execute(
            f"SELECT (SELECT min(key) {within}), (SELECT max(key) {within})", {"job": job, "start": start, "end": end}
        ).fetchone()
        return None if row[0] is None else (row[0], row[1])

    def quarantined_keys(self, job: str | None = None) -> Iterator[str]:
        """Yield the keys that are in quarantine, of any job or of one."""
        rows = self._connection.execute(
            # by the small index, which the planner sees to hold these only where it is told so
            f"SELECT key FROM items WHERE {_UNSETTLED} AND state = 'quarantined' AND ifnull(job = ?, true)",
            (job,),
        )
        yield from (row[0] for row in rows)

    def quarantined_in(self, job: str, output: str) -> list[str]:
        """Return the keys that are in quarantine of those that go into one file."""
        rows = self._connection.execute(
            "SELECT key FROM items WHERE job = ? AND output = ? AND state = 'quarantined'", (job, output)
        )
        return [row[0] for row in rows]

    def release(self, job: str) -> None:
        """Let the next plan take up what is quarantined or failed, and the tables such objects belong to.

        What has no rows is no table, and keeps its mark: it is what an object of its own came to, and stands until
        that is handled anew.
        """
        self._connection.execute(
            "UPDATE outputs SET made_by = '' WHERE job = ? AND rows IS NOT NULL AND path IN"
            " (SELECT output FROM items WHERE job = ? AND state IN ('quarantined', 'failed'))",
            (job, job),
        )
        # Without a version each is another object than the one listed. Those that this run does not select stay known.
        self._connection.execute(
            "UPDATE items SET version = '' WHERE job = ? AND state IN ('quarantined', 'failed')", (job,)
        )

    def settle(self, job: str, run: str, output: str) -> None:
        """Mark what was planned for a file as done, and drop what an earlier run had put into it."""
        self._connection.execute("DELETE FROM items WHERE job = ? AND output = ? AND run <> ?", (job, output, run))
        self._connection.execute(
            "UPDATE items SET state = 'done' WHERE job = ? AND output = ? AND run = ? AND state = 'planned'",
            (job, output, run),
        )

    def of_output(self, job: str, output: str) -> dict[State, tuple[int, int]]:
        """Return number and bytes of the items of a file, by state."""
        rows = self._connection.execute(
            "SELECT state, count(*), sum(size) FROM items WHERE job = ? AND output = ? GROUP BY state", (job, output)
        )
        return {word(State, row[0]): (row[1], row[2]) for row in rows}

    def planned(self, job: str, run: str, page: int = 1000, *, under: str = "") -> Iterator[list[Item]]:
        """Yield the items a run still has to do, in key order, a page at a time: those whose keys start with `under`.

        Items that are recorded as done meanwhile do not disturb the walk.
        """
        last, behind = under, f"{under}\U0010ffff"
        while True:
            rows = self._connection.execute(
                "SELECT key, version, size, output, reason FROM items"
                " WHERE job = ? AND key > ? AND key < ? AND run = ? AND state = 'planned' ORDER BY key LIMIT ?",
                (job, last, behind, run, page),
            ).fetchall()
            if not rows:
                return
            yield [Item(row[0], row[1], row[2], row[3], reason=row[4]) for row in rows]
            last = rows[-1][0]

    def any_planned(self, job: str, run: str, under: str) -> bool:
        """Whether a run still has to do an item whose key starts with `under`."""
        rows = self._connection.execute(
            # from the end: items are taken up in key order, so that is where those lie that are still to be done
            "SELECT 1 FROM items WHERE job = ? AND key > ? AND key < ? AND run = ? AND state = 'planned'"
            " ORDER BY key DESC LIMIT 1",
            (job, under, f"{under}\U0010ffff", run),
        )
        return rows.fetchone() is not None

    def in_state(self, job: str, state: State) -> Iterator[Item]:
        """Yield the items of a job that are in a state, in key order."""
        rows = self._connection.execute(
            "SELECT key, version, size, output, reason FROM items WHERE job = ? AND state = ? ORDER BY key",
            (job, state.value),
        )
        for row in rows:
            yield Item(row[0], row[1], row[2], row[3], state, row[4])

    def of_run(self, job: str, run: str) -> dict[State, tuple[int, int]]:
        """Return number and bytes of the items a run took up last, by state."""
        rows = self._connection.execute(
            "SELECT state, count(*), sum(size) FROM items WHERE job = ? AND run = ? GROUP BY state", (job, run)
        )
        return {word(State, row[0]): (row[1], row[2]) for row in rows}

    def unsettled(self, job: str, run: str) -> Iterator[Item]:
        """Yield the items that a run left in quarantine or failed, in key order."""
        rows = self._connection.execute(
            # by the small index: the planner, left alone, walks over all items for the sake of their order
            "SELECT key, version, size, output, state, reason FROM items INDEXED BY items_unsettled"
            f" WHERE job = ? AND run = ? AND {_UNSETTLED} ORDER BY run, key",
            (job, run),
        )
        for row in rows:
            yield Item(row[0], row[1], row[2], row[3], word(State, row[4]), row[5])

    def unsettled_by_run(self, job: str) -> dict[str, int]:
        """Return how many items each run left in quarantine or failed."""
        rows = self._connection.execute(
            f"SELECT run, count(*) FROM items WHERE job = ? AND {_UNSETTLED} GROUP BY run ORDER BY run", (job,)
        )
        return dict(rows.fetchall())


_UNSETTLED = "state IN ('quarantined', 'failed')"
