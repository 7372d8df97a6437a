"""A float's profile before another: which one it is among those of a file or a batch, and what tests need of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.profiles import Earlier, Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.domains.ocean.profiles import Batch, Profile


LOOK_BACK = 10
"""Cycles: how far back the last good profile is looked for. That is 100 days at the usual ten a cycle, after which deep
water may well be another; and no answer depends on more files than these."""


@dataclass(frozen=True, slots=True)
class Before:
    """The profile before another one."""

    number: int
    same: bool
    """Whether it was sampled alike, so that its values can be compared; else only its time and place."""


def predecessors(profiles: Sequence[Profile], among: Sequence[Profile]) -> dict[int, Before]:
    """Return for each profile the one before it, by its number in `among`: the nearest of `all_before`."""
    return {number: found[0] for number, found in all_before(profiles, among).items()}


def all_before(profiles: Sequence[Profile], among: Sequence[Profile]) -> dict[int, list[Before]]:
    """Return for each profile those of the same float's cycles before it, nearest first: one of each cycle.

    Of several, one of the same sampling and direction; near-surface data are never compared with the primary ones.
    """
    floats: dict[str, dict[int, list[int]]] = {}
    for number, profile in enumerate(among):
        cycle = cycle_of(profile)
        if profile.platform and cycle is not None:
            floats.setdefault(profile.platform, {}).setdefault(cycle, []).append(number)
    found: dict[int, list[Before]] = {}
    for number, profile in enumerate(profiles):
        cycle, cycles = cycle_of(profile), floats.get(profile.platform, {})
        wanted = () if cycle is None else range(cycle - 1, cycle - LOOK_BACK - 1, -1)
        for numbers in (cycles[one] for one in wanted if one in cycles):
            best = min((not _alike(among[one], profile), _way(among[one]) != _way(profile), one) for one in numbers)
            found.setdefault(number, []).append(Before(best[2], not best[0]))
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
