"""The tables of a panelist: one CSV for each kind, rows joined to their images, rows that are none kept aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.members import base_name
from bondstore.domains.screenlake.places import segment
from bondstore.tables.consolidate import Added, Table, consolidate
from bondstore.tables.textcsv import csv_line, encoded

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.domains.screenlake.gather import Gathered
    from bondstore.domains.screenlake.names import Names
    from bondstore.domains.screenlake.part import Part
    from bondstore.runs.durable import OutputGroup

FILE, IMAGE = "file", "image"
NO_IMAGE = "(no image named)"
NOT_FOUND = "(not in any zip)"
ASIDE_COLUMNS = ("_source", "line", "reason", "row")


class TableWriter:
    """Writes the tables of one panelist.

    Parameters
    ----------
    names : Names
        Knows all of the panelist's images.
    group : OutputGroup
        Takes the files.
    folder : str
        Where they go; ends in ``/``.
    gathered : Gathered
        Takes the numbers.
    parquet : bool
        Whether they are written as Parquet too.
    """

    def __init__(self, names: Names, group: OutputGroup, folder: str, gathered: Gathered, *, parquet: bool) -> None:
        self._names, self._group, self._folder, self._gathered, self._parquet = names, group, folder, gathered, parquet

    def write(self, prefix: str, tables: Sequence[Table]) -> None:
        """Write one kind of table; rows that name an image get its file's name, or why there is none."""
        path = f"{self._folder}{segment(prefix)}-consolidated"
        temporary = self._group.reserve()
        added: dict[str, Added] = {IMAGE: self._image} if any(FILE in table.columns for table in tables) else {}
        with self._group.explaining(), temporary.open("w+b") as out:
            done = consolidate(tables, out, added=added, scratch=temporary.parent)
        if self._parquet:
            self._write_parquet(f"{path}.parquet", temporary)
        self._group.adopt(f"{path}.csv", temporary)
        self._gathered.rows[f"{path}.csv"] = done.rows
        summary = self._gathered.summary.table(prefix)
        summary.rows, summary.repeats, summary.sources = done.rows, done.repeats, len(tables)

    def _image(self, table: Table, row: Mapping[str, str]) -> str:
        base = base_name(row.get(FILE, ""))
        if base in ("", "null"):
            return NO_IMAGE
        found = self._names.find(int(table.unit), base)
        if found is None:
            self._gathered.summary.missing_images += 1
            return NOT_FOUND
        return found[0] or found[1]

    def _write_parquet(self, path: str, source: Path) -> None:
        from bondstore.tables.textparquet import csv_to_parquet

        temporary = self._group.reserve()
        with self._group.explaining(), source.open("rb") as rows_of:
            rows = csv_to_parquet(rows_of, temporary)
        self._group.adopt(path, temporary)
        self._gathered.rows[path] = rows

    def write_aside(self, parts: Sequence[Part]) -> None:
        """Write what could not be read as a row, for each kind of table that has such."""
        files: dict[str, Path] = {}
        for part in parts:
            for prefix, some in groupby(_aside(part), key=itemgetter(0)):
                fresh = prefix not in files
                if fresh:
                    files[prefix] = self._group.reserve()
                # One at a time is open: nobody knows how many there are.
                with self._group.explaining(), files[prefix].open("ab") as out:
                    if fresh:
                        out.write(encoded(csv_line(ASIDE_COLUMNS)))
                    for _, values in some:
                        out.write(encoded(csv_line(values)))
                        self._gathered.summary.table(prefix).aside += 1
        for prefix, temporary in sorted(files.items()):
            self._group.adopt(f"{self._folder}{segment(prefix)}-aside.csv", temporary)


def _aside(part: Part) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a part set aside: which table it belongs to, and its row in that table's file."""
    index = part.index()
    if not index.aside:
        return
    for prefix, member, line, reason, raw in part.aside():
        yield prefix, (f"{index.zip}/{member}", line, reason, raw)
