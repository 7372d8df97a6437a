"""One row as apps write it, out of one line or several."""

from __future__ import annotations

import csv
import io
import re

from bondstore.tables.quotedlines import LONGEST, TOO_LONG

MOST_LINES = 1000
"""Lines that one row may span."""
_TRIES = 32  # times that a growing row is split: without a bound, a file of quotes alone takes time by its square
# Possessive quantifiers (``*+``): a hostile row cannot make a pattern try the same split again and again.
_VALUE = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n]*+)'
_RFC_4180 = re.compile(rf"{_VALUE}(?:(?:,|\r?\n){_VALUE})*+\r?\n?")
_BARE = r"(?:null|true|false|[-+]?\d{1,40}(?:\.\d{1,40})?)?"
_BARE_START = re.compile(rf"{_BARE},", re.ASCII)
_BARE_END = re.compile(rf"(?:,{_BARE})*", re.ASCII)
_FIELD = re.compile(rf'"(?P<quoted>.*?)"(?=,"|,{_BARE}(?:,|\Z)|\Z)|(?P<bare>{_BARE})(?=,|\Z)', re.ASCII | re.DOTALL)


class PendingRow:
    """Lines that may make a row."""

    def __init__(self, width: int, line: str) -> None:
        self._width = width
        self._size = 0
        self._separators = 0
        self._tries = 0
        self.pure = False  # whether the fields found last are quoted values all
        self.lines: list[str] = []
        self.add(line)

    def add(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)
        self._size += len(line)
        self._separators += line.count('","')

    def drop(self, count: int) -> None:
        """Take away so many blank lines at the end."""
        if count:
            del self.lines[-count:]

    def copy(self) -> PendingRow:
        """Return the same lines, to be added to."""
        other = PendingRow(self._width, "\n".join(self.lines))
        other.lines = self.lines.copy()
        return other

    @property
    def full(self) -> bool:
        """Whether no more lines may be added."""
        return self._size > LONGEST or len(self.lines) >= MOST_LINES

    @property
    def closed(self) -> bool:
        """Whether the last line can end a row: with a quote that opens no field, or with bare values after one."""
        last = self.lines[-1].rstrip("\r")
        quote = last.rfind('"')
        if quote < 0:
            return len(self.lines) == 1  # bare values alone
        return bool(_BARE_END.fullmatch(last, quote + 1)) and not last.endswith('","') and last != '"'

    @property
    def too_wide(self) -> bool:
        """Whether there are more fields than the header has."""
        if len(self.lines) == 1:
            fields = _strict(self.lines[0]) or _mixed(self.lines[0])
            if fields is not None:
                return len(fields) > self._width
        return self._separators >= self._width

    def fields(self) -> list[str] | None:
        """Return the fields if these lines make a row of the right width."""
        if len(self.lines) > 1:
            if self._tries >= _TRIES or not (self.closed or self.lines[-1].rstrip("\r").endswith('"')):
                return None
            self._tries += 1
        text = "\n".join(self.lines).removesuffix("\r")
        fields = _pure(text, self._width)
        self.pure = fields is not None
        if fields is None:
            fields = _other(text, self._width)
        if fields is None and text[0] != '"':
            fields = _by_csv(text)  # a quote inside a bare value
        return fields if fields is not None and len(fields) == self._width else None

    def repaired(self, fields: list[str]) -> bool:
        """Whether RFC 4180 reads these lines otherwise than as `fields`."""
        text = "\n".join(self.lines)
        return '"' in text and any('"' in field for field in fields) and _strict(text.removesuffix("\r")) != fields

    def ends_before(self, following: str) -> bool:
        """Whether a row that is not whole ends here: another one starts, and this is no text with line feeds."""
        if '"' not in self.lines[0] or following == TOO_LONG:
            return True
        if self.starts_another(following) and following[:1] != '"':
            return True
        if following[:1] != '"':
            return False
        if self._separators > self._width:
            return True
        start = following.rstrip("\r")
        if start == '"':
            return self.closed and self.lines[-1].rstrip("\r").endswith('"')
        # A line that starts with "," is rather the end of a text than a row whose first value is a comma.
        return is_app_row(start, self._width) if start[:3] == '","' else self.closed or _whole(start, self._width)

    def starts_another(self, following: str) -> bool:
        """Whether a line looks like the start of a row."""
        if following[:1] == '"' or following == TOO_LONG:
            return True
        if '"' not in following or not _BARE_START.match(following):
            return False
        fields = _mixed(following.removesuffix("\r"))
        return fields is not None and len(fields) == self._width


def is_rfc_4180(text: str) -> bool:
    """Whether quotes in rows stand where RFC 4180 has them; the csv module lets them pass inside a bare value."""
    return _RFC_4180.fullmatch(text) is not None


def is_app_row(text: str, width: int) -> bool:
    """Whether lines make a row of quoted values as the app writes them."""
    return _pure(text.removesuffix("\r"), width) is not None


def _whole(line: str, width: int) -> bool:
    """Whether a line makes a row by itself."""
    text = line.removesuffix("\r")
    return _pure(text, width) is not None or _other(text, width) is not None


def _pure(text: str, width: int) -> list[str] | None:
    """Split a row of quoted values."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return None
    fields = text[1:-1].split('","')
    return fields if len(fields) == width else None


def _other(text: str, width: int) -> list[str] | None:
    """Split a row as RFC 4180 has it, or else of quoted values mixed with bare ``null``, numbers and nothing."""
    for fields in (_strict(text), _mixed(text)):
        if fields is not None and len(fields) == width:
            return fields
    return None


def _strict(text: str) -> list[str] | None:
    return _by_csv(text) if is_rfc_4180(text) else None


def _by_csv(text: str) -> list[str] | None:
    try:
        rows = list(csv.reader(io.StringIO(text, newline="\n"), strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _mixed(text: str) -> list[str] | None:
    fields: list[str] = []
    place = 0
    while place <= len(text):
        field = _FIELD.match(text, place)
        if field is None:
            return None
        quoted = field["quoted"]
        fields.append(field["bare"] if quoted is None else quoted)
        place = field.end() + 1
    return fields
