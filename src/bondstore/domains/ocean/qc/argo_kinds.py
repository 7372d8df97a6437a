"""Argo real-time tests of data of one kind: near the surface (21, 22), deep floats (23), sensors of RBR (24).

They are silent on all other data, and on profiles of mode D: people who knew the sensor set those flags. Test 20 is
about positions by Argos, which only trajectory files have; 26 about the temperature inside a conductivity cell, which
is no variable here. Source: Argo QC manual 3.9, sections 2.1 and 2.5 to 2.7.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.earlier import sampling
from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.argo import MANUAL, NEAR_SURFACE, NO_PRESSURE
from bondstore.domains.ocean.qc.common import verdict
from bondstore.domains.ocean.qc.ragged import neighbour, spread
from bondstore.domains.ocean.qc.tests import Verdict, test

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.domains.ocean.profiles import Mask, Profile

_DEEP_FLOAT = re.compile(r"(?:_D(?:_|$))|DEEP|NINJA_D", re.IGNORECASE)
"""Types of floats that go beyond 2000 dbar (Argo reference table 23): ARVOR_D, APEX_D, SOLO_D, SOLO_D_MRV, NINJA_D."""
_PUMPED_OFF = re.compile(r"ARVOR|PROVOR", re.IGNORECASE)
_SPOT_SAMPLED = re.compile(r"APEX|NAVIS", re.IGNORECASE)


@test("argo.near_surface_salinity", f"{MANUAL}, test 21", "PSAL")
def near_surface_salinity(batch: Batch, on: str) -> Verdict:
    """Flag the salinity of near-surface data that were measured with the pump off.

    Parameters
    ----------
    batch : Batch
        The profiles; ``vertical_sampling_scheme`` in `Profile.known` says what they are.
    on : str
        Salinity.

    Returns
    -------
    Verdict
        Suspect, all of it; silent on other profiles and on those of mode D.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.5, test 21.
    """
    unpumped = _those(batch, lambda one: _near_surface(one) and "unpumped" in _scheme(one))
    return verdict(batch, on, silent=~unpumped, suspect=unpumped)


@test("argo.near_surface_air", f"{MANUAL}, test 22", "PRES", "TEMP", "PSAL")
def near_surface_air(
    batch: Batch, on: str, *, discrete: float, averaged: float, below: float, step: float, rise: float = 0.0
) -> Verdict:
    """Flag near-surface data that were measured in a mixture of air and water.

    Parameters
    ----------
    batch : Batch
        The profiles, from the surface down; `Profile.known` has ``platform_type`` and ``positioning_system``.
    on : str
        Temperature; of APEX and NAVIS floats pressure too, and salinity of those that do not report by Argos.
    discrete, averaged : float
        For ARVOR and PROVOR floats, in dbar: temperatures at this pressure or above are suspect where samples are
        single (0.5) or averaged (1).
    below, step, rise : float
        For APEX and NAVIS floats, in dbar: going up from `below` (5), all from the first level on that is less than
        `step` (0.5) above the one before it; of floats that do not report by Argos, and sample more often, the first
        that is not more than `rise` (0) above it.

    Returns
    -------
    Verdict
        Suspect as said; silent on other profiles, other floats and those of mode D.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.5, test 22; the two rules for APEX and NAVIS as Coriolis applies it (doi
    10.17882/45589, add_rtqc_to_profile_file).
    """
    one_of = _those(batch, lambda one: _near_surface(one) and bool(_PUMPED_OFF.search(_type(one))))
    other = _those(batch, lambda one: _near_surface(one) and bool(_SPOT_SAMPLED.search(_type(one))))
    argos = other & _those(batch, _by_argos)
    single = _those(batch, lambda one: "discrete" in _scheme(one))
    deeper = neighbour(batch, batch.pressure, 1)
    with np.errstate(invalid="ignore"):
        air = one_of & (batch.pressure <= np.where(single, discrete, averaged))
        risen = deeper - batch.pressure
        slow = other & (batch.pressure < below) & (deeper < below) & np.where(argos, risen < step, risen <= rise)
    numbers = np.arange(batch.levels)
    last = np.full(len(batch), -1)
    np.maximum.at(last, batch.owner[slow], numbers[slow])
    suspect = other & (numbers <= spread(batch, last))
    looked = other
    if on == "TEMP":
        looked, suspect = looked | one_of, suspect | air
    elif on == "PSAL":
        looked, suspect = looked & ~argos, suspect & ~argos
    unknown = {NO_PRESSURE: looked & np.isnan(batch.pressure)}
    return verdict(batch, on, unknown=unknown, silent=~looked, suspect=suspect)


@test("argo.deep_float", f"{MANUAL}, test 23", "PRES", "TEMP", "PSAL")
def deep_float(batch: Batch, on: str, *, below: float) -> Verdict:
    """Flag what deep floats measured beyond the depth up to which their sensors are well known.

    Parameters
    ----------
    batch : Batch
        The profiles; ``platform_type`` in `Profile.known` tells deep floats.
    on : str
        Pressure, temperature or salinity.
    below : float
        In dbar: 2000.

    Returns
    -------
    Verdict
        Deeper: pressure and temperature are probably good, salinity is suspect, and probably good where it was adjusted
        (mode A); good above; silent on other floats and on profiles of mode D.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.6, test 23.
    """
    deep = _those(batch, lambda one: bool(_DEEP_FLOAT.search(_type(one))))
    with np.errstate(invalid="ignore"):
        beyond = deep & (batch.pressure > below)
    raw = beyond & _those(batch, lambda one: one.known.get("data_mode") != "A")
    unknown = {NO_PRESSURE: deep & np.isnan(batch.pressure)}
    return verdict(batch, on, unknown=unknown, silent=~deep, probable=beyond, suspect=raw if on == "PSAL" else None)


@test("argo.rbr_salinity", f"{MANUAL}, test 24", "PSAL")
def rbr_salinity(batch: Batch, on: str) -> Verdict:
    """Flag the salinity of RBR sensors that was not adjusted: the cell's thermal inertia is not taken out of it.

    Parameters
    ----------
    batch : Batch
        The profiles; those with TEMP_CNDC among their parameters are of such sensors.
    on : str
        Salinity.

    Returns
    -------
    Verdict
        Suspect, all of it; silent on other sensors and on profiles of modes A and D.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.7, test 24.
    """
    raw = _those(batch, lambda one: "TEMP_CNDC" in _parameters(one) and one.known.get("data_mode") != "A")
    return verdict(batch, on, silent=~raw, suspect=raw)


def _those(batch: Batch, which: Callable[[Profile], bool]) -> Mask:
    """Return the levels of the profiles of which something is so, and that are not of mode D."""
    found = [one.known.get("data_mode") != "D" and which(one) for one in batch.profiles]
    return spread(batch, np.array(found, np.bool_))


def _near_surface(profile: Profile) -> bool:
    return sampling(profile) == NEAR_SURFACE


def _scheme(profile: Profile) -> str:
    return profile.known.get("vertical_sampling_scheme", "")


def _by_argos(profile: Profile) -> bool:
    """Whether a float reports by Argos; where its file does not say, a NAVIS does not, and an APEX may."""
    told = profile.known.get("positioning_system", "")
    return "ARGOS" in told.upper() if told else "NAVIS" not in _type(profile).upper()


def _type(profile: Profile) -> str:
    return profile.known.get("platform_type", "")


def _parameters(profile: Profile) -> list[str]:
    return profile.known.get("parameters", "").split()
