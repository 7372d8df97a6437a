"""Made-up float profiles, and faults of stated sizes to put in them: what ``benchmarks.ocean_rates`` counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import gsw
import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, Earlier, Header, Position, Profile

SEED = 20240501
NOW = 1.7e9
TEN_DAYS = 864000.0
Column = NDArray[np.float64]
Chance = np.random.Generator


@dataclass
class Cast:
    """A made-up profile, which levels a fault was put in, and the profile before."""

    pressure: Column
    temperature: Column
    salinity: Column
    latitude: float
    longitude: float
    earlier: Earlier
    time: float = NOW - 3600.0
    platform: str = "5900001"
    known: dict[str, str] = field(default_factory=dict)
    faulty: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True)
class Fault:
    """Something wrong, by how much, which test is there for it, and what puts it in."""

    name: str
    size: str
    test: str
    on: str
    put: Callable[[Cast, Chance], Cast]


@dataclass(frozen=True)
class Water:
    """A kind of sea: where, temperature and salinity at the surface and in the deep, how deep the change reaches."""

    place: tuple[float, float]
    top: tuple[float, float]
    deep: tuple[float, float]
    reach: float
    mixed: float


WATERS = (
    Water((-35.0, -150.0), (19.0, 35.3), (2.0, 34.65), 350.0, 40.0),
    Water((3.0, -140.0), (28.0, 34.6), (2.5, 34.62), 180.0, 60.0),
    Water((48.0, -30.0), (13.0, 35.2), (3.5, 34.95), 600.0, 30.0),
    Water((-58.0, 60.0), (2.5, 33.9), (0.6, 34.70), 250.0, 80.0),
    Water((35.0, 18.0), (21.0, 38.2), (13.7, 38.72), 120.0, 30.0),
)


def levels() -> Column:
    """Where a float samples: every 5 dbar, then 10, then 25 and 50."""
    return np.concatenate(
        [np.arange(5, 100, 5), np.arange(100, 300, 10), np.arange(300, 1000, 25), np.arange(1000, 2001, 50)]
    ).astype(float)


def column(water: Water, pressure: Column, chance: Chance) -> tuple[Column, Column]:
    """Temperature and salinity: a mixed layer, an exponential below it, heave, other water from elsewhere, noise.

    Heave and fine structure move the water up and down and so keep it stable; other water differs in temperature and
    salinity together, so that its density is the same.
    """
    heave = chance.normal(0, 25) * np.exp(-((pressure - 300.0) ** 2) / 2e5)
    fine = np.convolve(chance.normal(0, 1, len(pressure)), np.ones(7) / 7, "same")
    share = np.exp(-np.maximum(pressure + heave + fine - water.mixed, 0.0) / water.reach)
    warm = water.deep[0] + (water.top[0] - water.deep[0]) * share
    salt = water.deep[1] + (water.top[1] - water.deep[1]) * share
    other = (0.01 + 0.3 * np.exp(-pressure / 500.0)) * np.cos(
        chance.uniform(0, 6.28) + pressure / chance.uniform(300, 900)
    )
    other = other + chance.normal(0, 0.05)
    warm, salt = warm + other, salt + other * (0.055 + 0.009 * np.maximum(warm, 0.0))
    noise = chance.normal(0, 1, (2, len(pressure)))
    return np.round(warm + 0.001 * noise[0], 3), np.round(salt + 0.001 * noise[1], 3)


def clean(chance: Chance) -> Cast:
    """A profile without a fault, and the one ten days before, some kilometres off."""
    water = WATERS[chance.integers(len(WATERS))]
    pressure = levels() + np.round(chance.uniform(-1.0, 1.0), 1)
    (was_warm, was_salt), (warm, salt) = (column(water, pressure, chance) for _ in range(2))
    latitude, longitude = np.array(water.place) + chance.normal(0, 1.0, 2)
    drift = chance.normal(0, 0.4, 2)
    earlier = Earlier(
        NOW - 3600.0 - TEN_DAYS, Position(latitude + drift[0], longitude + drift[1]), pressure, was_warm, was_salt
    )
    known = {"grey_list": "", "deepest_pressure": "2000", "cycle": "7"}
    return Cast(pressure, warm, salt, float(latitude), float(longitude), earlier, known=known)


def batch(casts: Sequence[Cast]) -> Batch:
    sizes = np.array([len(one.pressure) for one in casts], np.int64)

    def each(values: list[float]) -> Column:
        return np.repeat(np.array(values), sizes)

    return Batch(
        [
            Profile(
                f"{n}",
                f"{n}",
                Header("argo", download_time=NOW),
                one.platform,
                False,
                False,
                None,
                one.earlier,
                one.known,
            )
            for n, one in enumerate(casts)
        ],
        sizes,
        each([one.time for one in casts]),
        each([one.latitude for one in casts]),
        each([one.longitude for one in casts]),
        np.concatenate([one.pressure for one in casts]),
        np.concatenate([one.temperature for one in casts]),
        np.concatenate([one.salinity for one in casts]),
    )


# --- faults


def every(cast: Cast) -> NDArray[np.int64]:
    return np.arange(len(cast.pressure))


def somewhere(cast: Cast, chance: Chance, least: float, most: float, width: int = 1) -> NDArray[np.int64]:
    """Some levels beside each other, not the first and last two."""
    rows = np.flatnonzero((cast.pressure >= least) & (cast.pressure < most))
    rows = rows[(rows >= 2) & (rows < len(cast.pressure) - 1 - width)]
    first = chance.choice(rows)
    return np.arange(first, first + width)


def added(name: str, by: float, least: float, most: float, width: int = 1) -> Callable[[Cast, Chance], Cast]:
    """Add to some levels, up or down."""

    def put(cast: Cast, chance: Chance) -> Cast:
        rows, values = somewhere(cast, chance, least, most, width), getattr(cast, name).copy()
        values[rows] += by * chance.choice([-1.0, 1.0])
        return replace(cast, **{name: values}, faulty=rows)

    return put


def shifted(name: str, by: float) -> Callable[[Cast, Chance], Cast]:
    return lambda cast, _: replace(cast, **{name: getattr(cast, name) + by}, faulty=every(cast))


def stuck(name: str) -> Callable[[Cast, Chance], Cast]:
    return lambda cast, _: replace(
        cast, **{name: np.full(len(cast.pressure), getattr(cast, name)[20])}, faulty=every(cast)
    )


def wrapped(name: str, by: float) -> Callable[[Cast, Chance], Cast]:
    """From some level on everything is off, as when a digit is lost; the levels on either side of the jump count."""

    def put(cast: Cast, chance: Chance) -> Cast:
        row, values = int(somewhere(cast, chance, 50, 1500)[0]), getattr(cast, name).copy()
        values[row:] += by
        return replace(cast, **{name: values}, faulty=np.array([row - 1, row]))

    return put


def swapped(cast: Cast, chance: Chance) -> Cast:
    rows, pressure = somewhere(cast, chance, 20, 1900, 2), cast.pressure.copy()
    pressure[rows] = pressure[rows[::-1]]
    return replace(cast, pressure=pressure, faulty=rows[1:])


def repeated(cast: Cast, chance: Chance) -> Cast:
    rows, pressure = somewhere(cast, chance, 20, 1900, 2), cast.pressure.copy()
    pressure[rows[1]] = pressure[rows[0]]
    return replace(cast, pressure=pressure, faulty=rows[1:])


def raised(by: float) -> Callable[[Cast, Chance], Cast]:
    """The first pressure above the surface."""

    def put(cast: Cast, _: Chance) -> Cast:
        pressure = cast.pressure.copy()
        pressure[0] = by
        return replace(cast, pressure=pressure, faulty=np.array([0]))

    return put


def deeper(by: float) -> Callable[[Cast, Chance], Cast]:
    def put(cast: Cast, _: Chance) -> Cast:
        pressure = cast.pressure.copy()
        pressure[-1] = by
        return replace(cast, pressure=pressure, faulty=np.array([len(pressure) - 1]))

    return put


def fresher(drop: float) -> Callable[[Cast, Chance], Cast]:
    """One level so fresh that it is lighter than the level above by so much."""

    def put(cast: Cast, chance: Chance) -> Cast:
        row = int(somewhere(cast, chance, 20, 1900)[0])
        salinity = cast.salinity.copy()
        middle = (cast.pressure[row - 1] + cast.pressure[row]) / 2

        def density(at: int, salt: float) -> float:
            absolute = gsw.SA_from_SP(salt, cast.pressure[at], cast.longitude, cast.latitude)
            return float(gsw.rho(absolute, gsw.CT_from_t(absolute, cast.temperature[at], cast.pressure[at]), middle))

        for _ in range(20):  # density is all but linear in salinity
            salinity[row] += (density(row - 1, salinity[row - 1]) - drop - density(row, salinity[row])) / 0.77
        return replace(cast, salinity=salinity, faulty=np.array([row - 1, row]))

    return put


INLAND = ((23.0, 10.0), (48.0, 15.0), (-25.0, 135.0), (40.0, -100.0), (60.0, 100.0), (-15.0, -55.0))
NEAR_THE_COAST = ((-37.85, 144.35), (-40.35, 175.6), (43.7, -71.3), (51.8, -1.0), (-33.6, 150.7), (38.2, -8.3))
"""Some 30 to 60 km inland."""


def ashore(places: Sequence[tuple[float, float]]) -> Callable[[Cast, Chance], Cast]:
    def put(cast: Cast, chance: Chance) -> Cast:
        latitude, longitude = places[chance.integers(len(places))]
        return replace(cast, latitude=latitude, longitude=longitude, faulty=every(cast))

    return put


def moved(degrees: float) -> Callable[[Cast, Chance], Cast]:
    """Along the meridian, towards the equator and over it."""
    return lambda cast, _: replace(cast, latitude=cast.latitude - degrees * np.sign(cast.latitude), faulty=every(cast))


def dated(time: float) -> Callable[[Cast, Chance], Cast]:
    return lambda cast, _: replace(cast, time=time, faulty=every(cast))


def frozen(noise: float) -> Callable[[Cast, Chance], Cast]:
    def put(cast: Cast, chance: Chance) -> Cast:
        kept = cast.earlier.temperature
        assert kept is not None
        return replace(cast, temperature=kept + chance.normal(0, noise, len(kept)), faulty=every(cast))

    return put


def faults() -> Iterator[Fault]:
    yield Fault("date in the future", "1 day", "argo.date", "TIME", dated(NOW + 86400))
    yield Fault("date before Argo", "1980", "argo.date", "TIME", dated(3.2e8))
    yield Fault(
        "latitude off the globe",
        "95°",
        "argo.position",
        "POSITION",
        lambda c, _: replace(c, latitude=95.0, faulty=every(c)),
    )
    yield Fault("on land", "inland", "argo.land", "POSITION", ashore(INLAND))
    yield Fault("on land", "30–60 km inland", "argo.land", "POSITION", ashore(NEAR_THE_COAST))
    for degrees in (5.0, 20.0, 25.0, 60.0):
        yield Fault("moved within ten days", f"{degrees:g}°", "argo.speed", "POSITION", moved(degrees))
    for pressure in (-2.0, -3.0, -6.0):
        yield Fault("above the surface", f"{pressure:g} dbar", "argo.pressure_range", "PRES", raised(pressure))
    for pressure in (2150.0, 2250.0):
        yield Fault("deeper than told (2000)", f"{pressure:g} dbar", "argo.deepest_pressure", "PRES", deeper(pressure))
    yield Fault("pressures swapped", "two levels", "argo.pressure_increasing", "PRES", swapped)
    yield Fault("pressure repeated", "two levels", "argo.pressure_increasing", "PRES", repeated)
    for on, name, unit, sizes in (
        ("TEMP", "temperature", "°C", (0.5, 1.0, 2.5, 7.0, 12.0)),
        ("PSAL", "salinity", "", (0.1, 0.2, 0.4, 1.0, 3.0)),
    ):
        for least, most in ((0.0, 500.0), (500.0, 2000.0)):
            depth = "under 500 dbar deep" if least == 0 else "from 500 dbar on"
            for size in sizes:
                for test in ("argo.spike", "argo.medd"):
                    yield Fault(
                        f"spike, {name}, {depth}", f"{size:g} {unit}".strip(), test, on, added(name, size, least, most)
                    )
    for on, name, size in (("TEMP", "temperature", 7.0), ("PSAL", "salinity", 1.0)):
        for test in ("argo.spike", "argo.medd"):
            yield Fault(f"two levels off together, {name}", f"{size:g}", test, on, added(name, size, 0.0, 2000.0, 2))
    for size in (8.0, 16.0):
        yield Fault("digit lost, temperature", f"−{size:g} °C", "argo.rollover", "TEMP", wrapped("temperature", -size))
    for size in (4.0, 8.0):
        yield Fault("digit lost, salinity", f"−{size:g}", "argo.rollover", "PSAL", wrapped("salinity", -size))
    yield Fault("stuck, temperature", "all levels", "argo.stuck_value", "TEMP", stuck("temperature"))
    yield Fault("stuck, salinity", "all levels", "argo.stuck_value", "PSAL", stuck("salinity"))
    for size in (0.02, 0.04, 0.1):
        yield Fault("density inversion", f"{size:g} kg/m³", "argo.density_inversion", "PSAL", fresher(size))
    for size in (0.3, 0.6):
        yield Fault("offset, salinity", f"{size:g}", "argo.sensor_drift", "PSAL", shifted("salinity", size))
    for size in (0.5, 1.5):
        yield Fault("offset, temperature", f"{size:g} °C", "argo.sensor_drift", "TEMP", shifted("temperature", size))
    for size in (0.0005, 0.05):
        yield Fault(
            "repeats the profile before, temperature",
            f"but for {size:g} °C",
            "argo.frozen_profile",
            "TEMP",
            frozen(size),
        )
    yield Fault(
        "global range, temperature",
        "41 °C",
        "argo.range",
        "TEMP",
        lambda c, r: replace(
            added("temperature", 0.0, 0, 2000)(c, r), temperature=np.full(len(c.pressure), 41.0), faulty=every(c)
        ),
    )
