"""What the Moana and QARTOD tests share: flags put together by precedence, distances, deviations, what headers say."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.ragged import count, only, per_profile, spread
from bondstore.errors import ConfigurationError

EARTH_RADIUS = 6371.0
"""Kilometres; a sphere is what the distances of these tests are defined on."""
KNOT = 1.852
"""Kilometres an hour."""
_NUMBER = re.compile(r"\d*\.\d+")
_MOVING = frozenset({"mobile", "towed"})
_STANDING = frozenset({"stationary", "passive"})


def absent(batch: Batch, on: str) -> Mask:
    """Return where a variable has no value; shape (levels,). Of a position, either half missing will do."""
    if on == "POSITION":
        return np.isnan(batch.latitude) | np.isnan(batch.longitude)
    values = batch.column(on)
    return np.ones(batch.levels, np.bool_) if values is None else np.isnan(values)


def column(batch: Batch, on: str) -> Floats:
    """Return a variable's column; NaN throughout where nobody measured it."""
    values = batch.column(on)
    return np.full(batch.levels, np.nan) if values is None else values


def flagged(
    batch: Batch,
    on: str,
    *,
    silent: Mask | None = None,
    unevaluated: Mask | None = None,
    probable: Mask | None = None,
    suspect: Mask | None = None,
    bad: Mask | None = None,
) -> Flags:
    """Put a test's flags together; each mask has shape (levels,), and a later one here goes over an earlier.

    Good where none applies, then silent, unevaluated, probably good, suspect, bad; missing where there is no value.
    """
    flags = np.full(batch.levels, Flag.GOOD, np.int8)
    for flag, where in (
        (Flag.SILENT, silent),
        (Flag.UNEVALUATED, unevaluated),
        (Flag.PROBABLY_GOOD, probable),
        (Flag.SUSPECT, suspect),
        (Flag.BAD, bad),
    ):
        if where is not None:
            flags[where] = flag
    flags[absent(batch, on)] = Flag.MISSING
    return flags


def because(where: Mask, why: str) -> dict[int, str]:
    """Return a reason for the profiles that are true; `where` has shape (profiles,)."""
    return dict.fromkeys(np.flatnonzero(where).tolist(), why)


def present(batch: Batch, keep: Mask) -> Batch:
    """Return the batch without the levels that are not kept; the batch itself where all are."""
    return batch if keep.all() else only(batch, keep)


def levels_of(batch: Batch, where: Mask) -> Mask:
    """Return a mask per profile as a mask per level; shape (levels,)."""
    return np.repeat(where, batch.sizes)


def from_first(batch: Batch, where: Mask) -> Mask:
    """Return the first true level of each profile and all after it; shape (levels,)."""
    numbers = np.arange(batch.levels, dtype=np.float64)
    first = per_profile(batch, np.where(where, numbers, np.inf), np.minimum, empty=np.inf)
    reached: Mask = numbers >= spread(batch, first)
    return reached


def deviation(batch: Batch, values: Floats) -> Floats:
    """Return each profile's standard deviation (population, n in the denominator) of its present values.

    NaN for a profile without values, or whose values are not finite.
    """
    have = ~np.isnan(values)
    with np.errstate(all="ignore"):
        number = count(batch, have)
        mean = per_profile(batch, np.where(have, values, 0.0), np.add, empty=0.0) / number
        off = np.where(have, values - spread(batch, mean), 0.0)
        found: Floats = np.sqrt(per_profile(batch, off * off, np.add, empty=0.0) / number)
    return found


def distance(latitude: Floats, longitude: Floats, to_latitude: Floats | float, to_longitude: Floats | float) -> Floats:
    """Return great-circle distances in km on a sphere of 6371 km (haversine); longitudes of either convention."""
    north, to_north = np.radians(latitude), np.radians(to_latitude)
    with np.errstate(invalid="ignore"):  # a place may be infinite: it is no distance from anywhere
        east = np.radians(to_longitude - longitude)
        half = np.sin((to_north - north) / 2) ** 2 + np.cos(north) * np.cos(to_north) * np.sin(east / 2) ** 2
    km: Floats = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return km


def seconds(stated: str) -> float:
    """Return an ISO date or time of a suite as seconds since 1970-01-01 UTC.

    Raises
    ------
    ConfigurationError
        It is none.
    """
    try:
        at = datetime.fromisoformat(stated)
    except ValueError as error:
        raise ConfigurationError(
            "A date in the suite is no ISO date.", hint='Write it so: earliest = "2010-01-01"'
        ) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def download_times(batch: Batch) -> Floats:
    """Return when each profile was downloaded, in seconds since 1970-01-01 UTC; NaN where the file does not say."""
    stated = [one.header.download_time for one in batch.profiles]
    return np.array([np.nan if one is None else one for one in stated], np.float64)


def firmware(text: str) -> float:
    """Return a sensor's firmware as a number: ``MOANA-1.21`` is 1.21; NaN where there is none.

    ``WAVE`` firmware counts as older than all numbered ones, as the public project has it (moana-qc, qc_tests_df,
    reset_code_check).
    """
    if "WAVE" in text.upper():
        return 0.0
    found = _NUMBER.search(text)
    return float(found.group()) if found else np.nan


def firmwares(batch: Batch) -> Floats:
    """Return each profile's sensor firmware as a number; NaN where unknown; shape (profiles,)."""
    return np.array([firmware(one.header.sensor_firmware) for one in batch.profiles], np.float64)


def gear(batch: Batch) -> tuple[Mask, Mask]:
    """Return which profiles are of mobile (towed) gear and which of stationary (passive); shape (profiles,) each.

    Neither where no deployment is known or its gear is of another class.
    """
    words = [(one.deployment.gear if one.deployment else "").strip().lower() for one in batch.profiles]
    return (
        np.array([word in _MOVING for word in words], np.bool_),
        np.array([word in _STANDING for word in words], np.bool_),
    )
