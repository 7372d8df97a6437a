"""Where land is: a coarse mask of the earth that ships with the package, millions of positions a second.

The mask has cells of 0.05 degrees, and a cell counts as land where all of it is, with a kilometre around it: a boat
close to a shore, in a fjord or on a large lake is not called ashore. What lies within some 5 km of a shore is therefore
not found on land, nor are islands smaller than about 10 km across. The file ``land.npz`` is made by
``tools/land_mask.py``.

Notice: made from the mask of global-land-mask 1.0.0 (MIT licence, copyright 2019 Todd Karin), which comes from the
GLOBE elevation model (NOAA, public domain), and from Natural Earth (public domain).
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

PER_DEGREE = 20
"""Cells a degree."""
WEST, EAST = -180.0, 360.0
"""The longitudes that can be looked up: both common ways to write them."""


def is_land(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.bool_]:
    """Tell which positions (degrees north; degrees east, -180 to 360) lie well inside land.

    False at sea, near a shore, and where `on_earth` is false: ask that too before calling a position good.
    """
    north, east = np.broadcast_arrays(np.asarray(latitude, np.float64), np.asarray(longitude, np.float64))
    known = on_earth(north, east)
    bits = _bits()
    # a position that is none is looked up somewhere, and `known` takes the answer away
    down = np.where(known, 90.0 - north, 0.0) * PER_DEGREE
    along = np.where(known, east + 180.0, 0.0) % 360.0 * PER_DEGREE
    row = np.minimum(down.astype(np.int32), bits.shape[0] - 1)
    column = np.minimum(along.astype(np.int32), bits.shape[1] * 8 - 1)
    found: NDArray[np.bool_] = (bits[row, column >> 3] << (column & 7).astype(np.uint8)) & 0x80 != 0
    return found & known


def on_earth(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.bool_]:
    """Tell which positions can be looked up at all: both numbers there, and in their range."""
    north, east = np.asarray(latitude, np.float64), np.asarray(longitude, np.float64)
    possible: NDArray[np.bool_] = np.atleast_1d((np.abs(north) <= 90) & (east >= WEST) & (east <= EAST))
    return possible.reshape(np.broadcast_shapes(north.shape, east.shape))


@lru_cache(maxsize=1)
def _bits() -> NDArray[np.uint8]:
    """The mask, shape (3600, 900): eight cells a byte, rows from the north pole, columns from 180 degrees west."""
    with (files(__package__) / "land.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        bits: NDArray[np.uint8] = data["bits"]
    return bits
