"""Sums, neighbours and spans over ragged columns, never across the seam between two profiles."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Integers, Mask


def neighbour(batch: Batch, values: Floats, offset: int) -> Floats:
    """Return for each level the value `offset` levels further in the same profile; NaN where there is none.

    Parameters
    ----------
    batch : Batch
        The profiles.
    values : ndarray of float64, shape (levels,)
        A column.
    offset : int
        1 for the next level, -1 for the one before.
    """
    shifted = np.full(len(values), np.nan)
    if abs(offset) >= len(values):
        return shifted
    here, there = (
        (slice(None, -offset), slice(offset, None)) if offset > 0 else (slice(-offset, None), slice(None, offset))
    )
    same = batch.owner[here] == batch.owner[there]
    shifted[here] = np.where(same, values[there], np.nan)
    return shifted


def per_profile(batch: Batch, values: Floats, ufunc: np.ufunc, empty: float = np.nan) -> Floats:
    """Reduce a column profile by profile.

    Parameters
    ----------
    batch : Batch
        The profiles.
    values : ndarray of float64, shape (levels,)
        A column; NaN takes part as the ufunc has it (`np.fmin` and `np.fmax` leave it out).
    ufunc : numpy ufunc
        Such as `np.add`, `np.fmin`.
    empty : float
        For a profile without levels.

    Returns
    -------
    ndarray of float64, shape (profiles,)
    """
    result = np.full(len(batch), empty)
    some = batch.sizes > 0
    if some.any():
        result[some] = ufunc.reduceat(values, batch.starts[some])
    return result


def count(batch: Batch, where: Mask) -> Integers:
    """Return how many levels of each profile are true; shape (profiles,)."""
    return np.bincount(batch.owner[where], minlength=len(batch)).astype(np.int64)


def spread(batch: Batch, values: Floats) -> Floats:
    """Return a value per profile as a value per level; shape (levels,)."""
    return np.repeat(values, batch.sizes)


def any_in(batch: Batch, where: Mask) -> Mask:
    """Return which profiles have a true level; shape (profiles,)."""
    return count(batch, where) > 0


def only(batch: Batch, keep: Mask) -> Batch:
    """Return the batch without the levels that are not kept: neighbours are then the nearest that were.

    What is found there goes back to all levels with ``result[keep] = found``.
    """
    return Batch(
        batch.profiles,
        count(batch, keep),
        batch.time[keep],
        batch.latitude[keep],
        batch.longitude[keep],
        batch.pressure[keep],
        batch.temperature[keep],
        None if batch.salinity is None else batch.salinity[keep],
    )
