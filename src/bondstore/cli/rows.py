"""Rows of typed tables to stdout: as a table for people, or in a format for programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from bondstore.cli import output
from bondstore.errors import UsageError
from bondstore.text import counted, number_text

if TYPE_CHECKING:
    import polars as pl

    from bondstore.tables.sinks import Sink

FORMS = ("table", "csv", "json", "parquet")


class RowWriter(Protocol):
    """Takes frames of one table, in order."""

    def write(self, frame: pl.DataFrame) -> None:
        """Take some rows."""

    def close(self) -> None:
        """Write what is left."""


def writer_of(form: str, rows: int) -> RowWriter:
    """Return the writer of a form."""
    if form == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet does not belong on a terminal.", hint="Send it to a file: … > FILE.parquet")
    if form == "table":
        return _Table(rows)
    kinds: dict[str, type[RowWriter]] = {"csv": _Csv, "json": _Json, "parquet": _Parquet}
    if form in kinds:
        return kinds[form]()
    raise UsageError(f"The format {form!r} is unknown.", hint=f"Choose one of: {', '.join(FORMS)}, original.")


class _Table:
    """The first rows, and how many there are."""

    def __init__(self, rows: int) -> None:
        self._rows, self._count = rows, 0
        self._first: list[pl.DataFrame] = []

    def write(self, frame: pl.DataFrame) -> None:
        if self._count < self._rows or not self._first:
            self._first.append(frame[: self._rows - min(self._count, self._rows)])
        self._count += frame.height

    def close(self) -> None:
        import polars as pl

        if not self._first:
            return
        shown = pl.concat(self._first)
        columns = [output.Column(name, name, right=kind.is_numeric()) for name, kind in shown.schema.items()]
        output.display(
            shown.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M:%S%.3f")).iter_rows(named=True), columns
        )
        if self._count > shown.height:
            output.note(f"{number_text(self._count)} rows, the first {number_text(shown.height)} shown.")
        else:
            output.note(f"{counted(self._count, 'row')}.")


class _Csv:
    """The text of one CSV file, as the export writes it."""

    def __init__(self) -> None:
        self._began = False

    def write(self, frame: pl.DataFrame) -> None:
        from bondstore.tables.csvsink import TIME_FORMAT

        # Through Python's own stream: a reader that has gone, as `head` does, is then told from a failing disk.
        text = frame.write_csv(include_header=not self._began, datetime_format=TIME_FORMAT)
        sys.stdout.buffer.write(text.encode())
        self._began = True

    def close(self) -> None:
        """Nothing is left."""


class _Parquet:
    """The bytes of one Parquet file."""

    def __init__(self) -> None:
        self._sink: Sink | None = None

    def write(self, frame: pl.DataFrame) -> None:
        from bondstore.tables.parquet import ParquetSink

        if self._sink is None:
            self._sink = ParquetSink(sys.stdout.buffer, frame.schema)
        if frame.height:
            self._sink.write(frame)

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()


class _Json:
    """JSON Lines, a row each."""

    def write(self, frame: pl.DataFrame) -> None:
        sys.stdout.buffer.write(frame.write_ndjson().encode())

    def close(self) -> None:
        """Nothing is left."""
