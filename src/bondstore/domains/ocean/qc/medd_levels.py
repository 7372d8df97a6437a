"""What MEDD works on: levels in the order of pressure, and the numbers by which its curve is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Integers, Mask

LEAST = 6
"""Levels that the method wants of a profile."""


@dataclass(frozen=True, slots=True)
class Settings:
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


@dataclass(frozen=True, slots=True)
class Levels:
    """Finite levels in the order of their profiles, and of pressure within each.

    Parameters
    ----------
    begin, end : ndarray of int64, shape (levels,)
        The first row of each level's profile, and the row after its last.
    pressure, values : ndarray of float64, shape (levels,)
        What was measured.
    """

    begin: Integers
    end: Integers
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


def bisect(low: Integers, high: Integers, reached: Callable[[Integers, Integers], Mask]) -> Integers:
    """Return the first position from `low` on that `reached` says yes to, for many at once.

    Parameters
    ----------
    low, high : ndarray of int64, shape (n,)
        Where to look; `high` is the answer where none before it is reached.
    reached : callable
        ``reached(positions, of)``: whether they are, for those of the n that `of` numbers; yes never turns into no
        again further on.
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
