"""MEDD's sliding windows: levels in the order of pressure, which of them stand in each window, and their median."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Integers, Mask

DOUBLINGS = 12
"""Bounds are looked for in halves of windows of up to twice two to the power of this many levels."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Finite levels in the order of their profiles, and of pressure within each."""

    begin: Integers  # the first row of each level's profile
    end: Integers  # the row after its last
    pressure: Floats
    values: Floats

    @property
    def rows(self) -> Integers:
        """The number of each level."""
        return np.arange(len(self.pressure))

    @property
    def starts(self) -> Integers:
        """The first row of each profile that has levels."""
        return np.flatnonzero(self.begin == self.rows)

    def take(self, keep: Mask) -> Levels:
        """Return the levels of some profiles; `keep` says so of all levels of a profile alike."""
        gone = np.cumsum(~keep)
        begin = self.begin[keep]
        end = self.end[keep]
        return Levels(begin - gone[begin], end - gone[begin], self.pressure[keep], self.values[keep])


@dataclass(frozen=True, slots=True)
class Windows:
    """A window for each level, as a span of the levels that take part in medians."""

    values: Floats  # those that take part, in their order
    low: Integers  # the first of them in the level's profile
    left: Integers  # the first in the window
    right: Integers  # the one after its last: as many above the level as below, where there are any
    above: Integers  # how many there are within reach upwards
    below: Integers  # and downwards


def windows(levels: Levels, kept: Mask, reach: Floats) -> Windows:
    """Return the window of each level over those `kept`; what lies just `reach` (dbar) away is outside."""
    before = np.concatenate([[0], np.cumsum(kept)])
    low, high = before[levels.begin], before[levels.end]
    pressure, here = levels.pressure[kept], levels.pressure
    first, after = _ties(levels)
    upper, lower = before[first], before[after]
    # positions on one line, where profile follows profile: near enough to guess from, and guesses are looked at
    profile = np.cumsum(levels.begin == levels.rows)
    with np.errstate(all="ignore"):
        line = profile * (np.ptp(here) + 2.0 * reach.max(initial=0.0) + 1.0) if len(here) else here
        along, needle = (line + here)[kept], line + here
        guesses = np.searchsorted(along, needle - reach, "right"), np.searchsorted(along, needle + reach, "left")

    def near(at: Integers, of: Integers) -> Mask:
        found: Mask = here[of] - pressure[at] < reach[of]
        return found

    def past(at: Integers, of: Integers) -> Mask:
        found: Mask = pressure[at] - here[of] >= reach[of]
        return found

    left, right = _mended(guesses[0], low, high, near), _mended(guesses[1], low, high, past)
    above, below = upper - left, right - lower
    both = np.minimum(above, below)
    left, right = np.where(both > 0, upper - both, left), np.where(both > 0, lower + both, right)
    return Windows(levels.values[kept], low, left, right, above, below)


def medians(levels: Levels, found: Windows, where: Mask) -> Floats:
    """Return the medians of the windows that are wanted; the level's own value elsewhere, and in an empty window.

    In a window of an even number the first value counts twice, so that the median is a value and no mean of two.
    """
    median = levels.values.copy()
    some = where & (found.right > found.left)
    left, right, low, values = found.left[some], found.right[some], found.low[some], found.values
    if not len(left):
        return median
    size = right - left
    starts = np.zeros(len(values), np.int64)
    starts[found.low[found.low < len(values)]] = found.low[found.low < len(values)]
    starts = np.maximum.accumulate(starts)
    order = np.lexsort((values, starts))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - starts
    middle = values[order][low + _kth(rank, left, right, (size - 1) // 2)]
    even = size % 2 == 0
    if even.any():
        other = values[order][low[even] + _kth(rank, left[even], right[even], size[even] // 2)]
        middle[even] = np.where(values[left[even]] <= middle[even], middle[even], other)
    median[some] = middle
    return median


def bounds(levels: Levels, found: Windows) -> tuple[Floats, Floats]:
    """Return between which values each window's median lies.

    Of any more than half of a window's values, one is at most the median, and one at least: here the upper half is
    taken, and the lower. Where values only fall or only rise from one level to the next, both bounds are the median.
    """
    least, most = levels.values.copy(), levels.values.copy()
    some = np.flatnonzero(found.right > found.left)
    left, right = found.left[some], found.right[some]
    half = (right - left) // 2 + 1
    huge = half >= 2 << DOUBLINGS
    half = np.where(huge, 1, half)
    doubling = np.frexp(half)[1] - 1  # two spans of 2**doubling cover each half
    reach = np.left_shift(1, doubling)
    for result, pick, other in ((least, np.minimum, np.maximum), (most, np.maximum, np.minimum)):
        table = _doubled(found.values, int(doubling.max(initial=0)), pick)
        upper = pick(table[doubling, left], table[doubling, left + half - reach])
        lower = pick(table[doubling, right - half], table[doubling, right - reach])
        result[some] = np.where(huge, -np.inf if pick is np.minimum else np.inf, other(upper, lower))
    return least, most


def _doubled(values: Floats, doublings: int, pick: np.ufunc) -> Floats:
    """The least or greatest of 1, 2, 4 … values from each on."""
    table = np.empty((doublings + 1, len(values)))
    table[0] = values
    for number in range(doublings):
        step = 1 << number
        table[number + 1] = table[number]
        pick(table[number, :-step], table[number, step:], out=table[number + 1, :-step])
    return table


def _ties(levels: Levels) -> tuple[Integers, Integers]:
    """The first row of each level's profile at its pressure, and the row after the last."""
    rows, number = levels.rows, len(levels.pressure)
    new = rows == levels.begin
    new[1:] |= levels.pressure[1:] != levels.pressure[:-1]
    first = np.flatnonzero(new)
    which = np.cumsum(new) - 1
    return first[which], np.append(first, number)[which + 1]


def bisect(low: Integers, high: Integers, reached: Callable[[Integers, Integers], Mask]) -> Integers:
    """Return the first position from `low` on that `reached` says yes to, else `high`; for many at once.

    ``reached(positions, of)`` says whether they are, for those that `of` numbers; further on yes never turns into no.
    """
    low, high = low.copy(), high.copy()
    of = np.flatnonzero(low < high)
    while len(of):
        middle = (low[of] + high[of]) // 2
        yes = reached(middle, of)
        high[of[yes]] = middle[yes]
        low[of[~yes]] = middle[~yes] + 1
        of = of[low[of] < high[of]]
    return low


def _mended(guess: Integers, low: Integers, high: Integers, reached: Callable[[Integers, Integers], Mask]) -> Integers:
    """What `bisect` finds, which is done for wrong guesses only."""
    found = np.clip(guess, low, high)
    every = np.arange(len(found))
    inside, later = found < high, found > low
    right = np.ones(len(found), np.bool_)
    right[inside] = reached(found[inside], every[inside])
    right[later] &= ~reached(found[later] - 1, every[later])
    wrong = every[~right]
    if len(wrong):
        found[wrong] = bisect(low[wrong], high[wrong], lambda at, of: reached(at, wrong[of]))
    return found


def _kth(rank: Integers, left: Integers, right: Integers, k: Integers) -> Integers:
    """The k-th smallest of ``rank[left:right]`` for many spans: bit by bit, over a wavelet matrix."""
    found = np.zeros(len(left), np.int64)
    for bit in reversed(range(int(rank.max(initial=0)).bit_length())):
        ones = (rank >> bit) & 1
        zeros = np.concatenate([[0], np.cumsum(1 - ones)])
        start, stop = zeros[left], zeros[right]
        small = k < stop - start
        found |= np.where(small, 0, 1 << bit)
        k = np.where(small, k, k - (stop - start))
        left = np.where(small, start, zeros[-1] + left - start)
        right = np.where(small, stop, zeros[-1] + right - stop)
        rank = np.concatenate([rank[ones == 0], rank[ones == 1]])
    return found
