"""The files a job wrote, each with its hash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Output:
    """One written file.

    Parameters
    ----------
    path : str
        Relative to the destination, with ``/``.
    sha256 : bytes
        Hash of its content; empty where nothing could be made of the objects, and no file was written.
    size : int
        In bytes.
    mtime_ns : int
        Its modification time when it was recorded: size and time unchanged stand for the content unchanged.
    rows : int or None
        Rows of a table.
    digest : str
        What it was made of and how: a table with another digest is made anew. Empty for a copy of one object.
    """

    path: str
    sha256: bytes
    size: int
    mtime_ns: int
    rows: int | None = None
    digest: str = ""


class Outputs:
    """The outputs table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, job: str, run: str, outputs: Iterable[Output]) -> None:
        """Record outputs, replacing what was known of their paths."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO outputs (job, path, sha256, size, mtime_ns, rows, digest, run)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((job, o.path, o.sha256, o.size, o.mtime_ns, o.rows, o.digest, run) for o in outputs),
        )

    def known(self, job: str, paths: Sequence[str]) -> dict[str, Output]:
        """Return what is recorded of these paths."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE job = ? AND path IN (SELECT value FROM json_each(?))", (job, json.dumps(paths))
        )
        return {row[0]: Output(*row) for row in rows}

    def under(self, job: str, folder: str) -> Iterator[Output]:
        """Yield the files of a job that were written below a folder, by path.

        Parameters
        ----------
        job : str
            The job.
        folder : str
            Ends in ``/``.
        """
        rows = self._connection.execute(
            f"{_SELECT} WHERE sha256 <> x'' AND job = ? AND path > ? AND path < ? ORDER BY path",
            (job, folder, f"{folder}\U0010ffff"),
        )
        for row in rows:
            yield Output(*row)

    def forget(self, job: str, paths: Sequence[str]) -> None:
        """Drop the record of files that were removed or have another name now."""
        self._connection.execute(
            "DELETE FROM outputs WHERE job = ? AND path IN (SELECT value FROM json_each(?))", (job, json.dumps(paths))
        )

    def plan(self, job: str, run: str, files: Iterable[tuple[str, str]]) -> None:
        """Record files that a run will make anew: their paths, each with the job's own word for what goes into it."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO outputs (job, path, sha256, size, mtime_ns, rows, digest, run)"
            " VALUES (?, ?, x'', 0, 0, NULL, ?, ?)",
            ((job, path, _PLANNED + subject, run) for path, subject in files),
        )

    def planned(self, job: str, run: str) -> list[str]:
        """Return what goes into the files that a run still has to make, by path."""
        rows = self._connection.execute(
            "SELECT digest FROM outputs WHERE job = ? AND run = ? AND substr(digest, 1, ?) = ? ORDER BY path",
            (job, run, len(_PLANNED), _PLANNED),
        )
        return [row[0].removeprefix(_PLANNED) for row in rows]

    def total(self) -> tuple[int, int]:
        """Return number and bytes of all files that were written."""
        row = self._connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM outputs WHERE sha256 <> x''")
        count, size = row.fetchone()
        return count, size

    def walk(self, job: str | None = None) -> Iterator[Output]:
        """Yield all files that were written, or those of one job, by path."""
        rows = (
            self._connection.execute(f"{_SELECT} WHERE sha256 <> x'' ORDER BY path")
            if job is None
            else self._connection.execute(f"{_SELECT} WHERE sha256 <> x'' AND job = ? ORDER BY path", (job,))
        )
        for row in rows:
            yield Output(*row)


_PLANNED = "planned:"  # no digest looks so: a planned file is never taken for a finished one
_SELECT = "SELECT path, sha256, size, mtime_ns, rows, digest FROM outputs"
