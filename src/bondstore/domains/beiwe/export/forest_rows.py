"""The rows of an hour as forest reads them: repaired as tables are, in a CSV that any reader of CSV takes apart.

Rows are texts in the canonical layout of `parse_repair`: the timestamp, then all columns of the stream.
"""

from __future__ import annotations

import csv
import io
from itertools import compress
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.reading.parse_repair import LINE_BREAK, SEPARATOR, repair_rows, utc_text
from bondstore.domains.beiwe.streams import ANSWER_TEXT, TIMESTAMP, UTC_TIME, match_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bondstore.domains.beiwe.streams import Stream, Variant

SURVEY_ID = "survey id"


def time_of(row: str) -> int:
    """Return a row's timestamp."""
    return int(row[: row.index(SEPARATOR)])


def by_survey(stream: Stream, rows: Iterable[str]) -> dict[str, list[str]]:
    """Part rows of survey timings by their survey id."""
    place = 1 + [column.name for column in stream.table].index(SURVEY_ID)
    parts: dict[str, list[str]] = {}
    for row in rows:
        parts.setdefault(row.split(SEPARATOR, place + 1)[place], []).append(row)
    return parts


def rows_of_lines(stream: Stream, header: bytes, lines: Iterable[bytes], latest_ms: int) -> list[str]:
    """Return rows in the chunked form as canonical ones; those that no rule repairs were left out before."""
    match = match_header(stream, header, "chunked")
    variant = match.variant if match else stream.variants[0]
    return repair_rows(stream, variant, enumerate(lines, 1), None, latest_ms).rows


def rows_of_file(stream: Stream, content: bytes) -> list[str]:
    """Read back a file that `file_of` wrote, or one that was written as it came as nothing was wrong with it."""
    lines: Iterator[list[str]] = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    if stream.spaced:  # what came as it was may have spaces that canonical rows have not
        lines = ([value.strip() for value in line] for line in lines)
    names = next(lines)
    places = [names.index(column.name) if column.name in names else -1 for column in stream.table]
    rows = (SEPARATOR.join([row[0], *(row[place] if place >= 0 else "" for place in places)]) for row in lines if row)
    return [row.replace("\n", LINE_BREAK) for row in rows]


def file_of(stream: Stream, variant: Variant | None, rows: Sequence[str]) -> bytes:
    """Write rows under the header of a variant, or of one with more columns where rows have values in them.

    As the server's, the last row has no line end.
    """
    return csv_of(stream, variant, rows, rows).removesuffix(b"\n")


def csv_of(stream: Stream, variant: Variant | None, shown: Iterable[str] | None, rows: Iterable[str]) -> bytes:
    """Write rows under a header that has room for those `shown`; where nothing is said, for all that there can be."""
    wanted = [True] * len(stream.table) if shown is None else _columns(stream, variant, shown)
    names = [column.name for column, is_wanted in zip(stream.table, wanted, strict=True) if is_wanted]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if stream.name == "survey_answers":  # time and survey are in the file's path
        own = [name for name in names[1:] if name != ANSWER_TEXT]
        writer.writerow(own)
        writer.writerows(row.replace(LINE_BREAK, "\n").split(SEPARATOR)[2 : 2 + len(own)] for row in rows)
    else:
        writer.writerow([TIMESTAMP, UTC_TIME, *names])
        split = (row.split(SEPARATOR) for row in rows)
        writer.writerows([row[0], utc_text(int(row[0])), *compress(row[1:], wanted)] for row in split)
    return text.getvalue().encode()


def _columns(stream: Stream, variant: Variant | None, rows: Iterable[str]) -> list[bool]:
    """Say which columns of the stream a file has: those of the first variant, from the given one on, that is enough."""
    names = [column.name for column in stream.table]
    if len(stream.variants) == 1:
        return [True] * len(names)
    used = [False] * len(names)
    for row in rows:
        used = [one or bool(value) for one, value in zip(used, row.split(SEPARATOR)[1:], strict=True)]
    needed = set(compress(names, used))
    fitting = [form for form in (*([variant] if variant else []), *stream.variants) if needed <= set(form.names)]
    chosen = set(fitting[0].names) if fitting else set(names)
    return [name in chosen for name in names]
