"""The index of a release for programs: CSV, Parquet and a STAC 1.1.0 ItemCollection; paths from the store's root."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_DEGREES = ("west", "south", "east", "north")
_FORMULA = ("=", "+", "-", "@")
_STAC = "1.1.0"
_MEDIA = {"nc": "application/x-netcdf", "parquet": "application/vnd.apache.parquet", "csv": "text/csv"}


def as_csv(manifest: Manifest) -> bytes:
    """Return the index as CSV (RFC 4180, UTF-8, times as ISO 8601 in UTC).

    A spreadsheet takes a text for a formula when it starts with ``=``, ``+``, ``-`` or ``@``: such a text gets an
    apostrophe before it. Numbers, paths and hashes never need one. The exact texts are in the manifest and in Parquet.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for entry in manifest.entries:
        writer.writerow({name: _safe(value) for name, value in _row(entry).items()})
    return out.getvalue().encode()


def as_parquet(manifest: Manifest) -> bytes:
    """Return the index as Parquet: times as timestamps in UTC, numbers as numbers."""
    import polars as pl

    numbers: dict[str, Any] = {"size": pl.Int64} | dict.fromkeys(_DEGREES, pl.Float64)
    schema = {name: numbers.get(name, pl.String) for name in COLUMNS}
    rows = [_row(entry) for entry in manifest.entries]
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("first", "last").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False)
    )
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd")
    return out.getvalue()


def as_stac(manifest: Manifest, up: str = "") -> bytes:
    """Return the items; links in them go `up` to the store's root. STAC demands a time: a file without has no item."""
    return _collection([_item(entry, manifest, up) for entry in manifest.entries if entry.first and entry.last])


def no_items() -> bytes:
    """Return a collection without items: what replaces one that no longer holds."""
    return _collection([])


def _row(entry: Entry) -> dict[str, Any]:
    given = {name: getattr(entry, name) for name in COLUMNS if hasattr(entry, name)}
    return given | {
        **dict(zip(_DEGREES, entry.bounds or (None,) * 4, strict=True)),
        "suite": entry.settings.get("suite", ""),
        "source_key": entry.source["key"],
        "source_version": entry.source["version"],
        "plots": " ".join(plot.path for plot in entry.plots),
    }


def _safe(value: Any) -> Any:
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


def _collection(items: Sequence[dict[str, Any]]) -> bytes:
    content = {"type": "FeatureCollection", "stac_version": _STAC, "features": items, "links": []}
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def _item(entry: Entry, manifest: Manifest, up: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "datetime": entry.first if entry.first == entry.last else None,
        "start_datetime": entry.first,
        "end_datetime": entry.last,
        "title": entry.title or entry.file,
    }
    if entry.platform:
        properties["platform"] = entry.platform
    if manifest.about.licence:
        properties["license"] = manifest.about.licence
    data: dict[str, Any] = {"href": up + quote(entry.path), "roles": ["data"], "title": entry.file}
    if media := _MEDIA.get(entry.file.rpartition(".")[2]):
        data["type"] = media
    assets = {"data": data}
    for number, plot in enumerate(entry.plots, 1):
        assets[f"plot-{number}"] = {"href": up + quote(plot.path), "roles": ["overview"], "type": plot.type}
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": _STAC,
        # two files may hold the same bytes: the name is part of what makes an item one
        "id": f"{entry.sha256[:16]}-{entry.file.replace('/', '-')}",
        "geometry": None,
        "properties": properties,
        "assets": assets,
        "links": [],
    }
    if entry.bounds is not None:
        west, south, east, north = entry.bounds
        west, east = (one - 360 if one > 180 else one for one in (west, east))
        item |= {"bbox": [west, south, east, north], "geometry": _outline(west, south, east, north)}
    return item


def _outline(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """Return the outline; one across the date line in two halves (RFC 7946, 3.1.9)."""
    if (west, south) == (east, north):
        return {"type": "Point", "coordinates": [west, south]}
    if west <= east:
        return {"type": "Polygon", "coordinates": _ring(west, south, east, north)}
    halves = [_ring(west, south, 180.0, north), _ring(-180.0, south, east, north)]
    return {"type": "MultiPolygon", "coordinates": halves}


def _ring(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]
