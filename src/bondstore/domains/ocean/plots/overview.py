"""A map of where the profiles of a platform or deployment were taken, and how they were graded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.canvas import FAINT, Form, render
from bondstore.domains.ocean.plots.locator import draw_locator, placed
from bondstore.domains.ocean.plots.maps import SEA, Extent, draw_map, unwrapped
from bondstore.domains.ocean.plots.marks import draw_marks, keys
from bondstore.domains.ocean.plots.words import heading, plural, rows_of, span_of
from bondstore.domains.ocean.profiles import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.qc.evaluate import Result

WIDTH, HEIGHT = 8.4, 5.6
_MAP = (0.075, 0.075, 0.615, 0.785)
_SIDE = 0.735
_LEAST = 0.4
_KM_PER_DEGREE = 111.195
_MOST_TRACKS = 2000


def overview_map(batch: Batch, result: Result, *, form: Form = "png", title: str = "") -> bytes:
    """Draw where profiles were taken: a mark for each, by its grade, with the way the sensor took meanwhile.

    Parameters
    ----------
    batch : Batch
        The profiles of a platform or a deployment, in any order.
    result : Result
        What the tests say of them.
    form : {"png", "svg"}
        Which kind of file.
    title : str
        What to call them; else the platform.

    Returns
    -------
    bytes
        The file; always the same for the same data.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    name = heading(batch, title)

    def draw(figure: Figure) -> None:
        first, track = _places(batch)
        figure.text(0.03, 0.945, name, fontsize=13, fontweight="bold")
        about = f"{span_of(batch.time)}   ·   {plural(len(batch), 'profile')}"
        figure.text(0.03, 0.898, about, fontsize=9)
        extent = _draw_map(figure, first, track, result)
        north, east = first[:, 0], (first[:, 1] + 180) % 360 - 180
        least = 6 * (extent.north - extent.south) if extent else 0.0
        draw_locator(figure, (_SIDE, 0.545, 0.245, 0.315), north, east, frame=extent, least=min(least, 90.0))
        handles, words = keys(result.grades)
        legend = figure.legend(
            handles,
            words,
            title="Profiles, by their worst flag",
            loc="upper left",
            bbox_to_anchor=(_SIDE - 0.012, 0.48),
            frameon=False,
            fontsize=7.5,
            title_fontsize=8,
            alignment="left",
            labelspacing=0.4,
        )
        legend.get_title().set_fontweight("bold")
        lost = int(np.sum(np.isnan(first[:, 0])))
        if lost:
            figure.text(_SIDE, 0.1, f"{plural(lost, 'profile')} without a position", fontsize=7, color=FAINT)

    described = f"Map of {plural(len(batch), 'profile')}. {name}, {span_of(batch.time)}."
    return render(draw, WIDTH, HEIGHT, form, described)


def _places(batch: Batch) -> tuple[Floats, list[Floats]]:
    """Return where each profile begins, as latitude and unwrapped longitude, and the ways of those that moved."""
    on_earth = placed(batch.latitude, batch.longitude)
    longitude = unwrapped(np.where(on_earth, batch.longitude, np.nan))
    first = np.full((len(batch), 2), np.nan)
    tracks: list[Floats] = []
    for number in range(len(batch)):
        rows = rows_of(batch, number)
        some = np.flatnonzero(on_earth[rows])
        if len(some):
            way = np.column_stack((batch.latitude[rows][some], longitude[rows][some]))
            first[number] = way[0]
            if len(tracks) < _MOST_TRACKS and np.ptp(way, axis=0).any():
                tracks.append(way[:: max(len(way) // 500, 1)])
    return first, tracks


def _draw_map(figure: Figure, first: Floats, tracks: list[Floats], result: Result) -> Extent | None:
    axes = figure.add_axes(_MAP)
    axes.set_facecolor(SEA)
    every = np.concatenate([first, *tracks])
    every = every[np.isfinite(every).all(axis=1)]
    if not len(every):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no positions", transform=axes.transAxes, ha="center", va="center", color=FAINT)
        return None
    ratio = WIDTH * _MAP[2] / (HEIGHT * _MAP[3])
    extent = Extent.around(every[:, 0], every[:, 1], ratio=ratio, least=_LEAST)
    draw_map(axes, extent, ticks=6)
    for way in tracks:
        axes.plot(way[:, 1], way[:, 0], color="#7d8794", linewidth=0.7, zorder=2.5)
    draw_marks(axes, first[:, 1], first[:, 0], result.grades)
    _draw_scale(axes, extent)
    return extent


def _draw_scale(axes: Axes, extent: Extent) -> None:
    """Draw a bar of a round number of kilometres, true at the middle of the map."""
    flat = float(np.cos(np.radians((extent.south + extent.north) / 2)))
    width = (extent.east - extent.west) * max(flat, 0.01) * _KM_PER_DEGREE
    power = 10 ** np.floor(np.log10(width / 4))
    length = next(step for step in (5 * power, 2 * power, power) if step <= width / 4)
    part = length / width
    axes.plot([0.03, 0.03 + part], [0.035, 0.035], transform=axes.transAxes, color="#1f2430", linewidth=2, zorder=9)
    axes.text(0.03, 0.05, f"{length:g} km", transform=axes.transAxes, fontsize=7.5, zorder=9)
