"""Argo real-time tests against the float's profile before: gross sensor drift and frozen profile (16, 18)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import COLUMNS, Batch, Earlier, Floats, Integers, Mask
from bondstore.domains.ocean.qc.argo import MANUAL, because, column, unlooked, whole
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.tests import Verdict, test

_FAR = 1e6
"""A slab's number is never beyond this, whatever a pressure says."""


@dataclass(frozen=True, slots=True)
class _Levels:
    """Levels with a pressure and a value: of which profile, how deep, how much."""

    owner: Integers
    pressure: Floats
    values: Floats


@test("argo.sensor_drift", f"{MANUAL}, test 16", "TEMP", "PSAL")
def sensor_drift(batch: Batch, on: str, *, layer: float, limit: float, required: bool) -> Verdict:
    """Flag a profile whose deep values are far from those of the profile before.

    The mean over the deepest `layer` of this profile (pressure >= deepest - layer) and that of the earlier one differ
    by more than `limit`.

    Parameters
    ----------
    batch : Batch
        The profiles; `Profile.earlier` is the good one before, without what was flagged in it.
    on : str
        The variable, all levels alike.
    layer : float
        In dbar: 100.
    limit : float
        1 degree Celsius; 0.5 for salinity.
    required : bool
        Whether a profile of which no earlier one is known is unevaluated (true) or passed over in silence (false). The
        first cycle of a float is passed over in any case.

    Returns
    -------
    Verdict
        Suspect over the limit; unevaluated where either has no level with a pressure and a value.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 16.
    """
    now, then = _here(batch, on), _before(batch, on)
    apart = np.abs(_deep(now, len(batch), layer) - _deep(then, len(batch), layer))
    flags = np.where(apart > limit, Flag.SUSPECT, Flag.GOOD)
    return _settled(batch, on, flags, ~np.isnan(apart), required)


@test("argo.frozen_profile", f"{MANUAL}, test 18", "TEMP", "PSAL")
def frozen_profile(
    batch: Batch, on: str, *, slab: float, greatest: float, least: float, mean: float, required: bool
) -> Verdict:
    """Flag a profile that repeats the one before, but for small deviations.

    Both are averaged in slabs of pressure; of the absolute differences between them, in the slabs that both have, the
    greatest, the least and the mean all lie under their limits.

    Parameters
    ----------
    batch : Batch
        The profiles; `Profile.earlier` is the one before.
    on : str
        The variable, all levels alike; each is looked at by itself.
    slab : float
        In dbar: 50; slabs begin at its multiples.
    greatest, least, mean : float
        0.3, 0.001 and 0.02 degrees Celsius; 0.3, 0.001 and 0.004 for salinity.
    required : bool
        As in `sensor_drift`.

    Returns
    -------
    Verdict
        Bad where all three are under; unevaluated where the two have no slab in common.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 18.
    """
    keys, differences = _differences(_here(batch, on), _before(batch, on), slab)
    number = len(batch)
    found = np.bincount(keys, minlength=number)
    frozen = np.zeros(number, np.bool_)
    some = found > 0
    if some.any():
        starts = (np.cumsum(found) - found)[some]
        total = np.bincount(keys, weights=differences, minlength=number)[some]
        frozen[some] = (
            (np.maximum.reduceat(differences, starts) < greatest)
            & (np.minimum.reduceat(differences, starts) < least)
            & (total / found[some] < mean)
        )
    return _settled(batch, on, np.where(frozen, Flag.BAD, Flag.GOOD), some, required)


def _settled(batch: Batch, on: str, found: NDArray[np.int_], compared: Mask, required: bool) -> Verdict:
    flags = np.where(compared, found, Flag.UNEVALUATED).astype(np.int8)
    reasons = because(~compared, "it and the profile before have nothing to compare")
    for one in np.flatnonzero(~compared).tolist():
        if _column(batch.profiles[one].earlier, on) is None:
            flags[one] = unlooked(batch.profiles[one], required)
            reasons[one] = "no earlier profile of this float is known"
    return whole(batch, on, flags, reasons)


def _here(batch: Batch, on: str) -> _Levels:
    return _usable(batch.owner, batch.pressure, column(batch, on))


def _before(batch: Batch, on: str) -> _Levels:
    """The levels of all earlier profiles, in the order of the profiles that they precede."""
    owners, pressures, values = [], [], []
    for number, profile in enumerate(batch.profiles):
        found = _column(profile.earlier, on)
        if found is not None:
            pressure, value = found
            owners.append(np.full(len(value), number))
            pressures.append(pressure)
            values.append(value)
    nothing = np.zeros(0)
    return _usable(
        np.concatenate([*owners, nothing]).astype(np.int64),
        np.concatenate([*pressures, nothing]),
        np.concatenate([*values, nothing]),
    )


def _column(earlier: Earlier | None, on: str) -> tuple[Floats, Floats] | None:
    if earlier is None or earlier.pressure is None:
        return None
    values: Floats | None = getattr(earlier, COLUMNS[on])
    return None if values is None else (earlier.pressure, values)


def _usable(owner: Integers, pressure: Floats, values: Floats) -> _Levels:
    keep = np.isfinite(pressure) & np.isfinite(values)
    return _Levels(owner[keep], pressure[keep], values[keep])


def _deep(levels: _Levels, number: int, layer: float) -> Floats:
    """The mean of each profile's deepest layer; NaN where it has no level."""
    deepest = np.full(number, -np.inf)
    np.maximum.at(deepest, levels.owner, levels.pressure)
    low = levels.pressure >= deepest[levels.owner] - layer
    owner = levels.owner[low]
    found = np.bincount(owner, minlength=number)
    total = np.bincount(owner, weights=levels.values[low], minlength=number)
    mean: Floats = np.divide(total, found, out=np.full(number, np.nan), where=found > 0)
    return mean


def _differences(now: _Levels, then: _Levels, slab: float) -> tuple[Integers, Floats]:
    """The absolute differences of slab means, and whose they are; in the order of profiles."""
    keys, means = _slabs(now, slab)
    others, before = _slabs(then, slab)
    _, here, there = np.intersect1d(keys, others, assume_unique=True, return_indices=True)
    return keys[here] // _WIDE, np.abs(means[here] - before[there])


_WIDE = int(4 * _FAR)


def _slabs(levels: _Levels, slab: float) -> tuple[Integers, Floats]:
    """Each slab's mean, by a key that names profile and slab."""
    which = np.clip(np.floor(levels.pressure / slab), -_FAR, _FAR).astype(np.int64)
    keys, place, found = np.unique(levels.owner * _WIDE + which + int(_FAR), return_inverse=True, return_counts=True)
    means: Floats = np.bincount(place, weights=levels.values, minlength=len(keys)) / found
    return keys, means
