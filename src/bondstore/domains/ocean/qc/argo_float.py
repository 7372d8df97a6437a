"""Argo real-time tests of a float by the exclusion list and its profile before: list, drift, freezing (15, 16, 18)."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import COLUMNS, Batch, Earlier, Floats, Integers, Mask, Profile
from bondstore.domains.ocean.qc.argo import DAY, MANUAL, no_comparison
from bondstore.domains.ocean.qc.common import because, settled
from bondstore.domains.ocean.qc.files import FileName, content_of
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import column, per_profile, spread
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError

_LISTED = ("PLATFORM_CODE", "PARAMETER_NAME", "START_DATE", "END_DATE", "QUALITY_CODE")
"""The columns of an exclusion list; others may stand beside them."""


_FLAGS = {"1": Flag.GOOD, "2": Flag.PROBABLY_GOOD, "3": Flag.SUSPECT, "4": Flag.BAD}


_DATE = re.compile(r"([0-9]{8})(?:[0-9]{6})?")


_ADVICE = f"It is a CSV file with the columns {', '.join(_LISTED)}, dates as YYYYMMDD, and codes from 1 to 4."


@dataclass(frozen=True, slots=True)
class ExclusionEntry:
    """A line of the exclusion list: a sensor of a float, from when to when, and the flag for what it measured."""

    sensor: str
    start: float  # seconds since 1970-01-01 UTC
    end: float  # past the last day; infinite where it is open
    flag: Flag


@test("argo.exclusion_list", f"{MANUAL}, test 15", "PRES", "TEMP", "PSAL")
def exclusion_list(batch: Batch, on: str, *, required: bool, path: FileName | None = None) -> Verdict:
    """Give the profile the flag under which its sensor stands on the exclusion list, which was called grey list.

    The list is for real-time data: the flags of profiles of mode D were set by people who knew it, and it is silent.

    Parameters
    ----------
    batch : Batch
        The profiles. ``exclusion_list`` in `Profile.known` is what the list says of this float at this time: sensors
        and their flags, such as ``PSAL:4 TEMP:3``, or nothing where the list was looked at and the float is not on it.
        It counts before `path`.
    on : str
        The variable, all levels alike.
    required : bool
        Whether a profile for which no list was looked at is unevaluated (true) or passed over in silence (false).
    path : FileName, optional
        The list as the data centres give it out (``ar_greylist.txt``): a CSV file with the columns PLATFORM_CODE,
        PARAMETER_NAME, START_DATE, END_DATE (with that day; empty where it is open) and QUALITY_CODE.

    Returns
    -------
    Verdict
        The list's flag (2, 3 or 4), the worst of several; good where the sensor is not on it. Unevaluated where an
        entry cannot be read, where the file names no platform, and where a listed profile has no date.

    Raises
    ------
    ConfigurationError
        The list is not there, or cannot be read.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 15; Argo user's manual, on the grey list.
    """
    listed = None if path is None else content_of(path, _entries, "The exclusion list", _ADVICE)
    dates = per_profile(batch, batch.time, np.fmin).tolist()
    flags = [_flag(one, date, on, listed, required=required) for one, date in zip(batch.profiles, dates, strict=True)]
    found = np.array(flags, np.int8)
    reasons = because(found == Flag.UNEVALUATED, "no exclusion list could be looked at for it")
    return settled(batch, on, spread(batch, found), reasons)


@test("argo.grey_list", f"{MANUAL}, test 15", "PRES", "TEMP", "PSAL")
def grey_list(batch: Batch, on: str, *, required: bool, path: FileName | None = None) -> Verdict:
    """Do what ``argo.exclusion_list`` does, by the name it had until 2025.

    Parameters
    ----------
    batch, on, required, path
        As there.

    Returns
    -------
    Verdict
        As there.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 15.
    """
    return exclusion_list(batch, on, required=required, path=path)


def parse_list(text: str) -> Mapping[str, Sequence[ExclusionEntry]]:
    """Read an exclusion list; ConfigurationError where it is none."""
    try:
        return _entries(text.encode(), "")
    except (KeyError, ValueError, csv.Error) as error:
        raise ConfigurationError("The exclusion list cannot be read.", hint=_ADVICE) from error


def said_of(listed: Mapping[str, Sequence[ExclusionEntry]], platform: str, date: float) -> str:
    """Return what a list says of a float at a time, as `Profile.known` has it under ``exclusion_list``."""
    entries = [one for one in listed.get(platform, ()) if not math.isfinite(date) or one.start <= date < one.end]
    worst: dict[str, Flag] = {}
    for one in entries:
        worst[one.sensor] = max(worst.get(one.sensor, Flag.GOOD), one.flag)
    return " ".join(f"{sensor}:{int(flag)}" for sensor, flag in sorted(worst.items()))


def _flag(
    profile: Profile, date: float, on: str, listed: Mapping[str, Sequence[ExclusionEntry]] | None, *, required: bool
) -> Flag:
    if profile.known.get("data_mode") == "D":
        return Flag.SILENT
    written = profile.known.get("exclusion_list", profile.known.get("grey_list"))
    if written is not None:
        return _written(written, on)
    if listed is None:
        return Flag.UNEVALUATED if required else Flag.SILENT
    if not profile.platform:
        return Flag.UNEVALUATED
    entries = [one for one in listed.get(profile.platform, ()) if one.sensor == on]
    if entries and not math.isfinite(date):
        return Flag.UNEVALUATED
    return max((one.flag for one in entries if one.start <= date < one.end), default=Flag.GOOD)


def _written(written: str, on: str) -> Flag:
    for entry in written.replace(",", " ").split():
        sensor, _, number = entry.partition(":")
        if sensor == on:
            return _FLAGS.get(number, Flag.UNEVALUATED)
    return Flag.GOOD


def _entries(held: bytes, _path: str) -> Mapping[str, Sequence[ExclusionEntry]]:
    found: dict[str, list[ExclusionEntry]] = {}
    rows = csv.DictReader(held.decode("utf-8-sig").splitlines(), restval="")
    if not set(_LISTED) <= set(rows.fieldnames or ()):
        raise ValueError("a column is missing")
    for row in rows:
        platform, sensor, start, end, code = (str(row[name] or "").strip() for name in _LISTED)
        if not platform or not sensor:
            raise ValueError("a line names no platform or no sensor")
        until = _day(end) + DAY if end else math.inf
        found.setdefault(platform, []).append(ExclusionEntry(sensor, _day(start), until, _FLAGS[code]))
    return found


def _day(text: str) -> float:
    written = _DATE.fullmatch(text)
    if written is None:
        raise ValueError("a date is none")
    return datetime.strptime(written[1], "%Y%m%d").replace(tzinfo=UTC).timestamp()


_FAR = 1e6
"""A slab's number is never beyond this, whatever a pressure says."""


_WIDE = int(4 * _FAR)


@dataclass(frozen=True, slots=True)
class _Levels:
    """Levels with a pressure and a value: of which profile, how deep, how much."""

    owner: Integers
    pressure: Floats
    values: Floats


@test("argo.sensor_drift", f"{MANUAL}, test 16", "TEMP", "PSAL", compares=True)
def sensor_drift(batch: Batch, on: str, *, layer: float, limit: float, required: bool) -> Verdict:
    """Flag a profile whose deep values are far from those of the profile before.

    The means over the deepest `layer` that both profiles have differ by more than `limit`: from the lesser of the two
    greatest pressures up. Deeper water of one of them is another water, and no drift; where one of them ends above
    `layer`, they have none in common.

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
        Whether a profile with no earlier one, or none that it can be compared with, is unevaluated (true) or passed
        over in silence (false). The first cycle of a float is passed over in any case.

    Returns
    -------
    Verdict
        Suspect over the limit.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 16.
    """
    now, then = _here(batch, on), _before(batch, on)
    bottom = np.minimum(_bottom(now, len(batch)), _bottom(then, len(batch)))
    bottom[bottom < layer] = -np.inf  # they have no such layer: near the surface water changes from week to week
    apart = np.abs(_deep(now, bottom, layer) - _deep(then, bottom, layer))
    flags = np.where(apart > limit, Flag.SUSPECT, Flag.GOOD)
    return _compared(batch, on, flags, ~np.isnan(apart), required)


@test("argo.frozen_profile", f"{MANUAL}, test 18", "TEMP", "PSAL", compares=True)
def frozen_profile(
    batch: Batch,
    on: str,
    *,
    slab: float,
    greatest: float,
    least: float,
    mean: float,
    required: bool,
    others: tuple[float, float, float] | None = None,
) -> Verdict:
    """Flag a profile that repeats the one before, but for small deviations: in temperature and in salinity.

    Both profiles are averaged in slabs of pressure; of the absolute differences between them, in the slabs that both
    have, the greatest, the least and the mean all lie under their limits. A profile is frozen where that is so of
    temperature and of salinity: deep water may well be the same in one of them.

    Parameters
    ----------
    batch : Batch
        The profiles; `Profile.earlier` is the last good one before.
    on : str
        The variable, all levels alike.
    slab : float
        In dbar: 50; slabs begin at its multiples.
    greatest, least, mean : float
        Limits of the variable: 0.3, 0.001 and 0.02 degrees Celsius; 0.3, 0.001 and 0.004 for salinity.
    required : bool
        As in `sensor_drift`.
    others : tuple of float, optional
        The same limits of the other variable; the manual's where they are not stated.

    Returns
    -------
    Verdict
        Bad where all are under; silent where only one of the two variables was measured.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 18.
    """
    other = "PSAL" if on == "TEMP" else "TEMP"
    frozen, compared = _frozen(batch, on, slab, (greatest, least, mean))
    theirs, also = _frozen(batch, other, slab, others or _FROZEN[other])
    alone = np.array([_column(one.earlier, other) is None for one in batch.profiles], np.bool_) | ~batch.carries(other)
    said = _compared(batch, on, np.where(frozen & theirs, Flag.BAD, Flag.GOOD), compared & also, required)
    flags = np.where(spread(batch, alone & ~_lacks(batch, on)), np.int8(Flag.SILENT), said.flags)
    return settled(batch, on, flags, said.reasons)


_FROZEN: Mapping[str, tuple[float, float, float]] = {"TEMP": (0.3, 0.001, 0.02), "PSAL": (0.3, 0.001, 0.004)}
"""The manual's limits of the greatest, the least and the mean difference."""


def _lacks(batch: Batch, on: str) -> Mask:
    return np.array([_column(one.earlier, on) is None for one in batch.profiles], np.bool_)


def _frozen(batch: Batch, on: str, slab: float, limits: tuple[float, float, float]) -> tuple[Mask, Mask]:
    """Return which profiles repeat the one before in a variable, and which have anything to compare."""
    keys, differences = _differences(_here(batch, on), _before(batch, on), slab)
    number = len(batch)
    found = np.bincount(keys, minlength=number)
    frozen = np.zeros(number, np.bool_)
    some = found > 0
    if some.any():
        starts = (np.cumsum(found) - found)[some]
        total = np.bincount(keys, weights=differences, minlength=number)[some]
        greatest, least, mean = limits
        frozen[some] = (
            (np.maximum.reduceat(differences, starts) < greatest)
            & (np.minimum.reduceat(differences, starts) < least)
            & (total / found[some] < mean)
        )
    return frozen, some


def _compared(batch: Batch, on: str, found: NDArray[np.int_], compared: Mask, required: bool) -> Verdict:
    flags = np.where(compared, found, Flag.UNEVALUATED if required else Flag.SILENT).astype(np.int8)
    reasons = because(~compared, "it and the profile before have nothing to compare")
    for one in np.flatnonzero(~compared).tolist():
        if _column(batch.profiles[one].earlier, on) is None:
            flags[one] = no_comparison(batch.profiles[one], required)
            reasons[one] = "no earlier profile of this float is known"
    return settled(batch, on, spread(batch, flags), reasons)


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


def _bottom(levels: _Levels, number: int) -> Floats:
    """The greatest pressure of each profile; minus infinity where it has no level."""
    deepest = np.full(number, -np.inf)
    np.maximum.at(deepest, levels.owner, levels.pressure)
    return deepest


def _deep(levels: _Levels, bottom: Floats, layer: float) -> Floats:
    """The mean of each profile over a layer above `bottom`; NaN where it has no level there."""
    number = len(bottom)
    here = bottom[levels.owner]
    with np.errstate(invalid="ignore"):
        low = (levels.pressure <= here) & (levels.pressure >= here - layer)
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


def _slabs(levels: _Levels, slab: float) -> tuple[Integers, Floats]:
    """Each slab's mean, by a key that names profile and slab."""
    which = np.clip(np.floor(levels.pressure / slab), -_FAR, _FAR).astype(np.int64)
    keys, place, found = np.unique(levels.owner * _WIDE + which + int(_FAR), return_inverse=True, return_counts=True)
    means: Floats = np.bincount(place, weights=levels.values, minlength=len(keys)) / found
    return keys, means
