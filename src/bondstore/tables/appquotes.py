"""Rows as some apps write them: every value between quotes, quotes inside a value left as they are.

A row ends where a line ends with a quote and the next one starts with a quote; fields are split on ``","``. A text
may hold line feeds, so lines are joined until the fields are as many as the header's. A joined row is never made of
lines that both look like rows: where it is not certain that a piece belongs to a row, it is set aside.

A text may hold a line that ends with a quote before one that begins with a quote, as rows do. So one value alone below
a whole row may be the rest of its last text: it is joined to it where only so each quote has its other; else both are
set aside, unless that last value is no text.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bondstore.tables.approw import PendingRow
from bondstore.tables.quotedlines import LONGEST, TOO_LONG, TextLines, allow_long_fields
from bondstore.tables.textcsv import csv_line


class Reason(StrEnum):
    """Why lines are set aside."""

    FEWER = "fewer-fields"
    MORE = "more-fields"
    CUT = "cut"
    """The file ends inside this row."""
    OPEN = "quote-not-closed"
    STRAY = "stray-text"
    """Text that belongs to no row."""
    LONG = "too-long"
    """Over 4 MiB or over 1,000 lines; of a longer line only the first 64 KiB are given."""
    NO_HEADER = "no-header"
    """The line that should name the columns names none."""
    CONTINUED = "end-not-certain"
    """The row's last text may go on in what follows, which is set aside too."""
    OTHER_HEADER = "other-header"
    """Below a header inside the file that names other columns."""


_MOST_PIECES = 100
_NO_TEXT = re.compile(r"null|true|false|[-+]?\d{5,}(?:\.\d+)?|\d{4}-\d\d-\d\d[\d:.TZ +-]*", re.ASCII)
"""Values after which a piece is no rest of a text: bare words, ids, moments."""


@dataclass(frozen=True, slots=True)
class Aside:
    """Lines that are no row."""

    line: int  # number of the first of them in the file, from 1
    reason: Reason
    raw: str


def _may_continue(piece: Aside) -> bool:
    """Whether a piece may be the rest of a text, with no other value behind it."""
    if piece.reason is Reason.STRAY:
        return True
    return piece.raw[:1] == '"' and '","' not in piece.raw and piece.reason in (Reason.FEWER, Reason.OPEN, Reason.CUT)


def _starts_a_row(line: str | None) -> bool:
    return line is None or (line[:1] == '"' and line.find('","') > 0)


class AppRows:
    """Rows of one pass over a file, by the app's grammar."""

    def __init__(self, lines: TextLines, below: Iterator[str], number: int, names: list[str]) -> None:
        allow_long_fields()
        width = len(names)
        self._names = names
        # A header inside the file may be quoted where that of its start is not, and the other way round.
        self._headers = frozenset((csv_line(names).rstrip("\n"), ",".join(names), '"' + '","'.join(names) + '"'))
        self._headers = self._headers if width > 1 else frozenset()
        self._lines = lines
        self._below = below
        self._width = width
        self._number = number
        self._slow: tuple[list[str], list[str], bool] = ([], [], False)  # the last row read with care, and its lines
        self.repaired = 0  # rows so far with quotes inside a value: RFC 4180 reads them otherwise, or not at all

    def __iter__(self) -> Iterator[list[str] | Aside]:
        """Iterate over rows, and over what is set aside, in the order of the file."""
        row: list[str] | None = None
        end, pieces, held = 0, list[Aside](), 0
        for one in self._records():
            if isinstance(one, list):
                if row is not None:
                    if pieces:
                        yield from self._settled(row, end, pieces)
                        pieces = []
                    else:
                        self._lines.below = end
                        yield row
                row, end, held = one, self._number, 0
            # More than the longest row is never joined, so it need not be held.
            elif row is not None and len(pieces) < _MOST_PIECES and held <= LONGEST and _may_continue(one):
                pieces.append(one)
                held += len(one.raw)
            else:
                if row is not None:
                    yield from self._settled(row, end, pieces)
                    row, pieces = None, []
                yield one
        if row is not None:
            yield from self._settled(row, end, pieces)

    def _settled(self, row: list[str], end: int, pieces: list[Aside]) -> Iterator[list[str] | Aside]:
        """Yield a row and the pieces below it, joined or apart; `end` is the number of the line below the row."""
        self._lines.below = end
        sure = not pieces or not any(piece.raw[:1] == '"' for piece in pieces)
        opened = row[-1].count('"') % 2 > 0
        if not sure and not opened:
            cut = pieces[-1].reason is Reason.CUT and not (
                self._lines.ended and pieces[-1].raw.rstrip("\r")[-1:] == '"'
            )
            sure = cut or _NO_TEXT.fullmatch(row[-1]) is not None
        if sure:
            yield row
            yield from pieces
            return
        lines = self._slow[1] if self._slow[0] is row else ['"' + '","'.join(row) + '"']
        text, below = row[-1] + '"' + "\r" * lines[-1].endswith("\r"), end
        for piece in pieces:
            text += "\n" * (piece.line - below + 1) + piece.raw
            below = piece.line + piece.raw.count("\n") + 1
        text = text.removesuffix("\r")
        paired = opened and text.count('"') % 2 and text.endswith('"')
        self.repaired -= self._is_repaired(row)
        # A quote alone in its line ends a text that ends with a line feed.
        last = pieces[-1].raw.rstrip("\r") == '"' and (self._lines.ended or pieces[-1].reason is not Reason.CUT)
        if paired and (last or pieces[-1].reason is Reason.FEWER) and len(text) <= LONGEST:
            self.repaired += 1
            self._lines.below = below
            yield [*row[:-1], text[:-1]]
        else:
            whole = "\n".join(lines)
            yield Aside(end - whole.count("\n") - 1, Reason.CONTINUED, whole)
            yield from pieces

    def _is_repaired(self, row: list[str]) -> bool:
        return self._slow[2] if self._slow[0] is row else '"' in "".join(row)

    def _records(self) -> Iterator[list[str] | Aside]:
        quotes = 2 * self._width
        line = next(self._below, None)
        while line is not None:
            following = next(self._below, None)
            fields = line[1:-1].split('","')
            # Nearly every row is settled here; a line that the next one may belong to goes the careful way.
            if (
                len(fields) == self._width
                and len(line) > 1
                and line[0] == line[-1] == '"'
                and (following is None or following[:1] == '"')
            ):
                self.repaired += line.count('"') != quotes
                self._number += 1
                yield fields
            else:
                following = yield from self._with_care(line, following)
            line = following

    def _with_care(self, line: str, following: str | None) -> Generator[list[str] | Aside, None, str | None]:
        """Read a row that one glance does not settle; return the line to go on with."""
        if line == TOO_LONG:
            yield self._aside([line], Reason.LONG, self._lines.heads[self._number])
        elif not line.rstrip("\r"):
            self._number += 1
        elif self._is_header(line):
            self._number += 1
            yield list(self._names)
        elif line.rstrip("\r") == '"' and self._width > 1 and _starts_a_row(following):
            # The end of a text that ends with a line feed, and not a first value that begins with one.
            yield self._aside([line], Reason.CUT if following is None and not self._lines.ended else Reason.OPEN)
        else:
            following = yield from self._row(PendingRow(self._width, line), following)
        return following

    def _row(self, row: PendingRow, following: str | None) -> Generator[list[str] | Aside, None, str | None]:
        """Read a row to its end, or to where it cannot be one; return the line to go on with."""
        while True:
            fields = row.fields()
            if fields is not None and not row.pure:
                self._emit(row, fields)
                yield fields
                return following
            if fields is not None:
                return (yield from self._with_tail(row, fields, following))
            if following is None or self._is_header(following) or row.ends_before(following):
                yield self._aside(row.lines, self._why(row, last=following is None))
                return following
            if row.full:
                yield self._aside(row.lines, Reason.LONG)
                return following
            row.add(following)
            following = next(self._below, None)

    def _with_tail(
        self, row: PendingRow, fields: list[str], following: str | None
    ) -> Generator[list[str] | Aside, None, str | None]:
        """Take what follows a whole row and starts no other one for the rest of its last text, if that is sound."""
        longer, tail, blank = row.copy(), 0, 0
        while not (following is None or self._is_header(following) or row.starts_another(following) or longer.full):
            longer.add(following)
            tail += 1
            blank = 0 if following.rstrip("\r") else blank + 1
            following = next(self._below, None)
        longer.drop(blank)
        tail -= blank
        whole = longer.fields() if tail else None
        if whole is not None and longer.pure:
            self._emit(longer, whole)
            yield whole
        else:
            self._emit(row, fields)
            yield fields
            if tail:
                yield self._aside(longer.lines[-tail:], Reason.STRAY)
        self._number += blank
        return following

    def _is_header(self, line: str) -> bool:
        return line.rstrip("\r") in self._headers

    def _emit(self, row: PendingRow, fields: list[str]) -> None:
        self._number += len(row.lines)
        repaired = row.repaired(fields)
        self.repaired += repaired
        self._slow = fields, row.lines, repaired

    def _aside(self, lines: list[str], reason: Reason, raw: str | None = None) -> Aside:
        aside = Aside(self._number, reason, "\n".join(lines) if raw is None else raw)
        self._number += len(lines)
        return aside

    def _why(self, row: PendingRow, *, last: bool) -> Reason:
        if last and (not row.closed or (not self._lines.ended and not row.too_wide)):
            return Reason.CUT
        if row.too_wide:
            return Reason.MORE
        return Reason.FEWER if row.closed else Reason.OPEN
