"""The careful path: repair the rows of one object, one by one, and name everything that was odd.

Rows come out as text in the canonical layout (timestamp, then the stream's columns), fields parted by `SEPARATOR`,
which no accepted row holds. Bytes are never guessed: a row that no known rule explains is lost, and its number named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.streams import EARLIEST_MS, HOUR_MS, Stream, Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


SEPARATOR = "\x1f"
LINE_BREAK = "\x1e"
"""Stands for a line break inside a field, as rows are lines here; no accepted row holds it either."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,3})?", re.ASCII)
_FULL_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_INT = re.compile(r"-?\d{1,18}", re.ASCII)
_LOG_TIME = re.compile(r"(\d{13}),(.*)", re.ASCII | re.DOTALL)
_MODEL = re.compile(r"(iPhone|iPad|iPod|Watch)\d+", re.ASCII)


@dataclass(slots=True)
class Repaired:
    """Rows of one object after repair, the numbers of those that were lost, and row numbers by kind of finding."""

    rows: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    notes: dict[str, list[int]] = field(default_factory=dict)

    def note(self, kind: str, row: int) -> None:
        """Remember that `row` shows `kind`."""
        self.notes.setdefault(kind, []).append(row)


def utc_text(timestamp: int, *, padded: bool = True) -> str:
    """Write a timestamp as the server does: ``2024-03-01T12:00:00.012``; old servers did not pad the milliseconds."""
    seconds, ms = divmod(timestamp, 1000)
    hour, rest = divmod(seconds, 3600)
    start = _hour_text(hour)
    second = f"{start}{rest // 60:02d}:{rest % 60:02d}" if start else ""
    return f"{second}.{ms:03d}" if padded else f"{second}.{ms}"


@lru_cache(maxsize=1024)  # rows of an hour stand together, and strftime takes longer than all else about a row
def _hour_text(hour: int) -> str:
    try:
        return datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m-%dT%H:")
    except (OverflowError, ValueError, OSError):
        return ""


def decoded(line: bytes) -> str | None:
    """Return the text of a row, or None when its bytes are damaged: not UTF-8, or control characters inside."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def repair_rows(
    stream: Stream, variant: Variant, lines: Iterable[tuple[int, bytes]], hour_ms: int | None, latest_ms: int
) -> Repaired:
    """Repair numbered rows in the chunked form (``timestamp,UTC time,…``) of the platform that the header names.

    `hour_ms` is the start of the hour that all rows must lie in, or None to not check; rows at or after `latest_ms` are
    out of range. Both are named and kept.
    """
    repaired = Repaired()
    fit = _Fitter(stream, variant)
    seen: set[str] = set()
    for number, line in lines:
        if not line:
            continue
        row = _repair(fit, number, line, repaired)
        if row is None:
            repaired.lost.append(number)
            continue
        timestamp = int(row[0])
        if not EARLIEST_MS <= timestamp < latest_ms:
            repaired.note("timestamp-out-of-range", number)
        elif hour_ms is not None and not 0 <= timestamp - hour_ms < HOUR_MS:
            repaired.note("out-of-hour-rows", number)
        text = SEPARATOR.join(row)
        if text in seen:
            repaired.note("duplicate-rows", number)
        seen.add(text)
        repaired.rows.append(text)
    return repaired


def _repair(fit: _Fitter, number: int, line: bytes, repaired: Repaired) -> list[str] | None:
    """Return the canonical fields of one row, or None when it is lost."""
    text = decoded(line)
    if text is None:
        return None
    stamp, _, rest = text.partition(",")
    utc, comma, rest = rest.partition(",")
    if not comma or not _INT.fullmatch(stamp) or stamp.startswith("-") or len(stamp) > 15:
        return None
    timestamp = int(stamp)
    if utc != utc_text(timestamp):
        if not _DATE.fullmatch(utc):
            return None
        kind = "unpadded-milliseconds" if utc == utc_text(timestamp, padded=False) else "utc-time-disagrees"
        repaired.note(kind, number)
    if fit.stream.name == "app_log" and (timed := _LOG_TIME.fullmatch(rest)):
        # The server parts log lines at a space. A line whose own time stands before a comma got the time of the line
        # before, and kept its own at the start of the text.
        repaired.note("app-log-comma", number)
        stamp, rest = timed[1], timed[2]
    notes: list[str] = []
    own = fit(rest.split(","), notes)
    if own is None:
        return None
    for kind in notes:
        repaired.note(kind, number)
    return [str(int(stamp)), *own]


class _Fitter:
    """Fits the fields of a row under the canonical columns of a stream."""

    def __init__(self, stream: Stream, variant: Variant) -> None:
        self.stream = stream
        table = stream.table
        places = {column.name: place for place, column in enumerate(table)}
        self._width = len(table)
        self._checks: list[tuple[int, Callable[[str], object]]] = [
            (place, _INT.fullmatch if column.type == "Int64" else _FLOAT.fullmatch)
            for place, column in enumerate(table)
            if column.type != "String"
        ]
        self._named = len(variant.columns)
        # Where the fields of a row go, by their number: rows of both platforms may follow under one header, and where
        # two forms are of one length the header decides (it is put in last).
        self._layouts = {
            len(form.columns): [places[name] for name in form.names] for form in (*reversed(stream.variants), variant)
        }

    def __call__(self, own: list[str], notes: list[str]) -> list[str] | None:
        """Return values under the canonical columns (absent ones empty), or None; name oddities in `notes`."""
        # In March 2024 the server put `UTC time` in again between the fields; no column of a table holds such a text.
        if self.stream.kind == "table" and any(len(text) == 23 and _FULL_DATE.fullmatch(text) for text in own):
            own = [text for text in own if not _FULL_DATE.fullmatch(text)]
            notes.append("repeated-utc-time")
        if len(own) not in self._layouts:
            mended = _other_length(self.stream, own, self._named, notes)
            if mended is None:
                return None
            own = mended
        elif len(own) != self._named:
            notes.append("ragged-rows")
        if self.stream.spaced:
            own = [text.strip() for text in own]
        fields = own
        if len(own) != self._width:
            fields = [""] * self._width
            for place, text in zip(self._layouts[len(own)], own, strict=True):
                fields[place] = text
        for place, looks_right in self._checks:
            text = fields[place]
            if text and not looks_right(text):
                bare = text.strip()
                fields[place] = bare if looks_right(bare) else ""
                if bare and not fields[place]:
                    notes.append("not-a-number")
        return fields


def _other_length(stream: Stream, own: list[str], named: int, notes: list[str]) -> list[str] | None:
    """Bring a row of unexpected length to `named` fields by the known rules; None when none applies."""
    if len(own) > named:
        if stream.kind == "log" and named == 1:  # free text to the line's end: commas belong to it
            return [",".join(own)]
        if stream.name == "identifiers" and len(own) == named + 1 and _MODEL.fullmatch(own[-3]) and own[-2].isdigit():
            notes.append("comma-in-model")
            return [*own[:-3], f"{own[-3]},{own[-2]}", own[-1]]
        return None
    if not stream.ragged:
        return None
    notes.append(_short_kind(stream, own))
    return own + [""] * (named - len(own))


def _short_kind(stream: Stream, own: list[str]) -> str:
    """Say which known quirk a short row is."""
    if stream.name == "texts":
        if len(own) == 1 and own[0].startswith("SMS Sent Logger"):
            return "sms-logger-error"
        if len(own) == 3 and any("MMS" in text for text in own):
            return "mms-without-time"
    return "ragged-rows"
