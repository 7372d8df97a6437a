"""Lines of a text file that comes as a stream of bytes: bounded, decoded, whatever the bytes are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

LONGEST = 4 << 20
"""Bytes of the longest line, and of the longest row, that is read."""
TOO_LONG = "\0"
"""Stands for a line over the limit; no other line holds a NUL."""
_HEAD = 64 << 10
_BOM = b"\xef\xbb\xbf"
_MARK = "\ufeff"
MOST_COLUMNS = 10_000
_NAME = re.compile(r"[^\W\d][\w .()/-]{0,63}")
_NO_NAMES = frozenset(("null", "none", "nan", "na", "true", "false", "unknown", "undefined", "error"))
_NUL_SHOWN = "\u2400"


class TextLines:
    """One pass over a file, line by line."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._blocks = 0
        self._number = 0
        self.undecodable = 0  # lines so far that are not UTF-8; their bad bytes stand as ``\xff``, none is lost
        self.nuls = 0  # lines so far with NUL bytes, which no CSV reader agrees upon; they stand as U+2400
        self.below = 0  # number of the line below the row that was read last, by whoever reads rows
        self.ended = True  # whether the last line ends with a line feed; known after the last one
        self.heads: dict[int, str] = {}  # the start of each line that is too long, by its number from 1

    def __iter__(self) -> Iterator[str]:
        """Iterate over lines without their line feed; a carriage return before it stays. A BOM is gone."""
        return chain.from_iterable(self._lines(block) for block in self._whole_lines())

    def _whole_lines(self) -> Iterator[bytes]:
        """Cut the stream after line feeds, so that no character is cut."""
        held: list[bytes] = []
        size = 0
        for chunk in chain(self._chunks):
            end = chunk.rfind(b"\n") + 1
            if end:
                held.append(chunk[:end])
                yield b"".join(held)
                held, size = [chunk[end:]], len(chunk) - end
            elif size <= LONGEST:
                held.append(chunk)
                size += len(chunk)
            # The rest of a line that is too long is let go.
        if size:
            self.ended = False
            yield b"".join(held)

    def _lines(self, block: bytes) -> list[str]:
        if not self._blocks:
            block = block.removeprefix(_BOM)
        self._blocks += 1
        try:
            text = block.decode()
        except UnicodeDecodeError:
            text = None
        if text is None or len(block) > LONGEST or TOO_LONG in text:
            lines = [self._line(place, line) for place, line in enumerate(block.split(b"\n"), self._number + 1)]
        else:
            lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        if text is None or _MARK in text:
            lines = [_unmarked(line) for line in lines]
        self._number += len(lines)
        return lines

    def _line(self, number: int, line: bytes) -> str:
        if len(line) > LONGEST:
            self.heads[number] = line[:_HEAD].decode(errors="backslashreplace").replace("\0", _NUL_SHOWN)
            return TOO_LONG
        try:
            text = line.decode()
        except UnicodeDecodeError:
            self.undecodable += 1
            text = line.decode(errors="backslashreplace")
        if "\0" in text:
            self.nuls += 1
            text = text.replace("\0", _NUL_SHOWN)
        return text


def header_names(line: str) -> list[str] | None:
    """Read a line as the names of columns."""
    line = line.removesuffix("\r")
    if line == TOO_LONG:
        return None
    try:
        names = next(csv.reader([line], strict=True), None)
    except csv.Error:
        names = line[1:-1].split('","') if len(line) > 1 and line[0] == line[-1] == '"' else None
    return names if names is not None and len(names) <= MOST_COLUMNS else None


def all_names(values: Sequence[str]) -> bool:
    """Whether values may name several columns: each a name, none twice."""
    return (
        len(values) > 1
        and all(map(_NAME.fullmatch, values))
        and len(set(values)) == len(values)
        and _NO_NAMES.isdisjoint(map(str.lower, values))
    )


def _unmarked(line: str) -> str:
    """Take the byte order mark off a header inside a file: files that were joined end to end have one in each."""
    if line[:1] != _MARK:
        return line
    rest = line.lstrip(_MARK)
    return rest if all_names(header_names(rest) or ()) else line


def allow_long_fields() -> None:
    """Raise csv's limit for one field, which is one for the whole process, to the longest line."""
    if csv.field_size_limit() < LONGEST:
        csv.field_size_limit(LONGEST)
