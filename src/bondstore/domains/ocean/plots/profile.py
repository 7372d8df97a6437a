"""The picture of one profile: temperature, and salinity where there is any, over pressure, with its flags."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.canvas import FAINT, INK, Form, draw_legend, draw_marks, render
from bondstore.domains.ocean.plots.maps import draw_locator
from bondstore.domains.ocean.plots.words import (
    FLAG_WORDS,
    Stretch,
    describe,
    drawable,
    first_place,
    heading,
    place,
    remarks,
    shown,
    span_of,
    stretches,
)
from bondstore.domains.ocean.qc.flags import Flag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bondstore.domains.ocean.profiles import Batch, Floats
    from bondstore.domains.ocean.qc.evaluate import Result

WIDTH, HEIGHT = 8.4, 5.6
MOST_LABELS = 9
_BOTTOM, _TALL = 0.095, 0.745
_SIDE = 0.735
"""Where the column with map and legend begins, as part of the width."""
_TITLES = {"TEMP": ("Temperature", "Temperature (°C)"), "PSAL": ("Salinity", "Practical salinity")}


@dataclass(frozen=True, slots=True)
class _Panel:
    """One of the curves."""

    variable: str
    left: float
    width: float
    wrap: int


def profile_figure(batch: Batch, result: Result, number: int = 0, *, form: Form = "png") -> bytes:
    """Draw one profile.

    Pressure points downwards. Each level has the mark of its own flag; levels that tests found suspect or bad are
    labelled with these tests. What is said of time, position and pressure stands beside it in words.
    """

    def draw(figure: Figure) -> None:
        rows = batch.rows(number)
        panels = _panels(salty=bool(batch.carries("PSAL")[number]))
        first: Axes | None = None
        for panel in panels:
            first = _draw_panel(figure, panel, (batch, result, rows), first)
        _draw_title(figure, batch, number, rows)
        draw_locator(figure, (_SIDE, 0.545, 0.245, 0.295), batch.latitude[rows], batch.longitude[rows])
        _draw_side(figure, result, rows, number, panels)

    return render(draw, WIDTH, HEIGHT, form, describe(batch, result, number))


def _panels(*, salty: bool) -> list[_Panel]:
    if salty:
        return [_Panel("TEMP", 0.075, 0.215, 13), _Panel("PSAL", 0.4, 0.215, 13)]
    return [_Panel("TEMP", 0.075, 0.45, 24)]


def _draw_panel(figure: Figure, panel: _Panel, of: tuple[Batch, Result, slice], beside: Axes | None) -> Axes:
    batch, result, rows = of
    axes = figure.add_axes((panel.left, _BOTTOM, panel.width, _TALL), sharey=beside)
    column = batch.column(panel.variable)
    pressure = drawable(batch.pressure[rows])
    values = np.full(len(pressure), np.nan) if column is None else drawable(column[rows])
    whole = np.isfinite(values) & np.isfinite(pressure)
    axes.plot(values[whole], pressure[whole], color="#b4bcc6", linewidth=0.8, zorder=2)
    draw_marks(axes, values, pressure, result.rolled[panel.variable][rows])
    axes.grid(visible=True)
    axes.set_xlabel(_TITLES[panel.variable][1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.06)
    if beside is None:
        axes.set_ylabel("Sea pressure (dbar)")
        _set_depth(axes, pressure[np.isfinite(pressure)])
    else:
        axes.tick_params(labelleft=False)
    if not whole.any():
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color=FAINT)
    _draw_labels(axes, panel, stretches(result, rows, panel.variable), values, pressure)
    return axes


def _set_depth(axes: Axes, pressure: Floats) -> None:
    low, high = (float(pressure.min()), float(pressure.max())) if len(pressure) else (0.0, 1.0)
    room = max((high - min(low, 0.0)) * 0.03, 0.5)
    axes.set_ylim(high + room, min(low - room, 0.0) if low < 0 else -room * 0.6)


def _draw_labels(axes: Axes, panel: _Panel, found: list[Stretch], values: Floats, pressure: Floats) -> None:
    """Write what failed beside the levels, the worst and longest first where there is not room for all."""
    seen = [one for one in found if np.isfinite(pressure[_middle(one)]) and np.isfinite(values[_middle(one)])]
    chosen = sorted(seen, key=lambda one: (-one.worst, one.first - one.last))[:MOST_LABELS]
    bottom, top = axes.get_ylim()
    wanted = [(bottom - float(pressure[_middle(one)])) / (bottom - top) for one in chosen]
    order = np.argsort(wanted)[::-1]
    texts = ["\n".join(textwrap.wrap(one.text, panel.wrap)[:3]) for one in chosen]
    heights = _spread([wanted[one] for one in order], [0.032 * (1 + texts[one].count("\n")) + 0.012 for one in order])
    for which, height in zip(order, heights, strict=True):
        one = chosen[which]
        axes.annotate(
            texts[which],
            (float(values[_middle(one)]), float(pressure[_middle(one)])),
            xytext=(1.045, height),
            textcoords="axes fraction",
            fontsize=7,
            va="center",
            annotation_clip=False,
            color=INK,
            fontweight="bold" if one.worst == Flag.BAD else "normal",
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 3},
            zorder=9,
        )
    if len(found) > len(chosen):
        more = f"and {len(found) - len(chosen):,} more places"
        axes.text(1.045, -0.02, more, transform=axes.transAxes, fontsize=7, color=FAINT, va="top")


def _middle(one: Stretch) -> int:
    return (one.first + one.last) // 2


def _spread(wanted: list[float], sizes: list[float]) -> list[float]:
    """Return heights in falling order, as near to the wanted ones as texts of these sizes leave room for."""
    heights = list(wanted)
    ceiling = 1.0
    for number, size in enumerate(sizes):
        heights[number] = min(heights[number], ceiling - size / 2)
        ceiling = heights[number] - size / 2
    floor = 0.0
    for number in reversed(range(len(sizes))):
        heights[number] = max(heights[number], floor + sizes[number] / 2)
        floor = heights[number] + sizes[number] / 2
    return heights


def _draw_title(figure: Figure, batch: Batch, number: int, rows: slice) -> None:
    profile = batch.profiles[number]
    figure.text(0.03, 0.945, heading(batch.take([number]), ""), fontsize=13, fontweight="bold")
    about = f"{span_of(batch.time[rows])}   ·   {place(*first_place(batch, rows))}"
    figure.text(0.03, 0.898, about, fontsize=9)
    figure.text(0.98, 0.949, shown(profile.name, 60), fontsize=7.5, color=FAINT, ha="right")
    if len(batch) > 1:  # the others may have another grade
        figure.text(0.98, 0.9, f"profile {number + 1} of {len(batch)} in this file", fontsize=9, ha="right")


def _draw_side(figure: Figure, result: Result, rows: slice, number: int, panels: list[_Panel]) -> None:
    """Write the legend and the remarks below the map."""
    top = 0.475
    grade = FLAG_WORDS.get(Flag(int(result.grades[number])), FLAG_WORDS[Flag.UNEVALUATED])
    figure.text(_SIDE, top, f"Profile: {grade}", fontsize=9, fontweight="bold")
    figure.text(_SIDE, top - 0.033, f"tests: {shown(result.suite.name, 40)}", fontsize=7.5, color=FAINT)
    top -= 0.05
    for panel in panels:
        title = f"{_TITLES[panel.variable][0]}, levels"
        flags, corner = result.rolled[panel.variable][rows], (_SIDE - 0.012, top)
        lines_of = draw_legend(figure, flags, title, corner, labelspacing=0.35, handlelength=1.2)
        top -= 0.05 + 0.031 * max(lines_of, 1)
    lines = []
    for remark in remarks(result, rows, number, ("TIME", "POSITION", "PRES")):
        lines += textwrap.wrap(remark, 38, subsequent_indent="  ")
    room = max(int((top - 0.03) / 0.026), 1)
    if len(lines) > room:
        lines = [*lines[: room - 1], "…"]
    figure.text(_SIDE, top - 0.012, "\n".join(lines), fontsize=7, va="top", linespacing=1.35)
