"""A section: what a platform measured over time and pressure, with what the tests doubt marked on its colour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.canvas import FAINT, INK, Form, render, say_empty
from bondstore.domains.ocean.plots.words import drawable, drawable_times, heading, shown, span_of
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure
    from matplotlib.path import Path
    from numpy.typing import NDArray

    from bondstore.domains.ocean.profiles import Batch, Floats, Mask
    from bondstore.domains.ocean.qc.evaluate import Result

WIDTH, HEIGHT = 8.4, 4.6
COLOURS = "cividis"
"""Even in lightness, and the same to all eyes."""
_BOX = (0.075, 0.17, 0.815, 0.65)
_DOUBTED = ((Flag.SUSPECT, "^", "suspect", 16), (Flag.BAD, "o", "bad", 18))
_DAY = 86400.0
_GAP = 4.0
"""A silence of so many usual steps between profiles is shown as a gap."""
_SHORTEST_GAP = 6 * 3600.0
_RASTER = 3000


def section(
    batch: Batch, result: Result, variable: str = "TEMP", *, form: Form = "png", title: str = "", note: str = ""
) -> bytes:
    """Draw temperature, or salinity, by colour over time and pressure.

    Every level has the colour of its value; one that is called suspect or bad, or whose pressure is, has a mark on it.
    Times in which nothing was measured are hatched. `note` is a remark for the corner.
    """
    name = heading(batch, title)
    nothing = np.full(batch.levels, np.nan)
    measured = batch.column(variable)
    values = drawable(nothing if measured is None else measured)
    batch = replace(batch, time=drawable_times(batch.time), pressure=drawable(batch.pressure))
    what, unit = _MEASURED[variable]

    def draw(figure: Figure) -> None:
        figure.text(0.03, 0.935, name, fontsize=13, fontweight="bold")
        about = f"{what}   ·   {span_of(batch.time)}   ·   {counted(len(batch), 'profile')}"
        figure.text(0.03, 0.878, f"{about}, {counted(batch.levels, 'level')}", fontsize=9)
        figure.text(0.98, 0.94, shown(note), fontsize=7.5, color=FAINT, ha="right")
        axes = figure.add_axes(_BOX)
        there = np.isfinite(batch.time) & np.isfinite(batch.pressure) & np.isfinite(values)
        axes.set_ylabel("Sea pressure (dbar)")
        axes.spines[["top", "right"]].set_visible(False)
        if not there.any():
            say_empty(axes, "no values")
            return
        _set_edges(axes, batch, there)
        gaps = _draw_gaps(axes, batch)
        doubt = doubt_of(result, (variable, "PRES"))
        drawn = _draw_levels(axes, batch, values, there, doubt)
        draw_doubts(axes, batch.time / _DAY, batch.pressure, there, doubt)
        _draw_colours(figure, drawn, f"{what}{unit}")
        legend_of_doubts(figure, doubt, there, gaps=gaps)

    number = counted(len(batch), "profile")
    described = f"Section of {what.lower()} over time and pressure. {name}, {span_of(batch.time)}, {number}."
    return render(draw, WIDTH, HEIGHT, form, described)


_MEASURED = {"TEMP": ("Temperature", " (°C)"), "PSAL": ("Practical salinity", "")}
"""What a section shows, and its unit."""


def doubt_of(result: Result, variables: Sequence[str]) -> NDArray[np.int8]:
    """Return the worst of what is said of some variables of each level; 0 where none is called suspect or bad."""
    said = [
        np.where(np.isin(result.rolled[one], (Flag.SUSPECT, Flag.BAD)), result.rolled[one], np.int8(0))
        for one in variables
        if one in result.rolled
    ]
    worst: NDArray[np.int8] = np.maximum.reduce(said)
    return worst


def _set_edges(axes: Axes, batch: Batch, there: Mask) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    times, depths = batch.time[there], batch.pressure[there]
    room = max(float(np.ptp(times)) * 0.015, 300.0)
    axes.set_xlim(float(times.min() - room) / _DAY, float(times.max() + room) / _DAY)
    below = max(float(np.ptp(depths)) * 0.03, 0.5)
    axes.set_ylim(float(depths.max()) + below, min(float(depths.min()), 0.0) - below * 0.6)
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("Time (UTC)")
    axes.grid(visible=True)


def gaps_of(batch: Batch) -> list[tuple[float, float]]:
    """Return times (seconds since 1970) in which nothing was measured between profiles, far longer than usual here."""
    begins, ends = per_profile(batch, batch.time, np.fmin), per_profile(batch, batch.time, np.fmax)
    known = np.isfinite(begins)
    begins, ends = begins[known], ends[known]
    if len(begins) < 3:
        return []
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    silence = begins[1:] - ends[:-1]
    usual = float(np.median(np.maximum(np.diff(begins), 0)))
    long = np.flatnonzero(silence > max(_GAP * usual, _SHORTEST_GAP))
    return [(float(ends[one]), float(begins[one + 1])) for one in long]


def _draw_gaps(axes: Axes, batch: Batch) -> bool:
    gaps = gaps_of(batch)
    for begin, end in gaps:
        room = (end - begin) * 0.02
        axes.axvspan(
            (begin + room) / _DAY,
            (end - room) / _DAY,
            facecolor="#f4f5f7",
            edgecolor="#c3c9d1",
            hatch="////",
            linewidth=0,
            zorder=1,
        )
    return bool(gaps)


def _draw_levels(axes: Axes, batch: Batch, values: Floats, there: Mask, doubt: NDArray[np.int8]) -> PathCollection:
    """Draw all levels by colour; the scale is that of the levels without doubt, and what is beyond has its ends."""
    from matplotlib.colors import Normalize

    sure = there & (doubt == 0)
    shades = values[sure if sure.any() else there]
    low, high = np.percentile(shades, (0.5, 99.5)) if len(shades) > 50 else (shades.min(), shades.max())
    scale = Normalize(float(low), float(high) if high > low else float(low) + 1.0)
    shape, area = _brick(axes, batch)
    return axes.scatter(
        batch.time[there] / _DAY,
        batch.pressure[there],
        c=values[there],
        cmap=COLOURS,
        norm=scale,
        s=area,
        marker=shape,
        linewidths=0,
        zorder=3,
        rasterized=bool(there.sum() > _RASTER),
    )


def draw_doubts(axes: Axes, x: Floats, y: Floats, there: Mask, doubt: NDArray[np.int8]) -> None:
    """Mark levels that are called suspect or bad."""
    for flag, outline, _, size in _DOUBTED:
        here = there & (doubt == flag)
        for colour, width in (("white", 2.0), (INK, 0.8)):  # a halo: seen on any colour
            axes.scatter(
                x[here],
                y[here],
                s=size,
                marker=outline,
                facecolors="none",
                edgecolors=colour,
                linewidths=width,
                zorder=4,
                rasterized=bool(here.sum() > _RASTER),
            )


def _brick(axes: Axes, batch: Batch) -> tuple[Path, float]:
    """Return shape and area of a level's mark: as wide as the other profiles leave room, as high as its step down."""
    from matplotlib.path import Path

    wide = float(np.clip(WIDTH * _BOX[2] * 72 / max(len(batch), 1) * 0.8, 2.2, 7.0))
    steps = np.abs(np.diff(batch.pressure))[batch.owner[1:] == batch.owner[:-1]]
    steps = steps[np.isfinite(steps) & (steps > 0)]
    reach = abs(float(np.ptp(axes.get_ylim())))
    high = float(np.clip(np.median(steps) / reach * HEIGHT * _BOX[3] * 72 * 1.15, 1.2, 9.0)) if len(steps) else 3.0
    big = max(wide, high)
    x, y = wide / big, high / big
    return Path([(-x, -y), (x, -y), (x, y), (-x, y), (-x, -y)]), big**2


def _draw_colours(figure: Figure, drawn: PathCollection, label: str) -> None:
    bar = figure.colorbar(drawn, cax=figure.add_axes((0.905, _BOX[1], 0.016, _BOX[3])), extend="both")
    bar.set_label(label)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2.5)


def legend_of_doubts(
    figure: Figure, doubt: NDArray[np.int8], there: Mask, *, gaps: bool = False, beyond: int = 0
) -> None:
    """Say what the marks mean, with their numbers; and what is not drawn."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = []
    words = []
    for flag, shape, word, area in _DOUBTED:
        number = int(np.sum(there & (doubt == flag)))
        if number:
            style = {"markersize": area**0.5, "markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 0.8}
            handles.append(Line2D([], [], linestyle="none", marker=shape, **style))
            words.append(f"{word}  {number:,}")
    if gaps:
        handles.append(Patch(facecolor="#f4f5f7", edgecolor="#c3c9d1", hatch="////", linewidth=0))
        words.append("nothing measured")
    lost = int(np.sum(~there))
    if lost:
        handles.append(Line2D([], [], linestyle="none"))
        words.append(f"missing (not drawn)  {lost:,}")
    if beyond:
        handles.append(Line2D([], [], linestyle="none"))
        words.append(f"beyond the edges  {beyond:,}")
    if words:
        figure.legend(
            handles, words, loc="lower left", bbox_to_anchor=(0.06, 0.0), ncols=len(words), frameon=False, fontsize=7.5
        )
