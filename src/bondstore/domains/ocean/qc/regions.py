"""The seas with ranges of their own, as polygons, and which positions lie in them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Mask
from bondstore.errors import ConfigurationError

REGIONS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "red_sea": ((10.0, 40.0), (20.0, 50.0), (30.0, 30.0)),
        "mediterranean": ((30.0, -6.0), (30.0, 40.0), (40.0, 35.0), (42.0, 20.0), (50.0, 15.0), (40.0, 5.0)),
    }
)
"""Corners as latitude and longitude in degrees north and east; the last joins the first.

Source: Argo Quality Control Manual for CTD and Trajectory Data, section 2.1.2, test 7. They are coarse: the
Mediterranean's leaves out the Alboran Sea and the Balearic Sea north-west of the line from 6 W to 5 E.
"""


def region(name: str) -> tuple[tuple[float, float], ...]:
    """Return a region's corners.

    Raises
    ------
    ConfigurationError
        There is no such region.
    """
    if name not in REGIONS:
        raise ConfigurationError(f"There is no region named {name!r}.", hint=f"There are: {', '.join(REGIONS)}.")
    return REGIONS[name]


def inside(latitude: Floats, longitude: Floats, corners: tuple[tuple[float, float], ...]) -> Mask:
    """Return which positions lie in a polygon, whose sides are straight lines in latitude and longitude.

    Parameters
    ----------
    latitude, longitude : ndarray of float64, shape (n,)
        Degrees north and east; a longitude may be written to 180 or to 360. What is missing lies in no region.
    corners : sequence of (latitude, longitude)
        With longitudes from -180 to 180; the polygon does not cross that line.

    Returns
    -------
    ndarray of bool, shape (n,)
        Of the points upon a side, those on the west and south sides are in.
    """
    with np.errstate(invalid="ignore"):
        east = np.mod(longitude + 180.0, 360.0) - 180.0
        norths, easts = zip(*corners, strict=True)
        near = (latitude >= min(norths)) & (latitude <= max(norths)) & (east >= min(easts)) & (east <= max(easts))
    found: Mask = near.copy()
    found[near] = _within(latitude[near], east[near], corners)  # most of the sea is far from any of them
    return found


def _within(latitude: Floats, east: Floats, corners: tuple[tuple[float, float], ...]) -> Mask:
    found = np.zeros(len(latitude), np.bool_)
    for (south, west), (north, other) in zip(corners, corners[1:] + corners[:1], strict=True):
        if south == north:
            continue
        across = (south <= latitude) != (north <= latitude)
        at = west + (latitude - south) / (north - south) * (other - west)
        found ^= across & (east < at)
    return found
