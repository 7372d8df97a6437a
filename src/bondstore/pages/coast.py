"""The coast of the world as outlines, for plots and pages.

Notice: the file ``coast.npz`` is made by ``tools/land_mask.py`` from the 1:10m layers *land* and *lakes* of Natural
Earth (public domain), simplified to 0.01 degrees.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_UNIT = 100


@lru_cache(maxsize=1)
def coast() -> dict[str, tuple[list[Floats], Floats]]:
    """Return rings of ``land`` and ``lake`` in degrees east and north; and each one's box: west, east, south, north."""
    found = {}
    with (files(__package__) / "coast.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        for name, steps in (("land", "land"), ("lake", "lakes")):
            points = np.cumsum(data[steps], axis=1, dtype=np.int16).T / _UNIT
            rings = np.split(points, np.cumsum(data[f"{name}_sizes"])[:-1])
            lows, highs = np.array([ring.min(axis=0) for ring in rings]), np.array([ring.max(axis=0) for ring in rings])
            boxes = np.column_stack((lows[:, 0], highs[:, 0], lows[:, 1], highs[:, 1]))
            found[name] = (rings, boxes)
    return found


Box = tuple[float, float, float, float]


def coast_within(name: str, box: Box, least: float = 0.0) -> list[Floats]:
    """Return the rings of ``land`` or ``lake`` cut to a box (west, east, south, north; it may go beyond 180 degrees).

    Those that are smaller than `least` degrees are left out.
    """
    west, east, south, north = box
    rings, boxes = coast()[name]
    large = np.maximum(boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]) >= least
    found = []
    for turn in (-360.0, 0.0, 360.0):
        here = (boxes[:, 0] + turn < east) & (boxes[:, 1] + turn > west) & (boxes[:, 2] < north) & (boxes[:, 3] > south)
        for number in np.flatnonzero(here & large):
            ring = rings[number] + np.array([turn, 0.0])
            for axis, limit, sign in ((0, west, -1), (0, east, 1), (1, south, -1), (1, north, 1)):
                ring = _cut(ring, axis, limit, sign)
            if len(ring) > 2:
                found.append(ring)
    return found


def _cut(ring: Floats, axis: int, limit: float, sign: int) -> Floats:
    """Cut a ring at a line of the grid (Sutherland and Hodgman); what lies beyond goes."""
    after = np.roll(ring, -1, axis=0)
    inside = sign * ring[:, axis] <= sign * limit
    crosses = inside != np.roll(inside, -1)
    way = np.where(crosses, after[:, axis] - ring[:, axis], 1.0)
    met = ring + ((limit - ring[:, axis]) / way)[:, None] * (after - ring)
    both = np.stack((ring, met), axis=1).reshape(-1, 2)
    cut: Floats = both[np.stack((inside, crosses), axis=1).reshape(-1)]
    return cut
