"""A participants' CSV taken apart: rows that are sound, and rows that are not. Nothing is guessed, no value is told."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bondstore.databases.rows import VERSION, is_storable
from bondstore.errors import DamagedError
from bondstore.findings import FindingKind
from bondstore.registry.findings import CUT, ENCODING, RAGGED, SEPARATOR, UNREADABLE
from bondstore.registry.identity import normal
from bondstore.registry.settings import KEY
from bondstore.tables.spreadsheet import Spreadsheet, open_spreadsheet

LARGEST = 64 << 20
_MOST_COLUMNS = 200
_LONGEST_NAME = 63  # bytes; PostgreSQL keeps no more of a column's name
_LONGEST_VALUE = 16_384
_LARGEST_ROW = 300_000  # bytes; an item of DynamoDB holds 400 kB, names and what the history says of it included


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row with as many cells as the header."""

    number: int  # as a spreadsheet counts: the header is row 1
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be taken."""

    number: int
    kind: FindingKind
    cells: tuple[str, ...]  # what can be made out of it; in no message
    fields: Mapping[str, str] | None = None
    swallowed: bool = False  # rows after it may be part of it: nobody knows how many participants it holds


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV, taken apart."""

    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    bad: tuple[BadRow, ...]
    assumed: tuple[tuple[FindingKind, str], ...] = ()
    """How it was read, where it is no UTF-8 with commas: kinds of findings, with their messages."""


def read_sheet(data: bytes) -> Sheet:
    """Take a CSV apart: UTF-8 with commas, or as spreadsheets save it (Windows-1252, UTF-16; semicolons, tabs, bars).

    Line ends may be of any kind, and stand in quoted cells.
    """
    if len(data) > LARGEST:
        raise _damaged("The CSV is larger than 64 MiB.", "Name the participants' CSV.")
    try:
        written = open_spreadsheet(data)
    except UnicodeError:
        raise _damaged("The CSV is not written in UTF-8.", "Save it as: CSV UTF-8.") from None
    text, separator = written.text, written.separator
    records = _records(text, separator)
    first = next(records, None)
    if first is None or isinstance(first[1], str):
        raise _damaged("The CSV is empty or its first row is no header.", "Export it again.")
    columns = _header(first[1])
    rows: list[SheetRow] = []
    bad: list[BadRow] = []
    for number, cells, lines in records:
        if isinstance(cells, str):
            broken = tuple(re.split(f'[{re.escape(separator)}"\n\r]', cells))
            # an odd quote is still open at the end of the file: nobody knows what it took in
            bad.append(BadRow(number, UNREADABLE, broken, swallowed=lines > 1 or cells.count('"') % 2 == 1))
        elif len(cells) != len(columns):
            bad.append(BadRow(number, RAGGED, tuple(cells)))
        elif any(cells):
            fields = dict(zip(columns, cells, strict=True))
            sound = all(is_storable(cell) and len(cell) <= _LONGEST_VALUE for cell in cells)
            if sound and weight(fields) <= _LARGEST_ROW:
                rows.append(SheetRow(number, fields))
            else:
                bad.append(BadRow(number, UNREADABLE, tuple(cells), fields))
    last = number if rows or bad else 1
    return Sheet(columns, tuple(rows), tuple(_with_cut(bad, text, columns, last)), tuple(_assumed(written)))


def _assumed(written: Spreadsheet) -> Iterator[tuple[FindingKind, str]]:
    if written.encoding_said:
        yield ENCODING, f"The CSV is not written in UTF-8. It was read as {written.encoding_said}."
    if written.separator_said:
        yield SEPARATOR, f"The cells of the CSV are separated by {written.separator_said}, not by commas."


def weight(fields: Mapping[str, object]) -> int:
    """Return the bytes that a row takes where it takes most: as JSON in the history, with its quotes and names."""
    return len(json.dumps(dict(fields), ensure_ascii=False).encode())


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str] | str, int]]:
    """Yield number, cells (the raw text where the quotes do not match) and lines of each record that is not blank."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=separator, strict=True)
    number = 0
    while True:
        taken.clear()
        number += 1
        try:
            cells: list[str] | str = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = "".join(taken)
        if cells:
            yield number, cells, len(taken)


def _with_cut(bad: list[BadRow], text: str, columns: Sequence[str], last: int) -> Iterator[BadRow]:
    """Tell a last row with too few cells and no line end for what it is: the place where the CSV was cut off."""
    for one in bad:
        short = len(one.cells) < len(columns) or one.kind is UNREADABLE
        if one.number == last and one.fields is None and short and not text.endswith(("\n", "\r")):
            yield BadRow(one.number, CUT, one.cells, swallowed=True)
        else:
            yield one


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(" ".join(cell.split()) for cell in cells)
    if len(columns) > _MOST_COLUMNS:
        raise _damaged(f"The CSV has more than {_MOST_COLUMNS} columns.", "Name the participants' CSV.")
    for number, name in enumerate(columns, 1):
        if not name or not name.isprintable() or len(name.encode()) > _LONGEST_NAME:
            raise _damaged(
                f"Column {number} of the CSV has no name, or one that no table can have.",
                f"Names are 1 to {_LONGEST_NAME} bytes long and hold no control signs.",
            )
        if normal(name) in (KEY, VERSION) or name.startswith("_"):
            raise _damaged(
                f"Column {number} of the CSV has a name that the table keeps for itself.", f"Rename it; {KEY} is made."
            )
    if len({normal(name) for name in columns}) < len(columns):
        raise _damaged("Two columns of the CSV have the same name.", "Rename one of them in the form tool.")
    return columns


def _damaged(message: str, hint: str) -> DamagedError:
    return DamagedError(message, kind="participants-csv", hint=hint)
