"""Batches and results made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bondstore.domains.ocean.output.attributes import Attributes, FileSource
from bondstore.domains.ocean.output.names import began
from bondstore.domains.ocean.profiles import Batch, Deployment, Header, Position, Profile
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import SCALES, Flag, worst
from bondstore.domains.ocean.qc.ragged import absent
from bondstore.domains.ocean.qc.suite import Step, Suite
from bondstore.domains.ocean.qc.tests import Test

STEPS = (
    ("qartod.gross_range", "gross_range", "TEMP", {"sensor_span": (-2.0, 40.0), "operator_span": (-2.0, 34.0)}),
    ("qartod.spike", "spike", "TEMP", {"low": 0.5, "high": 1.0}),
    ("moana.stuck_value", "stuck_value", "PRES", {"count": 20}),
    ("moana.impossible_date", "impossible_date", "TIME", {}),
    ("moana.impossible_location", "impossible_location", "POSITION", {"north": None}),
    ("argo.density", "density", "PSAL", {"least": 0.03}),
)


def suite(scale: str = "qartod", steps=STEPS) -> Suite:
    made = tuple(
        Step(Test(name, f"standard of {name}", print, (on,)), label, on, (), thresholds)
        for name, label, on, thresholds in steps
    )
    return Suite("by-hand", "a suite made by hand", SCALES[scale], False, made)


def profile(number: int = 1, **more) -> Profile:
    header = Header(
        "moana-1",
        deck_unit_serial="9001",
        deck_unit_firmware="2.1",
        deck_unit_battery=87.0,
        upload_position=Position(-41.3, 173.2),
        download_position=Position(-41.4, 173.3),
        download_time=1714600000.0,
        sensor_serial=f"{number:04d}",
        sensor_firmware="3.05",
        reset_codes=("1", "3"),
        sensor_battery=3.6,
        max_lifetime_depth=412.5,
        baseline=10.1,
    )
    chosen = {
        "header": header,
        "platform": f"{number:04d}",
        "deployment": Deployment("Good Hope", "mobile", 1709251200.0, 1717200000.0),
        "known": {"truncated": "yes"},
    }
    named = {"key": f"in/MOANA_{number:04d}_1_240501.csv", "name": f"MOANA_{number:04d}_1_240501"}
    return Profile(**{**named, **chosen, **more})


def batch(*sizes: int, salinity: bool = False, seed: int = 0, profiles=None, **columns) -> Batch:
    sizes = sizes or (30,)
    random = np.random.default_rng(seed)
    levels = sum(sizes)
    made = {
        "time": 1714521600.0 + 60.0 * np.arange(levels),
        "latitude": -41.0 + random.random(levels) / 100,
        "longitude": 173.0 + random.random(levels) / 100,
        "pressure": np.round(random.random(levels) * 200, 2),
        "temperature": np.round(12 + random.random(levels) * 3, 3),
        "salinity": np.round(34 + random.random(levels), 3) if salinity else None,
    }
    profiles = profiles or [profile(number) for number in range(1, len(sizes) + 1)]
    return Batch(profiles, np.array(sizes, np.int64), **{**made, **columns})


def result(of: Batch, scale: str = "qartod", seed: int = 1, reasons=None, steps=STEPS) -> Result:
    random = np.random.default_rng(seed)
    made = suite(scale, steps)
    flags = {}
    for step in made.steps:
        said = random.choice([0, 1, 1, 2, 3, 4, 5], of.levels).astype(np.int8)
        said[absent(of, step.on)] = Flag.MISSING
        flags[step.label, step.on] = said
    variables = ["TIME", "POSITION", "PRES", "TEMP", *(["PSAL"] if of.salinity is not None else [])]
    rolled = {on: worst([said for (_, one), said in flags.items() if one == on], absent(of, on)) for on in variables}
    return Result(made, flags, reasons or {}, rolled, grades(of, rolled))


def grades(of: Batch, rolled) -> np.ndarray:
    """Each profile's worst flag, the slow way."""
    order = [Flag.MISSING, Flag.GOOD, Flag.PROBABLY_GOOD, Flag.UNEVALUATED, Flag.SUSPECT, Flag.BAD]
    found = []
    for start, size in zip(of.starts, of.sizes, strict=True):
        held = [Flag(one) for flags in rolled.values() for one in flags[start : start + size]]
        found.append(max(held, key=order.index, default=Flag.MISSING))
    return np.array(found, np.int8)


def about(**more) -> FileSource:
    return FileSource(
        **{
            "store": "s3://private/raw",
            "key": "in/MOANA_0001_1_240501.csv",
            "source_version": '"9b2cf5"',
            "source_modified": 1714700000.0,
            "attributes": Attributes(
                {"institution": "The Institute", "creator_name": "The Institute", "license": "CC-BY-4.0"}
            ),
            **more,
        }
    )


def parquet_files(of: Batch, said: Result, stem: str) -> dict[str, bytes]:
    """Tables of a batch by year and month, Hive style; profiles without a time are in year 0000."""
    from bondstore.domains.ocean.output.parquet import month_table

    begins = began(of)
    months = ["0000-00" if np.isnan(one) else str(np.datetime64(int(one), "s"))[:7] for one in begins]
    files = {}
    for month in sorted(set(months)):
        path = f"year={month[:4]}/month={month[5:]}/{stem}.parquet"
        numbers = [number for number, one in enumerate(months) if one == month]
        rows = np.isin(of.owner, numbers)
        some = replace(
            said,
            flags={name: flags[rows] for name, flags in said.flags.items()},
            rolled={name: flags[rows] for name, flags in said.rolled.items()},
        )
        files[path] = month_table([(of.take(numbers), some)])
    return files
