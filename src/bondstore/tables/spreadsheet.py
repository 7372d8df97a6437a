"""A small CSV as people save it from a spreadsheet: which encoding it is in and what separates its cells, decided."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass, field

from bondstore.tables.dialect import SAMPLE, dialect_of

_WINDOWS = "cp1252"
_ENCODINGS = {_WINDOWS: "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32"}
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
    """Decide how a CSV is written; `UnicodeError` where it is in no encoding that can be told.

    What is not UTF-8 and has no sign of UTF-16 is Windows-1252, as spreadsheets write it by default; but not where it
    holds characters that only UTF-8 writes so: that is UTF-8 with a damage, or cut off.
    """
    dialect = dialect_of(data[:SAMPLE])
    text, encoding = _decoded(data, dialect.encoding)
    if dialect.said:
        text = text.lstrip("\r\n").partition("\n")[2]
    parts = dialect.said or _cells(text, dialect.separator) >= _cells(text, ",")
    return Spreadsheet(text, encoding, dialect.separator if parts else ",")


def _cells(text: str, separator: str) -> int:
    """Return how many cells the first row has by a separator: a comma may stand in a name, but not between all."""
    try:
        return len(next(csv.reader(text[:SAMPLE].lstrip("\r\n").splitlines()[:1], delimiter=separator), []))
    except csv.Error:
        return 0


def _decoded(data: bytes, encoding: str) -> tuple[str, str]:
    if encoding != "utf-8":
        return data.decode(encoding).removeprefix("\ufeff"), encoding
    try:
        return data.decode("utf-8-sig"), encoding
    except UnicodeDecodeError:
        if data.startswith(codecs.BOM_UTF8) or not _is_one_byte_each(data):
            raise
    return data.decode(_WINDOWS), _WINDOWS


def _is_one_byte_each(data: bytes) -> bool:
    """Whether no character of several bytes, as UTF-8 has them, stands in it, nor the beginning of one at its end."""
    if any(not ("\udc80" <= sign <= "\udcff") for sign in data.decode("utf-8", "surrogateescape") if sign > "\x7f"):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return True
    return False
