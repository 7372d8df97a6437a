"""Make the two data files that say where land is: the mask for tests and the coast for maps. Run once, by hand.

    python tools/land_mask.py --globe globe_combined_mask_compressed.npz --land ne_10m_land.shp --lakes ne_10m_lakes.shp

Needs numpy, Pillow and shapely, and some 6 GB of memory for a minute. The sources are

- the mask inside the PyPI package global-land-mask 1.0.0 (MIT licence), made from NOAA's GLOBE 1 km elevation model
  (public domain): https://github.com/toddkarin/global-land-mask
- the 1:10m layers *land* and *lakes* of Natural Earth (public domain): https://www.naturalearthdata.com/

The same sources give the same bytes. Decision 011 says why it is made this way, and what a comparison found.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Image.MAX_IMAGE_PIXELS = None
FINE = 120
"""Pixels a degree of the sources' common grid."""
CELL = 6
"""Pixels a cell of the mask is wide and high: 0.05 degrees."""
TOLERANCE = 0.01
"""Degrees that the drawn coast may be off."""
LEAST_LAND, LEAST_LAKE = 5e-4, 0.05
"""Square degrees of the smallest island and lake that are drawn."""
UNIT = 100
"""Steps a degree of the drawn coast's coordinates."""
OCEAN = Path(__file__).resolve().parents[1] / "src" / "bondstore" / "domains" / "ocean"
Ring = NDArray[np.float64]
Raster = NDArray[np.bool_]


def rings(path: Path) -> Iterator[Ring]:
    """Yield the rings of a shapefile's polygons, shape (points, 2); holes turn anticlockwise."""
    data, at = path.read_bytes(), 100
    while at < len(data):
        size = 2 * struct.unpack_from(">i", data, at + 4)[0]
        body, at = at + 8, at + 8 + size
        if struct.unpack_from("<i", data, body)[0] != 5:
            continue
        parts, points = struct.unpack_from("<ii", data, body + 36)
        first = [*np.frombuffer(data, "<i4", parts, body + 44), points]
        pairs = np.frombuffer(data, "<f8", 2 * points, body + 44 + 4 * parts).reshape(-1, 2)
        for start, end in pairwise(first):
            yield pairs[start:end]


def area(ring: Ring) -> float:
    """Return a ring's area in square degrees; negative for one that turns clockwise, as outer rings do."""
    x, y = ring[:, 0], ring[:, 1]
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def paint(paths: list[tuple[Path, int]]) -> Raster:
    """Return the land of polygons on the fine grid; a pixel that a shore runs through is none."""
    image = Image.new("L", (360 * FINE, 180 * FINE), 0)
    draw = ImageDraw.Draw(image)
    shores = []
    for path, inside in paths:
        for ring in rings(path):
            pixels = (np.array([180.0, 90.0]) + ring * [1, -1]) * FINE - 0.5
            hole = area(ring) > 0
            draw.polygon([tuple(one) for one in pixels], fill=1 - inside if hole else inside)
            shores.append((ring, pixels))
    for ring, pixels in shores:
        seam = (np.abs(ring[:, 0]) > 179.99) | (ring[:, 1] < -89.9)
        for number in np.flatnonzero(~(seam[:-1] & seam[1:])):
            draw.line([tuple(pixels[number]), tuple(pixels[number + 1])], fill=0)
    return np.asarray(image) == 1


def wholly(land: Raster) -> Raster:
    """Return which cells are all land, and the pixels around them too: a kilometre's error must not matter."""
    inner = land & np.roll(land, 1, axis=1) & np.roll(land, -1, axis=1)  # around the date line
    rows = np.pad(inner, ((1, 1), (0, 0)), mode="edge")
    inner = rows[:-2] & rows[1:-1] & rows[2:]
    height, width = 180 * FINE // CELL, 360 * FINE // CELL
    whole: Raster = inner.reshape(height, CELL, width, CELL).all(axis=(1, 3))
    return whole


def coast(path: Path, least: float) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    """Return rings simplified, as steps from point to point, and how many points each has."""
    found = []
    for ring in rings(path):
        if abs(area(ring)) < least:
            continue
        simple = shapely.get_coordinates(shapely.simplify(shapely.LinearRing(ring), TOLERANCE))
        points = np.round(simple * UNIT).astype(np.int16)
        points = points[np.r_[True, (np.diff(points, axis=0) != 0).any(axis=1)]]
        if len(points) >= 4:
            found.append(points)
    steps = np.diff(np.concatenate(found), axis=0, prepend=np.zeros((1, 2), np.int16))
    return steps.astype(np.int16), np.array([len(one) for one in found], np.int32)


def compare(sea: Raster, ours: Raster, points: int = 1_000_000) -> None:
    """Print how points that are even on the sphere fall by the finest mask and by ours."""
    chance = np.random.default_rng(11)
    latitude = np.degrees(np.arcsin(chance.uniform(-1, 1, points)))
    longitude = chance.uniform(-180, 180, points)
    there = ~sea[((90 - latitude) * FINE).astype(int), ((longitude + 180) * FINE).astype(int)]
    here = ours[((90 - latitude) * FINE / CELL).astype(int), ((longitude + 180) * FINE / CELL).astype(int)]
    print(f"{points:,} points: {100 * np.mean(there == here):.2f} % agree,")  # noqa: T201
    print(f"{np.sum(here & ~there):,} of {np.sum(~there):,} at sea are called land,")  # noqa: T201
    print(f"{np.sum(there & ~here):,} of {np.sum(there):,} on land are called sea.")  # noqa: T201


def main() -> None:
    """Make both files and print the comparison."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("globe", "land", "lakes"):
        words.add_argument(f"--{name}", type=Path, required=True)
    given: Any = words.parse_args()
    sea = np.load(given.globe)["mask"]
    mask = wholly(paint([(given.land, 1), (given.lakes, 0)]) & ~sea)
    np.savez_compressed(OCEAN / "land.npz", bits=np.packbits(mask, axis=1))
    land, land_sizes = coast(given.land, LEAST_LAND)
    lakes, lake_sizes = coast(given.lakes, LEAST_LAKE)
    np.savez_compressed(
        OCEAN.parents[1] / "pages" / "coast.npz",
        **{"land": land.T.copy(), "land_sizes": land_sizes, "lakes": lakes.T.copy(), "lake_sizes": lake_sizes},
    )
    compare(sea, mask)


if __name__ == "__main__":
    main()
