"""MEDD's curve: a sliding median along pressure, and between which bounds it lies without one being taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Integers, Mask
from bondstore.domains.ocean.qc.medd_levels import Levels, Settings
from bondstore.domains.ocean.qc.medd_windows import Windows, bounds, medians, windows


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the curve is at each level: its own value, a median, or what it is elsewhere."""

    out: Mask
    itself: Mask
    sunk: Mask
    last: Integers
    found: Windows


def curve(levels: Levels, settings: Settings) -> Floats:
    """Return the median curve at each level.

    Parameters
    ----------
    levels : Levels
        At least `bondstore.domains.ocean.qc.medd_levels.LEAST` of each profile.
    settings : Settings
        How it is drawn.

    Returns
    -------
    ndarray of float64, shape (levels,)
    """
    plan = _plan(levels, settings)
    wanted = ~plan.itself & ~plan.out
    wanted[plan.last[plan.sunk]] = True
    return _drawn(levels, plan, medians(levels, plan.found, wanted))


def envelope(levels: Levels, settings: Settings) -> tuple[Floats, Floats]:
    """Return the least and greatest that the median curve can be at each level; much quicker than the curve.

    Parameters
    ----------
    levels, settings
        As for `curve`.

    Returns
    -------
    tuple of two ndarray of float64, shape (levels,)
    """
    plan = _plan(levels, settings)
    least, most = bounds(levels, plan.found)
    return _drawn(levels, plan, least), _drawn(levels, plan, most)


def _plan(levels: Levels, settings: Settings) -> _Plan:
    rows, values, pressure = levels.rows, levels.values, levels.pressure
    change = _changes(levels, settings)
    band = np.searchsorted(settings.bands, pressure, side="right")
    most = np.array(settings.gradients)[band]
    out = _doubtful(levels, settings, change, most, np.array(settings.reversals)[band])
    found = windows(levels, ~out, _window(settings, pressure))
    above, below = found.above, found.below
    both = np.minimum(above, below)
    before, after = np.maximum(rows - 1, levels.begin), np.minimum(rows + 1, levels.end - 1)
    itself = (rows > levels.begin) & ~out[before] & ((below == 0) | (both == 1) | ((above == 0) & (below == 1)))
    upper = (rows < levels.end - 1) & ~out[after] & ((above == 0) | (both == 1))
    itself |= upper if settings.edge is None else upper & ~(change > settings.edge)
    last = _last_above(levels, settings.deep)
    far = np.zeros(len(rows), np.bool_)
    some = last >= 0
    with np.errstate(all="ignore"):
        slope = (values[some] - values[last[some]]) / (pressure[some] - pressure[last[some]])
        far[some] = np.abs(slope) > most[some]
    low = pressure >= settings.deep
    return _Plan(out, np.where(low, ~far, itself) & ~out, low & far, last, found)


def _drawn(levels: Levels, plan: _Plan, median: Floats) -> Floats:
    drawn = np.where(plan.sunk, median[plan.last], median)
    drawn[plan.itself] = levels.values[plan.itself]
    return np.where(plan.out, drawn[_nearest_kept(levels, ~plan.out)], drawn) if plan.out.any() else drawn


def _changes(levels: Levels, settings: Settings) -> Floats:
    """The change per dbar from the level above; the first level has that of the second."""
    by, over = np.diff(levels.values, prepend=0.0), np.diff(levels.pressure, prepend=0.0)
    with np.errstate(all="ignore"):
        change = by / over
    change[(np.abs(by) < settings.near_value) & (np.abs(over) < settings.near_pressure)] = 0.0
    first = levels.rows == levels.begin
    change[first] = change[np.flatnonzero(first) + 1]
    return change


def _doubtful(levels: Levels, settings: Settings, change: Floats, most: Floats, turning: Floats) -> Mask:
    rows = levels.rows
    turned = np.zeros(len(rows), np.bool_)
    turned[:-1] = (
        (np.abs(change[:-1]) > turning[:-1])
        & (np.abs(change[1:]) > turning[1:])
        & (np.sign(change[:-1]) == -np.sign(change[1:]))
    )
    first = rows == levels.begin
    out: Mask = turned & ~first & (rows < levels.end - 1)
    out[first] = out[np.flatnonzero(first) + 1]
    out |= np.abs(change) > most
    if settings.rising is not None:
        out |= change > settings.rising
    if settings.falling is not None:
        out |= change < settings.falling
    return out


def _window(settings: Settings, pressure: Floats) -> Floats:
    """How far a window reaches to either side."""
    width = np.full(len(pressure), settings.windows[0])
    for number in range(len(settings.zones) - 1):
        top, bottom = settings.zones[number : number + 2]
        narrow, wide = settings.windows[number : number + 2]
        within = (pressure >= top) & (pressure < bottom)
        width[within] = narrow + (wide - narrow) * ((pressure[within] - top) / (bottom - top))
    width[pressure >= settings.zones[-1]] = settings.windows[-1]
    return np.ceil(width / 2.0) + 1.0


def _last_above(levels: Levels, deep: float) -> Integers:
    """The row of the profile's last level above a pressure; -1 for levels above it, and where there is none."""
    above = np.concatenate([[0], np.cumsum(levels.pressure < deep)])
    number = above[levels.end] - above[levels.begin]
    return np.where((number > 0) & (levels.pressure >= deep), levels.begin + number - 1, -1)


def _nearest_kept(levels: Levels, kept: Mask) -> Integers:
    """The row of the last kept level up to each; else of the profile's first kept one; else of its first."""
    rows = levels.rows
    last = np.maximum.accumulate(np.where(kept, rows, -1))
    following = np.minimum.accumulate(np.where(kept, rows, len(rows))[::-1])[::-1]
    first = following[levels.begin] if len(rows) else following
    return np.where(last >= levels.begin, last, np.where(first < levels.end, first, levels.begin))
