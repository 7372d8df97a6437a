"""Parquet files whose bytes depend on the rows alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
from pyarrow import parquet


class ParquetFormat:
    """Parquet with zstd; each frame written becomes one row group."""

    suffix = ".parquet"

    def __init__(self, level: int = 1) -> None:
        self._level = level

    def open(self, path: Path, schema: pl.Schema) -> ParquetSink:
        """Start a file at `path`."""
        return ParquetSink(path, schema, self._level)

    def read(self, path: Path, schema: pl.Schema, rows: int) -> Iterator[pl.DataFrame]:
        """Read a file back, `rows` rows at a time."""
        with parquet.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=rows, use_threads=False):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame.cast(schema)


class ParquetSink:
    """One Parquet file being written."""

    def __init__(self, path: Path | BinaryIO, schema: pl.Schema, level: int = 1) -> None:
        self._schema = arrow_schema(schema)
        words: Any = [name for name, kind in schema.items() if kind == pl.String]
        # Times and counters pack best as differences; random floats gain nothing from a dictionary.
        packed = {
            name: "DELTA_BINARY_PACKED" for name, kind in schema.items() if kind.is_integer() or kind.is_temporal()
        }
        self._writer = parquet.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=level,
            use_dictionary=words,
            column_encoding=packed,
        )

    def write(self, frame: pl.DataFrame) -> None:
        """Write one row group."""
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self._schema)
        self._writer.write_table(table.combine_chunks(), row_group_size=max(frame.height, 1))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def arrow_schema(schema: pl.Schema) -> pa.Schema:
    """Return the Arrow schema of a file: plain strings and UTC times, which every reader knows."""
    fields = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    return pa.schema(
        [pa.field(one.name, pa.string() if pa.types.is_large_string(one.type) else one.type) for one in fields]
    )
