"""Argo real-time tests of neighbouring levels: pressure, spike, rollover, stuck value, density (8, 9, 12 to 14)."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.earlier import sampling
from bondstore.domains.ocean.profiles import Batch, Integers, Mask
from bondstore.domains.ocean.qc.argo import MANUAL, NEAR_SURFACE, NO_PRESSURE
from bondstore.domains.ocean.qc.common import verdict
from bondstore.domains.ocean.qc.ragged import absent, column, count, neighbour, only, per_profile, spread
from bondstore.domains.ocean.qc.seawater import density_anomaly, teos10
from bondstore.domains.ocean.qc.tests import Verdict, test


@test("argo.pressure_increasing", f"{MANUAL}, test 8", "PRES", "TEMP", "PSAL")
def pressure_increasing(batch: Batch, on: str, *, reversal: float = 20.0) -> Verdict:
    """Flag levels at which pressure falls back by `reversal` or more against the running extreme.

    The test runs from the middle of the profile (the level at half its length) to both ends: downwards against the
    greatest pressure so far, upwards against the least. In near-surface profiles it runs from the deepest level.

    Parameters
    ----------
    batch : Batch
        The profiles, from the surface down.
    on : str
        Pressure, or what was measured at it.
    reversal : float
        In dbar: 20.

    Returns
    -------
    Verdict
        Bad as said; unevaluated where a value has no pressure.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 8, as rewritten in February 2024. Before, every level that was not
    deeper than all before it failed.
    """
    keep = ~np.isnan(batch.pressure)
    some = only(batch, keep)
    turned = np.zeros(batch.levels, np.bool_)
    turned[keep] = _turned(some, _begin(some), reversal)
    return verdict(batch, on, unknown={NO_PRESSURE: ~keep}, bad=turned)


def _begin(some: Batch) -> Integers:
    """Return for each profile the level, counted from 0, from which the test runs to both ends."""
    middle = some.sizes // 2
    for number, profile in enumerate(some.profiles):
        if sampling(profile) == NEAR_SURFACE and some.sizes[number]:
            middle[number] = int(np.argmax(some.pressure[some.rows(number)]))
    return middle


def _turned(some: Batch, middle: Integers, reversal: float) -> Mask:
    """By ranks, so that no profile can round another's values."""
    if not some.levels:
        return np.zeros(0, np.bool_)
    levels, rank = np.unique(some.pressure, return_inverse=True)
    place = np.arange(some.levels) - some.starts[some.owner] - middle[some.owner]
    step = len(levels) + 1
    turned = np.zeros(some.levels, np.bool_)
    down = place >= 0
    key = some.owner[down] * step + rank[down]
    deepest = levels[np.maximum.accumulate(key) - some.owner[down] * step]
    turned[down] = some.pressure[down] <= deepest - reversal
    up = np.flatnonzero(place <= 0)[::-1]
    owner = len(some) - 1 - some.owner[up]
    key = owner * step + (len(levels) - 1 - rank[up])
    shallowest = levels[len(levels) - 1 - (np.maximum.accumulate(key) - owner * step)]
    turned[up] |= some.pressure[up] >= shallowest + reversal
    return turned


@test("argo.spike", f"{MANUAL}, test 9", "TEMP", "PSAL")
def spike(batch: Batch, on: str, *, shallow: float, deep: float, split: float) -> Verdict:
    """Flag values that stick out from both neighbours: |V2 - (V3 + V1)/2| - |(V3 - V1)/2| over a limit.

    Parameters
    ----------
    batch : Batch
        The profiles. Levels without a value or a pressure are passed over: neighbours are the nearest that have both.
    on : str
        The variable.
    shallow, deep : float
        The limit where pressure is under `split`, and from there on: 6 and 2 degrees Celsius; 0.9 and 0.3 for salinity.
    split : float
        In dbar: 500.

    Returns
    -------
    Verdict
        Bad over the limit; silent on the first and last level; unevaluated in a profile with fewer than three levels
        and where a value has no pressure.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 9.
    """
    keep = ~absent(batch, on) & ~np.isnan(batch.pressure)
    some = only(batch, keep)
    values = column(some, on)
    above, below = neighbour(some, values, -1), neighbour(some, values, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        sticks = np.abs(values - (below + above) / 2.0) - np.abs((below - above) / 2.0)
        bad = sticks > np.where(some.pressure < split, shallow, deep)
    silent = np.zeros(batch.levels, np.bool_)
    silent[keep] = np.isnan(above) | np.isnan(below)
    return _back(batch, on, keep, bad, silent=silent, least=3, short="it has fewer than three levels to look at")


@test("argo.rollover", f"{MANUAL}, test 12", "TEMP", "PSAL")
def rollover(batch: Batch, on: str, *, jump: float) -> Verdict:
    """Flag both levels of a jump that only a digit lost in transmission explains.

    Parameters
    ----------
    batch : Batch
        The profiles. Levels without a value are passed over.
    on : str
        The variable.
    jump : float
        Greatest difference between levels next to each other: 10 degrees Celsius; 5 for salinity.

    Returns
    -------
    Verdict
        Bad on either side of a greater one; unevaluated in a profile with fewer than two levels.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 12.
    """
    keep = ~absent(batch, on)
    some = only(batch, keep)
    values = column(some, on)
    with np.errstate(invalid="ignore", over="ignore"):
        bad = (np.abs(values - neighbour(some, values, -1)) > jump) | (
            np.abs(values - neighbour(some, values, 1)) > jump
        )
    return _back(batch, on, keep, bad, least=2, short="it has fewer than two levels to look at")


@test("argo.stuck_value", f"{MANUAL}, test 13", "TEMP", "PSAL")
def stuck_value(batch: Batch, on: str) -> Verdict:
    """Flag a profile all of whose values are identical.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        The variable, all levels alike.

    Returns
    -------
    Verdict
        Bad where all are; unevaluated with fewer than two values.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 13.
    """
    values = column(batch, on)
    least, most = per_profile(batch, values, np.fmin), per_profile(batch, values, np.fmax)
    short = count(batch, ~np.isnan(values)) < 2
    unknown = {"it has fewer than two values": spread(batch, short)}
    return verdict(batch, on, unknown=unknown, bad=spread(batch, ~short & (least == most)))


@test("argo.density_inversion", f"{MANUAL}, test 14", "TEMP", "PSAL")
def density_inversion(batch: Batch, on: str, *, threshold: float) -> Verdict:
    """Flag both levels of a pair of which the deeper is the lighter.

    Potential densities of two levels next to each other are compared at the pressure midway between them. Going down,
    the deeper is bad where it is lighter by more than `threshold`; going up, the shallower is bad where it is denser by
    more: the same pairs, so that both are.

    Parameters
    ----------
    batch : Batch
        The profiles. Levels without a density are passed over.
    on : str
        Temperature or salinity: density does not say which of them is wrong.
    threshold : float
        In kg/m3: 0.03.

    Returns
    -------
    Verdict
        Bad as said; unevaluated where there is no density, and with fewer than two.

    Raises
    ------
    MissingExtraError
        gsw is not installed.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 14; densities by TEOS-10.
    """
    absolute, conservative = teos10(batch)
    keep = ~np.isnan(absolute) & ~np.isnan(conservative) & ~np.isnan(batch.pressure)
    some, salt, heat = only(batch, keep), absolute[keep], conservative[keep]
    middle = (some.pressure + neighbour(some, some.pressure, 1)) / 2.0
    with np.errstate(invalid="ignore"):
        drop = density_anomaly(salt, heat, middle) - density_anomaly(
            neighbour(some, salt, 1), neighbour(some, heat, 1), middle
        )
        over = drop > threshold
    bad = over.copy()
    bad[1:] |= over[:-1]  # never over a seam: a profile's last level has no next, so that its drop is NaN
    return _back(batch, on, keep, bad, least=2, short="it has fewer than two levels with a density")


def _back(
    batch: Batch, on: str, keep: Mask, found: Mask, *, least: int, short: str, silent: Mask | None = None
) -> Verdict:
    """Take what was found on the levels looked at to all levels; a profile with too few of them is unevaluated."""
    few = spread(batch, count(batch, keep) < least)
    bad = np.zeros(batch.levels, np.bool_)
    bad[keep] = found
    unknown = {short: few, "a level lacks what the test needs beside its value": ~keep}
    return verdict(batch, on, unknown=unknown, silent=silent, bad=bad & ~few)
