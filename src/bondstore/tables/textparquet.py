"""A consolidated CSV as Parquet, every value a text: the same rows, nothing guessed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import parquet

from bondstore.tables.quotedlines import allow_long_fields

ROWS = 1 << 16
"""Rows of a row group, at most."""
_CHARACTERS = 16 << 20


def csv_to_parquet(source: BinaryIO, out: Path | BinaryIO, *, level: int = 1) -> int:
    """Write the rows of a CSV as Parquet."""
    allow_long_fields()
    source.seek(0)
    text = io.TextIOWrapper(source, encoding="utf-8", newline="")
    try:
        rows = csv.reader(text, strict=True)
        names = next(rows)
        schema = pa.schema([pa.field(name, pa.string(), nullable=False) for name in names])
        written = 0
        with parquet.ParquetWriter(out, schema, compression="zstd", compression_level=level) as writer:
            for group in _groups(rows):
                columns = [pa.array(values, pa.string()) for values in zip(*group, strict=True)]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=len(group))
                written += len(group)
    finally:
        text.detach()
    return written


def _groups(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    group: list[list[str]] = []
    size = 0
    for row in rows:
        group.append(row)
        size += sum(map(len, row))
        if len(group) >= ROWS or size >= _CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group
