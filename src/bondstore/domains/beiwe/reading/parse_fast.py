"""The fast path: parse many healthy objects of one header at once, and make sure of every row.

The bodies are joined and parsed in one go. Rows of chunked objects that are odd for their time alone, or that repeat
another one, are named and kept. Whatever else is not exactly as a healthy file has it makes the object *doubtful*: it
is handed back unread, for the careful path (`parse_repair`), which costs thirty times as much.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import csv

from bondstore.domains.beiwe.streams import EARLIEST_MS, HOUR_MS, TIMESTAMP, UTC_TIME, HeaderMatch, Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCE = "source"
"""Last column of the frames here: the position among the caller's items that a row came from."""
_NAIVE, _UTC = pa.timestamp("ms"), pa.timestamp("ms", tz="UTC")
_SMALL = 8192  # bytes; fewer are parsed in Python, in less time than it takes to wake Arrow's reader threads
_COMMA, _LINE_END, _SPACE = 44, 10, 32
_TIMESTAMP_END, _UTC_END = 13, 37
_TIMES = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})*", re.ASCII)  # NumPy warns of what else may be a time
_TYPES: dict[str, pa.DataType] = {"Int64": pa.int64(), "Float64": pa.float64(), "String": pa.string()}


@dataclass(frozen=True, slots=True)
class Piece:
    """One object of a batch."""

    index: int  # its position among the caller's items
    time_ms: int | None  # the hour (chunked) or file time (raw) in its name
    data: memoryview  # the whole plaintext
    body: int  # where the first row starts


@dataclass(frozen=True, slots=True)
class FastBatch:
    """Outcome of the fast path: either a frame, all of its rows verified, or the doubtful pieces."""

    frame: pl.DataFrame | None  # rows of all pieces in their order
    counts: Sequence[int] = ()  # rows per piece
    doubtful: frozenset[int] = frozenset()  # positions of pieces; without a frame, empty when it cannot say which
    notes: Mapping[str, Mapping[int, list[int]]] = field(default_factory=dict)  # odd rows (from 1) by word and position


@dataclass(frozen=True, slots=True)
class _Text:
    """Joined bodies with the position of every row and of every piece."""

    body: bytes
    bytes_: NDArray[np.uint8]
    starts: NDArray[np.int64]  # of rows
    ends: NDArray[np.int64]  # of pieces
    counts: NDArray[np.int64]  # rows per piece
    odd: NDArray[np.int64]  # places of control characters and of bytes outside ASCII

    def pieces_of_rows(self, bad: NDArray[np.bool_]) -> frozenset[int]:
        """Pieces that hold a row marked bad."""
        edges = np.cumsum(self.counts)
        return frozenset(np.searchsorted(edges, np.flatnonzero(bad), side="right").tolist())

    def later_ones(self, repeated: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of rows whose values repeat inside their piece, mark those that are an earlier one byte for byte."""
        later = np.zeros(len(repeated), bool)
        places = np.flatnonzero(repeated)
        owners = np.searchsorted(np.cumsum(self.counts), places, side="right")
        ends = np.append(self.starts[1:], len(self.body))[places]
        seen: set[tuple[int, bytes]] = set()
        for place, owner, start, end in zip(
            places.tolist(), owners.tolist(), self.starts[places].tolist(), ends.tolist(), strict=True
        ):
            row = (owner, self.body[start:end])
            later[place] = row in seen
            seen.add(row)
        return later


def parse_batch(
    stream: Stream, match: HeaderMatch, pieces: Sequence[Piece], latest_ms: int, *, padded: bool = True
) -> FastBatch:
    """Parse pieces that share a header, each with at least one byte of body; rows from `latest_ms` on are doubtful.

    `padded` holds milliseconds of `UTC time` without leading zeros for doubtful; without, it takes longer.
    """
    text = _join(pieces)
    chunked = match.source == "chunked"
    if doubtful := _odd_bytes(stream, text) or _odd_widths(text, utc=chunked and padded):
        return FastBatch(None, doubtful=doubtful)
    utc_type = (_NAIVE if padded else pa.string()) if chunked else None
    try:
        table = parse_text(pa.py_buffer(text.body), match, utc=utc_type)
    except pa.ArrowInvalid:
        return FastBatch(None)
    if table.num_rows != len(text.starts) or table[TIMESTAMP].null_count:
        return FastBatch(None)
    timestamps = table[TIMESTAMP].to_numpy()
    odd_time = (timestamps < EARLIEST_MS) | (timestamps >= latest_ms)
    marks: dict[str, NDArray[np.bool_]] = {}
    if chunked:
        wrong, short = _compare_exactly(table, timestamps) if padded else _compare_texts(table)
        hours = np.array([piece.time_ms or 0 for piece in pieces], np.int64)
        since = timestamps - np.repeat(hours, text.counts)
        marks["timestamp-out-of-range"] = odd_time
        marks["out-of-hour-rows"] = ((since < 0) | (since >= HOUR_MS)) & ~odd_time
        marks["unpadded-milliseconds"] = short
        bad = wrong | (timestamps < 0)
    else:
        bad = odd_time  # the server leaves such rows out of what it makes of raw data
    if bad.any():
        return FastBatch(None, doubtful=text.pieces_of_rows(bad))
    sources = np.repeat(np.array([piece.index for piece in pieces], np.uint32), text.counts)
    frame = canonical(stream, table, sources)
    bad = _repeated_times(stream, frame)
    repeated = _repeated_rows(frame, timestamps, text.counts)
    if chunked and padded and repeated.any():
        marks["duplicate-rows"] = text.later_ones(repeated)
    else:
        bad |= repeated
    if bad.any():
        return FastBatch(None, doubtful=text.pieces_of_rows(bad))
    notes = {word: _rows_of_pieces(marked, text.counts) for word, marked in sorted(marks.items()) if marked.any()}
    return FastBatch(frame, text.counts.tolist(), notes=notes)


def parse_text(buffer: pa.Buffer, match: HeaderMatch, *, utc: pa.DataType | None, separator: str = ",") -> pa.Table:
    """Parse rows without a header, strictly: one number of fields, every value of its type, else ArrowInvalid.

    `utc` is the type to read `UTC time` as, or None when the rows lack it.
    """
    if buffer.size <= _SMALL and (table := _parse_small(buffer, match, utc, separator)) is not None:
        return table
    source: Any = pa.BufferReader(buffer)
    return csv.read_csv(source, *_options(match, utc, separator))


@lru_cache(maxsize=128)
def _options(
    match: HeaderMatch, utc: pa.DataType | None, separator: str
) -> tuple[csv.ReadOptions, csv.ParseOptions, csv.ConvertOptions]:
    """Options of the parser; kept, because making them takes longer than parsing a small object."""
    types: dict[str, pa.DataType] = {column.name: _TYPES[column.type] for column in match.variant.columns}
    types[TIMESTAMP] = pa.int64()
    if utc is not None:
        types[UTC_TIME] = utc
    return (
        # One thread: the caller runs several; one block, so that every column is one array.
        csv.ReadOptions(use_threads=False, column_names=list(match.names), block_size=1 << 30),
        csv.ParseOptions(
            delimiter=separator,
            quote_char=False,
            double_quote=False,
            newlines_in_values=False,
            ignore_empty_lines=False,
        ),
        csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True),
    )


def _parse_small(buffer: pa.Buffer, match: HeaderMatch, utc: pa.DataType | None, separator: str) -> pa.Table | None:
    """Parse a few rows in Python; None when anything is not plain: Arrow's own reader shall decide then."""
    text = buffer.to_pybytes().decode("utf-8", "replace")
    if not text.endswith("\n"):
        return None
    rows = [line.split(separator) for line in text[:-1].split("\n")]
    width = len(match.names)
    if any(len(row) != width for row in rows):
        return None
    types = {column.name: column.type for column in match.variant.columns} | {TIMESTAMP: "Int64"}
    columns: dict[str, Any] = {}
    try:
        for name, values in zip(match.names, zip(*rows, strict=True), strict=True):
            if name == UTC_TIME and utc == _NAIVE:
                if not _TIMES.fullmatch("".join(values)):
                    return None
                columns[name] = pa.array(np.array(values, "datetime64[ms]"))
            else:
                columns[name] = _column(values, types.get(name, "String"))
    except (ValueError, OverflowError):  # pyarrow's errors are ValueErrors too
        return None
    return pa.table(columns)


def _column(values: Sequence[str], kind: str) -> Any:
    """Convert one column; an empty field is null."""
    if kind == "Int64":
        return pa.array([int(text) if text else None for text in _plain(values)], pa.int64())
    if kind == "Float64":
        return pa.array([float(text) if text else None for text in _plain(values)], pa.float64())
    return pa.array([text or None for text in values], pa.string())


def _plain(values: Sequence[str]) -> Sequence[str]:
    """Refuse numbers of a form that Python knows and Arrow does not: ``+1``, ``1_000``."""
    joined = "".join(values)
    if "+" in joined or "_" in joined or "Z" in joined:
        raise ValueError
    return values


def canonical(stream: Stream, table: pa.Table, sources: NDArray[np.uint32]) -> pl.DataFrame:
    """Bring a parsed table into the canonical form: all columns of the stream, null where the table lacks them.

    `sources`, one for each row, go into the last column, `SOURCE`.
    """
    stamps = _whole(table, TIMESTAMP)
    none: Any = pa.nulls
    columns = [stamps, stamps.view(_UTC)]
    for column in stream.table:
        found = column.name in table.column_names
        columns.append(_whole(table, column.name) if found else none(len(stamps), _TYPES[column.type]))
    names = [TIMESTAMP, UTC_TIME, *(column.name for column in stream.table), SOURCE]
    # Arranged in Arrow and handed over as one batch: by far the cheapest, and many calls are about one small object.
    return pl.DataFrame(pa.RecordBatch.from_arrays([*columns, pa.array(sources)], names))


def _whole(table: pa.Table, name: str) -> Any:
    """Return a column as one array."""
    column: Any = table[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _join(pieces: Sequence[Piece]) -> _Text:
    """Join the bodies, each row ended by a line end."""
    parts: list[memoryview | bytes] = []
    lengths = []
    for piece in pieces:
        body = piece.data[piece.body :]
        parts.append(body)
        ended = body[-1] == _LINE_END
        if not ended:
            parts.append(b"\n")
        lengths.append(len(body) + (not ended))
    joined = b"".join(parts)
    values = np.frombuffer(joined, np.uint8)
    ends = np.cumsum(np.array(lengths, np.int64))
    # As signed bytes, controls and all that is outside ASCII are below the space: one pass finds both.
    odd = np.flatnonzero(values.view(np.int8) < _SPACE)
    is_end = values[odd] == _LINE_END
    line_ends = odd if is_end.all() else odd[is_end]
    starts = np.empty_like(line_ends)
    starts[0], starts[1:] = 0, line_ends[:-1] + 1
    counts = np.diff(np.searchsorted(line_ends, ends, side="left"), prepend=0)
    return _Text(joined, values, starts, ends, counts, odd[~is_end])


def _odd_bytes(stream: Stream, text: _Text) -> frozenset[int]:
    """Pieces with control characters or bytes outside ASCII, or with a space after a comma where that has a meaning."""
    if len(text.odd):
        return frozenset(np.searchsorted(text.ends, text.odd, side="right").tolist())
    if stream.spaced and b", " in text.body:
        return frozenset(range(len(text.ends)))
    return frozenset()


def _odd_widths(text: _Text, *, utc: bool) -> frozenset[int]:
    """Pieces with rows that do not start with 13 digits' width of timestamp and (if `utc`) 23 of `UTC time`."""
    widest = _UTC_END if utc else _TIMESTAMP_END
    lengths = np.diff(text.starts, append=len(text.body)) - 1
    bad = lengths <= widest
    if not bad.any():
        bad = text.bytes_[text.starts + _TIMESTAMP_END] != _COMMA
        if utc:
            bad |= text.bytes_[text.starts + _UTC_END] != _COMMA
            bad |= text.bytes_[text.starts + 24] != ord("T")  # Arrow would take a space there as well
    return text.pieces_of_rows(bad) if bad.any() else frozenset()


def _compare_exactly(table: pa.Table, timestamps: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark rows whose `UTC time` is not the timestamp's; none has short milliseconds, or Arrow had refused it."""
    wrong = timestamps != table[UTC_TIME].to_numpy().view(np.int64)
    return wrong, np.zeros(len(wrong), bool)


def _compare_texts(table: pa.Table) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark rows whose `UTC time` is not the timestamp's, and rows where it is but for the padding."""
    both = pl.from_arrow(table.select([TIMESTAMP, UTC_TIME]))
    assert isinstance(both, pl.DataFrame)
    second = pl.col(TIMESTAMP).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S.")
    milliseconds = (pl.col(TIMESTAMP) % 1000).cast(pl.String)
    marks = both.select(
        full=pl.col(UTC_TIME).eq_missing(second + milliseconds.str.zfill(3)),
        short=pl.col(UTC_TIME).eq_missing(second + milliseconds),
    )
    full, short = marks["full"].to_numpy(), marks["short"].to_numpy()
    return ~(full | short), short & ~full


def _rows_of_pieces(marked: NDArray[np.bool_], counts: NDArray[np.int64]) -> dict[int, list[int]]:
    """Row numbers (from 1) of marked rows, by piece."""
    places = np.flatnonzero(marked)
    edges = np.cumsum(counts)
    owners = np.searchsorted(edges, places, side="right")
    numbers = places - (edges - counts)[owners] + 1
    return {owner: numbers[owners == owner].tolist() for owner in np.unique(owners).tolist()}


def _repeated_rows(frame: pl.DataFrame, timestamps: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark rows that repeat exactly inside their piece; only rows with a shared timestamp are looked at."""
    owner = np.repeat(np.arange(len(counts)), counts)
    inside = owner[1:] == owner[:-1]
    steps = np.diff(timestamps)
    bad = np.zeros(len(timestamps), bool)
    if not (inside & (steps <= 0)).any():  # time goes up in every piece: nothing can repeat
        return bad
    if (inside & (steps < 0)).any():
        order = np.lexsort((timestamps, owner))
        tie = (np.diff(timestamps[order]) == 0) & (np.diff(owner[order]) == 0)
    else:
        order, tie = np.arange(len(timestamps)), inside & (steps == 0)
    tied = np.zeros(len(timestamps), bool)
    tied[order[1:][tie]] = True
    tied[order[:-1][tie]] = True
    places = np.flatnonzero(tied)
    bad[places] = frame[places].is_duplicated().to_numpy()
    return bad


def _repeated_times(stream: Stream, frame: pl.DataFrame) -> NDArray[np.bool_]:
    """Mark rows where a repeated `UTC time` slipped into a text column and the number of fields still fits."""
    bad = np.zeros(frame.height, bool)
    if stream.kind == "table" and len(stream.variants) > 1:
        for column in stream.table:
            if column.type == "String":
                bad |= (frame[column.name].str.len_bytes() == 23).fill_null(value=False).to_numpy()
    return bad
