"""The runs a ledger knows."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.errors import NotFoundError
from bondstore.ledger.values import instant, parsed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

COUNTS = ("planned", "done", "skipped", "quarantined", "failed")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as the ledger keeps it.

    Parameters
    ----------
    id : str
        The run's id: its start in UTC and four random characters.
    job : str
        What it does, over which study: runs of the same job share their items.
    params : mapping
        The selection and options, enough to do the same again. No secrets: those stand in it by reference.
    who, tool : str
        The account that started it, and the version of Bondstore.
    state : str
        ``running``, ``finished``, ``incomplete``, ``interrupted``, ``failed`` or ``cancelled``.
    started_ms, ended_ms : int
        UTC, ms since 1970; `ended_ms` is None while it runs, and after a crash.
    objects, sizes : mapping
        The tally: counts and bytes by outcome.
    """

    id: str
    job: str
    params: Mapping[str, Any]
    who: str
    tool: str
    state: str
    started_ms: int
    ended_ms: int | None
    objects: Mapping[str, int]
    sizes: Mapping[str, int]


class Runs:
    """The runs table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def new_id(self) -> str:
        """Return an id for a run that begins now."""
        run = ""
        while not run or self._connection.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
            run = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + secrets.token_hex(2)
        return run

    def put(self, run: str, job: str, params: Mapping[str, Any], *, who: str, tool: str, started_ms: int) -> None:
        """Record a run that begins, or goes on, as running."""
        self._connection.execute(
            "INSERT INTO runs (id, job, params, who, tool, state, started_ms) VALUES (?, ?, ?, ?, ?, 'running', ?)"
            " ON CONFLICT (id) DO UPDATE SET state = 'running', ended_ms = NULL",
            (run, job, json.dumps(params, sort_keys=True), who, tool, started_ms),
        )

    def finish(
        self,
        run: str,
        state: str,
        objects: Mapping[str, int],
        sizes: Mapping[str, int],
        head: tuple[int, bytes],
        *,
        at_ms: int,
    ) -> None:
        """Record how a run ended, and where the audit chain stood then."""
        columns = [*COUNTS, *(f"{name}_bytes" for name in COUNTS)]
        values = [objects[name] for name in COUNTS] + [sizes[name] for name in COUNTS]
        assignments = ", ".join(f"{name} = ?" for name in columns)
        self._connection.execute(
            f"UPDATE runs SET state = ?, ended_ms = ?, audit_seq = ?, audit_hash = ?, {assignments} WHERE id = ?",
            (state, at_ms, *head, *values, run),
        )

    def get(self, run: str) -> RunRecord:
        """Return one run, by its id or by a start of it that no other shares.

        Raises
        ------
        NotFoundError
            No run, or more than one, is called so.
        """
        rows = self._connection.execute(
            f"{_SELECT} WHERE id = ? OR substr(id, 1, ?) = ? ORDER BY id = ? DESC, id LIMIT 2",
            (run, len(run), run, run),
        ).fetchall()
        if not rows or (len(rows) == 2 and rows[0][0] != run):
            raise NotFoundError(
                f"There is no single run called {run!r} here.", hint="bondstore run list shows them all."
            )
        return _record(rows[0])

    def newest_first(self) -> list[RunRecord]:
        """Return all runs, newest first."""
        rows = self._connection.execute(f"{_SELECT} ORDER BY started_ms DESC, rowid DESC").fetchall()
        return [_record(row) for row in rows]

    def places(self) -> dict[str, int]:
        """Return where each run stands in the order in which they were recorded, whatever clocks said."""
        rows = self._connection.execute("SELECT id FROM runs ORDER BY rowid")
        return {run: place for place, (run,) in enumerate(rows)}


_SELECT = (
    "SELECT id, job, params, who, tool, state, started_ms, ended_ms, "
    + ", ".join(f"coalesce({name}, 0)" for name in COUNTS)
    + ", "
    + ", ".join(f"coalesce({name}_bytes, 0)" for name in COUNTS)
    + " FROM runs"
)


_EARLIER_STATES = {"declined": "cancelled"}
"""Words that ledgers of earlier versions have, and those of today."""


def _record(row: tuple[Any, ...]) -> RunRecord:
    counts, sizes = row[8:13], row[13:18]
    return RunRecord(
        row[0],
        row[1],
        parsed(row[2]),
        row[3],
        row[4],
        _EARLIER_STATES.get(row[5], row[5]),
        instant(row[6]),
        None if row[7] is None else instant(row[7]),
        dict(zip(COUNTS, counts, strict=True)),
        dict(zip(COUNTS, sizes, strict=True)),
    )
