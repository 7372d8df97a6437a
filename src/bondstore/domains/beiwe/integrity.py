"""Whether decrypted, decompressed bytes are what their key says: text or noise, a known header, whole rows.

The seal carries no check sum, so nothing but the content itself can tell a wrong key, damage and a good object apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.findings import RowRanges, damaged, finding
from bondstore.domains.beiwe.streams import HOUR_MS, STREAMS, match_header
from bondstore.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.row_check import RowCheck
    from bondstore.domains.beiwe.streams import HeaderMatch, Stream

SAMPLE = 4096
"""Bytes at the start that are looked at."""
_START = 64  # damage before this byte is damage at the start: a damaged IV spoils 16 bytes, a damaged byte 17
_LEAST_TEXT = 32  # bytes from which text and noise are told apart for sure
_LEAST_WORDS = 16  # shorter texts under no known header cannot be told from noise
_NOISE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_MEDIA = re.compile(
    rb"....(?:ftyp|moov|mdat|wide|free|skip)"  # MPEG-4, QuickTime
    rb"|RIFF....WAVE|caff|\xff\xd8\xff|\xff[\xf1\xf9]|ID3|#!AMR",  # WAVE, CAF, JPEG, AAC, MP3, AMR
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An object's content; with a finding of severity ERROR it is not whole."""

    plain: bytes
    findings: tuple[Finding, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be damaged or missing."""
        return all(one.severity is not Severity.ERROR for one in self.findings)


def judge(obj: BeiweObject, content: bytes, *, compressed: bool, rows: bool = True) -> Opened:
    """Judge an object that is in memory; raises DamagedError where nothing can be said for its content.

    `rows` asks for suspect rows: needless where they are parsed next, which finds more.
    """
    findings, match = _judge_start(obj, content, compressed=compressed)
    if match is not None:
        findings += _judge_rows(obj, match, content, compressed=compressed, suspects=rows)
    return Opened(content, tuple(findings))


class StreamJudge:
    """Judges an object that comes in pieces: `start` once, `next` for all others, `end`; memory is bounded.

    Raises DamagedError for whatever `judge` raises or finds of severity ERROR: the caller has passed on pieces already,
    so that the object as a whole must fail. `findings` holds the others, complete after `end`.
    """

    def __init__(self, obj: BeiweObject, *, compressed: bool) -> None:
        self.findings: list[Finding] = []
        self._object, self._compressed = obj, compressed
        self._match: HeaderMatch | None = None
        self._ascii = False
        self._odd = False
        self._last = b""  # the line that is not ended yet
        self._check: RowCheck | None = None
        self._row = 1  # the number of that line
        self._suspects = RowRanges()

    def start(self, content: bytes) -> None:
        """Judge the start, at least `SAMPLE` bytes where there are as many."""
        findings, self._match = _judge_start(self._object, content, compressed=self._compressed)
        for one in findings:
            if one.severity is Severity.ERROR:
                raise damaged(one.kind, self._object.key)
        self.findings += findings
        if self._match is not None:
            self._ascii = expects_ascii(self._object)
            self._check = _row_check(self._object, self._match) if self._compressed else None
            self.next(content[len(_first_line(content)) :])

    def next(self, content: bytes) -> None:
        """Look at the next piece; what is wrong is told at the end."""
        if self._match is None:
            return
        self._odd = self._odd or (self._ascii and not content.isascii())
        if self._check is not None:
            self._check_rows(self._check, content)
            return
        line_end = content.rfind(b"\n")
        unended = self._last + content if line_end < 0 else content[line_end + 1 :]
        self._last = unended[:SAMPLE]  # bounded, whatever the length of a line

    def end(self) -> None:
        """Tell what was wrong with the rows."""
        if self._odd:
            raise damaged("damaged-bytes", self._object.key)
        if self._match and not self._compressed and _last_row_cut(self._object, self._match, self._last):
            raise damaged("truncated", self._object.key)
        if self._check is not None and self._last:
            self._check_rows(self._check, b"\n")
        if self._suspects.count:
            self.findings.append(_suspects(self._object, self._suspects))

    def _check_rows(self, check: RowCheck, content: bytes) -> None:
        """Check the rows that end in a piece."""
        rows = self._last + content
        end = rows.rfind(b"\n") + 1
        self._last = rows[end : end + SAMPLE]
        if end:
            self._suspects.add(row + self._row for row in check.suspects(rows[:end]))
            self._row += rows.count(b"\n", 0, end)


def _judge_start(obj: BeiweObject, content: bytes, *, compressed: bool) -> tuple[list[Finding], HeaderMatch | None]:
    """Judge by the first bytes; returns the header's match where rows can be judged as well.

    Content that was zstd proves the key right: noise does not start with its magic number. Without it, the proof is a
    header of the stream, text, or the first bytes of a media file.
    """
    findings: list[Finding] = []
    match: HeaderMatch | None = None
    if compressed and not obj.compression:
        findings.append(finding("zstd-without-suffix", obj.key))
    if has_headers(obj):
        line = _first_line(content)
        match = match_header(STREAMS[obj.stream], line, obj.source or "raw")
        if match is None and content:
            findings.append(_headless(obj, content, line, proven=compressed))
    elif not obj.is_data:
        findings.append(finding("nothing-known", obj.key))
    elif not compressed and not _recognised(obj, content):
        raise damaged("undecryptable", obj.key)
    if obj.compression and not compressed:
        if match is None and has_headers(obj):
            raise damaged("undecryptable", obj.key)
        findings.append(finding("suffix-without-zstd", obj.key))
    return findings, match


def _headless(obj: BeiweObject, content: bytes, line: bytes, *, proven: bool) -> Finding:
    """Judge a CSV whose first line is no header of its stream; `proven` says that the key is right for sure."""
    if line == content and _begins_a_header(obj, line):
        return finding("truncated", obj.key, where="byte 0")
    # The cipher recovers by itself: each byte depends on the 16 before it. Damage at the start (a lost IV, a wrong
    # first byte) leaves noise there and text behind; under a wrong key all of it is noise.
    tail = content[min(_START, len(content) // 2) : SAMPLE]
    words = _LEAST_WORDS <= len(content) < _START and _is_text(content)
    good = words or (len(tail) >= _LEAST_TEXT and _is_text(tail))
    if not (proven or good):
        raise damaged("undecryptable", obj.key)
    after = content.find(b"\n", _START, SAMPLE)
    noise = _has_noise(content[: after + 1] or content[:SAMPLE])
    if good and noise:
        return finding("damaged-start", obj.key, where="byte 0")
    if not noise and _rows_fit(obj, content):
        return finding("wrong-header", obj.key, where="byte 0")
    raise damaged("wrong-header", obj.key)


def _recognised(obj: BeiweObject, content: bytes) -> bool:
    """Whether bytes without a header to check can be what the name says, so that the key is right."""
    if obj.extension in ("csv", "json", "txt"):
        return _is_text(content[:SAMPLE])
    return _MEDIA.match(content[:_START]) is not None or (len(content) >= _START and _is_text(content[:SAMPLE]))


def _judge_rows(
    obj: BeiweObject, match: HeaderMatch, content: bytes, *, compressed: bool, suspects: bool
) -> list[Finding]:
    """Judge the rows under a known header."""
    body = len(_first_line(content))
    if not content[body : body + SAMPLE].strip() and not content[body:].strip():
        return [finding("header-only", obj.key)]
    findings: list[Finding] = []
    if not content.isascii() and expects_ascii(obj):
        rows = _damaged_rows(content, body)
        if rows:
            findings.append(finding("damaged-bytes", obj.key, rows=rows))
    # zstd would have said that its content is cut
    if not compressed and _last_row_cut(obj, match, *_last_lines(content, body)):
        findings.append(finding("truncated", obj.key, rows=[content.count(b"\n")]))
    if suspects and compressed and not findings and (check := _row_check(obj, match)) is not None:
        found = check.suspects(content, body)
        if found:
            ranges = RowRanges()
            ranges.add(row + 1 for row in found)
            findings.append(_suspects(obj, ranges))
    return findings


def _row_check(obj: BeiweObject, match: HeaderMatch) -> RowCheck | None:
    """Return the check of decompressed rows; None where rows are not all of one form."""
    hours = match.source == obj.source == "chunked" and obj.time_ms is not None and obj.time_ms % HOUR_MS == 0
    if not hours or not expects_ascii(obj):
        return None
    from bondstore.domains.beiwe.row_check import RowCheck

    return RowCheck(obj.time_ms or 0, len(match.names) - 1)


def _suspects(obj: BeiweObject, rows: RowRanges) -> Finding:
    return finding("suspect-rows", obj.key, where=rows.text(), count=rows.count)


def _is_text(sample: bytes) -> bool:
    """Whether bytes are mostly text in UTF-8; of noise more than half is no text, of text nearly nothing."""
    text = sample.decode("utf-8", "replace")
    return 5 * len(_NOISE.findall(text)) <= len(text)


def _has_noise(sample: bytes) -> bool:
    """Whether any byte can be no part of UTF-8 text."""
    return _NOISE.search(sample.decode("utf-8", "replace")) is not None


def _first_line(plain: bytes) -> bytes:
    """Return the first line of the sample, with its line end."""
    return plain[: plain.find(b"\n", 0, SAMPLE) + 1] or plain[:SAMPLE]


def _last_lines(content: bytes, body: int) -> tuple[bytes, bytes]:
    """Return the last line, and the row before it."""
    end = content.rfind(b"\n")
    start = max(content.rfind(b"\n", 0, max(end, 0)) + 1, body)
    return content[end + 1 :], content[start:end]


def has_headers(obj: BeiweObject) -> bool:
    """Whether the object is a CSV of a stream whose headers are known."""
    stream = STREAMS.get(obj.stream)
    return obj.extension == "csv" and stream is not None and bool(stream.variants)


def _begins_a_header(obj: BeiweObject, line: bytes) -> bool:
    """Whether a line is the start of a header of the object's stream: the object was cut inside it."""
    return len(line) >= 8 and any(",".join(names).encode().startswith(line) for names in _headers(STREAMS[obj.stream]))


def _rows_fit(obj: BeiweObject, plain: bytes) -> bool:
    """Whether lines below the first have as many fields as a header of the object's stream."""
    widths = {len(names) for names in _headers(STREAMS[obj.stream])}
    lines = plain[:SAMPLE].split(b"\n")[1:4]
    return any(line.count(b",") + 1 in widths and line[:1].isdigit() for line in lines)


def _headers(stream: Stream) -> Iterator[tuple[str, ...]]:
    for variant in stream.variants:
        yield variant.chunked
        yield variant.raw


def expects_ascii(obj: BeiweObject) -> bool:
    """Whether all rows of the object's stream are ASCII: numbers, hashes and fixed words."""
    stream = STREAMS[obj.stream]
    return stream.kind == "table" and not stream.ragged and stream.name != "identifiers"


def _damaged_rows(plain: bytes, body: int) -> list[int]:
    """Rows (the first is 1) with bytes outside ASCII; `body` is where the first row starts."""
    rows: list[int] = []
    row, at = 1, body
    for found in _NOT_ASCII.finditer(plain, body):
        row += plain.count(b"\n", at, found.start())
        at = found.start()
        if not rows or rows[-1] != row:
            rows.append(row)
    return rows


def _last_row_cut(obj: BeiweObject, match: HeaderMatch, last_line: bytes, before: bytes = b"") -> bool:
    """Whether the last line, which no line end follows, has fewer fields than the header.

    Streams whose rows are legitimately of unequal length are never cut, nor is the last row of raw wifi, which the app
    itself may leave unfinished. Where the line `before` has as few fields, the hour holds rows of another platform's
    form.
    """
    stream = STREAMS[obj.stream]
    if before and before.count(b",") == last_line.count(b","):
        return False
    unequal = stream.ragged or stream.kind != "table" or (stream.name == "wifi" and match.source == "raw")
    return not unequal and 0 < last_line.count(b",") + 1 < len(match.names) and bool(last_line)
