"""Windows over the levels up to one, measured in time or pressure travelled: their deviation and range.

Every sum runs within one profile: its last digit, too, is the same whatever else is in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Integers
from bondstore.domains.ocean.qc.ragged import neighbour
from bondstore.errors import ConfigurationError

ALONG = ("TIME", "PRES")
"""What windows may be measured along."""


_AT_ONCE = 1 << 15
"""Levels that are worked on at a time: their tables stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Window:
    """The levels before one over which a deviation is taken."""

    width: float  # in seconds, or in dbar travelled
    along: str  # one of ALONG
    least: int  # values it must hold


def coordinate(batch: Batch, along: str) -> Floats:
    """Return the column that windows are measured along."""
    if along not in ALONG:
        raise ConfigurationError(
            "A QARTOD test measures its window along an unknown variable.", hint=f"Use one of: {', '.join(ALONG)}."
        )
    return batch.time if along == "TIME" else batch.pressure


def travelled(batch: Batch, along: str) -> Floats:
    """Return the seconds or dbar from the first level of the profile to each, up and down alike.

    The batch must have no missing values in that column.
    """
    at = coordinate(batch, along)
    steps = np.abs(at - neighbour(batch, at, -1))
    steps[batch.starts[batch.sizes > 0]] = 0.0
    return cumulative(batch, steps)


def cumulative(batch: Batch, values: Floats) -> Floats:
    """Return the sum of each level and those before it in its profile."""
    result = np.empty(len(values))
    sized = np.frexp(batch.sizes.astype(np.float64))[1]
    for magnitude in sorted(set(sized[batch.sizes > 0].tolist())):
        # profiles of like size make a table that is at least half full
        alike = np.flatnonzero((sized == magnitude) & (batch.sizes > 0))
        length = np.arange(batch.sizes[alike].max())
        for chosen in np.array_split(alike, -(-len(alike) * len(length) // _AT_ONCE)):
            inside = length < batch.sizes[chosen, None]
            rows = np.minimum(batch.starts[chosen, None] + length, len(values) - 1)
            sums = np.cumsum(np.where(inside, values[rows], 0.0), axis=1)
            result[rows[inside]] = sums[inside]
    return result


def first_within(batch: Batch, path: Floats, width: float) -> Integers:
    """Return the first level of each one's profile that lies no more than `width` before it.

    `path` never falls within a profile.
    """
    found = batch.starts[batch.owner]
    rounds = int(batch.sizes.max(initial=0)).bit_length()
    for begin in range(0, batch.levels, _AT_ONCE):
        here = slice(begin, begin + _AT_ONCE)
        low, high, reach = found[here], np.arange(begin, begin + len(found[here])), path[here] - width
        for _ in range(rounds):
            middle = (low + high) // 2
            outside = path[middle] < reach
            low, high = np.where(outside, middle + 1, low), np.where(outside, high, middle)
        found[here] = low
    return found


def deviation(batch: Batch, values: Floats, first: Integers, end: Integers) -> Floats:
    """Return the standard deviation (n in the denominator) of the levels from `first` up to before `end`; NaN for none.

    A window lies within its level's profile, and no value is missing.
    """
    if not batch.levels:
        return np.zeros(0)
    off = values - values[batch.starts[batch.owner]]  # the sums of squares then keep their digits
    number = (end - first).astype(np.float64)
    with np.errstate(all="ignore"):
        mean, square = (_sum(batch, one, first, end) / number for one in (off, off * off))
        found: Floats = np.sqrt(np.maximum(square - mean * mean, 0.0))
    return found


def _sum(batch: Batch, values: Floats, first: Integers, end: Integers) -> Floats:
    sums = cumulative(batch, values)
    total: Floats = sums[np.maximum(end - 1, 0)] - sums[np.minimum(first, len(values) - 1)]
    return np.where(end > first, total + values[np.minimum(first, len(values) - 1)], np.nan)


def extent(values: Floats, first: Integers, end: Integers) -> Floats:
    """Return the largest less the smallest value of the levels from `first` up to before `end`; NaN for none."""
    found = np.full(len(values), np.nan)
    size, high, low = end - first, values.copy(), values.copy()
    # two spans of a power of two cover every window; `high` and `low` are those of the spans that end at each level
    step = 1
    while (size >= step).any():
        here = np.flatnonzero((size >= step) & (size < 2 * step))
        back, front = end[here] - 1, first[here] + step - 1
        found[here] = np.maximum(high[back], high[front]) - np.minimum(low[back], low[front])
        high[step:] = np.maximum(high[step:], high[:-step])
        low[step:] = np.minimum(low[step:], low[:-step])
        step *= 2
    return found
