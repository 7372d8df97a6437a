"""What a consolidated table is written to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl


class Sink(Protocol):
    """A file that takes frames one after the other."""

    def write(self, frame: pl.DataFrame) -> None:
        """Append a frame; its size decides the layout of the file (one row group)."""

    def close(self) -> None:
        """Finish the file."""


class Format(Protocol):
    """A file format that a table can be written to and, for merging, read back from."""

    suffix: str

    def open(self, path: Path, schema: pl.Schema) -> Sink:
        """Start a file at `path`."""

    def read(self, path: Path, schema: pl.Schema, rows: int) -> Iterator[pl.DataFrame]:
        """Read a file of this format back in frames of about `rows` rows, exactly as written."""
