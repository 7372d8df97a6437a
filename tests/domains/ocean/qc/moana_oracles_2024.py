"""What the existing Moana chain does to one profile, row by row, defects included: for suite moana-2024."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from tests.domains.ocean.qc.moana_made import Cast
from tests.domains.ocean.qc.moana_oracles import (
    BAD,
    EITHER,
    GOOD,
    MISSING,
    PROBABLE,
    SILENT,
    SUSPECT,
    day,
    isnan,
    kilometres,
    moves,
    over,
    pick,
    sd,
    stands,
    version,
)


def single(one: Cast) -> list[int]:
    """Rows that are the first at their time."""
    seen: set[float] = set()
    kept = []
    for n, at in enumerate(one.time):
        key = -1.0 if isnan(at) else at
        if key not in seen:
            kept.append(n)
        seen.add(key)
    return kept


def rows(one: Cast) -> list[int]:
    columns = (one.time, one.lat, one.lon, one.pres, one.temp)
    return [
        n
        for n in single(one)
        if not any(isnan(column[n]) for column in columns) and one.lat[n] != 0 and one.lon[n] != 0
    ]


def put(one: Cast, on: str, kept: list[int], said: list[int]) -> list[int]:
    """The flags of the rows that are kept, silence on others, missing where there is no value."""
    flags = dict(zip(kept, said, strict=True))

    def gone(n: int) -> bool:
        return isnan(one.lat[n]) or isnan(one.lon[n]) if on == "POSITION" else isnan(one.column(on)[n])

    return [MISSING if gone(n) else flags.get(n, SILENT) for n in range(len(one))]


def impossible_date(one: Cast, on: str, *, earliest: str) -> list[int]:
    kept, said = rows(one), []
    for n in kept:
        flag = GOOD
        if one.download is None:
            flag = SILENT
        else:
            if one.time[n] >= one.download:
                flag = BAD
            if one.time[n] <= day(earliest):
                flag = SUSPECT
        said.append(flag)
    return put(one, on, kept, said)


def datetime_increasing(one: Cast, on: str) -> list[int]:
    kept = rows(one)
    back = any(one.time[b] < one.time[a] for a, b in pairwise(kept))
    return put(one, on, kept, [BAD if back else SILENT] * len(kept))


def _gaps(one: Cast, kept: list[int], longest_gap: float, smallest_cluster: int) -> list[int]:
    said = [GOOD] * len(kept)
    if kept:
        places = [i for i in range(1, len(kept)) if one.time[kept[i]] - one.time[kept[i - 1]] > longest_gap * 60]
        for begin, end in pairwise([0, *places, len(kept) - 1]):
            if begin == end:
                said[begin] = BAD
            elif end - begin < smallest_cluster:
                said[begin:end] = [BAD] * (end - begin)
    return said


def timing_gap(one: Cast, on: str, *, longest_gap: float, smallest_cluster: int) -> list[int]:
    kept = rows(one)
    return put(one, on, kept, _gaps(one, kept, longest_gap, smallest_cluster))


def _resets(one: Cast, kept: list[int], firmware: float, marker: float, within: float) -> list[int]:
    before, stated = single(one), version(one.firmware)
    marked = [i for i, n in enumerate(before) if abs(one.temp[n] - marker) <= within]
    if not marked or any(isnan(one.pres[before[i]]) for i in marked) or stated is None or stated >= firmware:
        return [GOOD] * len(kept)
    return [BAD if i >= marked[0] else GOOD for i in range(len(kept))]


def reset_code_check(one: Cast, on: str, *, firmware: float, marker: float, within: float) -> list[int]:
    kept = rows(one)
    return put(one, on, kept, _resets(one, kept, firmware, marker, within))


def timestamp_overflow(
    one: Cast,
    on: str,
    *,
    firmware: float,
    overflow: float,
    dive: float,
    dive_limits: tuple[float, float],
    shallow_limits: tuple[float, float],
) -> list[int]:
    kept, stated = rows(one), version(one.firmware)
    said = [GOOD] * len(kept)
    if kept and stated is not None and stated < firmware and one.download is not None:
        gap, surface = dive_limits if max(one.pres[n] for n in kept) > dive else shallow_limits
        late = [i for i in range(1, len(kept)) if one.time[kept[i]] - one.time[kept[i - 1]] > gap * 60]
        beside = {*late, *(i - 1 for i in late)}
        first = next((i for i, n in enumerate(kept) if one.pres[n] < surface and i in beside), None)
        if first is not None and one.download - one.time[kept[first]] > overflow:
            said[first:] = [SUSPECT] * (len(kept) - first)
    return put(one, on, kept, said)


def _outside(one: Cast, n: int, latitude: tuple[float, float], longitude: tuple[float, float]) -> bool:
    return not (latitude[0] <= one.lat[n] <= latitude[1] and longitude[0] <= one.lon[n] <= longitude[1])


def impossible_location(
    one: Cast, on: str, *, latitude: tuple[float, float], longitude: tuple[float, float]
) -> list[int]:
    kept = rows(one)
    return put(one, on, kept, [BAD if _outside(one, n, latitude, longitude) else GOOD for n in kept])


def remove_ref_location(one: Cast, on: str, *, reference: tuple[float, float], radius: float) -> list[int]:
    kept = rows(one)
    near = [over(radius, kilometres(one.lat[n], one.lon[n], *reference)) for n in kept]
    return put(one, on, kept, [pick(found, BAD) for found in near])


def impossible_speed(one: Cast, on: str, *, fastest: float) -> list[int]:
    kept, said = rows(one), []
    for i, n in enumerate(kept):
        flag = GOOD
        if i:
            a = kept[i - 1]
            km = kilometres(one.lat[a], one.lon[a], one.lat[n], one.lon[n])
            flag = pick(over(km / ((one.time[n] - one.time[a]) / 3600) * 0.539957, fastest, 1e-6), SUSPECT)
        said.append(flag)
    return put(one, on, kept, said)


def stationary_position_check(
    one: Cast,
    on: str,
    *,
    surface: float,
    longest_gap: float,
    smallest_cluster: int,
    reference: tuple[float, float],
    radius: float,
) -> list[int]:
    kept = rows(one)
    gaps = _gaps(one, kept, longest_gap, smallest_cluster)
    good = [
        one.pres[n]
        for n, flag in zip(kept, gaps, strict=True)
        if flag != BAD and kilometres(one.lat[n], one.lon[n], *reference) >= radius
    ]
    if not good or not (stands(one) or moves(one)):
        flag = SILENT
    elif good[0] > surface or good[-1] > surface:
        flag = SUSPECT if stands(one) else PROBABLE
    else:
        flag = GOOD
    return put(one, on, kept, [flag] * len(kept))


def start_end_dist_check(one: Cast, on: str, *, unsure: float, **settings: Any) -> list[int]:
    kept = rows(one)
    if not stands(one):
        return put(one, on, kept, [SILENT] * len(kept))
    dates = impossible_date(one, "TIME", earliest=settings["earliest"])
    gaps = _gaps(one, kept, settings["longest_gap"], settings["smallest_cluster"])
    resets = _resets(one, kept, settings["firmware"], settings["marker"], settings["within"])
    good = [
        n
        for n, gap, reset in zip(kept, gaps, resets, strict=True)
        if BAD not in (gap, reset, dates[n])
        and not _outside(one, n, settings["latitude"], settings["longitude"])
        and kilometres(one.lat[n], one.lon[n], *settings["reference"]) >= settings["radius"]
    ]
    if len(good) < 2:
        flag = BAD
    else:
        a, b = good[0], good[-1]
        metres = float(f"{1000 * kilometres(one.lat[a], one.lon[a], one.lat[b], one.lon[b]):.2f}")
        flag = PROBABLE if metres > unsure else GOOD
    return put(one, on, kept, [flag] * len(kept))


def global_range(one: Cast, on: str, *, lowest: float, suspect_from: float, bad_from: float) -> list[int]:
    kept, x = rows(one), one.column(on)
    said = [BAD if x[n] < lowest else GOOD for n in kept]
    for bound, flag in ((suspect_from, SUSPECT), (bad_from, BAD)):
        since = min((one.time[n] for n in kept if x[n] >= bound), default=math.inf)
        said = [flag if one.time[n] >= since else now for n, now in zip(kept, said, strict=True)]
    return put(one, on, kept, said)


def spike(one: Cast, on: str, *, deviations: float) -> list[int]:
    kept = rows(one)
    x = [one.column(on)[n] for n in kept]
    if len(x) < 3:
        return put(one, on, kept, [GOOD if on == "TEMP" else SILENT] * len(x))
    found = np.abs(np.convolve(x, [-0.5, 1, -0.5], mode="same"))
    return put(one, on, kept, [pick(over(float(value), deviations * sd(x)), SUSPECT) for value in found])


def stuck_value(one: Cast, on: str, *, repeats: int, within: float) -> list[int]:
    kept = rows(one)
    x = [one.column(on)[n] for n in kept]
    said = [GOOD] * len(x)
    for i in range(repeats, len(x)):
        if all(abs(before - x[i]) < within for before in x[i - repeats : i]):
            said[i - repeats : i] = [SUSPECT] * repeats
    return put(one, on, kept, said)


def rate_of_change(one: Cast, on: str, *, rate: float, deviations: float) -> list[int]:
    kept = rows(one)
    x, p = [one.temp[n] for n in kept], [one.pres[n] for n in kept]
    said = [GOOD] * len(x)
    for i in range(1, len(x)):
        rise, run = abs(x[i] - x[i - 1]), abs(p[i] - p[i - 1])
        found = over(rise / run, rate + deviations * sd(x)) if run else rise > 0
        said[i] = pick(found, SUSPECT)
    return put(one, on, kept, said)


def temp_drift(
    one: Cast, on: str, *, edges: tuple[float, ...], spreads: tuple[float, ...], ranges: tuple[float, ...]
) -> list[int]:
    kept = rows(one)
    said = dict.fromkeys(kept, GOOD)
    for low, high, spread, widest in zip(edges, edges[1:], spreads, ranges, strict=False):
        inside = [n for n in kept if low < one.pres[n] < high]
        values = [one.temp[n] for n in inside]
        if values and max(values) - min(values) > widest:
            for n in inside:
                said[n] = pick(over(sd(values), spread), SUSPECT)
    return put(one, on, kept, list(said.values()))


__all__ = ["EITHER"]
