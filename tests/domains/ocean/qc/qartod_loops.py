"""What the plain loops over the manual's text share: columns as lists, distances, windows, standard deviations."""

from __future__ import annotations

import math
from collections.abc import Callable

from bondstore.domains.ocean.profiles import COLUMNS, Batch

Said = list[int | None]
CLOSE = 1e-9


def values(batch: Batch, name: str) -> list[float]:
    """A column as a list; NaN throughout where there is none."""
    column = getattr(batch, COLUMNS[name])
    return [math.nan] * batch.levels if column is None else [float(one) for one in column]


def each(batch: Batch, on: str, say: Callable[[int], int | None], least: int = 1) -> Said:
    """Ask for each level, after what holds for all tests: a missing value, a profile that is too short."""
    if on == "POSITION":
        pairs = zip(values(batch, "LATITUDE"), values(batch, "LONGITUDE"), strict=True)
        gone = [math.isnan(north) or math.isnan(east) for north, east in pairs]
    else:
        gone = [math.isnan(one) for one in values(batch, on)]
    return [9 if gone[n] else 5 if len(gone) < least else say(n) for n in range(len(gone))]


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """By the chord through a sphere."""

    def point(at: tuple[float, float]) -> tuple[float, float, float]:
        north, east = math.radians(at[0]), math.radians(at[1])
        return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)

    return 2 * 6371.0 * math.asin(min(1.0, math.dist(point(a), point(b)) / 2))


def path(batch: Batch, along: str, on: list[float]) -> list[float]:
    """What was travelled from the first level that counts to each; NaN for one that does not."""
    at = values(batch, along)
    walked: list[float] = []
    total, before = 0.0, math.nan
    for n, here in enumerate(at):
        if math.isnan(here) or math.isnan(on[n]):
            walked.append(math.nan)
            continue
        total += 0.0 if math.isnan(before) else abs(here - before)
        before = here
        walked.append(total)
    return walked


def sd(some: list[float]) -> float:
    mean = math.fsum(some) / len(some)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in some) / len(some))


def usual(batch: Batch, x: list[float], n: int, window: float, along: str, least: int) -> float:
    """SD of the levels before n and in its window; NaN for too few or where n has no place."""
    walked = path(batch, along, x)
    if math.isnan(walked[n]):
        return math.nan
    inside = [x[m] for m in range(n) if not math.isnan(walked[m]) and walked[m] >= walked[n] - window]
    return sd(inside) if len(inside) >= max(least, 1) else math.nan


def unshared(
    batch: Batch, on: str, second: list[float], factors: tuple[float, float], window: float, along: str, least: int
) -> Said:
    x = values(batch, on)

    def say(n: int) -> int | None:
        if n < max(least, 1):
            return 0
        step, spread = abs(x[n] - x[n - 1]), usual(batch, x, n, window, along, least)
        if math.isnan(step) or math.isnan(spread):
            return 5
        over = step - factors[0] * spread
        if 0 < abs(over) < CLOSE:
            return None
        if over <= 0:
            return 1
        other, wide = abs(second[n] - second[n - 1]), usual(batch, second, n, window, along, least)
        if math.isnan(other) or math.isnan(wide):
            return 5
        under = factors[1] * wide - other
        return None if 0 < abs(under) < CLOSE else 3 if under > 0 else 1

    return each(batch, on, say, max(least, 1) + 1)
