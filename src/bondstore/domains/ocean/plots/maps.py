"""Maps on a plain grid, whole across the date line: where in the world profiles are, and the map of a platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.land import is_land, on_earth
from bondstore.domains.ocean.plots.canvas import FAINT, GRID, Form, draw_legend, draw_marks, render, say_empty
from bondstore.domains.ocean.plots.words import drawable_times, heading, moment, span_of
from bondstore.domains.ocean.profiles import Batch, Floats
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.pages.coast import coast
from bondstore.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bondstore.domains.ocean.qc.evaluate import Result


SEA, LAND, SHORE = "#f1f6fa", "#d5d0c4", "#8d8878"


_FLATTEST = 0.15
"""The least cosine of a latitude that maps are stretched by."""


Box = tuple[float, float, float, float]


_REACHES = (5.0, 12.0, 30.0, 60.0)
"""Degrees of latitude; the first that shows a coast is taken, else the last."""


WIDTH, HEIGHT = 8.4, 5.6


_MAP = (0.075, 0.075, 0.615, 0.785)


_SIDE = 0.735


_LEAST = 0.4


_KM_PER_DEGREE = 111.195


_MOST_TRACKS = 2000


_DATES = 8
"""Dates along the way of a platform at most, beside the first and the last."""
_APART = 0.09
"""Of the map's width or height, between two of them."""
_RIGHT = 0.85
"""From here on a date is written to the left of its place, as there is no room on its right."""


@dataclass(frozen=True, slots=True)
class MapExtent:
    """A part of the earth; the longitudes of one that crosses the date line go beyond 180."""

    west: float
    east: float
    south: float
    north: float

    @classmethod
    def around(cls, latitude: Floats, longitude: Floats, *, ratio: float, least: float, pad: float = 0.15) -> MapExtent:
        """Return the extent that shows all positions; they are finite, the longitudes as `unwrapped` gives them.

        It fills a frame of this ratio of width to height, in true shape at its middle unless it spans most of the
        earth, with at least so many degrees of latitude and a part of the span added on each side.
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
    """Return longitudes so that their span is the shortest: 179 and -179 lie two degrees apart."""
    around = longitude % 360
    some = np.unique(around[np.isfinite(around)])
    if not len(some):
        return around
    gaps = np.diff(some, append=some[0] + 360)
    start = some[(int(np.argmax(gaps)) + 1) % len(some)]
    straight = start + (around - start) % 360
    moved: Floats = straight - 360 if np.nanmean(straight) > 180 else straight
    return moved


def draw_map(axes: Axes, extent: MapExtent, *, ticks: int = 4) -> None:
    """Draw coast and lakes into axes, and about so many degrees at its edges."""
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


def shows_land(extent: MapExtent) -> bool:
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


def _near(name: str, extent: MapExtent, turn: float) -> list[Floats]:
    rings, boxes = coast()[name]
    west, east = extent.west - turn, extent.east - turn
    here = (boxes[:, 0] < east) & (boxes[:, 1] > west) & (boxes[:, 2] < extent.north) & (boxes[:, 3] > extent.south)
    return [rings[one] for one in np.flatnonzero(here)]


def draw_locator(
    figure: Figure, box: Box, latitude: Floats, longitude: Floats, *, frame: MapExtent | None = None, least: float = 0.0
) -> None:
    """Draw where some positions lie, or the frame in place of them; `box` is a part of the figure.

    It shows at least so many degrees of latitude. Positions that are not on earth are left out.
    """
    axes = figure.add_axes(box)
    axes.set_facecolor(SEA)
    there = on_earth(latitude, longitude)
    if not there.any():
        say_empty(axes, "position unknown")
        return
    north, east = latitude[there], unwrapped(longitude[there])
    ratio = figure.get_figwidth() * box[2] / (figure.get_figheight() * box[3])
    for reach in _REACHES:
        extent = MapExtent.around(north, east, ratio=ratio, least=max(reach, least))
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


def overview_map(batch: Batch, result: Result, *, form: Form = "png", title: str = "") -> bytes:
    """Draw where profiles were taken: a mark for each, by its grade, with the way the sensor took meanwhile."""
    name = heading(batch, title)

    def draw(figure: Figure) -> None:
        first, track = _places(batch)
        figure.text(0.03, 0.945, name, fontsize=13, fontweight="bold")
        about = f"{span_of(batch.time)}   ·   {counted(len(batch), 'profile')}"
        figure.text(0.03, 0.898, about, fontsize=9)
        extent = _draw_map(figure, first, track, result, per_profile(batch, drawable_times(batch.time), np.fmin))
        north, east = first[:, 0], (first[:, 1] + 180) % 360 - 180
        least = 6 * (extent.north - extent.south) if extent else 0.0
        draw_locator(figure, (_SIDE, 0.545, 0.245, 0.315), north, east, frame=extent, least=min(least, 90.0))
        title = "Profiles, by their worst flag"
        draw_legend(figure, result.grades, title, (_SIDE - 0.012, 0.48), labelspacing=0.4)
        lost = int(np.sum(np.isnan(first[:, 0])))
        if lost:
            figure.text(_SIDE, 0.1, f"{counted(lost, 'profile')} without a position", fontsize=7, color=FAINT)

    described = f"Map of {counted(len(batch), 'profile')}. {name}, {span_of(batch.time)}."
    return render(draw, WIDTH, HEIGHT, form, described)


def _places(batch: Batch) -> tuple[Floats, list[Floats]]:
    """Return where each profile begins, as latitude and unwrapped longitude, and the ways of those that moved."""
    there = on_earth(batch.latitude, batch.longitude)
    longitude = unwrapped(np.where(there, batch.longitude, np.nan))
    first = np.full((len(batch), 2), np.nan)
    tracks: list[Floats] = []
    for number in range(len(batch)):
        rows = batch.rows(number)
        some = np.flatnonzero(there[rows])
        if len(some):
            way = np.column_stack((batch.latitude[rows][some], longitude[rows][some]))
            first[number] = way[0]
            if len(tracks) < _MOST_TRACKS and np.ptp(way, axis=0).any():
                tracks.append(way[:: max(len(way) // 500, 1)])
    return first, tracks


def _draw_map(figure: Figure, first: Floats, tracks: list[Floats], result: Result, begins: Floats) -> MapExtent | None:
    """Draw where profiles are, and the way between them in the order of their times."""
    axes = figure.add_axes(_MAP)
    axes.set_facecolor(SEA)
    every = np.concatenate([first, *tracks])
    every = every[np.isfinite(every).all(axis=1)]
    if not len(every):
        say_empty(axes, "no positions")
        return None
    ratio = WIDTH * _MAP[2] / (HEIGHT * _MAP[3])
    extent = MapExtent.around(every[:, 0], every[:, 1], ratio=ratio, least=_LEAST)
    draw_map(axes, extent, ticks=6)
    for way in tracks:
        axes.plot(way[:, 1], way[:, 0], color="#7d8794", linewidth=0.7, zorder=2.5)
    _draw_way(axes, extent, first, begins)
    draw_marks(axes, first[:, 1], first[:, 0], result.grades)
    _draw_scale(axes, extent)
    return extent


def _draw_way(axes: Axes, extent: MapExtent, first: Floats, begins: Floats) -> None:
    """Join profiles in the order of their times by a line, and write dates where there is room for them."""
    from matplotlib.patheffects import withStroke

    known = np.flatnonzero(np.isfinite(first).all(axis=1) & np.isfinite(begins))
    order = known[np.argsort(begins[known], kind="stable")]
    if len(order) < 2:
        return
    way = first[order]
    axes.plot(way[:, 1], way[:, 0], color="#7d8794", linewidth=0.8, zorder=2.6)
    scale = np.array([extent.north - extent.south, extent.east - extent.west])
    written: list[Floats] = []
    for place in dict.fromkeys([0, len(order) - 1, *range(0, len(order), max(len(order) // _DATES, 1))]):
        here = way[place] / scale
        if all(np.abs(here - one).max() > _APART for one in written):
            written.append(here)
            beside = (way[place, 1] - extent.west) / scale[1] > _RIGHT
            text = axes.annotate(
                moment(float(begins[order[place]]))[:10],
                (way[place, 1], way[place, 0]),
                xytext=(-5 if beside else 5, 5),
                ha="right" if beside else "left",
                textcoords="offset points",
                fontsize=6.8,
                zorder=9,
                annotation_clip=True,
            )
            text.set_path_effects([withStroke(linewidth=2.2, foreground="white")])


def _draw_scale(axes: Axes, extent: MapExtent) -> None:
    """Draw a bar of a round number of kilometres, true at the middle of the map."""
    flat = float(np.cos(np.radians((extent.south + extent.north) / 2)))
    width = (extent.east - extent.west) * max(flat, 0.01) * _KM_PER_DEGREE
    power = 10 ** np.floor(np.log10(width / 4))
    length = next(step for step in (5 * power, 2 * power, power) if step <= width / 4)
    part = length / width
    axes.plot([0.03, 0.03 + part], [0.035, 0.035], transform=axes.transAxes, color="#1f2430", linewidth=2, zorder=9)
    axes.text(0.03, 0.05, f"{length:g} km", transform=axes.transAxes, fontsize=7.5, zorder=9)
