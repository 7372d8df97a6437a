"""Profiles for the tests of the QARTOD tests, and how their flags are read."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bondstore.domains.ocean.profiles import Batch, Earlier, Header, Position, Profile, joined
from bondstore.domains.ocean.qc.suite import all_tests
from bondstore.domains.ocean.qc.tests import Verdict

NAN = float("nan")
qartod = SimpleNamespace(
    **{name.partition(".")[2]: one.function for name, one in all_tests().items() if name.startswith("qartod.")}
)
"""The functions of the QARTOD tests."""
SECOND = 1.7e9
"""Some second of 2023."""


def cast(
    temperature: Sequence[float] | None = None,
    *,
    pressure: Sequence[float] | None = None,
    salinity: Sequence[float] | None = None,
    time: Sequence[float] | None = None,
    latitude: Sequence[float] | None = None,
    longitude: Sequence[float] | None = None,
    **of_profile: Any,
) -> Batch:
    """One profile; what is not given is unremarkable."""
    given = [one for one in (temperature, pressure, salinity, time, latitude, longitude) if one is not None]
    size = len(given[0]) if given else 0

    def column(values: Sequence[float] | None, default: Any) -> Any:
        return np.array(default if values is None else values, np.float64)

    return Batch(
        [Profile("a.csv", "a", Header("columns"), **of_profile)],
        np.array([size], np.int64),
        column(time, SECOND + 10.0 * np.arange(size)),
        column(latitude, [-41.0] * size),
        column(longitude, [173.0] * size),
        column(pressure, np.arange(size)),
        column(temperature, [12.0] * size),
        None if salinity is None else column(salinity, []),
    )


def flags(verdict: Verdict) -> list[int]:
    """Flags as plain numbers: 0 silent, 1 good, 3 suspect, 4 bad, 5 unevaluated, 9 missing."""
    assert verdict.flags.dtype == np.int8
    return [int(one) for one in verdict.flags]


def alone(batch: Batch) -> list[Batch]:
    """Each profile in a batch of its own."""
    return [batch.take([number]) for number in range(len(batch))]


_GRID = st.integers(-40, 240).map(lambda number: number / 8)
"""Eighths: sums of them are exact, so that a loop and a sum over columns agree to the last bit."""


def _column(size: int, values: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
    return st.lists(st.one_of(values, values, values, values, st.just(NAN)), min_size=size, max_size=size)


@st.composite
def casts(draw: st.DrawFn, salty: bool | None = None) -> Batch:
    """A profile of 0 to 9 levels with everything in it that files have."""
    size = draw(st.integers(0, 9))
    few = st.sampled_from([10.0, 10.125, 10.25, 14.0, 20.0])
    earlier = draw(
        st.one_of(
            st.none(),
            st.builds(
                lambda at, rows: Earlier(
                    SECOND - 3600.0,
                    at,
                    np.array([one[0] for one in rows], np.float64),
                    np.array([one[1] for one in rows], np.float64),
                    np.array([one[2] for one in rows], np.float64),
                ),
                st.one_of(st.none(), st.just(Position(-41.0, 173.0)), st.just(Position(-42.0, 173.0))),
                st.lists(st.tuples(_GRID, _GRID, _GRID), max_size=6),
            ),
        )
    )
    steps = draw(st.lists(st.sampled_from([0.0, 0.5, 10.0, 4000.0, -20.0]), min_size=size, max_size=size))
    time = SECOND + np.cumsum(steps)
    gone = draw(_column(size, st.just(0.0)))
    with_salt = draw(st.booleans()) if salty is None else salty
    return cast(
        draw(_column(size, st.one_of(few, _GRID))),
        pressure=draw(st.one_of(st.just([float(one) for one in range(size)]), _column(size, _GRID))),
        salinity=draw(_column(size, st.sampled_from([34.0, 34.5, 35.0, 36.0]))) if with_salt else None,
        time=time + np.array(gone, np.float64),
        latitude=draw(_column(size, st.sampled_from([-41.0, -41.125, -42.0, 90.0, 91.0]))),
        longitude=draw(_column(size, st.sampled_from([173.0, 180.0, 181.0, -180.0, 360.0, 361.0, -179.0]))),
        timed=draw(st.booleans()),
        placed=draw(st.booleans()),
        earlier=earlier,
        known={"truncated": "yes"} if draw(st.booleans()) else {},
    )


batches = st.lists(casts(), max_size=4).map(joined)


def over(value: float) -> float:
    """The next number."""
    return float(np.nextafter(value, np.inf))


def under(value: float) -> float:
    """The number before."""
    return float(np.nextafter(value, -np.inf))


T = "TEMP"
WIDE = {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 360.0)}
STRICT = {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 180.0)}
GROSS = {"sensor_span": (-2.0, 40.0), "operator_span": (0.0, 30.0)}
SPIKE = {"low": 1.0, "high": 2.0}
SD = {"deviations": 3.0, "window": 100.0, "along": "PRES", "least": 2}
FLAT = {"suspect_count": 3, "fail_count": 5, "eps": 0.5}
STILL = {"warn": 1.0, "fail": 0.5}
CURVE = {"curve": [(0.0, 34.0), (10.0, 35.0)], "warn": 0.25, "fail": 0.5}
TWO = {"other": "PSAL", "deviations": 1.0, "other_deviations": 1.0, "window": 100.0, "along": "PRES", "least": 2}
ALL: list[tuple[str, str, dict[str, Any]]] = [
    ("gap", "TIME", {"increment": 60.0}),
    ("syntax", T, {}),
    ("location", "POSITION", {**STRICT, "range_max": 20.0}),
    ("gross_range", T, GROSS),
    ("climatology", T, {"windows": [{"span": (0.0, 1.0)}]}),
    ("spike", T, SPIKE),
    ("rate_of_change", T, SD),
    ("rate_per_second", T, {"threshold": 1.0}),
    ("flat_line", T, FLAT),
    ("multi_variate", T, TWO),
    ("attenuated_signal", T, {**STILL, "measure": "deviation"}),
    ("neighbour", T, {name: one for name, one in TWO.items() if name != "other"}),
    ("ts_space", T, CURVE),
    ("density_inversion", T, {"tolerance": 0.03}),
]


def said(name: str, batch: Batch, on: str = T, **thresholds: Any) -> list[int]:
    return flags(getattr(qartod, name)(batch, on, **thresholds))
