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
        Hash of its content.
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

    def walk(self, job: str | None = None) -> Iterator[Output]:
        """Yield all outputs, or those of one job, by path."""
        rows = (
            self._connection.execute(f"{_SELECT} ORDER BY path")
            if job is None
            else self._connection.execute(f"{_SELECT} WHERE job = ? ORDER BY path", (job,))
        )
        for row in rows:
            yield Output(*row)


_SELECT = "SELECT path, sha256, size, mtime_ns, rows, digest FROM outputs"
