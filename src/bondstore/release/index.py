"""The index of a release as CSV and Parquet: one row a file, paths relative to the root of the public store."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bondstore.release.manifest import Entry, Manifest

COLUMNS = (
    "file",
    "path",
    "sha256",
    "size",
    "grade",
    "title",
    "platform",
    "first",
    "last",
    "west",
    "south",
    "east",
    "north",
    "suite",
    "source_key",
    "source_version",
    "plots",
)
_NUMBERS = {"size": "int", "west": "float", "south": "float", "east": "float", "north": "float"}
_FORMULA = ("=", "+", "-", "@")


def rows(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the index's rows; None where nothing is known."""
    return [_row(entry) for entry in manifest.entries]


def as_csv(manifest: Manifest) -> bytes:
    """Return the index as CSV (RFC 4180, UTF-8, times as ISO 8601 in UTC).

    A spreadsheet takes a text for a formula when it starts with ``=``, ``+``, ``-`` or ``@``: such a text gets an
    apostrophe before it. Numbers, paths and hashes never need one. The exact texts are in the manifest and in Parquet.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in rows(manifest):
        writer.writerow({name: _safe(value) for name, value in row.items()})
    return out.getvalue().encode()


def as_parquet(manifest: Manifest) -> bytes:
    """Return the index as Parquet: times as timestamps in UTC, numbers as numbers."""
    import polars as pl

    times = ("first", "last")
    kinds: dict[str, Any] = {"int": pl.Int64, "float": pl.Float64}
    given = {name: kinds[_NUMBERS[name]] if name in _NUMBERS else pl.String for name in COLUMNS}
    frame = pl.DataFrame(rows(manifest), schema=given, orient="row").with_columns(
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False)
        for name in times
    )
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd")
    return out.getvalue()


def _row(entry: Entry) -> dict[str, Any]:
    west, south, east, north = entry.bounds or (None, None, None, None)
    return {
        "file": entry.file,
        "path": entry.path,
        "sha256": entry.sha256,
        "size": entry.size,
        "grade": entry.grade,
        "title": entry.title,
        "platform": entry.platform,
        "first": entry.first,
        "last": entry.last,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "suite": entry.settings.get("suite", ""),
        "source_key": entry.source["key"],
        "source_version": entry.source["version"],
        "plots": " ".join(plot.path for plot in entry.plots),
    }


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
