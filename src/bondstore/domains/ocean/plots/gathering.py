"""The profiles of each platform, gathered for its map and its section within a bound of memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.words import moment, platform_of
from bondstore.domains.ocean.profiles import Batch, joined
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.ragged import level_index, only, per_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.ocean.profiles import Profile
    from bondstore.domains.ocean.qc.evaluate import Result


MOST_LEVELS = 2_000_000
"""Levels of all platforms together; some 150 MB."""


_DOUBTED = (Flag.SUSPECT, Flag.BAD)
_KEPT = ("TEMP", "PRES", "PSAL")


@dataclass(slots=True)
class Platform:
    """What was read of one platform."""

    parts: list[tuple[Batch, Result]] = field(default_factory=list)  # of the results only roll-ups and grades
    share: int = 1  # of the levels that nothing is held against, one in so many is left

    @property
    def levels(self) -> int:
        """How many are held."""
        return sum(batch.levels for batch, _ in self.parts)

    def whole(self) -> tuple[Batch, Result]:
        """Return all profiles in the order of their times, and what is said of them."""
        batch = joined([one for one, _ in self.parts])
        results = [one for _, one in self.parts]
        rolled = {
            name: np.concatenate([_flags(one, name, batch.levels) for batch, one in self.parts])
            for name in _KEPT
            if any(name in one.rolled for one in results)
        }
        grades = np.concatenate([one.grades for one in results])
        begins = per_profile(batch, batch.time, np.fmin)
        keys = [(one.key, one.name) for one in batch.profiles]
        order = sorted(range(len(batch)), key=lambda one: (np.isnan(begins[one]), begins[one], keys[one]))
        rows = np.concatenate([np.arange(batch.starts[one], batch.starts[one] + batch.sizes[one]) for one in order])
        rolled = {name: flags[rows] for name, flags in rolled.items()}
        return batch.take(order), replace(results[0], flags={}, reasons={}, rolled=rolled, grades=grades[order])

    def thin(self) -> None:
        """Leave out every second level that nothing is held against, but no profile's first."""
        self.parts = [_thinned(batch, result) for batch, result in self.parts]
        self.share *= 2


class Gathering:
    """Takes profiles as they are read; gives them back platform by platform.

    Beyond a number of levels the platform with the most is thinned.
    """

    def __init__(self, most: int = MOST_LEVELS) -> None:
        self._most, self._levels = most, 0
        self._platforms: dict[str, Platform] = {}

    def add(self, batch: Batch, result: Result) -> None:
        """Take the profiles of one file."""
        names = np.array([series_of(one) for one in batch.profiles], dtype=object)
        for name in dict.fromkeys(names.tolist()):
            numbers = np.flatnonzero(names == name).tolist()
            some = batch.take(numbers)
            rows = np.isin(batch.owner, numbers)
            rolled = {one: result.rolled[one][rows] for one in _KEPT if one in result.rolled}
            said = replace(result, flags={}, reasons={}, rolled=rolled, grades=result.grades[numbers])
            self._platforms.setdefault(name, Platform()).parts.append((some, said))
            self._levels += some.levels
        while self._levels > self._most:
            before = self._levels
            largest = max(self._platforms.values(), key=lambda one: one.levels)
            largest.thin()
            self._levels = sum(one.levels for one in self._platforms.values())
            if self._levels > 0.9 * before:
                break  # most of it is doubted: that is what a reader must see

    def platforms(self) -> Iterator[tuple[str, Platform]]:
        """Yield the platforms by name, and forget each."""
        for name in sorted(self._platforms):
            yield name, self._platforms.pop(name)


def _flags(result: Result, name: str, levels: int) -> Flags:
    """Return the flags of a variable; missing where none of a part's profiles has it."""
    return result.rolled.get(name, np.full(levels, Flag.MISSING, np.int8))


def series_of(profile: Profile) -> str:
    """Return what a profile is gathered by: its platform, and the day of its deployment where that is known."""
    deployed = profile.deployment.supplied if profile.deployment else None
    return platform_of(profile) + ("" if deployed is None else f"_{moment(deployed)[:10]}")


def _thinned(batch: Batch, result: Result) -> tuple[Batch, Result]:
    doubted = np.logical_or.reduce([np.isin(flags, _DOUBTED) for flags in result.rolled.values()])
    keep = doubted | (level_index(batch) % 2 == 0)
    return only(batch, keep), replace(result, rolled={name: flags[keep] for name, flags in result.rolled.items()})
