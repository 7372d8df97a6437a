"""The rules of the Moana tests once more, as slow loops over one profile: what the vectorised tests must agree with.

Each takes a cast, the variable and the thresholds, and returns a flag a level; EITHER where a value lies so near a
limit that the last bit of a sum decides.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from itertools import groupby, pairwise
from statistics import fmean, median
from typing import Any

from tests.domains.ocean.qc.moana_made import Cast

SILENT, GOOD, PROBABLE, SUSPECT, BAD, OPEN, MISSING, EITHER = 0, 1, 2, 3, 4, 5, 9, -1
isnan = math.isnan


def kilometres(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """By the chord between two points of the sphere: another formula than the one tested."""

    def point(north: float, east: float) -> tuple[float, float, float]:
        a, b = math.radians(north), math.radians(east)
        return math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)

    return 2 * 6371.0 * math.asin(min(1.0, math.dist(point(lat, lon), point(to_lat, to_lon)) / 2))


def over(value: float, limit: float, slack: float = 1e-9) -> bool | None:
    if abs(value - limit) <= slack * max(1.0, abs(limit)):
        return None
    return value > limit


def pick(flagged: bool | None, flag: int, otherwise: int = GOOD) -> int:
    return EITHER if flagged is None else flag if flagged else otherwise


def sd(values: list[float]) -> float:
    kept = [one for one in values if not isnan(one)]
    mean = fmean(kept)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in kept) / len(kept))


def version(text: str) -> float | None:
    if "WAVE" in text:
        return 0.0
    found = re.search(r"\d+\.\d+", text)
    return float(found[0]) if found else None


def day(stated: str) -> float:
    return datetime.fromisoformat(stated).replace(tzinfo=UTC).timestamp()


def no_place(one: Cast, n: int) -> bool:
    return isnan(one.lat[n]) or isnan(one.lon[n])


def stands(one: Cast) -> bool:
    return (one.gear or "").lower() in ("stationary", "passive")


def moves(one: Cast) -> bool:
    return (one.gear or "").lower() in ("mobile", "towed")


def impossible_date(one: Cast, on: str, *, earliest: str) -> list[int]:
    flags = []
    for at in one.time:
        if isnan(at):
            flags.append(MISSING)
        elif one.download is not None and at >= one.download:
            flags.append(BAD)
        elif at <= day(earliest):
            flags.append(SUSPECT)
        else:
            flags.append(OPEN if one.download is None else GOOD)
    return flags


def datetime_increasing(one: Cast, on: str) -> list[int]:
    flags, before, broken = [], None, False
    for at in one.time:
        if isnan(at):
            flags.append(MISSING)
            continue
        broken = broken or (before is not None and at < before)
        flags.append(BAD if broken else SILENT if before is None else GOOD)
        before = at
    return flags


def timing_gap(one: Cast, on: str, *, longest_gap: float, smallest_cluster: int) -> list[int]:
    clusters: list[list[int]] = []
    for n, at in enumerate(one.time):
        if isnan(at):
            continue
        if clusters and at - one.time[clusters[-1][-1]] <= longest_gap * 60:
            clusters[-1].append(n)
        else:
            clusters.append([n])
    small = (
        {n for cluster in clusters if len(cluster) < smallest_cluster for n in cluster} if len(clusters) > 1 else set()
    )
    return [MISSING if isnan(at) else BAD if n in small else GOOD for n, at in enumerate(one.time)]


def reset_code_check(one: Cast, on: str, *, firmware: float, marker: float, within: float) -> list[int]:
    stated, seen, flags = version(one.firmware), False, []
    for at, temp in zip(one.time, one.temp, strict=True):
        seen = seen or abs(temp - marker) <= within
        flag = GOOD
        if seen and stated is None:
            flag = OPEN
        elif seen and stated is not None and stated < firmware:
            flag = BAD
        flags.append(MISSING if isnan(at) else flag)
    return flags


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
    stated = version(one.firmware)
    have = [n for n in range(len(one)) if not isnan(one.time[n]) and not isnan(one.pres[n])]
    surfaced = None
    if have:
        gap, surface = dive_limits if max(one.pres[n] for n in have) > dive else shallow_limits
        for place, n in enumerate(have):
            before = place > 0 and one.time[n] - one.time[have[place - 1]] > gap * 60
            after = place + 1 < len(have) and one.time[have[place + 1]] - one.time[n] > gap * 60
            if one.pres[n] < surface and (before or after):
                surfaced = n
                break
    flags = []
    for n, at in enumerate(one.time):
        flag = GOOD
        if stated is None or stated < firmware:
            if not have:
                flag = OPEN
            elif surfaced is not None and n >= surfaced:
                if one.download is None:
                    flag = OPEN
                elif one.download - one.time[surfaced] > overflow:
                    flag = SUSPECT if stated is not None else OPEN
        flags.append(MISSING if isnan(at) else flag)
    return flags


def impossible_location(
    one: Cast, on: str, *, latitude: tuple[float, float], longitude: tuple[float, float]
) -> list[int]:
    flags = []
    for n in range(len(one)):
        inside = latitude[0] <= one.lat[n] <= latitude[1] and longitude[0] <= one.lon[n] <= longitude[1]
        nowhere = one.lat[n] == one.lon[n] == 0
        flags.append(MISSING if no_place(one, n) else BAD if not inside else SUSPECT if nowhere else GOOD)
    return flags


def remove_ref_location(one: Cast, on: str, *, reference: tuple[float, float], radius: float) -> list[int]:
    return [
        MISSING if no_place(one, n) else pick(over(radius, kilometres(one.lat[n], one.lon[n], *reference)), BAD)
        for n in range(len(one))
    ]


def impossible_speed(one: Cast, on: str, *, fastest: float, resolution: float) -> list[int]:
    flags, before = [], None
    for n in range(len(one)):
        if no_place(one, n):
            flags.append(MISSING)
        elif isnan(one.time[n]):
            flags.append(OPEN)
        elif before is None:
            flags.append(SILENT)
            before = n
        else:
            km = kilometres(one.lat[before], one.lon[before], one.lat[n], one.lon[n])
            hours = max(abs(one.time[n] - one.time[before]), resolution) / 3600
            flags.append(pick(over(km / hours / 1.852, fastest, 1e-6), SUSPECT))
            before = n
    return flags


def _good(one: Cast, settings: dict[str, Any]) -> list[int]:
    said = [
        impossible_date(one, "TIME", earliest=settings["earliest"]),
        timing_gap(one, "TIME", longest_gap=settings["longest_gap"], smallest_cluster=settings["smallest_cluster"]),
        impossible_location(one, "POSITION", latitude=settings["latitude"], longitude=settings["longitude"]),
        remove_ref_location(one, "POSITION", reference=settings["reference"], radius=settings["radius"]),
    ]
    return [n for n in range(len(one)) if all(flags[n] in (GOOD, OPEN) for flags in said)]


def _whole(one: Cast, flag: int) -> list[int]:
    return [MISSING if no_place(one, n) else flag for n in range(len(one))]


def stationary_position_check(one: Cast, on: str, *, surface: float, **settings: Any) -> list[int]:
    good = [one.pres[n] for n in _good(one, settings) if not isnan(one.pres[n])]
    if not good:
        return _whole(one, OPEN)
    if good[0] <= surface and good[-1] <= surface:
        return _whole(one, GOOD)
    return _whole(one, PROBABLE if moves(one) else SUSPECT if stands(one) else OPEN)


def start_end_dist_check(one: Cast, on: str, *, unsure: float, suspect: float, **settings: Any) -> list[int]:
    if moves(one):
        return _whole(one, SILENT)
    good = _good(one, settings)
    if len(good) < 2:
        return _whole(one, OPEN)
    a, b = good[0], good[-1]
    metres = 1000 * kilometres(one.lat[a], one.lon[a], one.lat[b], one.lon[b])
    if not stands(one):
        return _whole(one, OPEN if metres > unsure else GOOD)
    return _whole(one, SUSPECT if metres > suspect else PROBABLE if metres > unsure else GOOD)


def global_range(
    one: Cast,
    on: str,
    *,
    lowest: float,
    suspect_from: float,
    bad_from: float,
    lasting: bool,
    marker: float | None = None,
) -> list[int]:
    flags, from_now_on = [], GOOD
    for value in one.column(on):
        own = BAD if value < lowest or value >= bad_from else SUSPECT if value >= suspect_from else GOOD
        if lasting and value >= suspect_from and not (marker is not None and abs(value - marker) < 5e-4):
            from_now_on = max(from_now_on, own)
        flags.append(MISSING if isnan(value) else max(own, from_now_on))
    return flags


def spike(one: Cast, on: str, *, deviations: float) -> list[int]:
    x, flags = one.column(on), []
    for n, value in enumerate(x):
        if isnan(value):
            flags.append(MISSING)
        elif len(x) < 3:
            flags.append(OPEN)
        elif n in (0, len(x) - 1):
            flags.append(SILENT)
        elif isnan(x[n - 1]) or isnan(x[n + 1]):
            flags.append(OPEN)
        else:
            flags.append(pick(over(abs(value - (x[n - 1] + x[n + 1]) / 2), deviations * sd(x)), SUSPECT))
    return flags


def rate_of_change(
    one: Cast, on: str, *, rate: float, deviations: float, resolution: float = 0.0, but_back: bool = False
) -> list[int]:
    x, p, flags = one.column(on), one.pres, []
    for n, value in enumerate(x):
        if isnan(value):
            flags.append(MISSING)
        elif len(x) < 2:
            flags.append(OPEN)
        elif n == 0:
            flags.append(SILENT)
        elif isnan(x[n - 1]) or isnan(p[n]) or isnan(p[n - 1]):
            flags.append(OPEN)
        elif p[n] == p[n - 1] and not resolution:
            flags.append(SILENT)
        else:
            step = max(abs(p[n] - p[n - 1]), resolution)
            found = over(abs(value - x[n - 1]) / step, rate + deviations * sd(x))
            if but_back and n > 1 and abs(value - x[n - 2]) <= abs(value - x[n - 1]) / 2:
                found = False
            flags.append(pick(found, SUSPECT))
    return flags


def stuck_value(one: Cast, on: str, *, repeats: int, within: float) -> list[int]:
    have = [n for n, value in enumerate(one.column(on)) if not isnan(value)]
    x, stuck = one.column(on), set()
    for place in range(repeats, len(have)):
        run = have[place - repeats : place + 1]
        if all(abs(x[run[-1]] - x[n]) < within for n in run):
            stuck.update(run)
    short = len(have) <= repeats
    return [
        MISSING if isnan(value) else OPEN if short else SUSPECT if n in stuck else GOOD for n, value in enumerate(x)
    ]


def repeated_value(one: Cast, on: str, *, repeats: int, resolution: float, moving: float, release: float) -> list[int]:
    x, p = one.column(on), one.pres
    have = [n for n in range(len(one)) if not isnan(x[n]) and not isnan(p[n])]
    stuck: set[int] = set()
    for _, group in groupby(have, lambda n: round(x[n] / resolution)):
        run = list(group)
        place = have.index(run[-1]) + 1
        apart = abs(x[have[place]] - x[run[-1]]) if place < len(have) else math.inf
        moved = max(p[n] for n in run) - min(p[n] for n in run)
        if len(run) > repeats and moved >= moving and apart > release:
            stuck.update(run)
    short = len(have) <= repeats
    return [
        MISSING if isnan(x[n]) else OPEN if isnan(p[n]) else SUSPECT if n in stuck else SILENT if short else GOOD
        for n in range(len(one))
    ]


def one_level_spike(
    one: Cast, on: str, *, shallow: float, deep: float, split: float, factor: float, beside: int
) -> list[int]:
    column, flags = one.column(on), [MISSING] * len(one)
    rows = [n for n in range(len(one)) if not isnan(column[n])]
    x = [column[n] for n in rows]
    if len(x) < 3:
        return [MISSING if isnan(value) else OPEN for value in column]
    off = {i: x[i] - (x[i - 1] + x[i + 1]) / 2 for i in range(1, len(x) - 1)}
    for i, n in enumerate(rows):
        if i not in off:
            flags[n] = SILENT
            continue
        height = abs(off[i]) - abs(x[i + 1] - x[i - 1]) / 2
        if i - 1 in off and i + 1 in off and off[i] * off[i - 1] < 0 and off[i] * off[i + 1] < 0:
            height = max(height, min(abs(off[i]), 2 * abs(off[i - 1]), 2 * abs(off[i + 1])))
        around = [abs(off[i + k]) for k in range(-beside, beside + 1) if abs(k) > 1 and i + k in off]
        bound = deep if one.pres[n] >= split else shallow
        found = over(height, max(bound, factor * 1.4826 * median(around) if around else 0.0))
        flags[n] = pick(found, SUSPECT)
    return flags


def temp_drift(
    one: Cast,
    on: str,
    *,
    edges: tuple[float, ...],
    spreads: tuple[float, ...],
    ranges: tuple[float, ...],
    trim: int = 0,
) -> list[int]:
    flags = [
        MISSING if isnan(t) else OPEN if isnan(p) else GOOD if edges[0] <= p <= edges[-1] else SILENT
        for t, p in zip(one.temp, one.pres, strict=True)
    ]
    last = len(spreads) - 1
    for place in range(last + 1):
        low, high = edges[place], edges[place + 1]
        inside = [
            n
            for n, p in enumerate(one.pres)
            if (low <= p < high or (place == last and p == high)) and not isnan(one.temp[n])
        ]
        values = sorted(one.temp[n] for n in inside)
        values = values[trim : len(values) - trim] if trim else values
        if values and max(values) - min(values) > ranges[place]:
            for n in inside:
                flags[n] = pick(over(sd(values), spreads[place]), SUSPECT)
    return flags


def gear_type(one: Cast, on: str, *, still: float) -> list[int]:
    have = [n for n in range(len(one)) if not no_place(one, n) and not isnan(one.time[n])]
    if len(have) < 2 or one.time[have[0]] == one.time[have[-1]] or not (stands(one) or moves(one)):
        return _whole(one, OPEN)
    way = sum(kilometres(one.lat[a], one.lon[a], one.lat[b], one.lon[b]) for a, b in pairwise(have))
    knots = way / 1.852 / (abs(one.time[have[-1]] - one.time[have[0]]) / 3600)
    moved = over(knots, still) if way > 1e-12 else False
    wrong = None if moved is None else moved == stands(one)
    return [flag if flag == MISSING else pick(wrong, SUSPECT) for flag in _whole(one, GOOD)]
