"""A small CSV as people save it from a spreadsheet: which encoding it is in and what separates its cells, decided."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field

from bondstore.tables.dialect import SAMPLE, WINDOWS, dialect_of

_ENCODINGS = {WINDOWS: "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32"}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Spreadsheet:
    """A CSV as text, and how it was written."""

    text: str = field(repr=False)
    encoding: str = "utf-8"
    separator: str = ","

    @property
    def encoding_said(self) -> str:
        """The encoding in words, where it is not UTF-8."""
        return "" if self.encoding == "utf-8" else _ENCODINGS.get(self.encoding, self.encoding.upper())

    @property
    def separator_said(self) -> str:
        """What separates the cells in words, where it is not commas."""
        return _SEPARATORS.get(self.separator, "")


def open_spreadsheet(data: bytes) -> Spreadsheet:
    """Decide how a CSV is written; `UnicodeError` where it is in no encoding that can be told."""
    dialect = dialect_of(data, lambda: [data])
    text = data.decode(dialect.encoding).removeprefix("\ufeff")
    if dialect.said:
        text = text.lstrip("\r\n").partition("\n")[2]
    parts = dialect.said or _cells(text, dialect.separator) >= _cells(text, ",")
    return Spreadsheet(text, dialect.encoding, dialect.separator if parts else ",")


def _cells(text: str, separator: str) -> int:
    """Return how many cells the first row has by a separator: a comma may stand in a name, but not between all."""
    try:
        return len(next(csv.reader(text[:SAMPLE].lstrip("\r\n").splitlines()[:1], delimiter=separator), []))
    except csv.Error:
        return 0
