"""From when to when and from where to where profiles reach, and the one time and place that each stands for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Integers, Mask
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.text import iso_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class Extent:
    """What a file covers; None where nothing is known."""

    first: float | None  # seconds since 1970-01-01 UTC
    last: float | None
    bounds: tuple[float, float, float, float] | None  # west (over east across the date line), south, east, north
    shallow: float | None  # dbar
    deep: float | None


@dataclass(frozen=True, slots=True)
class Nominal:
    """One time (seconds since 1970-01-01 UTC) and place (-180 to 180) for each profile; NaN where there is none."""

    time: Floats
    latitude: Floats
    longitude: Floats


def wrapped(longitude: Floats) -> Floats:
    """Return longitudes from -180 to 180 degrees.

    What is no longitude (under -180, over 360) stays as it was written: it must not turn into a place that looks right.
    """
    return np.where((longitude > 180) & (longitude <= 360), longitude - 360, longitude)


def extent(batch: Batch, result: Result) -> Extent:
    """Return what the levels cover that are not bad."""
    time = batch.time[_held(batch.time, result, "TIME") & (batch.time >= _FIRST) & (batch.time <= _LAST)]
    east = wrapped(batch.longitude)
    here = ~np.isnan(batch.latitude) & (np.abs(batch.latitude) <= 90) & (np.abs(east) <= 180)
    here = _unless_bad(here, result, "POSITION")
    pressure = batch.pressure[_held(batch.pressure, result, "PRES")]
    first, last = _least_and_most(time)
    shallow, deep = _least_and_most(pressure[np.isfinite(pressure)])
    return Extent(first, last, _box(batch.latitude[here], east[here]) if here.any() else None, shallow, deep)


def nominal(batch: Batch, result: Result) -> Nominal:
    """Return each profile's first time and first place: of the levels that are not bad, where there are any."""
    at = _first(batch, ~np.isnan(batch.time), result, "TIME")
    there = _first(batch, ~np.isnan(batch.latitude) & ~np.isnan(batch.longitude), result, "POSITION")
    return Nominal(_pick(batch.time, at), _pick(batch.latitude, there), _pick(wrapped(batch.longitude), there))


def stamp(seconds: float | None) -> str:
    """Return a time as ``2024-05-01T12:00:00Z``, with microseconds where it has any; empty where it is none."""
    if seconds is None or not _FIRST <= seconds <= _LAST:
        return ""
    return iso_text(_EPOCH + timedelta(microseconds=round(seconds * 1e6)), "auto")


def _held(values: Floats, result: Result, variable: str) -> Mask:
    return _unless_bad(~np.isnan(values), result, variable)


def _unless_bad(where: Mask, result: Result, variable: str) -> Mask:
    kept: Mask = where & (result.rolled[variable] != Flag.BAD)
    return kept


def _least_and_most(values: Floats) -> tuple[float, float] | tuple[None, None]:
    return (float(values.min()), float(values.max())) if values.size else (None, None)


def _box(latitude: Floats, longitude: Floats) -> tuple[float, float, float, float]:
    """Return the smallest box: it leaves out the widest gap between longitudes, so it may cross the date line."""
    around = np.sort(longitude)  # np.unique would load numpy.ma, which takes longer than all else that is done here
    around = around[np.append(True, around[1:] != around[:-1])]
    gaps = np.append(np.diff(around), around[0] + 360 - around[-1])
    widest = len(gaps) - 1 if gaps[-1] >= gaps.max() else int(gaps.argmax())
    west, east = around[(widest + 1) % len(around)], around[widest]
    return (float(west), float(latitude.min()), float(east), float(latitude.max()))


def _first(batch: Batch, where: Mask, result: Result, variable: str) -> Integers:
    """Return the number of the first level of each profile that holds, sooner one that is not bad; -1 for none."""
    number = np.arange(batch.levels, dtype=np.float64)
    best, any_at_all = (
        per_profile(batch, np.where(one, number, np.nan), np.fmin)
        for one in (_unless_bad(where, result, variable), where)
    )
    found = np.where(np.isnan(best), any_at_all, best)
    return np.where(np.isnan(found), -1, found).astype(np.int64)


def _pick(values: Floats, at: Integers) -> Floats:
    picked = np.full(len(at), np.nan)
    picked[at >= 0] = values[at[at >= 0]]
    return picked
