"""Rows of raw and of chunked objects, made comparable: by timestamp and own columns, not by the text of `UTC time`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bondstore.domains.beiwe.integrity import expects_ascii
from bondstore.domains.beiwe.reading.parse_repair import repair_rows, utc_text
from bondstore.domains.beiwe.reading.raw_rows import raw_lines
from bondstore.domains.beiwe.streams import STREAMS, match_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.reading.raw_rows import RawRow
    from bondstore.domains.beiwe.streams import HeaderMatch, Stream

PIECE = 8 << 20
"""Longer texts of raw objects are parsed in pieces of this size."""
_ONE_PIECE = frozenset({"wifi", "app_log"})  # their rules look at the first or last line of a file
_REPEATED = re.compile(rb"(?:^|,)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?=,|$)")
_ODD_START = re.compile(rb"\n(?!\d{10,15},|\Z)")
_PRINTED = re.compile(rb"[\x20-\x7e]*")
_UTC = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,3}")


class Line(NamedTuple):
    """A row in the chunked form: its timestamp in ms, its bytes, and what it is known by."""

    time_ms: int
    line: bytes
    key: bytes


@dataclass(slots=True)
class Rows:
    """The rows of a piece of an object."""

    header: bytes | None  # the chunked header they go under; None when the object's own header says nothing
    rows: list[RawRow]  # in the chunked form, in the order of the file
    lost: list[int] = field(default_factory=list)  # numbers of unreadable rows; the first below the header is 1
    out_of_range: list[int] = field(default_factory=list)  # of those that the server drops for their time


def key_maker(stream: Stream) -> Callable[[bytes], bytes]:
    """Return the function that tells what a row in the chunked form is known by.

    Two rows are the same when timestamp and own columns agree. `UTC time` is left out: old servers did not pad its
    milliseconds. So are its repeats inside a row (a fault of March 2024), and spaces after commas in the streams whose
    apps wrote them.
    """
    spaced, table = stream.spaced, stream.kind == "table"

    def key(line: bytes) -> bytes:
        parts = line.split(b",", 2)
        stamp, own = parts[0], parts[2] if len(parts) > 2 else b""
        if table and b"T" in own:
            own = _without_repeats(own)
        if spaced and b" " in own:
            own = b",".join([one.strip() for one in own.split(b",")])
        return b"%b,%b" % (stamp.strip(), own)

    return key


def read_raw(obj: BeiweObject, plain: bytes, latest_ms: int, *, whole: bool, fit: bool = False) -> Iterator[Rows]:
    """Turn a raw object of a stream that is chunked into rows as the server chunks them, in pieces of bounded size.

    The server drops rows at or after `latest_ms`. Unless the object is `whole` (nothing is known to be damaged) every
    row is looked at, and those that cannot be vouched for are `lost`; with `fit`, also those that no table could take.
    """
    for offset, piece in _pieces(obj, plain):
        raw = raw_lines(obj, piece, latest_ms)
        rows, lost = raw.rows, raw.lost
        if not whole:
            bad = _doubtful(obj, raw.match, [(row.number, row.line) for row in rows], latest_ms)
        else:
            bad = _unfit(obj, raw.match, rows, latest_ms) if fit else set()
        if bad:
            rows = [row for row in rows if row.number not in bad]
            lost = sorted({*lost, *bad})
        yield Rows(
            raw.header if raw.match else None,
            rows,
            [number + offset for number in lost],
            [number + offset for number in raw.out_of_range],
        )


class ChunkRows:
    """The rows of a chunked object, read as far as they are asked for; `latest_ms` and `whole` as in `read_raw`."""

    def __init__(self, obj: BeiweObject, plain: bytes, latest_ms: int, *, whole: bool) -> None:
        self._object, self._plain = obj, plain
        self._stream = STREAMS[obj.stream]
        match = match_header(self._stream, plain.partition(b"\n")[0], "chunked")
        # the chunked header of the rows; None when the object's first line is none
        self.header = ",".join(match.variant.chunked).encode() if match else None
        self.lost = 0  # rows that could not be read
        self._read: list[Line] | None = None
        plainly = whole and match is not None and match.source == "chunked"
        if not plainly or b"\r" in plain or _ODD_START.search(plain):
            self._read = self._read_carefully(match, latest_ms, whole=whole)

    def bytes_of_rows(self) -> set[bytes]:
        """Return the rows' bytes, quickly: a row among them is there; one that is not may be there in another form."""
        if self._read is None:
            return set(self._plain.split(b"\n")[1:])
        return {line.line for line in self._read}

    def lines(self) -> list[Line]:
        """Return the rows in the form that the server writes today.

        Milliseconds of `UTC time` are padded and its repeats taken out; own columns stay byte for byte.
        """
        if self._read is None:
            key = key_maker(self._stream)
            read = (_line(self._stream, line, key) for line in self._plain.split(b"\n")[1:] if line)
            return [line for line in read if line is not None]
        return self._read

    def _read_carefully(self, match: HeaderMatch | None, latest_ms: int, *, whole: bool) -> list[Line]:
        """Read every row; count those that are no proper rows."""
        if match is not None and match.source == "raw":  # an old server wrote some chunked files in the raw form
            rows = next(iter(read_raw(self._object, self._plain, latest_ms, whole=whole)))
            numbered = [(row.number, row.line) for row in rows.rows]
            self.lost = len(rows.lost)
        else:
            lines = [(n, line.removesuffix(b"\r")) for n, line in enumerate(self._plain.split(b"\n"))]
            numbered = [(n, line) for n, line in lines[1 if match else 0 :] if line]
            bad = _doubtful(self._object, match, numbered, latest_ms) if not whole else set()
            self.lost = len(bad - {0})  # without a header, the first line may be the damaged one
            numbered = [pair for pair in numbered if pair[0] not in bad]
        key = key_maker(self._stream)
        good = [read for _, line in numbered if (read := _line(self._stream, line, key)) is not None]
        self.lost += len(numbered) - len(good)
        return good


def _line(stream: Stream, line: bytes, key: Callable[[bytes], bytes]) -> Line | None:
    """Read one row of a chunked object, or None when it has no timestamp."""
    stamp, _, rest = line.partition(b",")
    digits = stamp.strip()
    if not digits.isdigit() or len(digits) > 15:
        return None
    utc, comma, own = rest.partition(b",")
    if stream.kind == "table" and b"T" in own:
        own = _without_repeats(own)
    if _UTC.fullmatch(utc) and len(utc) != 23 and utc == utc_text(int(digits), padded=False).encode():
        utc = utc_text(int(digits)).encode()
    mended = b"%b,%b%b%b" % (stamp, utc, comma, own)
    return Line(int(digits), mended, key(mended))


def _without_repeats(own: bytes) -> bytes:
    return _REPEATED.sub(b"", own).removeprefix(b",") if _REPEATED.search(own) else own


def _doubtful(
    obj: BeiweObject, match: HeaderMatch | None, lines: Sequence[tuple[int, bytes]], latest_ms: int
) -> set[int]:
    """Return the numbers of the rows of a damaged object that are no proper rows of its stream."""
    stream = STREAMS[obj.stream]
    repaired = repair_rows(stream, match.variant if match else stream.variants[0], lines, None, latest_ms)
    bad = {*repaired.lost, *repaired.notes.get("not-a-number", ()), *repaired.notes.get("utc-time-disagrees", ())}
    if expects_ascii(obj):
        bad |= {number for number, line in lines if not line.isascii()}
    return bad


def _unfit(obj: BeiweObject, match: HeaderMatch | None, rows: Sequence[RawRow], latest_ms: int) -> set[int]:
    """Return the numbers of rows that no rule brings under the columns of the stream."""
    stream = STREAMS[obj.stream]
    variant = match.variant if match else stream.variants[0]
    commas = len(variant.chunked) - 1
    odd = [(row.number, row.line) for row in rows if row.line.count(b",") != commas or not _PRINTED.fullmatch(row.line)]
    return set(repair_rows(stream, variant, odd, None, latest_ms).lost) if odd else set()


def _pieces(obj: BeiweObject, plain: bytes) -> Iterable[tuple[int, bytes]]:
    """Cut a long text at line ends, each piece under the header; with the number of rows before it."""
    if len(plain) <= PIECE or obj.stream in _ONE_PIECE or obj.source == "chunked":
        yield 0, plain
        return
    body = plain.find(b"\n") + 1
    header, start, before = plain[:body], body, 0
    while body and start < len(plain):
        end = plain.find(b"\n", start + PIECE) + 1 or len(plain)
        yield before, header + plain[start:end]
        before += plain.count(b"\n", start, end)
        start = end
