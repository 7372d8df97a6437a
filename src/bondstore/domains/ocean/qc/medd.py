"""MEDD, the median with a distance: a sliding median along pressure, and which values lie far from its curve.

Written from the description of the method: Dobler, D. (Ifremer), MEDD test specification 1.2, in the Argo QC manual 3.9
as test 25. Many profiles are worked on at once; nothing of one ever enters another's result.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Mask
from bondstore.domains.ocean.qc.medd_circles import outliers
from bondstore.domains.ocean.qc.medd_curve import curve, envelope
from bondstore.domains.ocean.qc.medd_levels import LEAST, Levels, Settings

__all__ = ["LEAST", "Levels", "Settings", "curve", "doubtful", "outliers", "spikes"]
BLOCK = 1 << 15
"""Levels that are worked on in one go; a profile with more is one block."""


def spikes(levels: Levels, distances: Floats, settings: Settings) -> Mask:
    """Return which values lie further from their profile's median curve than a distance.

    Parameters
    ----------
    levels : Levels
        At least `LEAST` of each profile.
    distances : ndarray of float64, shape (levels,)
        As fractions of the profile's width.
    settings : Settings
        How the curve is drawn.

    Returns
    -------
    ndarray of bool, shape (levels,)
        What `outliers` finds with what `curve` draws; profiles that cannot have an outlier are spared both.
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


def doubtful(levels: Levels, distances: Floats, settings: Settings) -> Mask:
    """Return whose profiles may have a value too far from the curve: no others need a look.

    A value is an outlier only if it lies farther from the curve at its own level than its distance. Bounds of the curve
    are quick to find, and the width that distances are fractions of is at least that between them.

    Parameters
    ----------
    levels, distances, settings
        As for `spikes`.

    Returns
    -------
    ndarray of bool, shape (levels,)
        All levels of a profile alike.
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
