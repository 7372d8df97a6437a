"""Random profiles as sensors and files have them at their worst: holes, infinities, up-casts, odd times and places."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Deployment, Earlier, Floats, Header, Position, Profile

SIZES = (0, 1, 2, 3, 5, 8, 25, 60)
LONGITUDES = (179.999, -179.999, 10.0, 182.0, 359.999, 0.0)
ODD = (("temperature", 50.0), ("temperature", 44.444), ("salinity", -1.0), ("pressure", -9.0), ("pressure", 5000.0))


def wild(random: np.random.Generator) -> Batch:
    """Return a batch of one profile."""
    size = int(random.choice(SIZES))
    columns = _columns(random, size)
    timed, placed = random.random() < 0.6, random.random() < 0.6
    if size and not timed:
        columns["time"][:] = columns["time"][0]
    if size and not placed:
        for name in ("latitude", "longitude"):
            columns[name][:] = columns[name][0]
    profile = Profile(
        "in/wild.csv",
        f"wild-{size}",
        Header(
            "moana-1",
            download_time=None if random.random() < 0.3 else 1.9e9,
            sensor_firmware=str(random.choice(["", "MOANA-1.21", "3.05"])),
        ),
        platform=str(random.choice(["", "1901234", "0012"])),
        timed=bool(timed),
        placed=bool(placed),
        deployment=None if random.random() < 0.3 else Deployment(gear=str(random.choice(["", "mobile", "stationary"]))),
        earlier=_earlier(random, columns),
        known=_known(random),
    )
    salinity = columns.pop("salinity")
    return Batch([profile], np.array([size], np.int64), **columns, salinity=salinity if random.random() < 0.6 else None)


def _columns(random: np.random.Generator, size: int) -> dict[str, Floats]:
    pressure = np.cumsum(random.random(size) * random.choice([1.0, 5.0, 40.0])) - 3
    turn = random.random()
    if turn < 0.25:
        pressure = pressure[::-1].copy()
    elif turn < 0.4:
        pressure[size // 2 :] = pressure[size // 2 :][::-1].copy()
    columns = {
        "time": 1.7e9 + np.cumsum(random.choice([0.0, 1.0, 10.0, 300.0, 4000.0], size, p=[0.1, 0.3, 0.4, 0.1, 0.1])),
        "latitude": random.uniform(-60, 60) + np.cumsum(random.normal(0, 1e-3, size)),
        "longitude": random.choice(LONGITUDES) + np.cumsum(random.normal(0, 1e-3, size)),
        "pressure": pressure,
        "temperature": 20 * np.exp(-np.abs(pressure) / 300) + random.normal(0, random.choice([0.001, 0.3]), size),
        "salinity": 35 + random.normal(0, random.choice([0.001, 0.3]), size),
    }
    if not size:
        return columns
    if random.random() < 0.1:
        columns["time"] -= 2.5e9  # long before 1970
    if random.random() < 0.1:
        columns["time"][random.integers(size)] -= 1e5  # and once back
    for values in columns.values():
        if random.random() < 0.2:
            values[random.integers(0, size, random.integers(1, 4))] = np.nan
        if random.random() < 0.06:
            values[:] = np.nan
        if random.random() < 0.06:
            values[random.integers(size)] = random.choice([-np.inf, np.inf])
    for name, value in ODD:
        if random.random() < 0.15:
            columns[name][random.integers(size)] = value
    return columns


def _earlier(random: np.random.Generator, columns: dict[str, Floats]) -> Earlier | None:
    if random.random() < 0.5:
        return None
    measured = [columns["pressure"], columns["temperature"] + 1e-5, columns["salinity"]]
    return Earlier(
        1.69e9,
        Position(0.0, 180.0) if random.random() < 0.7 else None,
        *(one.copy() if random.random() < 0.8 else None for one in measured),
    )


def _known(random: np.random.Generator) -> dict[str, str]:
    choices = {
        "cycle": ["0", "1", "2", "17"],
        "grey_list": ["", "PSAL:4", "TEMP:3", "PSAL:x"],
        "deepest_pressure": ["100", "2000"],
        "truncated": ["yes"],
        "created": ["1800000000"],
    }
    return {name: str(random.choice(values)) for name, values in choices.items() if random.random() < 0.5}
