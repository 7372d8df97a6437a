"""One way out for data: the same records as text, or as JSON Lines. Data to stdout, everything else to stderr."""

from __future__ import annotations

import dataclasses
import itertools
import json as jsonlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import IO, Any

from bondstore.config.secrets import SecretRef
from bondstore.text import bytes_text, counts_text, iso_text, number_text, printable, time_text

Record = Mapping[str, Any]
SAMPLE = 200
"""Rows that are looked at to find the columns' widths; later rows may be wider, and are shown in full."""


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column of a text table: a record's field, its heading, and how it is shown."""

    name: str
    header: str | None = None
    right: bool = False
    show: Callable[[Any], str] | None = None

    @property
    def title(self) -> str:
        """The heading."""
        return self.name.replace("_", " ") if self.header is None else self.header

    def text(self, record: Record) -> str:
        """Return the cell of a record, safe to print."""
        value = record.get(self.name)
        if self.show and value is not None:
            return printable(self.show(value))
        return printable(value if type(value) is str else plain(value))


def number(name: str, header: str | None = None) -> Column:
    """Return a column of counts."""
    return Column(name, header, right=True, show=number_text)


def size(name: str) -> Column:
    """Return a column of bytes."""
    return Column(name, right=True, show=bytes_text)


def time(name: str) -> Column:
    """Return a column of times, in UTC to the second."""
    return Column(name, show=time_text)


def display(
    records: Iterable[Any], columns: Sequence[str | Column], *, json: bool = False, empty: str = "Nothing found."
) -> int:
    """Show many records, streamed, and return their number; JSON has all fields, not only the columns."""
    rows = (as_record(record) for record in records)
    if json:
        return sum(_line(to_json(row)) for row in rows)
    shown = _table(rows, [Column(c) if isinstance(c, str) else c for c in columns])
    if not shown:
        note(empty)
    return shown


def display_one(record: Any, *, json: bool = False, hide: Sequence[str] = ("kind",)) -> None:
    """Show one record: a line per field, or one JSON object."""
    fields = as_record(record)
    if json:
        _line(to_json(fields))
        return
    shown = {printable(key.replace("_", " ")): value for key, value in fields.items() if key not in hide}
    width = max((cells(key) for key in shown), default=0)
    for key, value in shown.items():
        _line(f"{_paint(pad(key, width), sys.stdout)}  {printable(plain(value))}".rstrip())


def note_left_out(left_out: Mapping[str, int]) -> None:
    """Say what was seen and is not shown."""
    if left_out:
        note(f"Not counted: {counts_text(dict(sorted(left_out.items())))}.")


def note(*lines: str) -> None:
    """Say something to the person, on stderr, in these lines and no more: a name in them may hold a line's end."""
    sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
    sys.stderr.flush()


def as_record(record: Any) -> Record:
    """Return the fields of a record, whatever form it has."""
    if isinstance(record, Mapping):
        return record
    if hasattr(record, "record"):
        fields: Record = record.record()
        return fields
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def to_json(record: Record) -> str:
    """Return one line of JSON, ASCII only, so that any terminal and pipe can carry it."""
    return jsonlib.dumps(record, default=_jsonable)


def plain(value: Any) -> str:
    """Return a value as text for people: times in UTC, nothing for ``None``, lists with commas."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(plain(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    return str(value)


def coloured(stream: IO[str]) -> bool:
    """Tell whether a stream takes colours: a terminal, and ``NO_COLOR`` not set."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def cells(text: str) -> int:
    """Return how many places a text takes on a terminal; most Asian signs take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text with blanks up to a width."""
    if text.isascii():
        return text.rjust(width) if right else text.ljust(width)
    blanks = " " * max(0, width - cells(text))
    return blanks + text if right else text + blanks


def _table(rows: Iterator[Record], columns: Sequence[Column]) -> int:
    first = [[column.text(row) for column in columns] for row in itertools.islice(rows, SAMPLE)]
    if not first:
        return 0
    titles = [column.title for column in columns]
    widths = [max(cells(row[i]) for row in [titles, *first]) for i in range(len(columns))]
    aligned = [column.right for column in columns]

    def layout(texts: Sequence[str]) -> str:
        parts = [pad(t, w, right=r) for t, w, r in zip(texts, widths, aligned, strict=True)]
        return "  ".join(parts).rstrip()

    _line(_paint(layout(titles), sys.stdout))
    shown = 0
    for row in itertools.chain(first, ([column.text(row) for column in columns] for row in rows)):
        shown += _line(layout(row))
    return shown


def _line(text: str) -> int:
    sys.stdout.write(text + "\n")
    return 1


def _paint(text: str, stream: IO[str]) -> str:
    return f"\x1b[1m{text}\x1b[0m" if coloured(stream) else text


def _jsonable(value: Any) -> Any:
    """Give JSON a form for what it does not know."""
    if isinstance(value, (date, datetime)):
        return iso_text(value, "auto") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, SecretRef):
        return str(value)
    if dataclasses.is_dataclass(value) or hasattr(value, "record"):
        return dict(as_record(value))
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
