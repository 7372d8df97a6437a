"""The names of a panelist's images: each image once, each name once, the same whatever the order of the work.

Two uploads of one image have its name and its content in common. The same content under another name is another image:
a screen that stands still.

Kept in a small database of its own while a panelist is finished: the memory does not grow with the images.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from bondstore.domains.screenlake.places import segment, token_of

_TABLES = """
CREATE TABLE named (name TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, output TEXT NOT NULL, part TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE taken (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE seen (base TEXT NOT NULL, zip INTEGER NOT NULL, file TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (base, zip, file, reason)) WITHOUT ROWID;
CREATE TABLE standing (path TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX standing_by_token ON standing (token);
"""


@dataclass(frozen=True, slots=True)
class Named:
    """An image under its name.

    Parameters
    ----------
    name : str
        The file's name.
    token : str
        What tells it from all others: see `token_of`.
    output : str
        SHA-256 of the image as it was written, in hex.
    part : str
        The part it came with.
    """

    name: str
    token: str
    output: str
    part: str


class Names:
    """Gives names, in the order in which images are added.

    Parameters
    ----------
    path : Path
        Of the database; it must not exist.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=OFF")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(_TABLES)
        self._connection.execute("BEGIN")

    def __enter__(self) -> Names:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._connection.close()

    def add(self, zip_number: int, base: str, source: str, output: str, part: str) -> tuple[str, bool]:
        """Name an image.

        The name is the one the phone gave, unless other content has it: then a piece of the content's digest is added.

        Parameters
        ----------
        zip_number : int
            Which zip of the panelist, in their order.
        base : str
            The image's own name.
        source : str
            SHA-256 of the image as it came, in hex.
        output, part : str
            As in `Named`.

        Returns
        -------
        (str, bool)
            Its name; and whether an earlier zip had the same image.
        """
        token = token_of(base, source)
        row = self._connection.execute("SELECT name FROM named WHERE token = ?", (token,)).fetchone()
        name = row[0] if row else self._free(segment(base), source)
        if row is None:
            self._connection.execute("INSERT INTO named VALUES (?, ?, ?, ?)", (name, token, output, part))
        self._see(zip_number, base, name, "")
        return name, row is not None

    def without(self, zip_number: int, base: str, reason: str) -> None:
        """Remember why there is no file of an image."""
        self._see(zip_number, base, "", reason)

    def find(self, zip_number: int, base: str) -> tuple[str, str] | None:
        """Return the file of an image, or why there is none; of the same zip, if it is there, else of the first.

        Returns
        -------
        (str, str) or None
            File name and reason, one of them empty; None where no zip has the image.
        """
        row = self._connection.execute(
            "SELECT file, reason FROM seen WHERE base = ? ORDER BY zip <> ?, file = '', zip LIMIT 1",
            (base, zip_number),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def walk(self) -> Iterator[Named]:
        """Yield all named images, by name."""
        for row in self._connection.execute("SELECT name, token, output, part FROM named ORDER BY name"):
            yield Named(*row)

    def stands(self, path: str, token: str) -> None:
        """Remember that an image lies somewhere already."""
        self._connection.execute("INSERT OR REPLACE INTO standing VALUES (?, ?)", (path, token))

    def misplaced(self, folder: str) -> Iterator[tuple[str, str, bool]]:
        """Yield images that lie under a name that is not theirs: path, token, and whether they still have a name.

        Parameters
        ----------
        folder : str
            Where the images belong; ends in ``/``.
        """
        rows = self._connection.execute(
            "SELECT path, standing.token, named.name IS NOT NULL FROM standing LEFT JOIN named USING (token)"
            " WHERE named.name IS NULL OR ? || named.name <> path ORDER BY path",
            (folder,),
        )
        for path, token, named in rows:
            yield path, token, bool(named)

    def _see(self, zip_number: int, base: str, name: str, reason: str) -> None:
        self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", (base, zip_number, name, reason))

    def _free(self, name: str, source: str) -> str:
        stem, dot, ending = name.rpartition(".")
        stem, ending = (stem, dot + ending) if dot and stem else (name, "")
        for candidate in (name, f"{stem}-{source[:12]}{ending}", f"{stem}-{source}{ending}"):
            # two names that differ in case alone would be one file on some disks
            row = self._connection.execute("SELECT 1 FROM taken WHERE name = ?", (candidate.casefold(),)).fetchone()
            if row is None:
                self._connection.execute("INSERT INTO taken VALUES (?)", (candidate.casefold(),))
                return candidate
        return f"{source}{ending}"
