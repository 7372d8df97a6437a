"""MEDD's circles: which values lie further from the curve than a distance, in the plane of values and pressure."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Integers, Mask
from bondstore.domains.ocean.qc.medd_levels import Levels, Settings, bisect

PAIRS = 1 << 20
"""Pairs of a suspect value and a piece of the curve that are looked at in one go."""


def outliers(levels: Levels, drawn: Floats, distances: Floats, settings: Settings) -> Mask:
    """Return which values lie further from the curve than a distance, in the plane of values and pressure.

    The curve's points, and points between them where they are far apart, are looked at within the distance in pressure;
    at each the circle around it reaches so far to either side at the level's own pressure. A value beyond all of them
    is an outlier.

    Parameters
    ----------
    levels : Levels
        As given to `bondstore.domains.ocean.qc.medd_curve.curve`.
    drawn : ndarray of float64, shape (levels,)
        What it returned.
    distances : ndarray of float64, shape (levels,)
        As fractions of the profile's width.
    settings : Settings
        The same.
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
