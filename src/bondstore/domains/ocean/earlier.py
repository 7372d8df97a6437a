"""A float's profile before another: which one it is among those of a file or a batch, and what tests need of it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.profiles import Earlier, Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.domains.ocean.profiles import Batch, Profile


@dataclass(frozen=True, slots=True)
class Before:
    """The profile before another one."""

    number: int
    same: bool
    """Whether it was sampled alike, so that its values can be compared; else only its time and place."""


def predecessors(profiles: Sequence[Profile], among: Sequence[Profile]) -> dict[int, Before]:
    """Return for each profile the one of the same float with the highest cycle below its own, by its number in `among`.

    Of several, one of the same sampling and direction; near-surface data are never compared with the primary ones.
    """
    floats: dict[str, dict[int, list[int]]] = {}
    for number, profile in enumerate(among):
        cycle = cycle_of(profile)
        if profile.platform and cycle is not None:
            floats.setdefault(profile.platform, {}).setdefault(cycle, []).append(number)
    ordered = {platform: sorted(cycles) for platform, cycles in floats.items()}
    found = {}
    for number, profile in enumerate(profiles):
        cycle, cycles = cycle_of(profile), ordered.get(profile.platform, [])
        at = 0 if cycle is None else bisect_left(cycles, cycle)
        if at:
            numbers = floats[profile.platform][cycles[at - 1]]
            best = min((not _alike(among[one], profile), _way(among[one]) != _way(profile), one) for one in numbers)
            found[number] = Before(best[2], not best[0])
    return found


def earlier_of(batch: Batch, before: Before, time: float, place: Position | None) -> Earlier:
    """Return what tests need to know of a profile of a batch."""
    if not before.same:
        return Earlier(time, place)
    rows = batch.rows(before.number)
    salinity = None if batch.salinity is None else batch.salinity[rows]
    if salinity is not None and np.isnan(salinity).all():
        salinity = None  # none came with it: other files of the batch may have brought the column
    return Earlier(time, place, batch.pressure[rows], batch.temperature[rows], salinity)


def cycle_of(profile: Profile) -> int | None:
    """Return the cycle that a file says a profile is of."""
    written = profile.known.get("cycle", "")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else None


def _way(profile: Profile) -> str:
    return profile.known.get("direction", "A")


def _alike(one: Profile, other: Profile) -> bool:
    return sampling(one) == sampling(other)


def sampling(profile: Profile) -> str:
    """Return how a profile was sampled, such as ``Near-surface sampling``; empty where the file does not say."""
    return profile.known.get("vertical_sampling_scheme", "").partition(":")[0].strip()
