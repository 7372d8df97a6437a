"""A temperature-salinity diagram: which water a platform met, with lines of equal density."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.canvas import FAINT, Form, render, say_empty
from bondstore.domains.ocean.plots.section import COLOURS, doubt_of, draw_doubts, legend_of_doubts
from bondstore.domains.ocean.plots.words import drawable, heading, shown, span_of
from bondstore.errors import MissingExtraError
from bondstore.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bondstore.domains.ocean.profiles import Batch, Mask
    from bondstore.domains.ocean.qc.evaluate import Result

WIDTH, HEIGHT = 7.2, 5.6
_BOX = (0.095, 0.15, 0.745, 0.68)
_VARIABLES = ("TEMP", "PSAL", "PRES")
_RASTER = 3000
_LINES = 8
"""Lines of equal density at most."""


def water_diagram(batch: Batch, result: Result, *, form: Form = "png", title: str = "", note: str = "") -> bytes:
    """Draw temperature against salinity, by colour of pressure; what is called suspect or bad is marked.

    Behind it are lines of equal potential density (sigma-0, TEOS-10, as if at the surface), where gsw is installed.
    """
    name = heading(batch, title)
    nothing = np.full(batch.levels, np.nan)
    salt = drawable(nothing if batch.salinity is None else batch.salinity)
    batch = replace(batch, pressure=drawable(batch.pressure), temperature=drawable(batch.temperature), salinity=salt)

    def draw(figure: Figure) -> None:
        figure.text(0.03, 0.945, name, fontsize=13, fontweight="bold")
        about = f"{span_of(batch.time)}   ·   {counted(len(batch), 'profile')}, {counted(batch.levels, 'level')}"
        figure.text(0.03, 0.9, about, fontsize=9)
        figure.text(0.98, 0.95, shown(note), fontsize=7.5, color=FAINT, ha="right")
        axes = figure.add_axes(_BOX)
        there = np.isfinite(batch.pressure) & np.isfinite(batch.temperature) & np.isfinite(salt)
        axes.set_xlabel("Practical salinity")
        axes.set_ylabel("Temperature (°C)")
        axes.spines[["top", "right"]].set_visible(False)
        if not there.any():
            say_empty(axes, "no values")
            return
        doubt = doubt_of(result, _VARIABLES)
        _set_edges(axes, batch, there, doubt == 0)
        _draw_densities(axes, batch, there)
        drawn = axes.scatter(
            salt[there],
            batch.temperature[there],
            c=batch.pressure[there],
            cmap=f"{COLOURS}_r",
            s=7,
            linewidths=0,
            zorder=3,
            rasterized=bool(there.sum() > _RASTER),
        )
        draw_doubts(axes, salt, batch.temperature, there, doubt)
        bar = figure.colorbar(drawn, cax=figure.add_axes((0.865, _BOX[1], 0.02, _BOX[3])))
        bar.set_label("Sea pressure (dbar)")
        bar.outline.set_visible(False)
        bar.ax.invert_yaxis()
        bar.ax.tick_params(length=2.5)
        legend_of_doubts(figure, doubt, there, beyond=int((there & ~_inside(axes, batch)).sum()))

    described = f"Temperature against salinity. {name}, {span_of(batch.time)}, {counted(len(batch), 'profile')}."
    return render(draw, WIDTH, HEIGHT, form, described)


def _set_edges(axes: Axes, batch: Batch, there: Mask, sure: Mask) -> None:
    """Frame what nothing is held against; a value that is far off must not shrink the water to a dot."""
    assert batch.salinity is not None
    framed = there & sure if (there & sure).any() else there
    for values, least, set_edges in (
        (batch.salinity, 0.05, axes.set_xlim),
        (batch.temperature, 0.5, axes.set_ylim),
    ):
        low, high = float(values[framed].min()), float(values[framed].max())
        room = max((high - low) * 0.06, least / 2)
        set_edges(low - room, high + room)
    axes.grid(visible=True)


def _inside(axes: Axes, batch: Batch) -> Mask:
    assert batch.salinity is not None
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    inside: Mask = (batch.salinity >= west) & (batch.salinity <= east)
    return inside & (batch.temperature >= south) & (batch.temperature <= north)


def _draw_densities(axes: Axes, batch: Batch, there: Mask) -> None:
    from matplotlib.ticker import MaxNLocator

    from bondstore.domains.ocean.qc.seawater import sigma_at_surface

    salinity, temperature = (np.linspace(*edges, 60) for edges in (axes.get_xlim(), axes.get_ylim()))
    place = np.flatnonzero(there & np.isfinite(batch.latitude) & np.isfinite(batch.longitude))
    where = (float(batch.latitude[place[0]]), float(batch.longitude[place[0]])) if len(place) else (0.0, -30.0)
    grid = np.meshgrid(np.clip(salinity, 0.0, 42.0), temperature)
    try:
        density = sigma_at_surface(*grid, *where)
    except MissingExtraError:
        return
    levels = MaxNLocator(_LINES, steps=[1, 2, 5, 10]).tick_values(float(np.nanmin(density)), float(np.nanmax(density)))
    lines = axes.contour(salinity, temperature, density, levels=levels, colors="#9aa3ad", linewidths=0.6, zorder=1)
    axes.clabel(lines, fontsize=6.5, fmt=lambda value: f"{value:g}")
