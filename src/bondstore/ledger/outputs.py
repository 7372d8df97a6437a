"""The files a job wrote, each with its hash and what it was made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Output:
    """One written file. Without a hash it says that its objects were handled, and no file came of them."""

    path: str
    """Relative to the destination, with ``/``."""
    sha256: bytes
    size: int
    mtime_ns: int
    """When a file was recorded: size and time unchanged stand for the content unchanged. 0 in a store."""
    rows: int | None = None
    kind: str = ""
    """The domain's word for what it is, such as ``record`` or ``table``."""
    made_by: str = ""
    """Digest of settings, keys and versions it was made of: another one means that it is made again."""
    etag: str = ""
    """The store's own tag of its content, where the destination is a store."""
    source: str = ""
    """The key, output or product it comes from, where that is needed to find it again."""
    rows_added: int | None = None
    """Rows that its sources in the store lack."""


class Outputs:
    """The outputs table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, job: str, run: str, outputs: Iterable[Output]) -> None:
        """Record outputs, replacing what was known of their paths."""
        self._connection.executemany(
            f"INSERT OR REPLACE INTO outputs ({_COLUMNS}, job, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(o.path, o.sha256, o.size, o.mtime_ns, o.rows),
                    *(o.kind, o.made_by, o.etag, o.source, o.rows_added),
                    job,
                    run,
                )
                for o in outputs
            ),
        )

    def known(self, job: str, paths: Sequence[str]) -> dict[str, Output]:
        """Return what is recorded of these paths."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE job = ? AND path IN (SELECT value FROM json_each(?))", (job, json.dumps(paths))
        )
        return {row[0]: Output(*row) for row in rows}

    def under(self, job: str, folder: str, *, written: bool = True) -> Iterator[Output]:
        """Yield the files of a job below a folder (which ends in ``/``), by path; or also those that are no files."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE {_WRITTEN if written else 'true'} AND job = ? AND path > ? AND path < ? ORDER BY path",
            (job, folder, f"{folder}\U0010ffff"),
        )
        for row in rows:
            yield Output(*row)

    def of_kind(self, job: str, *kinds: str) -> Iterator[Output]:
        """Yield the files of a job that are of these kinds, by path."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE {_WRITTEN} AND job = ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY path",
            (job, json.dumps(kinds)),
        )
        for row in rows:
            yield Output(*row)

    def anywhere(self, paths: Sequence[str]) -> Iterator[Output]:
        """Yield what jobs, whichever, recorded of these paths; of files alone."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE {_THERE} AND job IN (SELECT DISTINCT job FROM runs)"
            " AND path IN (SELECT value FROM json_each(?))",
            (json.dumps(paths),),
        )
        for row in rows:
            yield Output(*row)

    def by_run(self, paths: Sequence[str]) -> dict[tuple[str, str], list[Output]]:
        """Return what is recorded of these paths, by job and run."""
        rows = self._connection.execute(
            f"SELECT job, run, {_COLUMNS} FROM outputs WHERE path IN (SELECT value FROM json_each(?))",
            (json.dumps(paths),),
        )
        found: dict[tuple[str, str], list[Output]] = {}
        for job, run, *row in rows:
            found.setdefault((job, run), []).append(Output(*row))
        return found

    def written(self, paths: Sequence[str]) -> set[str]:
        """Return those of some paths that a job, whichever, has written."""
        return {one.path for one in self.anywhere(paths)}

    def forget(self, job: str, paths: Sequence[str]) -> None:
        """Drop the record of files that were removed or have another name now."""
        self._connection.execute(
            "DELETE FROM outputs WHERE job = ? AND path IN (SELECT value FROM json_each(?))", (job, json.dumps(paths))
        )

    def plan(self, job: str, run: str, files: Iterable[tuple[str, str]]) -> None:
        """Record files that a run will make again, each with its product; until then they are no files."""
        self._connection.executemany(
            "INSERT INTO outputs (job, path, sha256, size, mtime_ns, source, run, todo)"
            " VALUES (?, ?, x'', 0, 0, ?, ?, ?) ON CONFLICT (job, path)"
            " DO UPDATE SET source = excluded.source, todo = excluded.todo, made_by = ''",
            ((job, path, product, run, run) for path, product in files),
        )

    def planned(self, job: str, run: str) -> list[str]:
        """Return the products whose files a run still has to make, by path; each once."""
        rows = self._connection.execute(
            "SELECT source FROM outputs WHERE job = ? AND todo = ? ORDER BY path", (job, run)
        )
        return list(dict.fromkeys(row[0] for row in rows))

    def total(self) -> tuple[int, int]:
        """Return number and bytes of all files that were written."""
        row = self._connection.execute(f"SELECT count(*), coalesce(sum(size), 0) FROM outputs WHERE {_THERE}")
        count, size = row.fetchone()
        return count, size

    def walk(self, job: str | None = None) -> Iterator[Output]:
        """Yield all files that were written, or those of one job, by path: also those that are to be made again."""
        rows = (
            self._connection.execute(f"{_SELECT} WHERE {_THERE} ORDER BY path")
            if job is None
            else self._connection.execute(f"{_SELECT} WHERE {_THERE} AND job = ? ORDER BY path", (job,))
        )
        for row in rows:
            yield Output(*row)


_COLUMNS = "path, sha256, size, mtime_ns, rows, kind, made_by, etag, source, rows_added"
_SELECT = f"SELECT {_COLUMNS} FROM outputs"
_THERE = "sha256 <> x''"
_WRITTEN = f"{_THERE} AND todo = ''"
