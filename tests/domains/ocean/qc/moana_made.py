"""Small batches for the Moana tests, by hand and by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bondstore.domains.ocean.profiles import Batch, Deployment, Header, Profile
from bondstore.domains.ocean.qc.suite import all_tests, load_suite

T0 = 1_714_532_400.0  # 2024-05-01T03:00:00Z
NAN = float("nan")
SEA = (-36.0, 175.6)


@dataclass
class Cast:
    """A profile as plain lists."""

    time: list[float]
    lat: list[float]
    lon: list[float]
    pres: list[float]
    temp: list[float]
    download: float | None = T0 + 1_000_000
    firmware: str = "MOANA-3.05"
    gear: str | None = "mobile"
    other: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.time)

    def column(self, on: str) -> list[float]:
        return {"TEMP": self.temp, "PRES": self.pres, "TIME": self.time}[on]


def cast(levels: int | None = None, **given: Any) -> Cast:
    """A dive of plausible values, but for what is given (a list, or one value for all levels)."""
    size = levels if levels is not None else max(len(one) for one in given.values() if isinstance(one, list | range))
    plain: Mapping[str, list[float]] = {
        "time": [T0 + 5.0 * one for one in range(size)],
        "lat": [SEA[0]] * size,
        "lon": [SEA[1]] * size,
        "pres": [1.0 + 0.5 * one for one in range(size)],
        "temp": [15.0 - 0.01 * one for one in range(size)],
    }
    columns = {name: given.pop(name, values) for name, values in plain.items()}
    columns = {
        name: [float(one) for one in (values if isinstance(values, list | range) else [values] * size)]
        for name, values in columns.items()
    }
    return Cast(**columns, **given)


def batch_of(*casts: Cast) -> Batch:
    def together(name: str) -> np.ndarray:
        return np.array([value for one in casts for value in getattr(one, name)], np.float64)

    return Batch(
        profiles=[
            Profile(
                f"raw/{number}.csv",
                str(number),
                Header("moana-1", download_time=one.download, sensor_firmware=one.firmware),
                deployment=None if one.gear is None else Deployment(gear=one.gear),
            )
            for number, one in enumerate(casts)
        ],
        sizes=np.array([len(one) for one in casts], np.int64),
        time=together("time"),
        latitude=together("lat"),
        longitude=together("lon"),
        pressure=together("pres"),
        temperature=together("temp"),
    )


OF_THE_PROJECT: Mapping[tuple[str, str], dict[str, Any]] = {
    ("moana.spike", "TEMP"): {"deviations": 3.0},
    ("moana.stuck_value", "TEMP"): {"repeats": 20, "within": 0.05},
}
"""Thresholds of moana-qc for tests that no suite of ours runs on that variable."""


def thresholds(name: str, on: str) -> dict[str, Any]:
    """Those of the shipped suites, or of the project; none for a test that is in neither."""
    for which in ("moana", "moana-2024"):
        for step in load_suite(which).steps:
            if step.test.name == name and step.on == on:
                return dict(step.thresholds)
    return OF_THE_PROJECT.get((name, on), {})


def run(name: str, on: str, *casts: Cast, **changed: Any) -> list[int]:
    """The flags of a test with the shipped thresholds, but for those that are changed."""
    said = all_tests()[name].function(batch_of(*casts), on, **(thresholds(name, on) | changed))
    return [int(flag) for flag in said.flags]


def why(name: str, on: str, *casts: Cast, **changed: Any) -> dict[int, str]:
    return dict(all_tests()[name].function(batch_of(*casts), on, **(thresholds(name, on) | changed)).reasons)


def holes(values: Sequence[float]) -> st.SearchStrategy[float]:
    """One of some values near thresholds; sometimes none."""
    return st.one_of(st.sampled_from(list(values)), st.sampled_from([*values, NAN]))


PRESSURES = (-0.1, 0.0, 0.5, 1.9, 2.0, 2.05, 2.1, 5.0, 5.0, 9.0, 10.0, 10.1, 15.0, 20.0, 50.0, 1600.0, 2000.0)
TEMPERATURES = (-2.0, -2.1, 10.0, 10.01, 10.04, 10.05, 10.1, 12.0, 12.0, 17.5, 25.0, 30.0, 34.0, 44.444, 44.49)


@st.composite
def casts(draw: st.DrawFn) -> Cast:
    size = draw(st.integers(0, 14))

    def many(one: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(one, min_size=size, max_size=size))

    steps = many(st.sampled_from([1.0, 5.0, 5.0, 5.0, 0.0, 239.0, 240.0, 300.0, 301.0, 3600.0, 3601.0, 70_000.0, -5.0]))
    time = np.cumsum([T0, *steps])[1:].tolist()
    gaps = many(st.sampled_from([0.0] * 12 + [NAN]))
    near = draw(st.sampled_from([SEA, SEA, (-41.25707, 173.28393), (0.0, 179.99)]))
    jitter = st.sampled_from([0.0, 0.0, 0.00002, 0.0003, 0.001, 0.02, 0.0449, 0.0451, 0.2, NAN])
    return Cast(
        time=[one + gap for one, gap in zip(time, gaps, strict=True)],
        lat=[near[0] + one for one in many(jitter)],
        lon=draw(st.sampled_from([near[1], near[1], near[1] + 180])) * np.ones(size) + many(jitter),
        pres=many(holes(PRESSURES)),
        temp=many(holes(TEMPERATURES)),
        download=draw(st.sampled_from([None, T0 + 3, T0 + 3600, T0 + 70_000, T0 + 1_000_000])),
        firmware=draw(st.sampled_from(["MOANA-1.21", "MOANA-2.00", "WAVE-3.05", "", "MOANA-3.05"])),
        gear=draw(st.sampled_from([None, "mobile", "stationary", "Passive", "other"])),
    )


BATCHES = st.lists(casts(), min_size=0, max_size=4)
