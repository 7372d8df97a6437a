"""Streaming CSV with times as Beiwe writes them: ``2024-03-01T12:00:00.012``, UTC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
from pyarrow import csv

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.3f"
_BLOCK = 1 << 20


class CsvFormat:
    """CSV, UTF-8, a header line, LF; null is nothing, an empty string is ``""``."""

    suffix = ".csv"

    def open(self, path: Path, schema: pl.Schema) -> CsvSink:
        """Start a file at `path`."""
        return CsvSink(path, schema)

    def read(self, path: Path, schema: pl.Schema, rows: int) -> Iterator[pl.DataFrame]:
        """Read a file back in blocks; types come from the schema, so nothing is guessed."""
        plain = pa.schema([_readable(one) for one in pl.DataFrame(schema=schema).to_arrow().schema])
        options = csv.ConvertOptions(
            column_types=plain, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        reading = csv.ReadOptions(use_threads=False, block_size=_BLOCK)
        with csv.open_csv(path, read_options=reading, convert_options=options) as reader:
            for batch in reader:
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield from _typed(frame, schema).iter_slices(rows)


class CsvSink:
    """One CSV file being written."""

    def __init__(self, path: Path, schema: pl.Schema) -> None:
        self._file: BinaryIO = path.open("wb")
        pl.DataFrame(schema=schema).write_csv(self._file)

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows."""
        frame.write_csv(self._file, include_header=False, datetime_format=TIME_FORMAT)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _readable(one: pa.Field[Any]) -> pa.Field[Any]:
    """Read times without their zone: the text has none."""
    return pa.field(one.name, pa.timestamp("ms") if pa.types.is_timestamp(one.type) else one.type)


def _typed(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    zoned = [
        pl.col(name).dt.replace_time_zone(kind.time_zone)
        for name, kind in schema.items()
        if isinstance(kind, pl.Datetime)
    ]
    return frame.with_columns(zoned).cast(schema)
