"""Profiles with their predecessors: each compared with what its float's cycle before is when it is tested alone.

So the answer depends on the two files only, and not on what else is tested with them, in which order, in how many
processes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.earlier import earlier_of, predecessors
from bondstore.domains.ocean.profiles import COLUMNS, Position, joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from bondstore.domains.ocean.profiles import Batch, Profile
    from bondstore.domains.ocean.qc.suite import Suite

_DOUBTED = (Flag.SUSPECT, Flag.BAD)


def with_predecessors(read: Mapping[str, Batch], before: Mapping[str, str], suite: Suite) -> dict[str, Batch]:
    """Return the profiles of files, each with its earlier one; `before` names for a file that of the cycle before.

    A file that holds several cycles has them in itself too. Profiles that none is known of stay as they were read.
    """
    asked = [key for key, batch in read.items() if key in before or _holds_cycles(batch)]
    pools = {key: [one for one in (before.get(key, key), key) if one in read] for key in asked}
    needed = list(dict.fromkeys(one for key in asked for one in pools[key] if one != key or _holds_cycles(read[one])))
    if not needed:
        return dict(read)
    whole = joined([read[key] for key in needed])
    good = _good(whole, suite.alone)
    first = dict(zip(needed, np.cumsum([0, *(len(read[key]) for key in needed)]).tolist(), strict=False))
    found = dict(read)
    for key in asked:
        numbers = [number for one in pools[key] if one in first for number in _range(first[one], len(read[one]))]
        found[key] = _linked(read[key], good, numbers)
    return found


def _range(first: int, number: int) -> range:
    return range(first, first + number)


def _holds_cycles(batch: Batch) -> bool:
    return len({one.known.get("cycle") for one in batch.profiles}) > 1


def _good(batch: Batch, suite: Suite) -> Batch:
    """Return a batch without what its own tests, or its files, call suspect or bad."""
    rolled = evaluate(batch, suite).rolled
    cut: dict[str, Any] = {}
    for variable, flags in rolled.items():
        doubted = np.isin(flags, _DOUBTED)
        for name in ("LATITUDE", "LONGITUDE") if variable == "POSITION" else (variable,):
            values = batch.column(name)
            if values is not None:
                cut[COLUMNS[name]] = np.where(doubted, np.nan, values)
    return replace(batch, **cut)


def _linked(batch: Batch, good: Batch, numbers: Sequence[int]) -> Batch:
    among = [good.profiles[number] for number in numbers]
    found = predecessors(batch.profiles, among)
    profiles: list[Profile] = list(batch.profiles)
    for place, before in found.items():
        one = replace(before, number=numbers[before.number])
        rows = good.rows(one.number)
        if rows.stop == rows.start:
            continue
        time, north, east = (
            float(column[rows.start]) for column in (good.time, good.latitude, good.longitude)
        )  # of an Argo profile all levels have the same
        where = None if np.isnan(north + east) else Position(north, east)
        profiles[place] = replace(batch.profiles[place], earlier=earlier_of(good, one, time, where))
    return replace(batch, profiles=profiles)
