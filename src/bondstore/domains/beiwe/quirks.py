"""The careful path: repair the rows of one object, one by one, and name everything that was odd.

Rows come out as text in the canonical layout (timestamp, then the stream's columns), fields parted by `SEPARATOR`,
which no accepted row holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bondstore.domains.beiwe.healthy import EARLIEST_MS, HOUR_MS, SPACED_STREAMS
from bondstore.domains.beiwe.streams import Stream, Variant

SEPARATOR = "\x1f"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,3})?", re.ASCII)
_FULL_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_INT = re.compile(r"-?\d{1,18}", re.ASCII)
_LOG_TIME = re.compile(r"(\d{13}),(.*)", re.ASCII | re.DOTALL)
_MODEL = re.compile(r"(iPhone|iPad|iPod|Watch)\d+", re.ASCII)


@dataclass(slots=True)
class Repaired:
    """Rows of one object after repair.

    Parameters
    ----------
    rows : list of str
        Canonical rows.
    lost : list of int
        Numbers of the rows that could not be saved.
    notes : dict
        Row numbers by kind of finding.
    """

    rows: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    notes: dict[str, list[int]] = field(default_factory=dict)

    def note(self, kind: str, row: int) -> None:
        """Remember that `row` shows `kind`."""
        self.notes.setdefault(kind, []).append(row)


def utc_text(timestamp: int, *, padded: bool = True) -> str:
    """Write a timestamp as the server does: ``2024-03-01T12:00:00.012``; old servers did not pad the milliseconds.

    Examples
    --------
    >>> utc_text(1475153999012, padded=False)
    '2016-09-29T12:59:59.12'
    """
    seconds, ms = divmod(timestamp, 1000)
    return f"{_second_text(seconds)}.{ms:03d}" if padded else f"{_second_text(seconds)}.{ms}"


def _second_text(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return ""


def decode(line: bytes) -> str | None:
    """Return the text of a row, or None when its bytes are damaged: not UTF-8, or control characters inside."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def repair_rows(
    stream: Stream, variant: Variant, lines: Iterable[tuple[int, bytes]], hour_ms: int | None, latest_ms: int
) -> Repaired:
    """Repair rows in the chunked form: ``timestamp,UTC time,…``.

    Parameters
    ----------
    stream, variant
        The stream, and the platform that the header names.
    lines : iterable of (int, bytes)
        Row number and bytes without the line end.
    hour_ms : int or None
        Start of the hour that all rows must lie in; None to not check.
    latest_ms : int
        Rows at or after this time are out of range.
    """
    repaired = Repaired()
    fit = Fitter(stream, variant)
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


def _repair(fit: Fitter, number: int, line: bytes, repaired: Repaired) -> list[str] | None:
    """Return the canonical fields of one row, or None when it is lost."""
    text = decode(line)
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
        repaired.note("app-log-comma", number)
        stamp, rest = timed[1], timed[2]
    notes: list[str] = []
    own = fit(rest.split(","), notes)
    if own is None:
        return None
    for kind in notes:
        repaired.note(kind, number)
    return [str(int(stamp)), *own]


class Fitter:
    """Fit the fields of a row under the canonical columns of a stream.

    Parameters
    ----------
    stream, variant
        The stream, and the platform that the header names.
    """

    def __init__(self, stream: Stream, variant: Variant) -> None:
        self.stream = stream
        table = stream.table
        places = {column.name: place for place, column in enumerate(table)}
        self._width = len(table)
        self._spaced = stream.name in SPACED_STREAMS
        self._checks: list[tuple[int, Callable[[str], object]]] = [
            (place, _INT.fullmatch if column.type == "Int64" else _FLOAT.fullmatch)
            for place, column in enumerate(table)
            if column.type != "String"
        ]
        self._named = len(variant.columns)
        self._layouts = {
            len(form.columns): [places[name] for name in form.names] for form in (*reversed(stream.variants), variant)
        }

    def __call__(self, own: list[str], notes: list[str]) -> list[str] | None:
        """Return values under the canonical columns (absent ones empty), or None; name oddities in `notes`."""
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
        if self._spaced:
            own = [text.strip() for text in own]
        fields = own
        if len(own) != self._width:
            fields = [""] * self._width
            for place, text in zip(self._layouts[len(own)], own, strict=True):
                fields[place] = text
        for place, looks_right in self._checks:
            text = fields[place]
            if text and not looks_right(text):
                fields[place] = _number(text, looks_right)
                if text.strip() and not fields[place]:
                    notes.append("not-a-number")
        return fields


def _number(text: str, looks_right: Callable[[str], object]) -> str:
    """Return the number without spaces around it, or nothing."""
    bare = text.strip()
    return bare if looks_right(bare) else ""


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
