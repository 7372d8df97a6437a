"""What is done to what zips hold: faces covered, text kept, freed of addresses and numbers, or taken out."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, cast, get_args

from bondstore.errors import UsageError

Redact = Literal["fill", "blur", "none"]
Text = Literal["keep", "patterns", "drop"]
Effort = Literal["fast", "default", "careful"]
REVISION = 4
"""Counted up when the same zip would give other pictures or rows: then all zips are done again."""
_TEXT_REVISION = 2
"""The same for what is taken out of texts: zips whose text is kept stay as they are."""

_TEXT_COLUMNS = frozenset({"text", "msg", "message", "content", "title", "body", "url", "query", "input"})
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
_LOG = ("event", "user")  # of the app's log: what it did, and the number of its user
_WORDLESS = re.compile(
    r"[\d\s.,:;+%/_-]*|\d{4}-\d\d-\d\dT[\d:.,]+(Z|[+-]\d\d:?\d\d)?|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}"
    r"|null|none|nan?|true|false",
    re.IGNORECASE,
)
"""Numbers, times, ids, yes and no: values that are no words."""
_IN_ROWS = re.compile(r"@|\d{6}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Handling:
    """How zips are handled; with ``redact="none"`` nobody looks for faces, yet images lose EXIF, GPS and thumbnails."""

    redact: Redact = "fill"
    text: Text = "keep"
    effort: Effort = "default"
    model: str | None = None  # another detector's ONNX file
    ocr: bool = False  # look for addresses and numbers in the images as well
    parquet: bool = False  # write tables as Parquet too

    def __post_init__(self) -> None:
        for what, value, known in (
            ("--redact", self.redact, get_args(Redact)),
            ("--text", self.text, get_args(Text)),
            ("the effort", self.effort, get_args(Effort)),
        ):
            if value not in known:
                raise UsageError(f"{value!r} is unknown for {what}.", hint=f"Choose one of: {', '.join(known)}.")

    def params(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def digest(self, detector: str) -> str:
        """Return the digest of all that decides what becomes of a zip; of the detector, its own digest, or empty."""
        asked: list[object] = [REVISION, detector, self.redact, self.text, self.ocr]
        if self.text != "keep" or self.ocr:
            asked.append(_TEXT_REVISION)
        said = json.dumps(asked)
        return hashlib.sha256(said.encode()).hexdigest()


def from_params(params: Mapping[str, Any]) -> Handling:
    """Build what `Handling.params` returned."""
    return Handling(
        cast("Redact", params["redact"]),
        cast("Text", params["text"]),
        cast("Effort", params["effort"]),
        params["model"],
        params["ocr"],
        params["parquet"],
    )


class TextRule:
    """Changes the text in rows of one table as asked for, and counts what it took out."""

    def __init__(self, text: Text, columns: Sequence[str]) -> None:
        self.marks: Counter[str] = Counter()
        self.emptied: set[int] = set()  # columns that nobody knows, and that held words
        drops = text == "drop"
        self._drop = [n for n, name in enumerate(columns) if drops and _is_text(name)]
        # A newer app may write columns that no list names: under `drop`, what is not known to be harmless goes.
        self._unknown = [n for n, name in enumerate(columns) if drops and not is_known(name)]
        self._search = (
            []
            if text == "keep"
            else [n for n, name in enumerate(columns) if _may_hold_text(name) and n not in self._drop]
        )
        self._redact = _redact_text() if self._search else None
        self.idle = not self._drop and not self._search

    def apply(self, row: list[str]) -> list[str]:
        """Change a row in place and return it."""
        for place in self._drop:
            self._empty(row, place)
        for place in self._unknown:
            if not _WORDLESS.fullmatch(row[place]):
                self._empty(row, place)
                self.emptied.add(place)
        if self._redact is not None:
            for place in self._search:
                row[place], found = self._redact(row[place])
                self.marks.update(found)
        return row

    def _empty(self, row: list[str], place: int) -> None:
        if row[place]:
            row[place] = ""
            self.marks["DROPPED"] += 1


def names_columns(columns: Sequence[str], text: Text) -> bool:
    """Whether the first line of a table seems to name its columns: a file may begin with a row, and that holds text."""
    if not all(map(_could_be_a_name, columns)):
        return False
    if text == "keep":
        return True
    names = {name for name in columns if _NAME.fullmatch(name)}
    known = sum(map(is_known, names))
    return len(names) == len(columns) or known > 1  # one alone may be a word on the screen


def is_known(column: str) -> bool:
    """Whether tables of phones have a column of this name."""
    return column in _TEXT_COLUMNS or column in _LOG or not _may_hold_text(column)


def _could_be_a_name(column: str) -> bool:
    """Whether something may name a column: no moment, no address, nothing long, as rows hold them."""
    letters = any(map(str.isalpha, column))
    return letters and column.isprintable() and len(column) <= 100 and not _IN_ROWS.search(column)


def raw_text(text: Text, raw: str, *, legible: bool = True) -> str:
    """Return a row that could not be read as one, as it may be kept: nobody knows where its text is.

    Of bytes that are not legible as UTF-8, patterns find nothing where a person, or a program, still would.
    """
    if text == "keep":
        return raw
    return _redact_text()(raw)[0] if text == "patterns" and legible else ""


def _is_text(column: str) -> bool:
    return column.lower() in _TEXT_COLUMNS or "text" in column.lower()


def _may_hold_text(column: str) -> bool:
    return _is_text(column) or not (column in _KNOWN or column.startswith(_KNOWN_STARTS))


def _redact_text() -> Callable[[str], tuple[str, dict[str, int]]]:
    from bondstore.deid.text import redact_text

    return partial(redact_text, screen=True)
