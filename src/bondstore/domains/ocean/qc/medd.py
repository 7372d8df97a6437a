"""MEDD, the median with a distance: which values lie far from a sliding median along pressure.

Written from the description of the method: Dobler, D. (Ifremer), MEDD test specification 1.2, in the Argo QC manual 3.9
as test 25. Many profiles are worked on at once; nothing of one ever enters another's result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Integers, Mask
from bondstore.domains.ocean.qc.medd_windows import Levels, Windows, bisect, bounds, medians, windows

LEAST = 6
"""Levels that the method wants of a profile."""


BLOCK = 1 << 15
"""Levels that are worked on in one go; a profile with more is one block."""


PAIRS = 1 << 20
"""Pairs of a suspect value and a piece of the curve that are looked at in one go."""


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """How the curve is drawn. Pressures are in dbar.

    Parameters
    ----------
    zones, windows : tuple of float
        Four pressures, and how wide the sliding window is there; in between in a straight line.
    bands : tuple of float
        Five pressures, between which are six bands.
    gradients, reversals : tuple of float
        In each band, the greatest change per dbar, and the greatest where its sign changes from one level to the next;
        beyond them a level takes no part in the median.
    rising, falling : float or None
        A greater, a smaller change per dbar takes a level out too.
    edge : float or None
        At the upper edge of a series, a level that changes by more per dbar does not stand for itself.
    near_value, near_pressure : float
        A change smaller than both is none.
    deep : float
        From this pressure on a value stands for itself, unless it is too far from the last one above.
    extent : tuple of float
        The least and greatest width of a profile in units of its values.
    scale : float
        The pressure that counts as much as that width.
    """

    zones: tuple[float, ...]
    windows: tuple[float, ...]
    bands: tuple[float, ...]
    gradients: tuple[float, ...]
    reversals: tuple[float, ...]
    rising: float | None
    falling: float | None
    edge: float | None
    near_value: float
    near_pressure: float
    deep: float
    extent: tuple[float, float]
    scale: float


def spikes(levels: Levels, distances: Floats, settings: CurveSettings) -> Mask:
    """Return which values lie further from their profile's median curve than a distance, a fraction of its width.

    Profiles that cannot have an outlier are spared the curve.
    """
    found = np.zeros(len(levels.values), np.bool_)
    for rows in _blocks(levels):
        some = Levels(
            levels.begin[rows] - rows.start, levels.end[rows] - rows.start, levels.pressure[rows], levels.values[rows]
        )
        look = doubtful(some, distances[rows], settings)
        if look.any():
            taken = some.take(look)
            found[rows][look] = outliers(taken, curve(taken, settings), distances[rows][look], settings)
    return found


def doubtful(levels: Levels, distances: Floats, settings: CurveSettings) -> Mask:
    """Return whose profiles may have a value too far from the curve: no others need a look.

    A value is an outlier only if it lies farther from the curve at its own level than its distance. Bounds of the curve
    are quick to find, and the width that distances are fractions of is at least that between them.
    """
    least, most = envelope(levels, settings)
    starts = levels.starts
    if not len(starts):
        return np.zeros(0, np.bool_)
    sizes = (levels.end - levels.begin)[starts]
    with np.errstate(over="ignore"):
        extent = np.maximum.reduceat(least, starts) - np.minimum.reduceat(most, starts)
        reach = distances * np.repeat(np.clip(extent, *settings.extent), sizes)
        far = (levels.values > least + reach) | (levels.values < most - reach)
    return np.repeat(np.logical_or.reduceat(far, starts), sizes)


def _blocks(levels: Levels) -> Iterator[slice]:
    """Spans of whole profiles, of some `BLOCK` levels each."""
    starts = levels.starts
    if not len(starts):
        return
    group = starts // BLOCK
    begins = starts[np.flatnonzero(np.diff(group, prepend=-1))]
    for first, end in zip(begins.tolist(), [*begins[1:].tolist(), len(levels.values)], strict=True):
        yield slice(first, end)


def curve(levels: Levels, settings: CurveSettings) -> Floats:
    """Return the median curve at each level; profiles have at least `LEAST`."""
    plan = _plan(levels, settings)
    wanted = ~plan.itself & ~plan.out
    wanted[plan.last[plan.sunk]] = True
    return _drawn(levels, plan, medians(levels, plan.found, wanted))


def envelope(levels: Levels, settings: CurveSettings) -> tuple[Floats, Floats]:
    """Return the least and greatest that the median curve can be at each level; much quicker than the curve."""
    plan = _plan(levels, settings)
    least, most = bounds(levels, plan.found)
    return _drawn(levels, plan, least), _drawn(levels, plan, most)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the curve is at each level: its own value, a median, or what it is elsewhere."""

    out: Mask
    itself: Mask
    sunk: Mask
    last: Integers
    found: Windows


def _plan(levels: Levels, settings: CurveSettings) -> _Plan:
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


def _changes(levels: Levels, settings: CurveSettings) -> Floats:
    """The change per dbar from the level above; the first level has that of the second."""
    by, over = np.diff(levels.values, prepend=0.0), np.diff(levels.pressure, prepend=0.0)
    with np.errstate(all="ignore"):
        change = by / over
    change[(np.abs(by) < settings.near_value) & (np.abs(over) < settings.near_pressure)] = 0.0
    first = levels.rows == levels.begin
    change[first] = change[np.flatnonzero(first) + 1]
    return change


def _doubtful(levels: Levels, settings: CurveSettings, change: Floats, most: Floats, turning: Floats) -> Mask:
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


def _window(settings: CurveSettings, pressure: Floats) -> Floats:
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


def outliers(levels: Levels, drawn: Floats, distances: Floats, settings: CurveSettings) -> Mask:
    """Return which values lie further from the curve than a distance, in the plane of values and pressure.

    The curve's points, and points between them where they are far apart, are looked at within the distance in pressure;
    at each the circle around it reaches so far to either side at the level's own pressure. A value beyond all of them
    is an outlier.
    """
    starts = levels.starts
    width = np.zeros(len(drawn))
    if len(starts):
        with np.errstate(over="ignore"):
            extent = np.maximum.reduceat(drawn, starts) - np.minimum.reduceat(drawn, starts)
        sizes = np.diff(np.append(starts, len(drawn)))
        width = np.repeat(np.clip(extent, *settings.extent), sizes)
    y, reach = levels.pressure * width / settings.scale, distances * width
    found = np.zeros(len(drawn), np.bool_)
    # whatever is within the circle around its own point is within some circle: few levels are left to look at
    suspects = np.flatnonzero((levels.values > drawn + reach) | (levels.values < drawn - reach))
    first = bisect(levels.begin[suspects], levels.end[suspects], lambda at, of: y[at] >= (y - reach)[suspects[of]])
    stop = bisect(levels.begin[suspects], levels.end[suspects], lambda at, of: y[at] > (y + reach)[suspects[of]])
    first = np.maximum(first - 1, levels.begin[suspects])
    stop = np.minimum(stop, levels.end[suspects] - 1)
    pieces = np.maximum(stop - first, 0)
    for part in _parts(pieces):
        rows = suspects[part]
        low, high = _bounds((first[part], pieces[part]), (drawn, y), y[rows], reach[rows])
        found[rows] = (levels.values[rows] > high) | (levels.values[rows] < low)
    return found


def _parts(pieces: Integers) -> list[Integers]:
    """Which suspects are looked at together, so that their pairs fit in memory."""
    if not len(pieces):
        return []
    group = np.cumsum(pieces) // PAIRS
    return np.split(np.arange(len(pieces)), np.flatnonzero(np.diff(group)) + 1)


def _bounds(
    spans: tuple[Integers, Integers], points: tuple[Floats, Floats], here: Floats, reach: Floats
) -> tuple[Floats, Floats]:
    """The least and greatest value within reach of the curve, at one pressure each.

    Along a straight piece of the curve the circle's reach is a concave function, so that among points evenly spaced on
    it the furthest is one of the two beside the tangent point.
    """
    (first, pieces), (x, y) = spans, points
    who = np.repeat(np.arange(len(first)), pieces)
    piece = np.repeat(first - (np.cumsum(pieces) - pieces), pieces) + np.arange(len(who))
    x0, y0, dx, dy = x[piece], y[piece], x[piece + 1] - x[piece], y[piece + 1] - y[piece]
    distance, at = reach[who], here[who]
    low, high = np.full(len(first), np.inf), np.full(len(first), -np.inf)
    with np.errstate(all="ignore"):
        length = np.hypot(dx, dy)
        steps = np.maximum(np.floor(length / distance - 0.2), 0.0) + 1.0
        near, far = np.ceil((at - distance - y0) / dy * steps), np.floor((at + distance - y0) / dy * steps)
        near, far = np.where(dy > 0.0, near, 0.0), np.where(dy > 0.0, far, steps)
        for side in (-1.0, 1.0):
            tangent = np.where(dy > 0.0, (at + side * distance * dx / length - y0) / dy, side * dx > 0.0) * steps
            for step in (np.floor(tangent), np.ceil(tangent), near, far):
                share = np.clip(np.clip(step, near, far), 0.0, steps) / steps
                up = distance**2 - (at - y0 - share * dy) ** 2
                edge = x0 + share * dx + side * np.sqrt(up)
                fine = (up >= 0.0) & np.isfinite(edge)
                (np.maximum if side > 0.0 else np.minimum).at(high if side > 0.0 else low, who[fine], edge[fine])
    return np.minimum(low, high), np.maximum(low, high)
