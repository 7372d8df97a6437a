"""How a table is written, decided before it is read: its encoding, what ends its lines, what separates its values."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

SAMPLE = 64 << 10
"""Bytes of a table's start that its dialect is decided by."""
_UTF_8 = "utf-8"
WINDOWS = "cp1252"
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# A character of several bytes as UTF-8 has them (RFC 3629), or a byte that Windows-1252 has no character for.
_NOT_WINDOWS = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]"
    rb"|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}|[\x81\x8d\x8f\x90\x9d]"
)
_CUT = re.compile(  # the beginning of such a character
    rb"(?:[\xc2-\xdf]|\xe0[\xa0-\xbf]?|[\xe1-\xec\xee\xef][\x80-\xbf]?|\xed[\x80-\x9f]?"
    rb"|(?:\xf0(?:[\x90-\xbf]|\Z)|[\xf1-\xf3](?:[\x80-\xbf]|\Z)|\xf4(?:[\x80-\x8f]|\Z))[\x80-\xbf]?)\Z"
)
_SEPARATORS = ",;\t|"
_SAID = re.compile(rf'"?sep=(?P<separator>[{_SEPARATORS}])"?', re.IGNORECASE)
_NAME = re.compile(r"[^\W\d][\w .()/-]{0,63}")
_ENDS = re.compile("[\r\n]+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written, where that is not comma-separated UTF-8 with LF or CRLF."""

    encoding: str = _UTF_8
    separator: str = ","
    carriage: bool = False  # lines end in a lone CR
    said: bool = False  # the first line is Excel's ``sep=;``

    def swapped(self, text: str) -> str:
        """Return a text with comma and separator in each other's place."""
        return text.translate({ord(","): self.separator, ord(self.separator): ","})


PLAIN = Dialect()
"""As most tables are."""


class Rewriter:
    """One pass over a table: UTF-8, lines that end in LF, and comma and separator in each other's place.

    To swap them twice changes nothing: so one grammar reads every table, and no value is altered.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.damaged = 0  # pieces so far that are not in the encoding

    def chunks(self, source: Iterable[bytes]) -> Iterator[bytes]:
        """Return the table's bytes."""
        if self._dialect == PLAIN:
            return iter(source)
        return self._rewritten(source)

    def _rewritten(self, source: Iterable[bytes]) -> Iterator[bytes]:
        dialect = self._dialect
        chunks = iter(source) if dialect.encoding == _UTF_8 else self._decoded(source)
        if dialect.carriage:
            chunks = _line_feeds(chunks)
        if dialect.said:
            chunks = _without_first_line(chunks)
        if dialect.separator == ",":
            return chunks
        pair = f",{dialect.separator}".encode()
        swap = bytes.maketrans(pair, pair[::-1])
        return (chunk.translate(swap) for chunk in chunks)

    def _decoded(self, source: Iterable[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._dialect.encoding)
        strict, lax = decoder("strict"), decoder("backslashreplace")
        for chunk, last in chain(((chunk, False) for chunk in source), [(b"", True)]):
            before = strict.getstate()
            try:
                text = strict.decode(chunk, last)
            except UnicodeDecodeError:
                self.damaged += 1
                lax.setstate(before)
                text = lax.decode(chunk, last)
                strict.setstate(lax.getstate())
            yield text.encode("utf-8", "backslashreplace")


def dialect_of(sample: bytes, whole: Callable[[], Iterable[bytes]]) -> Dialect:
    """Decide how a table is written by its first bytes, and by all of them where these are no UTF-8.

    What is not UTF-8 and has no sign of UTF-16 is Windows-1252, as spreadsheets write it by default; but not where it
    holds characters that only UTF-8 writes so: that is UTF-8 with a damage, or cut off.
    """
    encoding = _encoding_of(sample)
    if encoding == _UTF_8 and not _is_utf_8(sample) and _is_windows(whole()):
        encoding = WINDOWS
    text = sample.decode(encoding, "replace").removeprefix("\ufeff").lstrip("\r\n")
    first, _, rest = text.partition("\n")
    carriage = _has_lone_return(first, at_end=not rest)
    lines = (_ENDS.split(text) if carriage else text.splitlines()) if text else []
    said = _SAID.fullmatch(lines[0].strip()) if lines else None
    separator = said["separator"] if said else _separator_of(lines)
    return Dialect(encoding, separator, carriage, said is not None)


def _is_utf_8(sample: bytes) -> bool:
    try:
        sample.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_windows(chunks: Iterable[bytes]) -> bool:
    """Whether some bytes are no ASCII, and each of them may be a character of Windows-1252 and of UTF-8 none."""
    held, high = b"", False
    for chunk in chunks:
        data = held + chunk
        if _NOT_WINDOWS.search(data):
            return False
        high, held = high or not data[:-3].isascii(), data[-3:]
    return high or not _CUT.sub(b"", held).isascii()


def _encoding_of(sample: bytes) -> str:
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding
    head = sample[: 4096 - len(sample) % 4 if len(sample) < 4096 else 4096]
    zeros = [head[place::4].count(0) for place in range(4)]
    if not any(zeros):
        return _UTF_8
    # Names of columns are ASCII, mostly: of each character all bytes but one are zero, always at the same place.
    least = max(1, len(head) // 4)
    if min(zeros[2:]) > 0.8 * least and zeros[0] < 0.2 * least:
        return "utf-32-le"
    if min(zeros[:2]) > 0.8 * least and zeros[3] < 0.2 * least:
        return "utf-32-be"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if max(even, odd) > 0.4 * least and 8 * min(even, odd) <= max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return _UTF_8


def _has_lone_return(line: str, *, at_end: bool) -> bool:
    """Whether a CR stands in the first line outside of quotes, and not in front of its LF."""
    line = line if at_end else line.removesuffix("\r")
    at = line.find("\r")
    while at >= 0:
        if not line.count('"', 0, at) % 2:
            return True
        at = line.find("\r", at + 1)
    return False


def _separator_of(lines: list[str]) -> str:
    def weight(separator: str) -> tuple[bool, bool, int, bool]:
        names = _fields(lines[0], separator)
        sound = len(names) > 1 and all(_NAME.fullmatch(name) for name in names if name)
        agree = len(lines) > 1 and len(names) > 1 and len(_fields(lines[1], separator)) == len(names)
        return sound, agree, len(names), separator == ","

    return max(_SEPARATORS, key=weight) if lines and len(lines[0]) < SAMPLE else ","


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _line_feeds(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""  # a line feed may follow it
        yield data[: len(data) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if held:
        yield b"\n"


def _without_first_line(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Empty the first line; its end stays, so that lines keep their numbers."""
    head = b""
    for chunk in chunks:
        if b"\n" not in head:
            head += chunk
            place = head.find(b"\n")
            if place >= 0:
                yield head[place:]
        else:
            yield chunk
