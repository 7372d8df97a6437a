"""The findings a ledger keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bondstore.findings import Finding, Severity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence


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
            yield Finding(row[0], Severity(row[1]), row[2], row[3], row[4], row[5])

    def counts(self, job: str | None = None) -> list[tuple[str, Severity, int]]:
        """Return kind, severity and number of objects, worst first."""
        where, values = ("", ()) if job is None else ("WHERE job = ?", (job,))
        rows = self._connection.execute(
            f"SELECT kind, severity, count(DISTINCT key) FROM findings {where} GROUP BY kind, severity ORDER BY"
            " CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, kind",
            values,
        )
        return [(row[0], Severity(row[1]), row[2]) for row in rows]
