"""The names of a panelist's images: each image once, each name once, the same whatever the order of the work.

Two uploads of one image have its name and its content in common. The same content under another name is another image:
a screen that stands still.

Kept in a small database of its own while a panelist is finished: the memory does not grow with the images.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Self

from bondstore.domains.screenlake.paths import segment, token_of

# named: what each image (token) is called.     taken: names in use, without regard to case.
# seen: in which zip an image was, and its file or the reason why there is none.
# made: how the zips have each image.   standing: where the ledger says that an image lies, and where it does.
_TABLES = """
CREATE TABLE named (name TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, output TEXT NOT NULL, part TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE taken (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE seen (base TEXT NOT NULL, zip INTEGER NOT NULL, file TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (base, zip, file, reason)) WITHOUT ROWID;
CREATE TABLE standing (path TEXT PRIMARY KEY, token TEXT NOT NULL, output TEXT NOT NULL, there INTEGER NOT NULL,
  lies TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX standing_by_token ON standing (token);
CREATE TABLE made (token TEXT NOT NULL, output TEXT NOT NULL, PRIMARY KEY (token, output)) WITHOUT ROWID;
"""
# An image must leave its path if its name is another one now; if it is there, but no zip has it like this any more; or
# if it is not there, and no zip would bring it back. What is not there, but should be, stays in the record: once its
# zip is back, it is made anew.
_MISPLACED = """
SELECT path, standing.token, named.name IS NOT NULL AND made.token IS NOT NULL AND there
FROM standing LEFT JOIN named USING (token)
LEFT JOIN made ON made.token = standing.token AND made.output = standing.output
WHERE path >= ? AND path < ? AND (
  ? || named.name <> path
  OR (there AND (named.name IS NULL OR made.token IS NULL))
  OR (NOT there AND NOT EXISTS (SELECT 1 FROM made AS any WHERE any.token = standing.token))
) ORDER BY path
"""
_STEM, _ENDING = 120, 8
"""Bytes of a name that stay where a whole digest is added: names have 255 at most; and characters of an ending."""


@dataclass(frozen=True, slots=True)
class Named:
    """An image under its name."""

    name: str
    token: str  # from `token_of`
    output: str  # SHA-256 of the image as it was written, in hex
    part: str  # the last part it came with: the store drops that zip last
    moves: bool  # it lies elsewhere


class ImageNames:
    """Gives names, in the order in which images are added; digests are SHA-256 in hex."""

    def __init__(self, path: Path) -> None:
        # A store takes what is made of the names in another thread, while this one waits.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # Thrown away with the panelist: after a kill it is built again, so it needs no journal and no sync.
        self._connection.execute("PRAGMA journal_mode=OFF")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(_TABLES)
        self._connection.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def add(self, zip_number: int, base: str, source: str, output: str, part: str) -> tuple[str, bool]:
        """Name an image, and tell whether an earlier zip had the same one.

        The name is the one the phone gave, unless other content has it: then a piece of the content's digest is added.
        """
        token = token_of(base, source)
        row = self._connection.execute("SELECT name FROM named WHERE token = ?", (token,)).fetchone()
        name = row[0] if row else self._free(segment(base), source)
        if row is None:
            self._connection.execute("INSERT INTO named VALUES (?, ?, ?, ?)", (name, token, output, part))
        else:
            self._connection.execute("UPDATE named SET part = ? WHERE token = ?", (part, token))
        self._see(zip_number, base, name, "")
        return name, row is not None

    def without(self, zip_number: int, base: str, reason: str) -> None:
        """Remember why there is no file of an image."""
        self._see(zip_number, base, "", reason)

    def find(self, zip_number: int, base: str) -> tuple[str, str] | None:
        """Return the file of an image, or why there is none: of the same zip, if it is there, else of the first."""
        row = self._connection.execute(
            "SELECT file, reason FROM seen WHERE base = ? ORDER BY zip <> ?, file = '', zip LIMIT 1",
            (base, zip_number),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def name_of(self, base: str, source: str) -> str | None:
        """Return the name of an image, or None where it has none."""
        token = token_of(base, source)
        row = self._connection.execute("SELECT name FROM named WHERE token = ?", (token,)).fetchone()
        return None if row is None else str(row[0])

    def walk(self, folder: str = "") -> Iterator[Named]:
        """Yield all named images, by name, as they are to lie in a folder (which ends in ``/``)."""
        rows = self._connection.execute(
            "SELECT name, token, output, part, EXISTS (SELECT 1 FROM standing WHERE standing.token = named.token"
            " AND there AND lies <> ? || named.name) FROM named ORDER BY name",
            (folder,),
        )
        for name, token, output, part, moves in rows:
            yield Named(name, token, output, part, bool(moves))

    def stands(self, path: str, token: str, output: str, *, there: bool, lies: str = "") -> None:
        """Remember where the ledger says that an image lies, whether it is there, and where if that is elsewhere."""
        row = (path, token, output, there, lies or path)
        self._connection.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?)", row)

    def made(self, base: str, source: str, output: str) -> None:
        """Remember that this is how one of the zips has an image."""
        self._connection.execute("INSERT OR IGNORE INTO made VALUES (?, ?)", (token_of(base, source), output))

    def place(self, base: str, source: str) -> str | None:
        """Return where an image lies, as one of the zips has it; None where it is gone, or was handled otherwise."""
        row = self._connection.execute(
            # what waits comes first, as it is newer: the private corner begins with a dot
            "SELECT lies FROM standing JOIN made USING (token, output) WHERE token = ? AND there ORDER BY path LIMIT 1",
            (token_of(base, source),),
        ).fetchone()
        return None if row is None else str(row[0])

    def misplaced(self, folder: str) -> Iterator[tuple[str, str, bool]]:
        """Yield what must leave its path in a folder (ends in ``/``): path, token, whether the image itself is kept."""
        rows = self._connection.execute(_MISPLACED, (folder, f"{folder}\U0010ffff", folder))
        for path, token, keep in rows:
            yield path, token, bool(keep)

    def _see(self, zip_number: int, base: str, name: str, reason: str) -> None:
        self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", (base, zip_number, name, reason))

    def _free(self, name: str, source: str) -> str:
        stem, dot, ending = name.rpartition(".")
        stem, ending = (stem, dot + ending) if dot and stem and len(ending) < _ENDING else (name, "")
        short = stem.encode()[:_STEM].decode("utf-8", "ignore")
        for candidate in chain(
            (name, f"{stem}-{source[:12]}{ending}", f"{short}-{source}{ending}"),
            (f"{short}-{source}-{number}{ending}" for number in count(2)),
        ):
            # two names that differ in case alone would be one file on some disks
            row = self._connection.execute("SELECT 1 FROM taken WHERE name = ?", (candidate.casefold(),)).fetchone()
            if row is None:
                self._connection.execute("INSERT INTO taken VALUES (?)", (candidate.casefold(),))
                return candidate
        raise AssertionError  # the numbers do not end
