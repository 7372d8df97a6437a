"""Two casts that stand end to end in one profile: found by their pressures, and told apart for the tests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Integers

LEAST_FALL = 20.0
"""In dbar: what Argo's test 8 calls a reversal of pressure; a float that bobs at the surface falls back by less."""
SHARE = 0.5
"""Of the deepest pressure so far: so far pressure must fall back, between one level and the next."""


def split_casts(batch: Batch) -> tuple[Batch, Integers]:
    """Return the batch with each cast as a profile of its own, and of which profile each is; levels stay in order."""
    found = {number: starts for number in _candidates(batch) if (starts := _starts(batch.pressure[batch.rows(number)]))}
    every = np.arange(len(batch))
    if not found:
        return batch, every
    sizes: list[int] = []
    owners: list[int] = []
    for number, size in enumerate(batch.sizes.tolist()):
        parts = [after - before for before, after in pairwise([0, *found.get(number, []), size])]
        sizes += parts
        owners += [number] * len(parts)
    profiles = [batch.profiles[one] for one in owners]
    return batch.part(profiles, np.array(sizes, np.int64), slice(None)), np.array(owners, np.int64)


def _candidates(batch: Batch) -> list[int]:
    """Return the profiles in which pressure falls far enough anywhere, which is next to none."""
    there = np.flatnonzero(~np.isnan(batch.pressure))
    pressure, owner = batch.pressure[there], batch.owner[there]
    far = (owner[1:] == owner[:-1]) & (pressure[:-1] - pressure[1:] > LEAST_FALL)
    return sorted(set(owner[1:][far].tolist()))


def _starts(pressure: Floats) -> list[int]:
    """Return where further casts begin in a profile.

    A single level that is far too deep or too shallow begins none: two on either side must agree.
    """
    there = np.flatnonzero(~np.isnan(pressure))
    values = pressure[there].tolist()
    starts: list[int] = []
    begin, deepest = 0, -np.inf
    for at, value in enumerate(values):
        far = max(LEAST_FALL, SHARE * deepest)
        if begin + 2 <= at < len(values) - 1 and values[at - 1] - value > far:
            shallow, deep = max(value, values[at + 1]), min(values[at - 1], values[at - 2])
            if deep - shallow > far:
                starts.append(int(there[at]))
                begin, deepest = at, -np.inf
        deepest = max(deepest, value)
    return starts
