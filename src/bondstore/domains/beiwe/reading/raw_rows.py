"""Raw rows in the chunked form: what the server does to an upload before it sorts the rows into hours.

Source: the row rules of the Beiwe backend's file processing. Rows come out byte for byte as the server writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bondstore.domains.beiwe.reading.parse_repair import utc_text
from bondstore.domains.beiwe.streams import EARLIEST_MS, HOUR_MS, STREAMS, HeaderMatch, Stream, match_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bondstore.domains.beiwe.layout import BeiweObject

T = TypeVar("T")
_UNTIMED_DROPPED = (b"bluetooth Failure", b"our not-quite-race-condition", b"a sessionactivity tried to clear the")


class RawRow(NamedTuple):
    """One row in the chunked form."""

    number: int  # of its line below the header (from 1); 0 is a row the server adds
    time_ms: int  # its timestamp
    hour_ms: int  # start of the hour the server puts it in
    line: bytes


@dataclass(slots=True)
class RawRows:
    """Rows of a raw object in the chunked form, in the order of the file, and the numbers of special ones."""

    header: bytes  # the chunked header they go under
    match: HeaderMatch | None  # what the raw header said; None when it is none of the stream's
    rows: list[RawRow] = field(default_factory=list)
    out_of_range: list[int] = field(default_factory=list)  # left out for their time
    lost: list[int] = field(default_factory=list)  # left out as unreadable
    dropped: list[int] = field(default_factory=list)  # left out: the last row of wifi
    untimed: list[int] = field(default_factory=list)  # log lines in `rows` that took the time of the line before


def raw_lines(obj: BeiweObject, plain: bytes, latest_ms: int) -> RawRows:
    """Turn a raw object (or identifiers) of a stream that is chunked into rows as the server chunks them.

    Rows at or after `latest_ms` are dropped; the server takes 90 days ahead of its clock.
    """
    stream = STREAMS[obj.stream]
    lines = plain.splitlines()
    match = match_header(stream, lines[0], "raw") if lines else None
    variant = match.variant if match else stream.variants[0]
    result = RawRows(",".join(variant.chunked).encode(), match)
    numbered = list(enumerate(lines[1:], 1))
    if stream.name == "app_log":
        _emit(_log_fields(obj, numbered, result), result, latest_ms)
        return result
    if stream.name == "wifi" and numbered:
        number, last = numbered.pop()  # the app may leave it unfinished, so the server never takes it
        if last:
            result.dropped.append(number)
    _emit(((number, _moved(stream, obj, line.split(b","))) for number, line in numbered if line), result, latest_ms)
    return result


def rechunk(header: bytes, rows: Iterable[RawRow]) -> bytes:
    """Build the text of a chunked hour: exact duplicates gone, sorted by time, no line end after the last row."""
    lines = dict.fromkeys(row.line for row in sorted(rows, key=lambda row: row.time_ms))
    return b"\n".join((header, *lines))


def woven(one: Sequence[T], other: Sequence[T], time_of: Callable[[T], int]) -> list[T]:
    """Join rows of two sources, each once, by time; rows of one millisecond keep the order of their files.

    Where both have rows of a millisecond, those of `other` keep its order, and what only `one` has stays behind the row
    that it stands behind there; where they share none, those of `one` come first.
    """
    mine, theirs = _by_time(one, time_of), _by_time(other, time_of)
    return [
        row
        for time_ms in sorted(mine.keys() | theirs.keys())
        for row in _joined(mine.get(time_ms, []), theirs.get(time_ms, []))
    ]


def _joined(first: list[T], second: list[T]) -> list[T]:
    if not first or not second:
        return first or second
    places, theirs = {row: place for place, row in enumerate(first)}, set(second)
    rows: list[T] = []
    start = behind = 0
    for row in second:
        place = places.get(row, -1)
        if place >= start:
            rows[behind:behind] = [one for one in first[start:place] if one not in theirs]
            start, behind = place + 1, len(rows) + 1
        rows.append(row)
    rows[behind:behind] = [one for one in first[start:] if one not in theirs]
    return rows


def _by_time(rows: Iterable[T], time_of: Callable[[T], int]) -> dict[int, list[T]]:
    times: dict[int, list[T]] = {}
    for row in dict.fromkeys(rows):
        times.setdefault(time_of(row), []).append(row)
    return times


def _emit(rows: Iterable[tuple[int, list[bytes] | None]], result: RawRows, latest_ms: int) -> None:
    """Add `UTC time` and the hour to each row; leave out what has no time or one out of range."""
    for number, fields in rows:
        stamp = fields[0].strip() if fields else b""
        if not fields or not stamp.isdigit() or len(stamp) > 15:
            result.lost.append(number)
            continue
        # The server looks at the first ten digits, as seconds: more digits of a row make no other hour.
        if not EARLIEST_MS // 1000 <= int(stamp[:10]) < latest_ms // 1000:
            result.out_of_range.append(number)
            continue
        utc = utc_text(int(stamp)).encode()
        hour = int(stamp[:10]) * 1000 // HOUR_MS * HOUR_MS
        result.rows.append(RawRow(number, int(stamp), hour, b",".join((fields[0], utc, *fields[1:]))))


def _moved(stream: Stream, obj: BeiweObject, fields: list[bytes]) -> list[bytes] | None:
    """Bring the timestamp to the front, from where the stream keeps it; None when the row is too short for that."""
    if stream.name == "calls":
        return [fields[2], *fields[:2], *fields[3:]] if len(fields) > 2 else None
    if stream.name in {"wifi", "identifiers"}:
        return [str(obj.time_ms).encode(), *fields]
    if stream.name == "survey_timings":
        return [*fields[:2], (obj.survey_id or "").encode(), *fields[2:]]
    return fields


def _log_fields(
    obj: BeiweObject, lines: Sequence[tuple[int, bytes]], result: RawRows
) -> Iterable[tuple[int, list[bytes]]]:
    """Part log lines at their first space; a line without a time takes the one before."""
    last = str(obj.time_ms).encode()
    yield 0, [last, b"New app log file created"]
    for number, line in lines:
        stamp, space, text = line.partition(b" ")
        if stamp.isdigit():
            last = stamp
            yield number, [stamp, text] if space else [stamp]
        elif not line.startswith(_UNTIMED_DROPPED) and b"accelSensorManager" not in line[:18]:
            result.untimed.append(number)
            yield number, [last, line]
