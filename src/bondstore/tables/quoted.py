"""CSV files that an app wrote without doubling the quotes inside its values, read row by row.

A file whose quoting follows RFC 4180 throughout is read so. Any other is read by the app's own grammar (`appquotes`).
Which of the two is decided for the file as a whole: a doubled quote means one in the first and two in the second. Rows
of a wrong width do not count against RFC 4180 where a doubled quote elsewhere speaks for it. Everything stays text as
it came: leading zeros, the word ``null``, spaces.

How a table is written (`dialect`) is decided first. A header that comes again inside a file is no row; below the header
of other columns nothing is one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import chain

from bondstore.tables.appquotes import AppRows, Aside, Reason
from bondstore.tables.approw import is_app_row, is_rfc_4180
from bondstore.tables.dialect import SAMPLE, Rewriter, dialect_of
from bondstore.tables.quotedlines import TOO_LONG, TextLines, all_names, allow_long_fields, header_names
from bondstore.tables.textcsv import csv_line

__all__ = ["Aside", "Reading", "Reason", "read_quoted"]
_WHOLE = 4 << 20
_FIRST_ROWS = 20
"""So many rows tell which columns hold numbers."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)
_NUMBER = re.compile(r"[-+]?\d[\d.:TZ +-]{0,63}", re.ASCII)


class _NotStrictError(Exception):
    """The quoting does not follow RFC 4180."""


class Reading:
    """A CSV file, open to be read any number of times; it holds none of its content, and no content makes it raise.

    `source` starts a new pass and is called up to three times for each reading. With `doubles` false the writer is
    known not to double quotes: a file that the app's grammar reads to its end is read so, and ``""`` stays two quotes.
    `known` says which names columns of other tables have, whose headers may stand inside this file.
    """

    def __init__(
        self,
        source: Callable[[], Iterable[bytes]],
        *,
        doubles: bool = True,
        known: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._source, self._doubles, self._known = source, doubles, known
        self._line_of: Callable[[int, list[str]], int] = lambda *_: 0
        # What the last pass met, complete at its end: rows with bare quotes inside a value, pieces set aside, lines
        # that are not text in the file's encoding, lines with NUL bytes, and headers that came again.
        self.repaired = self.set_aside = self.undecodable = self.nuls = self.headers = 0
        with self._opened() as chunks:
            first, _ = _start(chunks, SAMPLE)
            self.dialect = dialect_of(b"".join(first)[:SAMPLE], self._whole)
            self._rewriter = Rewriter(self.dialect)
            lines = TextLines(self._rewriter.chunks(chain(first, chunks)))
            header = next((line for line in lines if line.rstrip("\r")), "")
        names = header_names(header) if header else []
        self._foreign = self.dialect.separator != ","
        self.header = self._native(header)
        self._read = names or []  # with the separators as the grammars have them
        self._names = [self._native(name) for name in self._read]
        self.columns, self.renamed = _named(self._names)

    def records(self, *, named: bool = True) -> Iterator[list[str] | Aside]:
        """Iterate over the file: a list of as many values as there are columns, or an `Aside`.

        With `named` false the first line names no columns, and a row that is the same is a row.
        """
        self.repaired = self.set_aside = self.undecodable = self.nuls = self.headers = 0
        records = self._records()
        records = map(self._in_place, records) if self._foreign else records
        return self._without_headers(records) if named else records

    def _native(self, text: str) -> str:
        return self.dialect.swapped(text) if self._foreign else text

    def _in_place(self, record: list[str] | Aside) -> list[str] | Aside:
        if isinstance(record, Aside):
            return replace(record, raw=self._native(record.raw))
        return [self._native(value) for value in record]

    def _without_headers(self, records: Iterator[list[str] | Aside]) -> Iterator[list[str] | Aside]:
        """Leave out headers that come again, and set aside what stands below one that names other columns."""
        names, other, place = self._names, False, -1
        numbers = set(range(len(names)))  # columns that held nothing but numbers in the first rows
        for record in records:
            row: list[str] | None = None
            if isinstance(record, Aside):
                row = self._names_in(record.raw)
            else:
                place += 1
                # One column alone may hold its own name as a value.
                if all_names(record):
                    row = record
                elif place < _FIRST_ROWS:
                    numbers = {column for column in numbers if _NUMBER.fullmatch(record[column])}
            if row is not None and row == names and len(names) > 1:
                self.headers += 1
                self.set_aside -= isinstance(record, Aside)
                other = False
                continue
            other = other or (row is not None and self._is_other_header(row, numbers if place > 0 else set()))
            if other and not isinstance(record, Aside):
                self.set_aside += 1
                yield Aside(self._line_of(place, record), Reason.OTHER_HEADER, csv_line(record).rstrip("\n"))
            else:
                yield record

    def _is_other_header(self, row: list[str], numbers: set[int]) -> bool:
        """Whether a row of names is the header of other columns: half of them are known, or a number belongs there."""
        if numbers and len(row) == len(self._names):
            return True
        shared = sum(len(name) > 1 and (name in self._names or self._known(name)) for name in row)
        return shared > 1 and 2 * shared >= len(row) and all(map(_PLAIN_NAME.fullmatch, row))

    def _names_in(self, raw: str) -> list[str] | None:
        names = header_names(self._native(raw)) if len(raw) <= SAMPLE else None
        names = [self._native(name) for name in names or []]
        return names if names == self._names or all_names(names) else None

    def _records(self) -> Iterator[list[str] | Aside]:
        with self._pass() as chunks:
            first, size = _start(chunks, _WHOLE)
            if size <= _WHOLE:
                yield from self._small(b"".join(first))
                return
            lines = TextLines(chain(first, chunks))
            strict = self.columns != [] and (self._doubles or self._sets_aside(lines))
            strict = strict and (_is_strict(lines, len(self.columns)) if self._doubles else self._is_strict())
            del first, lines
        with self._pass() as chunks:
            yield from self._counted(TextLines(chunks), strict=strict)

    def rows(self) -> Iterator[list[str]]:
        """Iterate over the rows alone."""
        return (one for one in self.records() if not isinstance(one, Aside))

    @contextmanager
    def _pass(self) -> Iterator[Iterator[bytes]]:
        self._rewriter = Rewriter(self.dialect)
        with self._opened() as chunks:
            yield self._rewriter.chunks(chunks)

    def _whole(self) -> Iterator[bytes]:
        with self._opened() as chunks:
            yield from chunks

    @contextmanager
    def _opened(self) -> Iterator[Iterator[bytes]]:
        chunks = self._source()
        try:
            yield iter(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _small(self, data: bytes) -> Iterator[list[str] | Aside]:
        """Read a file that is in memory as a whole."""
        width = len(self.columns)
        lines = TextLines([data])
        below = list(lines)
        if width and not (lines.undecodable or lines.nuls or lines.heads or self._rewriter.damaged):
            start = next(place for place, line in enumerate(below) if line.rstrip("\r")) + 1
            rows = _plain(data, below, start, width)
            if rows is None and not self._doubles and not self._sets_aside(TextLines([data])):
                yield from self._counted(TextLines([data]), strict=False)
                return
            if rows is None:
                rows = _strict_list("\n".join(below[start:]), width)
            if rows is not None:
                starts = cache(lambda: list(_starts(below, start, rows)))
                self._line_of = lambda place, _: starts()[place]
                yield from rows
                return
        strict = width > 0 and _is_strict(TextLines([data]), width)
        yield from self._counted(TextLines([data]), strict=strict)

    def _sets_aside(self, lines: TextLines) -> bool:
        """Whether the app's grammar cannot read all of it."""
        return any(isinstance(one, Aside) for one in self._counted(lines, strict=False))

    def _is_strict(self) -> bool:
        with self._pass() as chunks:
            return _is_strict(TextLines(chunks), len(self.columns))

    def _counted(self, lines: TextLines, *, strict: bool) -> Iterator[list[str] | Aside]:
        """Read on below the header by one of the grammars."""
        self.repaired = self.set_aside = self.undecodable = self.nuls = 0
        below = iter(lines)
        width = len(self.columns)
        number = _skip_header(below) if width else 0
        rows = AppRows(lines, below, number + 1, self._read)
        self._line_of = lambda _, row: lines.below - 1 - sum(value.count("\n") for value in row)
        records = _headless(lines, below) if not width else iter(rows)
        for record in _strict_rows(lines, below, number, width) if strict else records:
            self.set_aside += isinstance(record, Aside)
            yield record
        self.repaired, self.nuls = rows.repaired, lines.nuls
        self.undecodable = lines.undecodable + self._rewriter.damaged


def read_quoted(
    source: Callable[[], Iterable[bytes]], *, doubles: bool = True, known: Callable[[str], bool] = lambda _: False
) -> Reading:
    """Open a CSV file that may hold quotes which are not doubled."""
    return Reading(source, doubles=doubles, known=known)


def _start(chunks: Iterator[bytes], most: int) -> tuple[list[bytes], int]:
    """Read on until there are more than so many bytes, or no more."""
    first: list[bytes] = []
    size = 0
    for chunk in chunks:
        first.append(chunk)
        size += len(chunk)
        if size > most:
            break
    return first, size


def _named(names: list[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Give every column a name of its own."""
    taken = set(names)
    seen: set[str] = set()
    columns: list[str] = []
    renamed: list[tuple[str, str]] = []
    for place, name in enumerate(names, 1):
        own = name
        if not name or name in seen:
            own = free_name(name or f"column_{place}", taken, keep=not name)
            renamed.append((name, own))
            taken.add(own)
        seen.add(own)
        columns.append(own)
    return columns, tuple(renamed)


def free_name(name: str, taken: set[str], *, keep: bool = False) -> str:
    """Return a column name that is not taken: `name` with ``_2``, ``_3`` … behind it; with `keep` itself, if free."""
    if keep and name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _skip_header(below: Iterator[str]) -> int:
    """Go past the header; return its line's number."""
    for number, line in enumerate(below, 1):
        if line.rstrip("\r"):
            return number
    return 0


def _starts(lines: list[str], start: int, rows: list[list[str]]) -> Iterator[int]:
    """Yield the number of each row's first line, from 1."""
    place = start
    for row in rows:
        while not lines[place].rstrip("\r"):
            place += 1
        yield place + 1
        place += 1 + sum(value.count("\n") for value in row)


def _plain(data: bytes, lines: list[str], start: int, width: int) -> list[list[str]] | None:
    """Split rows that hold no quotes, or none but those around each value: the same answer as csv's, sooner."""
    if b"\r" in data:
        return None
    body = lines[start:]
    if b'"' not in data:
        rows = [line.split(",") for line in body if line]
    else:
        quotes = data.count(b'"') - sum(line.count('"') for line in lines[:start])
        if quotes != 2 * width * len(body):
            return None
        rows = [line[1:-1].split('","') for line in body if len(line) > 1 and line[0] == line[-1] == '"']
        if len(rows) != len(body):
            return None
    return rows if set(map(len, rows)) <= {width} else None


def _strict_list(text: str, width: int) -> list[list[str]] | None:
    """Read what follows RFC 4180 and has the right number of fields in every row."""
    allow_long_fields()
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="\n"), strict=True) if row]
    except csv.Error:
        return None
    if not set(map(len, rows)) <= {width}:
        return None
    sure = not any('"' in "".join(row) for row in rows)
    return rows if sure or is_rfc_4180(text) else None


def _is_strict(lines: TextLines, width: int) -> bool:
    """Whether quoting follows RFC 4180 to the end.

    Where a row has another width, or the last one is cut, there must be a doubled quote elsewhere to prove it: by the
    app's grammar such a row may be whole.
    """
    below = iter(lines)
    number = _skip_header(below)
    odd = doubled = False
    try:
        for record in _strict_rows(lines, below, number, width):
            if isinstance(record, Aside):
                odd = True
            elif not doubled:
                doubled = '"' in "".join(record)
    except _NotStrictError:
        return False
    return doubled or not odd


def _strict_rows(
    lines: TextLines, below: Iterator[str], number: int, width: int
) -> Generator[list[str] | Aside, None, None]:
    """Read rows by RFC 4180; those of another width, and a last one that is cut, are set aside."""
    allow_long_fields()
    taken: list[str] = []
    ended = False

    def fed() -> Iterator[str]:
        nonlocal ended
        for line in below:
            if line == TOO_LONG:
                raise _NotStrictError
            taken.append(line)
            yield line + "\n"
        ended = True

    reader = csv.reader(fed(), strict=True)
    while True:
        taken.clear()
        first = number + reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            if not ended or len(taken) != 1 or is_app_row(taken[0], width):
                raise _NotStrictError from error
            yield Aside(first, Reason.CUT, taken[0])
            return
        if row is None:
            return
        if (len(row) != width or '"' in "".join(row)) and not is_rfc_4180("\n".join(taken)):
            raise _NotStrictError
        lines.below = number + reader.line_num + 1
        if len(row) == width:
            yield row
        elif is_app_row("\n".join(taken), width):
            raise _NotStrictError
        elif row:
            yield Aside(first, _why(len(row) - width, cut=not lines.ended), "\n".join(taken))


def _why(surplus: int, *, cut: bool) -> Reason:
    return Reason.MORE if surplus > 0 else Reason.CUT if cut else Reason.FEWER


def _headless(lines: TextLines, below: Iterator[str]) -> Iterator[Aside]:
    """Set a file aside whose header cannot be read."""
    kept = None
    for number, line in enumerate(below, 1):
        if kept is not None:
            yield kept
        kept = Aside(number, Reason.NO_HEADER, lines.heads.get(number, line)) if line.rstrip("\r") else None
    if kept is not None:
        only = kept.line == 1 and not lines.ended
        yield Aside(kept.line, Reason.CUT, kept.raw) if only else kept
