"""A small map that says where in the world something is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.canvas import FAINT
from bondstore.domains.ocean.plots.maps import SEA, Extent, draw_map, shows_land, unwrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bondstore.domains.ocean.profiles import Floats

Box = tuple[float, float, float, float]
_REACHES = (5.0, 12.0, 30.0, 60.0)
"""Degrees of latitude; the first that shows a coast is taken, else the last."""


def draw_locator(
    figure: Figure, box: Box, latitude: Floats, longitude: Floats, *, frame: Extent | None = None, least: float = 0.0
) -> None:
    """Draw where some positions lie.

    Parameters
    ----------
    figure : Figure
        Where to draw.
    box : tuple of float
        Left, bottom, width and height, as parts of the figure.
    latitude, longitude : ndarray of float64
        Degrees; positions that are not on earth are left out.
    frame : Extent, optional
        A part to mark, in place of the positions.
    least : float
        Degrees of latitude that it shows at least.
    """
    axes = figure.add_axes(box)
    axes.set_facecolor(SEA)
    on_earth = placed(latitude, longitude)
    if not on_earth.any():
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "position unknown", transform=axes.transAxes, ha="center", va="center", color=FAINT)
        return
    north, east = latitude[on_earth], unwrapped(longitude[on_earth])
    ratio = figure.get_figwidth() * box[2] / (figure.get_figheight() * box[3])
    for reach in _REACHES:
        extent = Extent.around(north, east, ratio=ratio, least=max(reach, least))
        if shows_land(extent):
            break
    draw_map(axes, extent, ticks=3)
    axes.set_axisbelow(False)
    if frame is None:
        axes.plot(east, north, color="#C8430A", linewidth=1.0, zorder=5)
        axes.plot(east[:1], north[:1], "o", markersize=5.5, color="#C8430A", markeredgecolor="white", zorder=6)
        return
    turn = round(((extent.west + extent.east) - (frame.west + frame.east)) / 720) * 360
    x = np.array([frame.west, frame.east, frame.east, frame.west, frame.west]) + turn
    axes.plot(
        x, [frame.south, frame.south, frame.north, frame.north, frame.south], color="#C8430A", linewidth=1.3, zorder=6
    )


def placed(latitude: Floats, longitude: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which positions can be drawn: both numbers there and in their range."""
    return (np.abs(latitude) <= 90) & (longitude >= -180) & (longitude <= 360)
