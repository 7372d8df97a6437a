"""What the Argo real-time tests have in common: missing values, reasons, and flags that hold for a whole profile."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask, Profile
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.ragged import any_in
from bondstore.domains.ocean.qc.tests import Verdict, verdict

MANUAL = "Argo QC manual 3.9"
"""Wong, A., Keeley, R., Carval, T. and the Argo Data Management Team: Argo Quality Control Manual for CTD and
Trajectory Data, version 3.9, doi:10.13155/33951; the tests stand in its section 2.1."""
FIRST_CYCLE = 1
"""Cycles 0 and 1 have no cycle before them, so that a comparison with it is not asked for."""


def column(batch: Batch, on: str) -> Floats:
    """Return the column of a variable; all NaN for a salinity that nobody measured."""
    values = batch.column(on)
    return np.full(batch.levels, np.nan) if values is None else values


def absent(batch: Batch, on: str) -> Mask:
    """Return where a variable has no value; of a position, where either half has none."""
    if on == "POSITION":
        return np.isnan(batch.latitude) | np.isnan(batch.longitude)
    return np.isnan(column(batch, on))


def said(batch: Batch, on: str, flags: Flags, reasons: Mapping[int, str]) -> Verdict:
    """Return the verdict of a test that looks at levels.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        The variable.
    flags : ndarray of int8, shape (levels,)
        What the test found; a level without a value becomes missing.
    reasons : mapping of int to str
        For profiles with a level that is unevaluated.
    """
    settled = np.where(absent(batch, on), np.int8(Flag.MISSING), flags).astype(np.int8)
    short = any_in(batch, settled == Flag.UNEVALUATED)
    return verdict(batch, settled, {number: why for number, why in reasons.items() if short[number]})


def whole(batch: Batch, on: str, flags: Flags, reasons: Mapping[int, str]) -> Verdict:
    """Return the verdict of a test that says one thing of a whole profile.

    Parameters
    ----------
    batch, on, reasons
        As in `said`.
    flags : ndarray of int8, shape (profiles,)
        One for each profile.
    """
    return said(batch, on, np.repeat(flags, batch.sizes), reasons)


def because(profiles: Mask, why: str) -> dict[int, str]:
    """Return a reason for each of the profiles that are true."""
    return {int(number): why for number in np.flatnonzero(profiles)}


def exempt(profile: Profile) -> bool:
    """Return whether a profile is known to be the first of its float, which has nothing to be compared with."""
    cycle = profile.known.get("cycle", "").strip()
    return cycle.isascii() and cycle.isdigit() and int(cycle[:9]) <= FIRST_CYCLE


def unlooked(profile: Profile, required: bool) -> Flag:
    """Return what a profile gets for which there is nothing to compare with.

    Parameters
    ----------
    profile : Profile
        The profile.
    required : bool
        Whether a suite insists on the comparison.
    """
    return Flag.SILENT if exempt(profile) or not required else Flag.UNEVALUATED
