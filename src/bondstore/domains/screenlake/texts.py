"""What becomes of text in the tables: kept, freed of addresses and numbers, or taken out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bondstore.domains.screenlake.handling import Text

TEXT_COLUMNS = frozenset({"text", "msg", "message", "content", "title", "body", "url", "query", "input"})
"""Columns that hold what was on the screen, or what somebody wrote."""
_KNOWN = frozenset(
    {
        *("file", "zipFileId", "apk", "app", "type", "weekday", "timestamp", "interval", "app_build"),
        *("session_start", "session_end", "session_count_per_day", "session_duration_ms"),
        *("seconds_since_last_active_ms", "duration_segment_ms"),
    }
)
_KNOWN_STARTS = ("id_", "t_", "apk_")
"""Columns of ids, times and app names. Any other column may hold text, and is searched too."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def is_text(column: str) -> bool:
    """Whether a column holds text of the screen."""
    return column.lower() in TEXT_COLUMNS or "text" in column.lower()


def may_hold_text(column: str) -> bool:
    """Whether a column is, or may be, one that holds text."""
    return is_text(column) or not (column in _KNOWN or column.startswith(_KNOWN_STARTS))


class TextRule:
    """Applies what was asked for to rows of one table, and counts what it took out.

    Parameters
    ----------
    text : {"keep", "patterns", "drop"}
        What was asked for.
    columns : sequence of str
        The table's columns.
    """

    def __init__(self, text: Text, columns: Sequence[str]) -> None:
        self.marks: Counter[str] = Counter()
        self._drop = [n for n, name in enumerate(columns) if text == "drop" and is_text(name)]
        self._search = (
            []
            if text == "keep"
            else [n for n, name in enumerate(columns) if may_hold_text(name) and n not in self._drop]
        )
        self._redact = _finder() if self._search else None
        self.idle = not self._drop and not self._search

    def apply(self, row: list[str]) -> list[str]:
        """Change a row in place and return it."""
        for place in self._drop:
            if row[place]:
                row[place] = ""
                self.marks["DROPPED"] += 1
        if self._redact is not None:
            for place in self._search:
                row[place], found = self._redact(row[place])
                self.marks.update(found)
        return row


def names_columns(columns: Sequence[str]) -> bool:
    """Whether the first line of a table seems to name its columns: a file may begin with a row, and that holds text."""
    names = {name for name in columns if _NAME.fullmatch(name)}
    known = sum(name in TEXT_COLUMNS or not may_hold_text(name) for name in names)
    return len(names) == len(columns) or known > 1  # one may be a word on the screen


def raw_text(text: Text, raw: str) -> str:
    """Return a row that could not be read as one, as it may be kept: nobody knows where its text is."""
    if text == "keep":
        return raw
    return _finder()(raw)[0] if text == "patterns" else ""


def _finder() -> Callable[[str], tuple[str, dict[str, int]]]:
    from bondstore.deid.text import redact_text

    return redact_text
