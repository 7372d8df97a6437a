"""The QARTOD tests written again from the manual's text, level after level; slow, and without numpy.

Each takes a batch of one profile and returns our flags: 0 silent, 1 good, 3 suspect, 4 bad, 5 unevaluated, 9 missing;
None where rounding decides and either is right.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import gsw

from bondstore.domains.ocean.profiles import Batch
from tests.domains.ocean.qc.qartod_loops import CLOSE, Said, each, kilometres, path, sd, unshared, usual, values


def gap(batch: Batch, on: str, increment: float) -> Said:
    time, (profile,) = values(batch, "TIME"), batch.profiles

    def say(n: int) -> int:
        if not profile.timed:
            return 0
        if len(time) == 1:
            return 5
        if n == 0:
            return 0
        if math.isnan(time[n - 1]):
            return 5
        return 4 if time[n] - time[n - 1] > increment else 1

    return each(batch, on, say)


def syntax(batch: Batch, on: str) -> Said:
    whole = batch.profiles[0].known.get("truncated") != "yes"
    return each(batch, on, lambda n: 1 if whole else 4)


def location(
    batch: Batch, on: str, latitudes: Any, longitudes: Any, range_max: float | None = None, from_earlier: bool = False
) -> Said:
    at = list(zip(values(batch, "LATITUDE"), values(batch, "LONGITUDE"), strict=True))
    (profile,) = batch.profiles

    def moved(n: int) -> float | None:
        """Kilometres from the place before; None where there is none by definition, NaN where it is not known."""
        if n > 0 and profile.placed:
            before = at[n - 1]
        elif from_earlier and profile.earlier is not None:
            n = n if profile.placed else 0
            if profile.earlier.position is None:
                return math.nan
            before = (profile.earlier.position.latitude, profile.earlier.position.longitude)
        else:
            return None
        return math.nan if any(map(math.isnan, (*before, *at[n]))) else kilometres(before, at[n])

    def say(n: int) -> int | None:
        if not (latitudes[0] <= at[n][0] <= latitudes[1] and longitudes[0] <= at[n][1] <= longitudes[1]):
            return 4
        far = None if range_max is None else moved(n)
        if far is None:
            return 1
        if math.isnan(far):
            return 5
        return None if abs(far - (range_max or 0)) < 1e-4 else 3 if far > (range_max or 0) else 1

    return each(batch, on, say)


def gross_range(batch: Batch, on: str, sensor_span: Any, operator_span: Any = None) -> Said:
    x = values(batch, on)

    def say(n: int) -> int:
        if x[n] < sensor_span[0] or x[n] > sensor_span[1]:
            return 4
        return 3 if operator_span and (x[n] < operator_span[0] or x[n] > operator_span[1]) else 1

    return each(batch, on, say)


def climatology(batch: Batch, on: str, windows: Any) -> Said:
    x = values(batch, on)
    where = {name: values(batch, name.upper()) for name in ("latitude", "longitude", "time")}
    where["pressure"] = values(batch, "PRES")

    def holds(n: int, key: str, start: float, end: float) -> bool | None:
        if key in {"pressure", "latitude"}:
            at = where[key][n]
            return None if math.isnan(at) else start <= at <= end
        if key == "longitude":
            at = where[key][n]
            return None if math.isnan(at) else (at - start) % 360 <= ((end - start) % 360 or (360 * (end != start)))
        if math.isnan(where["time"][n]):
            return None
        day = dt.datetime.fromtimestamp(math.floor(where["time"][n]), dt.UTC)
        at = {
            "month": day.month,
            "quarter": (day.month + 2) // 3,
            "week": day.isocalendar().week,
            "day_of_year": day.timetuple().tm_yday,
            "year": day.year,
        }[key]
        return start <= at <= end if start <= end else at >= start or at <= end

    def say(n: int) -> int:
        flag = 0
        for window in windows:
            holding = [holds(n, key, *span) for key, span in window.items() if key != "span"]
            if False in holding:
                continue
            low, high = window["span"]
            flag = 5 if None in holding else 1 if low <= x[n] <= high else 3
        return flag

    return each(batch, on, say)


def spike(batch: Batch, on: str, low: float, high: float, method: str = "average") -> Said:
    x = values(batch, on)
    back = 1 if method == "average" else 2

    def say(n: int) -> int:
        if n < back or n == len(x) - 1:
            return 0
        if method == "average":
            height = abs(x[n] - (x[n - 1] + x[n + 1]) / 2)
        else:
            height = abs(x[n - 2] - 3 * x[n - 1] + 3 * x[n] - x[n + 1])
        if math.isnan(height):
            return 5
        return 4 if height > high else 3 if height > low else 1

    return each(batch, on, say, back + 2)


def rate_of_change(
    batch: Batch, on: str, deviations: float, window: float, along: str, least: int, offset: float = 0.0
) -> Said:
    x = values(batch, on)

    def say(n: int) -> int | None:
        if n < max(least, 1):
            return 0
        step, spread = abs(x[n] - x[n - 1]), usual(batch, x, n, window, along, least)
        if math.isnan(step) or math.isnan(spread):
            return 5
        over = step - (offset + deviations * spread)
        return None if 0 < abs(over) < CLOSE else 3 if over > 0 else 1

    return each(batch, on, say, max(least, 1) + 1)


def rate_per_second(batch: Batch, on: str, threshold: float) -> Said:
    x, t = values(batch, on), values(batch, "TIME")

    def say(n: int) -> int:
        if n == 0:
            return 0
        step, took = abs(x[n] - x[n - 1]), abs(t[n] - t[n - 1])
        if math.isnan(step) or math.isnan(took):
            return 5
        if took == 0:
            return 1 if step == 0 else 5
        return 3 if step / took > threshold else 1

    return each(batch, on, say, 2)


def multi_variate(
    batch: Batch, on: str, other: str, deviations: float, other_deviations: float, window: float, along: str, least: int
) -> Said:
    return unshared(batch, on, values(batch, other), (deviations, other_deviations), window, along, least)


def flat_line(batch: Batch, on: str, suspect_count: int, fail_count: int, eps: float) -> Said:
    x = values(batch, on)

    def flat(n: int, count: int) -> bool | None:
        """Whether the last `count` values up to n are equal; None where that is not known."""
        if n < count - 1:
            return False
        apart = [abs(x[n] - x[n - i]) for i in range(1, count)]
        if any(one >= eps for one in apart):
            return False
        return None if any(map(math.isnan, apart)) else True

    def say(n: int) -> int:
        if n < suspect_count - 1:
            return 0
        if flat(n, fail_count):
            return 4
        return {True: 3, False: 1, None: 5}[flat(n, suspect_count)]

    return each(batch, on, say, suspect_count)


def attenuated_signal(
    batch: Batch, on: str, warn: float, fail: float, measure: str, along: str = "TIME", window: float | None = None
) -> Said:
    x = values(batch, on)
    walked = x if window is None else path(batch, along, x)

    def say(n: int) -> int | None:
        if window is not None and math.isnan(walked[n]):
            return 5
        if window is not None and walked[n] < window:
            return 0
        inside = [
            x[m]
            for m in range(len(x))
            if not math.isnan(walked[m]) and (window is None or (m <= n and walked[m] >= walked[n] - window))
        ]
        if len(inside) < 2:
            return 5
        varies = sd(inside) if measure == "deviation" else max(inside) - min(inside)
        if any(0 < abs(varies - one) < CLOSE for one in (warn, fail)):
            return None
        return 4 if varies < fail else 3 if varies < warn else 1

    return each(batch, on, say, 2)


def neighbour(
    batch: Batch,
    on: str,
    deviations: float,
    other_deviations: float,
    window: float,
    along: str,
    least: int,
    max_age: float | None = None,
    max_distance: float | None = None,
    table: Any = None,
) -> Said:
    (profile,), p = batch.profiles, values(batch, "PRES")
    earlier = profile.earlier
    rows = [tuple(row) for row in table or ()]
    if table is None and earlier is not None:
        column = earlier.temperature if on == "TEMP" else earlier.salinity
        rows = [] if column is None else [tuple(row) for row in zip(earlier.pressure, column, strict=True)]
        times = [one for one in values(batch, "TIME") if not math.isnan(one)]
        if max_age is not None and not (times and abs(min(times) - earlier.time) <= max_age):
            rows = []
        places = list(zip(values(batch, "LATITUDE"), values(batch, "LONGITUDE"), strict=True))
        places = [one for one in places if not any(map(math.isnan, one))]
        if max_distance is not None:
            there = earlier.position
            if there is None or not places or kilometres(places[0], (there.latitude, there.longitude)) > max_distance:
                rows = []
    rows = sorted((row for row in rows if not any(map(math.isnan, row))), key=lambda row: row[0])
    if not rows:
        return each(batch, on, lambda n: 5)

    def there_at(pressure: float) -> float:
        for at, found in rows:
            if at == pressure:
                return found
        for (low, first), (high, second) in itertools.pairwise(rows):
            if low < pressure < high:
                return first + (pressure - low) / (high - low) * (second - first)
        return math.nan

    return unshared(batch, on, [there_at(one) for one in p], (deviations, other_deviations), window, along, least)


def ts_space(batch: Batch, on: str, curve: Any, warn: float, fail: float, below: float | None = None) -> Said:
    t, s, p = (values(batch, name) for name in ("TEMP", "PSAL", "PRES"))

    def say(n: int) -> int | None:
        if below is not None and p[n] < below:
            return 0
        if not math.isnan(t[n]) and not curve[0][0] <= t[n] <= curve[-1][0]:
            return 0
        if math.isnan(t[n]) or math.isnan(s[n]) or (below is not None and math.isnan(p[n])):
            return 5
        fitted = curve[0][1]
        for (cold, first), (warm, second) in itertools.pairwise(curve):
            if cold <= t[n] <= warm:
                fitted = first + (t[n] - cold) / (warm - cold) * (second - first)
        off = abs(s[n] - fitted)
        if any(0 < abs(off - one) < CLOSE for one in (warn, fail)):
            return None
        return 4 if off > fail else 3 if off >= warn else 1

    return each(batch, on, say)


def density_inversion(batch: Batch, on: str, tolerance: float) -> Said:
    columns = [values(batch, name) for name in ("PSAL", "TEMP", "PRES", "LONGITUDE", "LATITUDE")]
    p = columns[2]

    def sigma(row: tuple[float, ...]) -> float:
        salinity, temperature, pressure, east, north = row
        if any(map(math.isnan, row)) or abs(east) > 360 or abs(north) > 90:
            return math.nan
        absolute = gsw.SA_from_SP(salinity, pressure, east, north)
        return float(gsw.sigma0(absolute, gsw.CT_from_t(absolute, temperature, pressure)))

    dense = [sigma(row) for row in zip(*columns, strict=True)]

    def pair(shallow: int, deep: int) -> int | None:
        """4 an inversion, 1 none, 0 no deeper one, 5 not known."""
        if math.isnan(dense[shallow]) or math.isnan(dense[deep]):
            return 5
        if p[shallow] == p[deep]:
            return 0
        if p[shallow] > p[deep]:
            shallow, deep = deep, shallow
        over = dense[shallow] - tolerance - dense[deep]
        return None if abs(over) < CLOSE else 4 if over > 0 else 1

    def say(n: int) -> int | None:
        pairs = [pair(m, m + 1) for m in (n - 1, n) if 0 <= m < len(p) - 1]
        for found in (4, None, 5, 1):
            if found in pairs:
                return found
        return 0

    return each(batch, on, say, 2)
