"""Profiles with their flags as Parquet, one row a level, in folders by year and month."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from bondstore.domains.ocean.output.attributes import clean
from bondstore.domains.ocean.output.extents import wrapped
from bondstore.domains.ocean.output.netcdf_content import per_test_name, thresholds
from bondstore.domains.ocean.output.variables import source_name
from bondstore.domains.ocean.profiles import NONE, RAW, Batch
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.suite import VARIABLES
from bondstore.errors import UsageError
from bondstore.tables.parquet import arrow_schema

_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0
_MEASURED = ("LATITUDE", "LONGITUDE", "PRES", "TEMP", "PSAL")
_ADJUSTED = ("PRES", "TEMP", "PSAL")
_ROW_GROUP = 1 << 17


def month_table(tested: Iterable[tuple[Batch, Result]]) -> bytes:
    """Return one Parquet file of several batches, a row group or more for each; only one batch is held at a time."""
    return _file(_rows(table(batch, result), _said(result)) for batch, result in tested)


def table(batch: Batch, result: Result) -> pl.DataFrame:
    """Return one row for each level of a batch; missing values are null, and so is a time that no calendar has.

    ``profile``, ``source`` (the object's key), ``platform``, ``level`` (from 0), ``TIME`` (UTC), ``LATITUDE``,
    ``LONGITUDE`` (-180 to 180), ``PRES`` (dbar), ``TEMP`` (degree_Celsius), ``PSAL`` (1); then
    ``<VAR>_quality_control`` and ``<VAR>_qc_<test>`` in the numbers of the suite's scale; last what came with the data:
    ``<VAR>_source_quality_control``, ``<VAR>_raw`` with its flags, ``<VAR>_adjusted_error`` and ``data_mode``, null
    where the source has none. Columns depend on the suite alone.
    """
    number = np.arange(batch.levels)
    columns: dict[str, pl.Series] = {
        "profile": _words(batch, [clean(one.name) for one in batch.profiles]),
        "source": _words(batch, [clean(one.key) for one in batch.profiles]),
        "platform": _words(batch, [clean(one.platform) for one in batch.profiles]),
        "level": pl.Series((number - np.repeat(batch.starts, batch.sizes)).astype(np.int32)),
        "TIME": _times(batch.time),
    }
    for name in _MEASURED:
        values = batch.column(name)
        values = np.full(batch.levels, np.nan) if values is None else values
        columns[name] = pl.Series(wrapped(values) if name == "LONGITUDE" else values).fill_nan(None)
    scale = result.suite.scale
    absent = np.full(batch.levels, Flag.MISSING, np.int8)
    flags: dict[str, Flags] = {f"{name}_quality_control": result.rolled.get(name, absent) for name in VARIABLES} | {
        per_test_name(step): result.flags.get((step.label, step.on), absent) for step in result.suite.steps
    }
    written = {name: pl.Series(scale.write(said)) for name, said in flags.items()}
    return pl.DataFrame(columns | written | _came(batch))


def _came(batch: Batch) -> dict[str, pl.Series]:
    """Return what came with the data; the same columns for all sources, as the rows of a month are of many."""
    none, nan = np.full(batch.levels, NONE, np.int8), np.full(batch.levels, np.nan)
    numbers = {one: batch.source.get(one, none) for one in (*VARIABLES, *(name + RAW for name in _ADJUSTED))}
    values = {one: batch.carried.get(one, nan) for name in _ADJUSTED for one in (name + RAW, f"{name}_adjusted_error")}
    modes = [clean(one.known.get("data_mode", "")) for one in batch.profiles]
    return {
        **{source_name(name): pl.Series(said).replace(NONE, None) for name, said in numbers.items()},
        **{name: pl.Series(column).fill_nan(None) for name, column in values.items()},
        "data_mode": _words(batch, modes).replace("", None),
    }


def _words(batch: Batch, texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String).gather(pl.Series(batch.owner))


def _times(seconds: NDArray[np.float64]) -> pl.Series:
    written = np.where((seconds >= _FIRST) & (seconds <= _LAST), seconds, np.nan)
    micros = pl.Series(np.round(written * 1e6)).fill_nan(None).cast(pl.Int64)
    return micros.cast(pl.Datetime("us", "UTC"))


def _said(result: Result) -> dict[str, str]:
    """Return what the numbers mean, for the file's own metadata."""
    suite = result.suite
    meanings = " ".join(f"{number}={word}" for number, word in suite.scale.meanings.items())
    return {
        "quality_control_suite": clean(suite.name),
        "quality_control_digest": suite.digest,
        "quality_control_convention": suite.scale.convention,
        "flag_meanings": meanings,
        **{per_test_name(one): f"{one.test.name}; {thresholds(one)}" for one in suite.steps},
    }


def _rows(frame: pl.DataFrame, said: dict[str, str]) -> pa.Table:
    schema = arrow_schema(frame.schema).with_metadata(said)
    rows: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
    return rows.combine_chunks()


def _file(parts: Iterable[pa.Table]) -> bytes:
    held = io.BytesIO()
    writer: parquet.ParquetWriter | None = None
    for rows in parts:
        if writer is None:
            writer = parquet.ParquetWriter(held, rows.schema, compression="zstd", compression_level=1)
        writer.write_table(rows, row_group_size=_ROW_GROUP)
    if writer is None:
        raise UsageError("A table needs at least one batch of profiles.")
    writer.close()
    return held.getvalue()
