"""What tests share: verdicts put together by precedence, distances, and what headers and deployments say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.ragged import absent, any_in, spread
from bondstore.domains.ocean.qc.tests import Verdict
from bondstore.errors import ConfigurationError

EARTH_RADIUS = 6371.0
"""Kilometres; a sphere is what the distances of these tests are defined on."""
KNOT = 1.852
"""Kilometres an hour."""
TOO_SHORT = "the profile has too few levels for this test"
_NUMBER = re.compile(r"\d*\.\d+")
_MOVING = frozenset({"mobile", "towed"})
_STANDING = frozenset({"stationary", "passive"})


def verdict(
    batch: Batch,
    on: str,
    *,
    least: int = 1,
    unknown: Mapping[str, Mask] | None = None,
    silent: Mask | None = None,
    probable: Mask | None = None,
    suspect: Mask | None = None,
    bad: Mask | None = None,
) -> Verdict:
    """Put a verdict together from masks over levels: good where none applies, missing where there is no value.

    A later one goes over an earlier: silent, unevaluated, probably good, suspect, bad. `unknown` says where the test
    could not speak, by the reason; a profile is given the first that holds in it. One of under `least` levels cannot be
    tested at all.
    """
    reasons = {TOO_SHORT: spread(batch, batch.sizes < least), **(unknown or {})}
    flags = np.full(batch.levels, Flag.GOOD, np.int8)
    for flag, where in (
        (Flag.SILENT, silent),
        (Flag.UNEVALUATED, np.logical_or.reduce(list(reasons.values()))),
        (Flag.PROBABLY_GOOD, probable),
        (Flag.SUSPECT, suspect),
        (Flag.BAD, bad),
    ):
        if where is not None:
            flags[where] = flag
    flags[absent(batch, on)] = Flag.MISSING
    return Verdict(flags, _reasons(batch, flags, reasons))


def _reasons(batch: Batch, flags: Flags, reasons: Mapping[str, Mask]) -> dict[int, str]:
    given: dict[int, str] = {}
    unevaluated = flags == Flag.UNEVALUATED
    if unevaluated.any():
        for why, where in reversed(list(reasons.items())):
            given |= because(any_in(batch, where & unevaluated), why)
    return given


def settled(batch: Batch, on: str, flags: Flags, reasons: Mapping[int, str] | None = None) -> Verdict:
    """Return a flag for each level as a verdict: missing where there is no value.

    Reasons are kept for profiles with a level that is unevaluated.
    """
    flags = np.where(absent(batch, on), np.int8(Flag.MISSING), flags).astype(np.int8)
    short = any_in(batch, flags == Flag.UNEVALUATED)
    return Verdict(flags, {number: why for number, why in (reasons or {}).items() if short[number]})


def because(where: Mask, why: str) -> dict[int, str]:
    """Return a reason for the profiles that are true."""
    return dict.fromkeys(np.flatnonzero(where).tolist(), why)


def distance(latitude: Floats, longitude: Floats, to_latitude: Floats | float, to_longitude: Floats | float) -> Floats:
    """Return great-circle distances in km on a sphere of 6371 km (haversine); longitudes of either convention."""
    north, to_north = np.radians(latitude), np.radians(to_latitude)
    with np.errstate(invalid="ignore"):  # a place may be infinite: it is no distance from anywhere
        east = np.radians(to_longitude - longitude)
        half = np.sin((to_north - north) / 2) ** 2 + np.cos(north) * np.cos(to_north) * np.sin(east / 2) ** 2
    km: Floats = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return km


def seconds(stated: str) -> float:
    """Return an ISO date or time of a suite as seconds since 1970-01-01 UTC."""
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


def made_times(batch: Batch) -> Floats:
    """Return when each file was made, in seconds since 1970-01-01 UTC: downloaded, or else written, as it says."""
    written = [_stated(one.known.get("created", "")) for one in batch.profiles]
    downloaded = download_times(batch)
    return np.where(np.isnan(downloaded), np.array(written, np.float64), downloaded)


def _stated(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def firmwares(batch: Batch) -> Floats:
    """Return each profile's sensor firmware as a number: ``MOANA-1.21`` is 1.21; NaN where there is none.

    ``WAVE`` firmware counts as older than all numbered ones, as the public project has it (moana-qc, qc_tests_df,
    reset_code_check).
    """
    return np.array([_firmware(one.header.sensor_firmware) for one in batch.profiles], np.float64)


def _firmware(text: str) -> float:
    if "WAVE" in text.upper():
        return 0.0
    found = _NUMBER.search(text)
    return float(found.group()) if found else np.nan


def gear(batch: Batch) -> tuple[Mask, Mask]:
    """Return which profiles are of mobile (towed) gear and which of stationary (passive).

    Neither where no deployment is known or its gear is of another class.
    """
    words = [(one.deployment.gear if one.deployment else "").strip().lower() for one in batch.profiles]
    return (
        np.array([word in _MOVING for word in words], np.bool_),
        np.array([word in _STANDING for word in words], np.bool_),
    )
