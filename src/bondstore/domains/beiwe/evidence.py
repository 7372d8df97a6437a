"""What plain bytes look like: text or noise, a known header, a media file. There is no check sum to ask instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.streams import STREAMS, match_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.streams import HeaderMatch, Stream

SAMPLE = 4096
"""Bytes at the start that are looked at."""
START = 64
"""Damage before this byte is damage at the start: a damaged IV spoils the first 16 bytes, a damaged byte 17."""

_LEAST_TEXT = 32  # characters from which text and noise are told apart for sure
_NOISE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_MEDIA = re.compile(
    rb"....(?:ftyp|moov|mdat|wide|free|skip)"  # MPEG-4, QuickTime
    rb"|RIFF....WAVE|caff|\xff\xd8\xff|\xff[\xf1\xf9]|ID3|#!AMR",
    re.DOTALL,
)


def is_text(sample: bytes) -> bool:
    """Whether bytes are mostly text in UTF-8; of noise more than half is no text, of text nearly nothing."""
    text = sample.decode("utf-8", "replace")
    return 5 * len(_NOISE.findall(text)) <= len(text)


def has_noise(sample: bytes) -> bool:
    """Whether any byte can be no part of UTF-8 text."""
    return _NOISE.search(sample.decode("utf-8", "replace")) is not None


def is_media(start: bytes) -> bool:
    """Whether bytes start as an MPEG-4, WAVE, CAF, AAC, MP3, AMR or JPEG file does."""
    return _MEDIA.match(start) is not None


def first_line(plain: bytes) -> bytes:
    """Return the first line of the sample, with its line end."""
    return plain[: plain.find(b"\n", 0, SAMPLE) + 1] or plain[:SAMPLE]


def known_header(obj: BeiweObject, line: bytes) -> HeaderMatch | None:
    """Return the header of the object's stream that `line` is, or None."""
    stream = STREAMS.get(obj.stream)
    return None if stream is None else match_header(stream, line, obj.source or "raw")


def has_headers(obj: BeiweObject) -> bool:
    """Whether the object is a CSV of a stream whose headers are known."""
    stream = STREAMS.get(obj.stream)
    return obj.extension == "csv" and stream is not None and bool(stream.variants)


def good_after_start(plain: bytes) -> bool:
    """Whether the bytes past a possibly damaged start are text, and enough of them to be sure."""
    tail = plain[min(START, len(plain) // 2) : SAMPLE]
    return len(tail) >= _LEAST_TEXT and is_text(tail)


def begins_a_header(obj: BeiweObject, line: bytes) -> bool:
    """Whether a line is the start of a header of the object's stream: the object was cut inside it."""
    return len(line) >= 8 and any(",".join(names).encode().startswith(line) for names in _headers(STREAMS[obj.stream]))


def rows_fit(obj: BeiweObject, plain: bytes) -> bool:
    """Whether lines below the first have as many fields as a header of the object's stream."""
    widths = {len(names) for names in _headers(STREAMS[obj.stream])}
    lines = plain[:SAMPLE].split(b"\n")[1:4]
    return any(line.count(b",") + 1 in widths and line[:1].isdigit() for line in lines)


def expects_ascii(obj: BeiweObject) -> bool:
    """Whether all rows of the object's stream are ASCII: numbers, hashes and fixed words."""
    stream = STREAMS[obj.stream]
    return stream.kind == "table" and not stream.ragged and stream.name != "identifiers"


def damaged_rows(plain: bytes, body: int) -> list[int]:
    """Rows (the first is 1) with bytes outside ASCII; `body` is where the first row starts."""
    rows: list[int] = []
    row, at = 1, body
    for found in _NOT_ASCII.finditer(plain, body):
        row += plain.count(b"\n", at, found.start())
        at = found.start()
        if not rows or rows[-1] != row:
            rows.append(row)
    return rows


def last_row_cut(obj: BeiweObject, match: HeaderMatch, last_line: bytes, before: bytes = b"") -> bool:
    """Whether the last line, which no line end follows, has fewer fields than the header.

    Streams whose rows are legitimately of unequal length are never cut, nor is the last row of raw wifi,
    which the app itself may leave unfinished. Where the line `before` has as few fields, the hour holds rows of another
    platform's form.
    """
    stream = STREAMS[obj.stream]
    if before and before.count(b",") == last_line.count(b","):
        return False
    unequal = stream.ragged or stream.kind != "table" or (stream.name == "wifi" and match.source == "raw")
    return not unequal and 0 < last_line.count(b",") + 1 < len(match.names) and bool(last_line)


def _headers(stream: Stream) -> Iterator[tuple[str, ...]]:
    for variant in stream.variants:
        yield variant.chunked
        yield variant.raw
