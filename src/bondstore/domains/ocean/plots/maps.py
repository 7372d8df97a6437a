"""Small maps on a plain grid: coast and large lakes of Natural Earth, whole across the date line.

Notice: the file ``coast.npz`` is made by ``tools/land_mask.py`` from the 1:10m layers *land* and *lakes* of Natural
Earth (public domain), simplified to 0.01 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.land import is_land
from bondstore.domains.ocean.plots.canvas import FAINT, GRID
from bondstore.domains.ocean.profiles import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEA, LAND, SHORE = "#f1f6fa", "#d5d0c4", "#8d8878"
_UNIT = 100
_FLATTEST = 0.15
"""The least cosine of a latitude that maps are stretched by."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A part of the earth; the longitudes of one that crosses the date line go beyond 180."""

    west: float
    east: float
    south: float
    north: float

    @classmethod
    def around(cls, latitude: Floats, longitude: Floats, *, ratio: float, least: float, pad: float = 0.15) -> Extent:
        """Return the extent that shows all positions.

        Parameters
        ----------
        latitude, longitude : ndarray of float64
            Degrees; finite, the longitudes as `unwrapped` gives them.
        ratio : float
            Width of the map's frame over its height: the extent fills it, in true shape at its middle unless it spans
            most of the earth.
        least : float
            Degrees of latitude that it has at least.
        pad : float
            Part of the span that is added on each side.
        """
        middle = (float(latitude.min() + latitude.max()) / 2, float(longitude.min() + longitude.max()) / 2)
        flat = max(float(np.cos(np.radians(middle[0]))), _FLATTEST)
        high, wide = (
            min(float(np.ptp(one)) * (1 + 2 * pad), most) for one, most in ((latitude, 180.0), (longitude, 360.0))
        )
        height = min(max(high, wide * flat / ratio, least), 180.0)
        half = max(min(height * ratio / flat, 360.0), wide) / 2
        south = min(max(middle[0] - height / 2, -90.0), 90.0 - height)
        return cls(middle[1] - half, middle[1] + half, south, south + height)


def unwrapped(longitude: Floats) -> Floats:
    """Return longitudes so that their span is the shortest: 179 and -179 lie two degrees apart.

    Parameters
    ----------
    longitude : ndarray of float64
        Degrees east, written in either way; NaN stays NaN.
    """
    around = longitude % 360
    some = np.unique(around[np.isfinite(around)])
    if not len(some):
        return around
    gaps = np.diff(some, append=some[0] + 360)
    start = some[(int(np.argmax(gaps)) + 1) % len(some)]
    straight = start + (around - start) % 360
    moved: Floats = straight - 360 if np.nanmean(straight) > 180 else straight
    return moved


def draw_map(axes: Axes, extent: Extent, *, ticks: int = 4) -> None:
    """Draw coast and lakes into axes, and degrees at its edges.

    Parameters
    ----------
    axes : Axes
        Where.
    extent : Extent
        Which part of the earth.
    ticks : int
        About how many marks an edge has; 0 for none.
    """
    from matplotlib.collections import PolyCollection

    axes.set_facecolor(SEA)
    for layer, (name, colour) in enumerate((("land", LAND), ("lake", SEA))):
        shapes = [ring + np.array([turn, 0.0]) for turn in (-360, 0, 360) for ring in _near(name, extent, turn)]
        edges = [colour if _cut(ring) else SHORE for ring in shapes]
        drawn = PolyCollection(shapes, facecolors=colour, edgecolors=edges, linewidths=0.35, zorder=layer)
        axes.add_collection(drawn, autolim=False)
    axes.set_xlim(extent.west, extent.east)
    axes.set_ylim(extent.south, extent.north)
    _degrees(axes, ticks)


def shows_land(extent: Extent) -> bool:
    """Whether a map of this extent shows both land and sea, enough of each for a reader to know where it is."""
    latitude = np.linspace(extent.south, extent.north, 42)[1:-1]
    longitude = np.linspace(extent.west, extent.east, 42)[1:-1]
    return 0.02 < float(np.mean(is_land(latitude[:, None], (longitude[None, :] + 180) % 360 - 180))) < 0.95


def _cut(ring: Floats) -> bool:
    """Whether a ring is cut at the date line: its edge there is no shore."""
    return bool(np.any(np.abs(np.abs(ring[:, 0]) % 360 - 180) < 0.006))


def _degrees(axes: Axes, ticks: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    for axis, signs, around in ((axes.xaxis, "EW", True), (axes.yaxis, "NS", False)):
        steps = [1, 1.5, 2, 3, 4.5, 6, 10] if abs(np.ptp(axis.get_view_interval())) > 20 else [1, 2, 5, 10]
        axis.set_major_locator(MaxNLocator(ticks, steps=steps) if ticks else NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _, s=signs, a=around: _degree(value, s, around=a)))
    axes.tick_params(length=2.5, width=0.6, labelsize=7, pad=2)
    axes.grid(visible=bool(ticks), color=GRID, linewidth=0.5, zorder=0.5)
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _degree(value: float, signs: str, *, around: bool) -> str:
    if around:
        value = (value + 180) % 360 - 180
    size = f"{abs(value):.4f}".rstrip("0").rstrip(".")
    if size == "0" or (around and size == "180"):
        return f"{size}°"
    return f"{size}° {signs[int(value < 0)]}"


def _near(name: str, extent: Extent, turn: float) -> list[Floats]:
    rings, boxes = _coast()[name]
    west, east = extent.west - turn, extent.east - turn
    here = (boxes[:, 0] < east) & (boxes[:, 1] > west) & (boxes[:, 2] < extent.north) & (boxes[:, 3] > extent.south)
    return [rings[one] for one in np.flatnonzero(here)]


@lru_cache(maxsize=1)
def _coast() -> dict[str, tuple[list[Floats], NDArray[np.float64]]]:
    """Rings of land and lakes, and the box of each as west, east, south, north."""
    found = {}
    with (files(__package__) / "coast.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        for name, steps in (("land", "land"), ("lake", "lakes")):
            points = np.cumsum(data[steps], axis=1, dtype=np.int16).T / _UNIT
            rings = np.split(points, np.cumsum(data[f"{name}_sizes"])[:-1])
            lows, highs = np.array([ring.min(axis=0) for ring in rings]), np.array([ring.max(axis=0) for ring in rings])
            boxes = np.column_stack((lows[:, 0], highs[:, 0], lows[:, 1], highs[:, 1]))
            found[name] = (rings, boxes)
    return found
