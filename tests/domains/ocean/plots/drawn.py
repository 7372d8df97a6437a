"""Batches and results made by hand, for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Header, Profile
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import SCALES, Flags, worst
from bondstore.domains.ocean.qc.suite import Suite

START = 1714521600.0  # 2024-05-01T00:00:00Z
SUITE = Suite("made", "Made by hand", SCALES["qartod"], skip_bad=False, steps=())


def batch_of(
    sizes: Sequence[int] = (20,),
    *,
    begins: Sequence[float] | None = None,
    latitude: float = -41.0,
    longitude: float = 174.8,
    step: float = 0.01,
    salty: bool = False,
    platforms: Sequence[str] = ("0734",),
    profiles: Sequence[Profile] | None = None,
) -> Batch:
    """Make dives, five hours apart, that go north-east."""
    number = len(sizes)
    begins = [START + 5 * 3600 * one for one in range(number)] if begins is None else begins
    if profiles is None:
        profiles = [
            Profile(f"raw/m{one}.csv", f"m{one}", Header("moana-1"), platform=platforms[one % len(platforms)])
            for one in range(number)
        ]
    place = np.concatenate([np.arange(size, dtype=float) for size in sizes] or [np.zeros(0)])
    owner = np.repeat(np.arange(number), sizes)
    return Batch(
        list(profiles),
        np.array(sizes, np.int64),
        np.array(begins, float)[owner] + 10 * place,
        latitude + step * owner + 0 * place,
        longitude + step * owner + 0 * place,
        0.5 + 5 * place,
        18 - 0.05 * place,
        35 + 0.001 * place if salty else None,
    )


def result_of(
    batch: Batch,
    flags: Mapping[tuple[str, str], Mapping[int, int]] | None = None,
    reasons: Mapping[tuple[str, str], Mapping[int, str]] | None = None,
) -> Result:
    """Make a result in which all is good but what is named: by label and variable, flags by level."""
    variables = ["TIME", "POSITION", "PRES", "TEMP", *(["PSAL"] if batch.salinity is not None else [])]
    said: dict[tuple[str, str], Flags] = {("range", one): np.ones(batch.levels, np.int8) for one in variables}
    for name, levels in (flags or {}).items():
        said[name] = np.ones(batch.levels, np.int8)
        said[name][list(levels)] = list(levels.values())
    rolled = {}
    for one in variables:
        column = batch.latitude if one == "POSITION" else batch.column(one)
        assert column is not None
        rolled[one] = worst([kept for (_, on), kept in said.items() if on == one], np.isnan(column))
    order = [9, 1, 2, 5, 3, 4]
    grades = [
        max(
            (int(rolled[one][row]) for one in variables for row in np.flatnonzero(batch.owner == number)),
            key=order.index,
        )
        if batch.sizes[number]
        else 9
        for number in range(len(batch))
    ]
    return Result(SUITE, said, reasons or {}, rolled, np.array(grades, np.int8))
