"""A release as a STAC 1.1.0 ItemCollection, one Item a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from bondstore.release.manifest import Entry, Manifest

_VERSION = "1.1.0"
_MEDIA = {".nc": "application/x-netcdf", ".parquet": "application/vnd.apache.parquet", ".csv": "text/csv"}


def as_stac(manifest: Manifest, up: str = "") -> bytes:
    """Return the collection of items.

    Parameters
    ----------
    manifest : Manifest
        The release. A file without a time has no Item: STAC demands one.
    up : str
        The way from where it lies to the root of the store: ``""`` or ``"../../"``.
    """
    items = [_item(entry, manifest, up) for entry in manifest.entries if entry.first and entry.last]
    content = {"type": "FeatureCollection", "stac_version": _VERSION, "features": items, "links": []}
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def nothing() -> bytes:
    """Return a collection without items: what replaces one that no longer holds."""
    content = {"type": "FeatureCollection", "stac_version": _VERSION, "features": [], "links": []}
    return json.dumps(content, sort_keys=True, indent=1).encode() + b"\n"


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
    assets: dict[str, Any] = {
        "data": {"href": _href(up, entry.path), "roles": ["data"], "title": entry.file}
        | ({"type": media} if (media := _MEDIA.get("." + entry.file.rpartition(".")[2])) else {})
    }
    for number, plot in enumerate(entry.plots, 1):
        assets[f"plot-{number}"] = {"href": _href(up, plot.path), "roles": ["overview"], "type": plot.type}
    made: dict[str, Any] = {
        "type": "Feature",
        "stac_version": _VERSION,
        # two files may hold the same bytes: the name is part of what makes an item one
        "id": f"{entry.sha256[:16]}-{entry.file.replace('/', '-')}",
        "geometry": None,
        "properties": properties,
        "assets": assets,
        "links": [],
    }
    if entry.bounds is not None:
        west, south, east, north = (entry.bounds[0], entry.bounds[1], entry.bounds[2], entry.bounds[3])
        west, east = _signed(west), _signed(east)
        made |= {"bbox": [west, south, east, north], "geometry": _outline(west, south, east, north)}
    return made


def _href(up: str, path: str) -> str:
    return up + quote(path)


def _signed(longitude: float) -> float:
    return longitude - 360 if longitude > 180 else longitude


def _ring(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _outline(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """Return the outline; one across the date line in two halves (RFC 7946, 3.1.9)."""
    if (west, south) == (east, north):
        return {"type": "Point", "coordinates": [west, south]}
    if west <= east:
        return {"type": "Polygon", "coordinates": _ring(west, south, east, north)}
    halves = [_ring(west, south, 180.0, north), _ring(-180.0, south, east, north)]
    return {"type": "MultiPolygon", "coordinates": halves}
