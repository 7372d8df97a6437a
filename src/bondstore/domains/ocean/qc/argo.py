"""Argo real-time tests 1 to 5: of what float, when and where; and what all Argo tests share.

Source: Wong, A., Keeley, R., Carval, T. and the Argo Data Management Team: Argo Quality Control Manual for CTD and
Trajectory Data, version 3.9, doi:10.13155/33951; the tests stand in its section 2.1.
"""

from __future__ import annotations

import math

import numpy as np

from bondstore.domains.ocean.land import is_land, on_earth
from bondstore.domains.ocean.profiles import Batch, Floats, Integers, Mask, Profile
from bondstore.domains.ocean.qc.common import settled, verdict
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import any_in, spread
from bondstore.domains.ocean.qc.tests import Verdict, test

MANUAL = "Argo QC manual 3.9"


FIRST_CYCLE = 1
"""Cycles 0 and 1 have no cycle before them, so that a comparison with it is not asked for."""


def no_comparison(profile: Profile, required: bool) -> Flag:
    """Return the flag of a profile without one to compare it with; the first of a float is never asked for one."""
    cycle = profile.known.get("cycle", "").strip()
    first = cycle.isascii() and cycle.isdigit() and int(cycle[:9]) <= FIRST_CYCLE
    return Flag.SILENT if first or not required else Flag.UNEVALUATED


NO_PRESSURE = "a level has no pressure"


NEAR_SURFACE = "Near-surface sampling"
"""What the vertical sampling scheme of such a profile begins with (Argo reference table 16)."""


DAY = 86400.0


EPOCH = 7305.0
"""Days from 1950-01-01, from which JULD counts, to 1970-01-01."""


EARTH = 6371.0088e3
"""Mean radius of the earth in metres (IUGG)."""


@test("argo.platform", f"{MANUAL}, test 1", "TIME", "POSITION", "PRES", "TEMP", "PSAL")
def platform(batch: Batch, on: str, *, digits: list[int]) -> Verdict:
    """Flag profiles whose float has no valid identification.

    Parameters
    ----------
    batch : Batch
        The profiles; `Profile.platform` is looked at.
    on : str
        The variable to flag, all levels alike.
    digits : list of int
        How many digits a number may have: 5 and 7 for WMO numbers.

    Returns
    -------
    Verdict
        Bad where the platform is anything but so many digits; unevaluated where the file names none.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 1. Whether the float was ever assigned this number only its data
    centre knows; what can be seen here is whether it can be one.
    """
    names = [one.platform for one in batch.profiles]
    none = np.array([not one for one in names], np.bool_)
    wrong = np.array([not (one.isascii() and one.isdigit() and len(one) in digits) for one in names], np.bool_)
    unknown = {"the file names no platform": spread(batch, none)}
    return verdict(batch, on, unknown=unknown, bad=spread(batch, wrong & ~none))


@test("argo.date", f"{MANUAL}, test 2", "TIME")
def date(batch: Batch, on: str, *, earliest: float, now: float | None = None) -> Verdict:
    """Flag impossible dates: `earliest` <= JULD < now.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    earliest : float
        Days since 1950-01-01; 17167 is 1997-01-01.
    now : float, optional
        Days since 1950-01-01. Without it each file says for itself when it was made: `Header.download_time`, or
        ``created`` in `Profile.known` (seconds since 1970-01-01). No clock is read: the same file always gets the same
        flags.

    Returns
    -------
    Verdict
        Bad outside; unevaluated where a date is not too early and nothing says what time it is.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 2.
    """
    end = np.array([_made(one) if now is None else (now - EPOCH) * DAY for one in batch.profiles], np.float64)
    until = spread(batch, end)
    with np.errstate(invalid="ignore"):
        bad = (batch.time < (earliest - EPOCH) * DAY) | (batch.time >= until)
    return verdict(batch, on, unknown={"the file does not say when it was made": np.isnan(until)}, bad=bad)


def _made(profile: Profile) -> float:
    """When the file was made, in seconds since 1970; NaN where it says nothing."""
    if profile.header.download_time is not None:
        return profile.header.download_time
    try:
        return float(profile.known.get("created", "nan"))
    except ValueError:
        return math.nan


@test("argo.position", f"{MANUAL}, test 3", "POSITION")
def position(batch: Batch, on: str, *, latitude: tuple[float, float], longitude: tuple[float, float]) -> Verdict:
    """Flag impossible positions.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    latitude, longitude : tuple of float
        Least and greatest in degrees, both allowed: -90 to 90 and -180 to 180.

    Returns
    -------
    Verdict
        Bad outside.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 3.
    """
    within = _within(batch.latitude, latitude) & _within(batch.longitude, longitude)
    return verdict(batch, on, bad=~within)


def _within(values: Floats, span: tuple[float, float]) -> Mask:
    with np.errstate(invalid="ignore"):
        return (values >= span[0]) & (values <= span[1])


@test("argo.land", f"{MANUAL}, test 4", "POSITION")
def land(batch: Batch, on: str) -> Verdict:
    """Flag positions on land.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.

    Returns
    -------
    Verdict
        Bad on land; unevaluated for a position that is nowhere on the globe.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 4; the coastline is that of `bondstore.domains.ocean.land`.
    """
    nowhere = ~on_earth(batch.latitude, batch.longitude)
    unknown = {"a position is nowhere on the globe": nowhere}
    return verdict(batch, on, unknown=unknown, bad=is_land(batch.latitude, batch.longitude))


@test("argo.speed", f"{MANUAL}, test 5", "TIME", "POSITION", compares=True)
def speed(batch: Batch, on: str, *, limit: float, required: bool) -> Verdict:
    """Flag profiles that the float cannot have reached from its profile before.

    ``distance / time > limit``, over the great circle on a sphere of 6371.0088 km, from the earlier profile to the
    first level with a time and a position.

    Parameters
    ----------
    batch : Batch
        The profiles; `Profile.earlier` is the last good one before.
    on : str
        ``TIME`` or ``POSITION``, all levels alike: which of the two is wrong, the speed does not say.
    limit : float
        In m/s; 3.
    required : bool
        Whether a profile that cannot be compared, as no earlier one with a time and a position is known or it has none
        itself, is unevaluated (true) or passed over in silence (false). The first cycle of a float is passed over in
        any case.

    Returns
    -------
    Verdict
        Bad over the limit, and where the float moved in no time; unevaluated where the earlier profile is not earlier.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 5.
    """
    placed = on_earth(batch.latitude, batch.longitude) & np.isfinite(batch.time)
    first, there = _firsts(batch, placed), any_in(batch, placed)
    flags = np.full(len(batch), Flag.UNEVALUATED, np.int8)
    reasons: dict[int, str] = {}
    for number, profile in enumerate(batch.profiles):
        earlier = profile.earlier
        if earlier is None or earlier.position is None or not math.isfinite(earlier.time):
            flags[number] = no_comparison(profile, required)
            reasons[number] = "no earlier time and position of this float is known"
        elif not there[number]:
            flags[number] = Flag.UNEVALUATED if required else Flag.SILENT
            reasons[number] = "no level has both a time and a position"
        else:
            row = first[number]
            then = (earlier.time, earlier.position.latitude, earlier.position.longitude)
            here = (float(batch.time[row]), float(batch.latitude[row]), float(batch.longitude[row]))
            flags[number] = _pace(then, here, limit)
            reasons[number] = "the earlier profile has no usable time and position before this one"
    return settled(batch, on, spread(batch, flags), reasons)


def _firsts(batch: Batch, placed: Mask) -> Integers:
    """The row of each profile's first level that is placed; that of another where there is none."""
    rows = np.flatnonzero(placed)
    found = np.zeros(len(batch), np.int64)
    owners, at = np.unique(batch.owner[rows], return_index=True)
    found[owners] = rows[at]
    return found


def _pace(then: tuple[float, float, float], here: tuple[float, float, float], limit: float) -> Flag:
    seconds = here[0] - then[0]
    if not all(map(math.isfinite, then)) or abs(then[1]) > 90.0 or seconds < 0.0:
        return Flag.UNEVALUATED
    return Flag.BAD if distance(then[1], then[2], here[1], here[2]) > limit * seconds else Flag.GOOD


def distance(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Return the way over the great circle in metres (haversine formula); arguments in degrees."""
    south, north = math.radians(latitude), math.radians(to_latitude)
    turn = math.radians(to_longitude - longitude)
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin(turn / 2) ** 2
    return 2.0 * EARTH * math.asin(math.sqrt(min(1.0, half)))
