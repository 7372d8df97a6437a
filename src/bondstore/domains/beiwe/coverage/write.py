"""A coverage as a file: a page, or a table of its days or gaps; whole or not at all, and for its owner's eyes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.coverage.page import page_of
from bondstore.errors import PolicyError, UsageError
from bondstore.modes import make_path
from bondstore.pages.render import stream
from bondstore.runs.destination import PRIVATE
from bondstore.runs.durable import OutputGroup
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl
    from typing_extensions import Buffer

    from bondstore.domains.beiwe.coverage.hours import Coverage
    from bondstore.stores import Store

ENDINGS = (".html", ".csv", ".parquet")
_TIME = "%Y-%m-%dT%H:%M:%S%:z"


def file_named(name: str, *, gaps: bool, replace: bool) -> Path:
    """Return the file; refuse one whose ending says no form, one that is there already, and a store's URL."""
    if "://" in name:
        raise UsageError("A coverage goes to a file of this machine, no store.", hint="Name a file, and upload it.")
    path = Path(name)
    endings = ENDINGS[1:] if gaps else ENDINGS
    if path.suffix.lower() not in endings:
        what = "table of gaps" if gaps else "coverage"
        raise UsageError(f"A {what} is no file {path.name}.", hint=f"Let it end in one of: {', '.join(endings)}.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file.")
    if os.path.lexists(path) and not replace:
        raise UsageError(f"{path} is there already.", hint="Name another file, or add --replace.")
    return path


def refuse_misplaced(path: Path, store: Store) -> None:
    """Refuse a file among the objects that are counted, or in a place's private corner."""
    folder, source = path.absolute().parent.resolve(), parse_address(store.url).folder
    if PRIVATE in folder.parts or (source is not None and folder.is_relative_to(source.resolve())):
        what = f"{PRIVATE}, where a destination keeps its record" if PRIVATE in folder.parts else "the study's store"
        raise PolicyError(f"{path} lies in {what}.", hint="Name a file somewhere else.")


def write_page(path: Path, coverage: Coverage, study: str, source: str, at_least: int) -> None:
    """Write the page."""
    _write(path, stream("bondstore.domains.beiwe/coverage.html", **page_of(coverage, study, source, at_least)))


def write_table(path: Path, frame: pl.DataFrame) -> None:
    """Write a table of days or gaps, as its ending says."""
    from bondstore.tables.parquet import ParquetSink

    text = io.BytesIO()
    if path.suffix.lower() == ".csv":
        frame.write_csv(text, datetime_format=_TIME)
    else:
        sink = ParquetSink(text, frame.schema)
        sink.write(frame)
        sink.close()
    _write(path, [text.getvalue()])


def _write(path: Path, chunks: Iterable[Buffer]) -> None:
    folder = path.absolute().parent.resolve()
    group = OutputGroup(folder, folder / f".{path.name}-{os.urandom(4).hex()}")
    try:
        with group.explaining():
            make_path(str(folder))
        group.write(path.name, chunks)
        group.commit()
    finally:
        group.discard()
