"""The findings a ledger keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.findings import Finding, Severity, present_word
from bondstore.ledger.values import word

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence


_WORST_FIRST = "CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END"


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings of one kind in a run.

    Parameters
    ----------
    kind : str
        The kind.
    severity : Severity
        How much it matters.
    objects : int
        How many objects show it.
    message : str
        What one of them says.
    examples : tuple of str
        The first few keys.
    """

    kind: str
    severity: Severity
    objects: int
    message: str
    examples: tuple[str, ...]


class Findings:
    """The findings table: one row for each job, object, kind and place, so that a repeated run repeats nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, job: str, run: str, findings: Iterable[Finding]) -> None:
        """Record findings."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO findings (job, key, kind, place, severity, message, count, run)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((job, f.key, f.kind, f.where, f.severity.value, f.message, f.count, run) for f in findings),
        )

    def forget(self, job: str, keys: Sequence[str]) -> None:
        """Drop the findings of objects that are looked at anew."""
        self._connection.execute(
            "DELETE FROM findings WHERE job = ? AND key IN (SELECT value FROM json_each(?))",
            (job, json.dumps(keys)),
        )

    def walk(self, job: str | None = None) -> Iterator[Finding]:
        """Yield all findings, or those of one job, worst first, then by key."""
        where, values = ("", ()) if job is None else ("WHERE job = ?", (job,))
        rows = self._connection.execute(
            f"SELECT kind, severity, key, message, place, count FROM findings {where} ORDER BY"
            " CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, kind, key, place",
            values,
        )
        for row in rows:
            yield Finding(present_word(row[0]), word(Severity, row[1]), row[2], row[3], row[4], row[5])

    def of_run(self, run: str) -> Iterator[Finding]:
        """Yield what one run found, worst first, then by key."""
        rows = self._connection.execute(
            "SELECT kind, severity, key, message, place, count FROM findings WHERE run = ?"
            f" ORDER BY {_WORST_FIRST}, kind, key, place",
            (run,),
        )
        for row in rows:
            yield Finding(present_word(row[0]), word(Severity, row[1]), row[2], row[3], row[4], row[5])

    def groups(self, run: str, examples: int = 3) -> list[FindingGroup]:
        """Return what one run found by kind, worst first, each with its first few keys."""
        return self._groups("run", run, examples)

    def groups_of_job(self, job: str, examples: int = 3) -> list[FindingGroup]:
        """Return what any run of a job found, as `groups` does."""
        return self._groups("job", job, examples)

    def _groups(self, column: str, value: str, examples: int) -> list[FindingGroup]:
        rows = self._connection.execute(
            f"SELECT kind, severity, count(DISTINCT key), min(message) FROM findings WHERE {column} = ?"
            f" GROUP BY kind, severity ORDER BY {_WORST_FIRST}, kind",
            (value,),
        ).fetchall()
        return [
            FindingGroup(
                present_word(r[0]), word(Severity, r[1]), r[2], r[3], self._keys(column, value, r[0], r[1], examples)
            )
            for r in rows
        ]

    def _keys(self, column: str, value: str, kind: str, severity: str, limit: int) -> tuple[str, ...]:
        rows = self._connection.execute(
            f"SELECT DISTINCT key FROM findings WHERE {column} = ? AND kind = ? AND severity = ? ORDER BY key LIMIT ?",
            (value, kind, severity, limit),
        )
        return tuple(row[0] for row in rows)

    def counts(self, job: str | None = None) -> list[tuple[str, Severity, int]]:
        """Return kind, severity and number of objects, worst first."""
        where, values = ("", ()) if job is None else ("WHERE job = ?", (job,))
        rows = self._connection.execute(
            f"SELECT kind, severity, count(DISTINCT key) FROM findings {where} GROUP BY kind, severity ORDER BY"
            " CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, kind",
            values,
        )
        return [(present_word(row[0]), word(Severity, row[1]), row[2]) for row in rows]
