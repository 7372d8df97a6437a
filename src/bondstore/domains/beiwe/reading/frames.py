"""Typed tables out of the text of Beiwe objects.

Healthy objects are parsed many at once (`parse_fast`); an object with anything odd goes through the careful path
(`parse_repair`), which repairs it row by row and names what it found. Both give the same canonical frame: `timestamp`
(UTC, ms), `UTC time` (datetime, from the timestamp), then the stream's own columns over all platforms.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import polars as pl
import pyarrow as pa

from bondstore.domains.beiwe.findings import finding
from bondstore.domains.beiwe.layout import BeiweObject
from bondstore.domains.beiwe.reading.answers import answer_rows
from bondstore.domains.beiwe.reading.parse_fast import SOURCE, Piece, canonical, parse_batch, parse_text
from bondstore.domains.beiwe.reading.parse_repair import LINE_BREAK, SEPARATOR, Repaired, repair_rows
from bondstore.domains.beiwe.reading.raw_rows import raw_lines
from bondstore.domains.beiwe.streams import (
    AHEAD_MS,
    ANSWER_TEXT,
    TIMESTAMP,
    UTC_TIME,
    HeaderMatch,
    Stream,
    Variant,
    match_header,
)
from bondstore.errors import UsageError
from bondstore.findings import Finding
from bondstore.runs.batches import grouped

_BATCH_BYTES = 8 << 20
_LONGEST_HEADER = 4096
_SLICE_BYTES = 4 << 20  # of a large object, parsed at a time
_TYPES: dict[str, pl.DataType] = {"Int64": pl.Int64(), "Float64": pl.Float64(), "String": pl.String()}
SLICED = frozenset({"accelerometer", "devicemotion", "gps", "gyro", "magnetometer"})
"""Streams that fill large objects, without rules that look beyond a row."""

Text = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Parsed:
    """Tables of several objects of one stream: rows and findings in the order of the objects."""

    frame: pl.DataFrame  # canonical columns; within an object, rows in the order of the file
    findings: tuple[Finding, ...] = ()
    damaged: frozenset[str] = frozenset()  # keys of objects that lost rows
    rows: tuple[int, ...] = ()  # in `frame` per object


@dataclass(slots=True)
class _Parsing:
    """What is known so far of the objects of one call."""

    stream: Stream
    items: Sequence[tuple[BeiweObject, Text]]
    latest_ms: int
    rows: list[int]
    findings: list[list[Finding]]
    above: int = 0
    damaged: set[str] = field(default_factory=set)
    frames: list[tuple[int, pl.DataFrame]] = field(default_factory=list)
    repaired: list[tuple[int, list[str]]] = field(default_factory=list)

    def find(self, index: int, word: str, rows: Sequence[int] = ()) -> None:
        """Add a finding about an object."""
        shifted = [row + self.above for row in rows] if self.above else rows
        self.findings[index].append(finding(word, self.items[index][0].key, rows=shifted))


def schema(stream: Stream) -> dict[str, pl.DataType]:
    """Return the canonical schema of a stream's table."""
    fixed: dict[str, pl.DataType] = {TIMESTAMP: pl.Int64(), UTC_TIME: pl.Datetime("ms", "UTC")}
    return fixed | {column.name: _TYPES[column.type] for column in stream.table}


def named_rows(frame: pl.DataFrame, participant: str) -> pl.DataFrame:
    """Put a first column before rows that says whose they are."""
    return frame.select(pl.lit(participant).alias("participant"), pl.all())


def read_frames(
    stream: Stream,
    items: Sequence[tuple[BeiweObject, Text]],
    *,
    source: bool = False,
    latest_ms: int | None = None,
    above: int = 0,
) -> Parsed:
    """Parse objects of one stream, chunked or raw, into one canonical frame; damage never raises.

    Ten to forty at a time parse fastest. `source` adds the column `SOURCE` (UInt32), the position in `items` that a
    row came from. Timestamps from `latest_ms` on are out of range; by default 90 days ahead of now, as on the server.
    `above` rows of the object stand above the text: findings count on from there.
    """
    if not stream.is_table:
        raise UsageError(f"Stream {stream.name} holds media, no tables.", hint="Export it in its original form.")
    limit = latest_ms if latest_ms is not None else int(time.time() * 1000) + AHEAD_MS
    work = _Parsing(stream, items, limit, [0] * len(items), [[] for _ in items], above)
    for match, pieces in _sorted_out(work):
        for batch in grouped(pieces, lambda piece: len(piece.data), number=len(pieces), weight=_BATCH_BYTES):
            _read_healthy(work, match, batch)
    _parse_repaired(work)
    frame = _assemble(work, source=source)
    flat = tuple(one for found in work.findings for one in found)
    return Parsed(frame, flat, frozenset(work.damaged), tuple(work.rows))


def read_slices(stream: Stream, obj: BeiweObject, pieces: Iterable[bytes], size: int = _SLICE_BYTES) -> Parsed:
    """Parse one large object of a `SLICED` stream: memory holds its rows, and what one slice of `size` bytes takes.

    A kind of finding may come once for each slice, with its own rows. Rows that repeat are named where they are close
    to each other.
    """
    parts: list[Parsed] = []
    header, above = b"", 0
    for lines in whole_lines(pieces, size):
        parts.append(read_frames(stream, [(obj, header + lines)], above=above))
        above += lines.count(b"\n") - (not header)
        header = header or lines[: lines.find(b"\n") + 1]
    if not parts:
        return read_frames(stream, [(obj, b"")])
    frame = pl.concat([part.frame for part in parts], rechunk=False)
    findings = tuple(dict.fromkeys(one for part in parts for one in part.findings))
    return Parsed(frame, findings, frozenset().union(*(part.damaged for part in parts)), (frame.height,))


def whole_lines(pieces: Iterable[bytes], size: int = _SLICE_BYTES) -> Iterator[bytes]:
    """Join pieces until they hold `size` bytes; cut after the last line end."""
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            text = b"".join(held)
            end = text.rfind(b"\n") + 1
            if end:
                yield text[:end]
            held, length = [text[end:]], len(text) - end
    if length:
        yield b"".join(held)


def _sorted_out(work: _Parsing) -> list[tuple[HeaderMatch, list[Piece]]]:
    """Group what may be healthy by header; deal with the rest at once."""
    groups: dict[tuple[str, bytes], tuple[HeaderMatch, list[Piece]]] = {}
    for index, (obj, data) in enumerate(work.items):
        view = memoryview(data).cast("B")
        if not view:
            work.find(index, "empty-text")
            continue
        line = bytes(view[:_LONGEST_HEADER]).partition(b"\n")[0]
        match = match_header(work.stream, line, obj.source) if line else None
        if match is not None:
            for word in match.quirks:
                if word != "spaces-in-header" or obj.source == "chunked":  # raw Android headers always have them
                    work.find(index, word)
            if len(view) <= len(line) + 1:
                work.find(index, "header-only")
                continue
            if _may_be_healthy(work.stream, obj, match):
                group = groups.setdefault((match.source, line), (match, []))
                group[1].append(Piece(index, obj.time_ms, view, len(line) + 1))
                continue
        _read_carefully(work, index, match)
    return list(groups.values())


def _may_be_healthy(stream: Stream, obj: BeiweObject, match: HeaderMatch) -> bool:
    """Whether rows of this form can be parsed without a second look at each."""
    if stream.ragged or stream.name == "app_log" or obj.time_ms is None:
        return False
    return match.source == "chunked" or match.names == (TIMESTAMP, *match.variant.names)


def _read_healthy(work: _Parsing, match: HeaderMatch, pieces: Sequence[Piece], *, padded: bool = True) -> None:
    """Parse a batch; pieces that are not sure to be healthy go on to the careful path."""
    if not pieces:
        return
    batch = parse_batch(work.stream, match, pieces, work.latest_ms, padded=padded)
    if batch.frame is not None:
        _accept(work, batch.frame, [(piece.index, count) for piece, count in zip(pieces, batch.counts, strict=True)])
        for word, by_piece in batch.notes.items():
            for place, rows in by_piece.items():
                work.find(pieces[place].index, word, rows)
    elif batch.doubtful or len(pieces) == 1:
        doubtful = batch.doubtful or {0}
        _read_doubtful(work, match, [pieces[place] for place in sorted(doubtful)], padded=padded)
        _read_healthy(work, match, [one for place, one in enumerate(pieces) if place not in doubtful], padded=padded)
    else:  # Arrow refused the batch and does not say which row: halves find the piece in a few more parses
        middle = len(pieces) // 2
        _read_healthy(work, match, pieces[:middle], padded=padded)
        _read_healthy(work, match, pieces[middle:], padded=padded)


def _read_doubtful(work: _Parsing, match: HeaderMatch, pieces: Sequence[Piece], *, padded: bool) -> None:
    """Give old files, whose only fault are unpadded milliseconds, a second try; read the others carefully."""
    if padded and match.source == "chunked":
        _read_healthy(work, match, pieces, padded=False)
        return
    for piece in pieces:
        _read_carefully(work, piece.index, match)


def _accept(work: _Parsing, frame: pl.DataFrame, counts: Sequence[tuple[int, int]]) -> None:
    """Keep a parsed frame and count its rows."""
    for index, count in counts:
        work.rows[index] = count
    work.frames.append((counts[0][0], frame))


def _read_carefully(work: _Parsing, index: int, match: HeaderMatch | None) -> None:
    """Repair one object row by row and name what was odd."""
    obj, data = work.items[index]
    plain = bytes(data)
    if match is None:
        work.find(index, "wrong-header")
        work.damaged.add(obj.key)
    if work.stream.name == "survey_timings" and not obj.survey_id and (match.source if match else obj.source) == "raw":
        work.find(index, "empty-survey-id")
    repaired = repaired_rows(work.stream, obj, plain, match, work.latest_ms)
    if repaired.lost:
        work.find(index, "rows-lost", repaired.lost)
        work.damaged.add(obj.key)
    for word, numbers in sorted(repaired.notes.items()):
        work.find(index, word, [number for number in numbers if number])
    if work.stream.name == "survey_timings" and (strays := _of_other_surveys(work.stream, obj, repaired.rows)):
        work.findings[index].append(finding("survey-id-disagrees", obj.key, count=strays))
    work.rows[index] = len(repaired.rows)
    work.repaired.append((index, repaired.rows))


def _of_other_surveys(stream: Stream, obj: BeiweObject, rows: Sequence[str]) -> int:
    """Count the rows that say that they are of another survey than the object's folder says."""
    if not obj.survey_id:
        return 0
    place = 1 + [column.name for column in stream.table].index("survey id")
    return sum(row.split(SEPARATOR, place + 1)[place] not in ("", obj.survey_id) for row in rows)


def repaired_rows(
    stream: Stream, obj: BeiweObject, plain: bytes, match: HeaderMatch | None, latest_ms: int
) -> Repaired:
    """Repair the rows of one object; `match` is what its first line says."""
    if stream.name == "survey_answers":
        return answer_rows(obj, plain)
    if (match.source if match else obj.source) == "raw":
        return _from_raw(stream, obj, plain, latest_ms)
    lines = ((number, line.removesuffix(b"\r")) for number, line in enumerate(plain.split(b"\n")))
    variant = match.variant if match else stream.variants[0]
    repaired = repair_rows(stream, variant, islice(lines, 1 if match else 0, None), obj.time_ms, latest_ms)
    if repaired.lost[:1] == [0]:  # the header itself, named as such already
        del repaired.lost[0]
    return repaired


def _from_raw(stream: Stream, obj: BeiweObject, plain: bytes, latest_ms: int) -> Repaired:
    raw = raw_lines(obj, plain, latest_ms)
    variant = raw.match.variant if raw.match else stream.variants[0]
    repaired = repair_rows(stream, variant, ((row.number, row.line) for row in raw.rows), None, latest_ms)
    repaired.lost = sorted({*repaired.lost, *raw.lost})
    timed = set(repaired.notes.get("app-log-comma", ()))  # log lines that turned out to carry a time before a comma
    for word, numbers in (
        ("timestamp-out-of-range", raw.out_of_range),
        ("wifi-last-row", raw.dropped),
        ("untimed-log-line", [number for number in raw.untimed if number not in timed]),
    ):
        for number in numbers:
            repaired.note(word, number)
    return repaired


def _parse_repaired(work: _Parsing) -> None:
    """Parse all repaired rows at once."""
    rows = [row for _, some in work.repaired for row in some]
    if not rows:
        return
    columns = work.stream.table
    match = HeaderMatch(Variant("both", columns, ()), "chunked", (TIMESTAMP, *(column.name for column in columns)))
    text = ("\n".join(rows) + "\n").encode()
    table = parse_text(pa.py_buffer(text), match, utc=None, separator=SEPARATOR)
    counts = [(index, len(some)) for index, some in work.repaired]
    sources = np.repeat(np.array([index for index, _ in counts], np.uint32), [count for _, count in counts])
    frame = canonical(work.stream, table, sources)
    if work.stream.name == "survey_answers":
        frame = frame.with_columns(pl.col("answer", ANSWER_TEXT).str.replace_all(LINE_BREAK, "\n", literal=True))
    _accept(work, frame, counts)


def _assemble(work: _Parsing, *, source: bool) -> pl.DataFrame:
    """Put the frames together, rows in the order of the items."""
    parts = [part for _, part in sorted(work.frames, key=lambda pair: pair[0])]
    if not parts:
        parts = [pl.DataFrame(schema=schema(work.stream) | {SOURCE: pl.UInt32()})]
    frame = parts[0] if len(parts) == 1 else pl.concat(parts, rechunk=False)
    if len(parts) > 1 and not frame[SOURCE].is_sorted():
        frame = frame.sort(SOURCE, maintain_order=True)
    if not source:
        frame.drop_in_place(SOURCE)
    return frame
