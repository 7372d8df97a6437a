"""Batches for the Argo tests, and slow loops over one profile written from the manual's text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bondstore.domains.ocean.profiles import Batch, Earlier, Header, Position, Profile
from bondstore.domains.ocean.qc.suite import all_tests, load_suite

NAN = math.nan
SILENT, GOOD, SUSPECT, BAD, UNEVALUATED, MISSING = 0, 1, 3, 4, 5, 9
Row = Sequence[float]


@dataclass
class Cast:
    """One profile as lists."""

    pressure: Row
    temperature: Row
    salinity: Row | None = None
    time: float = 1.6e9
    latitude: float = -40.0
    longitude: float = 170.0
    platform: str = "5900001"
    known: Mapping[str, str] | None = None
    earlier: Earlier | None = None
    download: float | None = None


def cast(temperature: Row = (), pressure: Row | None = None, salinity: Row | None = None, **rest: Any) -> Cast:
    """Return a cast; pressures are 10, 20, 30 … where none are given."""
    return Cast(
        [10.0 * (n + 1) for n in range(len(temperature))] if pressure is None else pressure,
        temperature,
        salinity,
        **rest,
    )


def batch(*casts: Cast) -> Batch:
    """Return casts as a batch."""
    sizes = np.array([len(one.pressure) for one in casts], np.int64)

    def each(values: Sequence[float]) -> np.ndarray:
        return np.repeat(np.array(values, np.float64), sizes)

    def long(rows: Sequence[Row]) -> np.ndarray:
        return np.array([value for row in rows for value in row], np.float64)

    salty = any(one.salinity is not None for one in casts)
    return Batch(
        [
            Profile(
                f"k{n}",
                f"n{n}",
                Header("argo", download_time=one.download),
                one.platform,
                False,
                False,
                None,
                one.earlier,
                dict(one.known or {}),
            )
            for n, one in enumerate(casts)
        ],
        sizes,
        each([one.time for one in casts]),
        each([one.latitude for one in casts]),
        each([one.longitude for one in casts]),
        long([one.pressure for one in casts]),
        long([one.temperature for one in casts]),
        long([[NAN] * len(one.pressure) if one.salinity is None else one.salinity for one in casts]) if salty else None,
    )


def before(temperature: Row, pressure: Row | None = None, salinity: Row | None = None, **rest: Any) -> Earlier:
    """Return an earlier profile."""
    found = [10.0 * (n + 1) for n in range(len(temperature))] if pressure is None else pressure
    time, position = rest.get("time", 1.6e9 - 864000.0), rest.get("position", Position(-40.0, 170.0))
    return Earlier(
        time,
        position,
        np.array(found, float),
        np.array(temperature, float),
        None if salinity is None else np.array(salinity, float),
    )


def thresholds(name: str, on: str) -> dict[str, Any]:
    """Return what argo.toml gives a test on a variable."""
    return dict(next(one.thresholds for one in load_suite("argo").steps if one.test.name == name and one.on == on))


def run(name: str, on: str, *casts: Cast, **changed: Any) -> list[int]:
    """Return a test's flags with the thresholds of argo.toml, after checking that reasons stand where they should."""
    made = batch(*casts)
    verdict = all_tests()[name].function(made, on, **(thresholds(name, on) | changed))
    short = np.bincount(made.owner[verdict.flags == UNEVALUATED], minlength=len(made)) > 0
    assert sorted(verdict.reasons) == np.flatnonzero(short).tolist()
    assert verdict.flags.dtype == np.int8
    return verdict.flags.tolist()


# --- loops over one profile, from the manual


def usable(*rows: Row) -> list[int]:
    """The levels where no row is missing."""
    return [n for n in range(len(rows[0])) if not any(math.isnan(row[n]) for row in rows)]


def slow_increasing(pressure: Row, reversal: float = 20.0) -> list[int]:
    """From the middle (length / 2) to both ends, against the running extreme."""
    flags = [MISSING if math.isnan(value) else GOOD for value in pressure]
    rows = usable(pressure)
    if not rows:
        return flags
    middle = len(rows) // 2
    deepest = shallowest = pressure[rows[middle]]
    for row in rows[middle + 1 :]:
        if pressure[row] <= deepest - reversal:
            flags[row] = BAD
        deepest = max(deepest, pressure[row])
    for row in reversed(rows[:middle]):
        if pressure[row] >= shallowest + reversal:
            flags[row] = BAD
        shallowest = min(shallowest, pressure[row])
    return flags


def slow_spike(values: Row, pressure: Row, shallow: float, deep: float) -> list[int]:
    flags = [MISSING if math.isnan(value) else UNEVALUATED for value in values]
    rows = usable(values, pressure)
    if len(rows) < 3:
        return flags
    for place, row in enumerate(rows):
        if place in {0, len(rows) - 1}:
            flags[row] = SILENT
            continue
        v1, v2, v3 = values[rows[place - 1]], values[row], values[rows[place + 1]]
        test = abs(v2 - (v3 + v1) / 2) - abs((v3 - v1) / 2)
        flags[row] = BAD if test > (shallow if pressure[row] < 500 else deep) else GOOD
    return flags


def slow_rollover(values: Row, jump: float) -> list[int]:
    flags = [MISSING if math.isnan(value) else UNEVALUATED for value in values]
    rows = usable(values)
    if len(rows) < 2:
        return flags
    for row in rows:
        flags[row] = GOOD
    for one, other in pairwise(rows):
        if abs(values[one] - values[other]) > jump:
            flags[one] = flags[other] = BAD
    return flags


def slow_stuck(values: Row) -> list[int]:
    rows = usable(values)
    flag = UNEVALUATED if len(rows) < 2 else BAD if len({values[row] for row in rows}) == 1 else GOOD
    return [flag if row in rows else MISSING for row in range(len(values))]


def slow_inversion(pressure: Row, temperature: Row, salinity: Row, threshold: float) -> list[int]:
    import gsw

    flags = [MISSING if math.isnan(value) else UNEVALUATED for value in temperature]
    rows = usable(pressure, temperature, salinity)
    if len(rows) < 2:
        return flags
    for row in rows:
        flags[row] = GOOD
    for one, other in pairwise(rows):
        middle = (pressure[one] + pressure[other]) / 2
        densities = []
        for row in (one, other):
            absolute = gsw.SA_from_SP(salinity[row], pressure[row], 170.0, -40.0)
            densities.append(gsw.rho(absolute, gsw.CT_from_t(absolute, temperature[row], pressure[row]), middle))
        if densities[0] - densities[1] > threshold:
            flags[one] = flags[other] = BAD
    return flags


def slow_drift(now: tuple[Row, Row], then: tuple[Row, Row], layer: float, limit: float) -> int:
    """Over the deepest layer that both have."""
    levels = [[(pressure[row], values[row]) for row in usable(pressure, values)] for pressure, values in (now, then)]
    if not all(levels):
        return SILENT
    bottom = min(max(pressure for pressure, _ in one) for one in levels)
    if bottom < layer:
        return SILENT
    deep = [[value for pressure, value in one if bottom - layer <= pressure <= bottom] for one in levels]
    if not all(deep):
        return SILENT
    here, there = (sum(one) / len(one) for one in deep)
    return SUSPECT if abs(here - there) > limit else GOOD


def slow_frozen(now: tuple[Row, Row], then: tuple[Row, Row], mean: float) -> bool | None:
    """Whether one variable repeats; None where there is nothing to compare."""
    slabs: list[dict[int, list[float]]] = []
    for pressure, values in (now, then):
        found: dict[int, list[float]] = {}
        for row in usable(pressure, values):
            found.setdefault(math.floor(pressure[row] / 50), []).append(values[row])
        slabs.append(found)
    apart = [
        abs(sum(slabs[0][n]) / len(slabs[0][n]) - sum(slabs[1][n]) / len(slabs[1][n]))
        for n in slabs[0]
        if n in slabs[1]
    ]
    return max(apart) < 0.3 and min(apart) < 0.001 and sum(apart) / len(apart) < mean if apart else None


# --- what hypothesis draws


def rows(least: float, most: float, *, size: int = 14) -> st.SearchStrategy[list[float]]:
    """Lists of values on a coarse grid, so that equal values and differences at thresholds are drawn; some missing."""
    value = st.integers(int(least * 4), int(most * 4)).map(lambda n: n / 4)
    return st.lists(st.one_of(value, value, value, st.just(NAN)), max_size=size)


@st.composite
def casts(draw: st.DrawFn) -> Cast:
    """A profile with everything, at odds with itself."""
    temperature = draw(rows(-4, 44))
    size = len(temperature)
    salinity = draw(
        st.one_of(
            st.none(), st.lists(st.sampled_from([NAN, 1.0, 30.0, 34.5, 35.0, 42.0]), min_size=size, max_size=size)
        )
    )
    pressure = draw(
        st.lists(
            st.sampled_from([NAN, -6.0, -3.0, 0.0, 40.0, 90.0, 499.0, 600.0, 1990.0, 2100.0]),
            min_size=size,
            max_size=size,
        )
    )
    if draw(st.booleans()):
        pressure = sorted(pressure)
    earlier = draw(st.one_of(st.none(), st.just(before([10.0, 9.0, 8.0], salinity=[35.0, 35.0, 34.5]))))
    return Cast(
        pressure,
        temperature,
        salinity,
        draw(st.sampled_from([0.0, 1.6e9, 2e9, NAN])),
        draw(st.sampled_from([-95.0, -40.0, 0.0, 20.0, 35.0, NAN])),
        draw(st.sampled_from([-190.0, -170.0, 18.0, 38.0, 170.0, 190.0, NAN])),
        draw(st.sampled_from(["", "5900001", "x"])),
        draw(st.sampled_from([{}, {"cycle": "1"}, {"grey_list": "PSAL:3", "deepest_pressure": "1000", "cycle": "7"}])),
        earlier,
        draw(st.sampled_from([None, 1.7e9])),
    )
