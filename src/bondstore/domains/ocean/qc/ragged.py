"""Sums, neighbours and spans over ragged columns, never across the seam between two profiles."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, Floats, Integers, Mask

Value = TypeVar("Value", bound=np.generic)


def column(batch: Batch, on: str) -> Floats:
    """Return a variable's column; NaN throughout where nobody measured it."""
    values = batch.column(on)
    return np.full(batch.levels, np.nan) if values is None else values


def absent(batch: Batch, on: str) -> Mask:
    """Return which levels have no value of a variable; of a position, either half missing will do."""
    if on == "POSITION":
        return np.isnan(batch.latitude) | np.isnan(batch.longitude)
    return np.isnan(column(batch, on))


def neighbour(batch: Batch, values: Floats, offset: int) -> Floats:
    """Return for each level the value `offset` levels further (before, if negative) in its profile; NaN for none."""
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
    """Reduce a column profile by profile; one without levels has `empty`. NaN counts as the ufunc has it."""
    result = np.full(len(batch), empty)
    some = batch.sizes > 0
    if some.any():
        result[some] = ufunc.reduceat(values, batch.starts[some])
    return result


def count(batch: Batch, where: Mask) -> Integers:
    """Return how many levels of each profile are true."""
    return np.bincount(batch.owner[where], minlength=len(batch)).astype(np.int64)


def any_in(batch: Batch, where: Mask) -> Mask:
    """Return which profiles have a true level."""
    return count(batch, where) > 0


def spread(batch: Batch, values: NDArray[Value]) -> NDArray[Value]:
    """Return a value per profile as a value per level."""
    return np.repeat(values, batch.sizes)


def only(batch: Batch, keep: Mask) -> Batch:
    """Return the batch without the levels that are not kept: neighbours are then the nearest that were.

    What is found there goes back to all levels with ``result[keep] = found``.
    """
    return batch if keep.all() else batch.part(batch.profiles, count(batch, keep), keep)


def level_index(batch: Batch) -> Floats:
    """Return the number of each level in its profile, from 0."""
    return (np.arange(batch.levels) - batch.starts[batch.owner]).astype(np.float64)


def last(batch: Batch) -> Mask:
    """Return which levels are the last of their profile."""
    ends = np.zeros(batch.levels, np.bool_)
    ends[(batch.starts + batch.sizes - 1)[batch.sizes > 0]] = True
    return ends


def from_first(batch: Batch, where: Mask) -> Mask:
    """Return the first true level of each profile and all after it."""
    numbers = np.arange(batch.levels, dtype=np.float64)
    first = per_profile(batch, np.where(where, numbers, np.inf), np.minimum, empty=np.inf)
    reached: Mask = numbers >= spread(batch, first)
    return reached


def deviation(batch: Batch, values: Floats) -> Floats:
    """Return each profile's standard deviation (n in the denominator) of the values that are there.

    NaN for a profile without values, or whose values are not finite.
    """
    have = ~np.isnan(values)
    with np.errstate(all="ignore"):
        number = count(batch, have)
        mean = per_profile(batch, np.where(have, values, 0.0), np.add, empty=0.0) / number
        off = np.where(have, values - spread(batch, mean), 0.0)
        found: Floats = np.sqrt(per_profile(batch, off * off, np.add, empty=0.0) / number)
    return found
