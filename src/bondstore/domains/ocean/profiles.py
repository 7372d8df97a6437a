"""Profiles as one ragged table: the levels of all profiles in long columns, and how many belong to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
SourceFlags = NDArray[np.int8]

NONE = -1
"""What stands in `Batch.source` where a file brings no flags."""

RAW = "_raw"
"""What the names of raw values end in, where adjusted ones are used."""

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "TIME": "time",
        "LATITUDE": "latitude",
        "LONGITUDE": "longitude",
        "PRES": "pressure",
        "TEMP": "temperature",
        "PSAL": "salinity",
    }
)
"""The names that variables have in files and suites, and the columns of a batch."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the sea.

    Parameters
    ----------
    latitude : float
        Degrees north.
    longitude : float
        Degrees east, as it was written: -180 to 180, or 0 to 360.
    """

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its profile beside the levels; None or empty where it says nothing.

    Parameters
    ----------
    dialect : str
        ``moana-1`` (15 lines), ``moana-2`` (firmware 3.05, 21 lines), ``argo``, ``imos``, ``netcdf`` or ``columns``.
    deck_unit_serial, deck_unit_firmware : str
        Of the deck unit.
    deck_unit_battery : float or None
        Per cent.
    upload_position, download_position : Position or None
        Where the sensor was uploaded and downloaded.
    download_time : float or None
        Seconds since 1970-01-01 UTC.
    sensor_serial, sensor_firmware : str
        Of the sensor.
    reset_codes : tuple of str
        As they were written.
    sensor_battery : float or None
        Per cent.
    max_lifetime_depth : float or None
        In dbar.
    baseline : float or None
        In dbar.
    depth_rating : float or None
        In metres.
    depth_unit : str
        What the depth column is in: ``dbar``.
    other : mapping of str to str
        Every header line that none of these stands for, by its name as written.
    """

    dialect: str
    deck_unit_serial: str = ""
    deck_unit_firmware: str = ""
    deck_unit_battery: float | None = None
    upload_position: Position | None = None
    download_position: Position | None = None
    download_time: float | None = None
    sensor_serial: str = ""
    sensor_firmware: str = ""
    reset_codes: tuple[str, ...] = ()
    sensor_battery: float | None = None
    max_lifetime_depth: float | None = None
    baseline: float | None = None
    depth_rating: float | None = None
    depth_unit: str = "dbar"
    other: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the metadata table says of a sensor's time on a vessel. No contact names, no addresses.

    Parameters
    ----------
    vessel : str
        Id or name of the vessel, as the table has it.
    gear : str
        Class of the gear: ``mobile``, ``stationary``, or as written; empty where unknown.
    supplied, returned : float or None
        Seconds since 1970-01-01 UTC; None where open.
    other : mapping of str to str
        Further columns that may be published.
    """

    vessel: str = ""
    gear: str = ""
    supplied: float | None = None
    returned: float | None = None
    other: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a test needs to know of the platform's profile before this one; the reader names it, not the order."""

    time: float  # seconds since 1970-01-01 UTC
    position: Position | None = None
    pressure: Floats | None = None  # of each level, as in `Batch`
    temperature: Floats | None = None
    salinity: Floats | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile of a batch, but for its levels.

    Parameters
    ----------
    key : str
        The object it came from, relative to its store.
    name : str
        The file's stem; with ``-2``, ``-3`` … where a file holds several.
    header : Header
        What the file says.
    platform : str
        Serial number of the sensor, or the WMO number of a float; not what a file only calls it: see `with_platform`.
    timed : bool
        Whether each level has a time of its own (Moana); false where one time stands for all (Argo).
    placed : bool
        Whether each level has a position of its own.
    deployment : Deployment or None
        From the metadata table.
    earlier : Earlier or None
        The platform's profile before this one.
    known : mapping of str to str
        Other facts that tests may ask for, such as ``platform_type``, ``cycle``, ``grey_list``.
    """

    key: str
    name: str
    header: Header
    platform: str = ""
    timed: bool = True
    placed: bool = True
    deployment: Deployment | None = None
    earlier: Earlier | None = field(default=None, compare=False)  # it holds arrays, which no == compares
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Many profiles as one ragged table. Missing values are NaN.

    Parameters
    ----------
    profiles : sequence of Profile
        In their order.
    sizes : ndarray of int64, shape (profiles,)
        Levels of each.
    time : ndarray of float64, shape (levels,)
        Seconds since 1970-01-01 UTC.
    latitude, longitude : ndarray of float64, shape (levels,)
        Degrees north and east, as written.
    pressure : ndarray of float64, shape (levels,)
        Sea pressure in dbar.
    temperature : ndarray of float64, shape (levels,)
        Degrees Celsius, ITS-90.
    salinity : ndarray of float64, shape (levels,), or None
        Practical salinity; None where no profile of the batch has any.
    source : mapping of str to ndarray of int8, shape (levels,)
        The flags that files brought, by variable (``TIME``, ``POSITION``, ``PRES``, ``TEMP``, ``PSAL``; ``TEMP_raw``
        for those of raw values), in the numbers of Argo's reference table 2; -1 where a file brings none.
    carried : mapping of str to ndarray of float64, shape (levels,)
        What else came with the values: ``TEMP_raw`` beside adjusted ones, and ``TEMP_adjusted_error``; NaN for none.
    """

    profiles: Sequence[Profile]
    sizes: Integers
    time: Floats
    latitude: Floats
    longitude: Floats
    pressure: Floats
    temperature: Floats
    salinity: Floats | None = None
    source: Mapping[str, SourceFlags] = field(default_factory=dict)
    carried: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.profiles)

    @property
    def levels(self) -> int:
        """All levels of all profiles."""
        return len(self.pressure)

    @cached_property
    def starts(self) -> Integers:
        """Where each profile begins; shape (profiles,)."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def owner(self) -> Integers:
        """Which profile each level belongs to; shape (levels,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def column(self, variable: str) -> Floats | None:
        """Return the column of a variable such as ``TEMP``; None for a salinity that nobody measured."""
        found: Floats | None = getattr(self, COLUMNS[variable])
        return found

    def carries(self, variable: str) -> Mask:
        """Return which profiles have at least one value of a variable; shape (profiles,)."""
        kept: dict[str, Mask] = vars(self).setdefault("_carried", {})  # each test of a suite may ask again
        if variable not in kept:
            values = self.column(variable)
            there = np.zeros(self.levels, np.bool_) if values is None else ~np.isnan(values)
            kept[variable] = np.bincount(self.owner[there], minlength=len(self)) > 0
        return kept[variable].copy()

    def rows(self, number: int) -> slice:
        """Return the levels of a profile."""
        first = int(self.starts[number])
        return slice(first, first + int(self.sizes[number]))

    def take(self, numbers: Sequence[int]) -> Batch:
        """Return a batch of some of the profiles, in the order of `numbers`."""
        spans = [np.arange(self.starts[one], self.starts[one] + self.sizes[one]) for one in numbers]
        rows = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        return self.part([self.profiles[one] for one in numbers], self.sizes[list(numbers)], rows)

    def part(self, profiles: Sequence[Profile], sizes: Integers, rows: Integers | Mask | slice) -> Batch:
        """Return a batch of some of the levels, which belong to these profiles."""
        return Batch(
            profiles,
            sizes,
            self.time[rows],
            self.latitude[rows],
            self.longitude[rows],
            self.pressure[rows],
            self.temperature[rows],
            None if self.salinity is None else self.salinity[rows],
            {name: flags[rows] for name, flags in self.source.items()},
            {name: values[rows] for name, values in self.carried.items()},
        )

    def trimmed(self) -> Batch:
        """Return the batch without columns that none of its profiles has: as if it had been read by itself."""
        salinity = None if self.salinity is None or np.isnan(self.salinity).all() else self.salinity
        source = {name: flags for name, flags in self.source.items() if (flags != NONE).any()}
        carried = {name: values for name, values in self.carried.items() if not np.isnan(values).all()}
        return replace(self, salinity=salinity, source=source, carried=carried)


def with_platform(profile: Profile) -> Profile:
    """Return a profile whose platform has no number under what its file calls it: mostly a vessel, so it is private."""
    free = profile.known.get("platform", "")
    if profile.platform or not free:
        return profile
    return replace(
        profile, platform=free, known={name: text for name, text in profile.known.items() if name != "platform"}
    )


def with_platforms(batch: Batch) -> Batch:
    """Return a batch with `with_platform` of each profile: for the user's own eyes, or where it may be public."""
    return replace(batch, profiles=[with_platform(one) for one in batch.profiles])


def joined(batches: Sequence[Batch]) -> Batch:
    """Return one batch of the profiles of several; a salinity that one of them lacks is NaN there."""
    some = any(batch.salinity is not None for batch in batches)

    def together(name: str) -> Floats:
        return np.concatenate([getattr(batch, name) for batch in batches] or [np.zeros(0)])

    def flags(name: str) -> SourceFlags:
        none = np.int8(NONE)
        return np.concatenate([batch.source.get(name, np.full(batch.levels, none)) for batch in batches])

    def more(name: str) -> Floats:
        return np.concatenate([batch.carried.get(name, np.full(batch.levels, np.nan)) for batch in batches])

    salinity = [np.full(batch.levels, np.nan) if batch.salinity is None else batch.salinity for batch in batches]
    return Batch(
        profiles=[profile for batch in batches for profile in batch.profiles],
        sizes=np.concatenate([batch.sizes for batch in batches] or [np.zeros(0, np.int64)]),
        time=together("time"),
        latitude=together("latitude"),
        longitude=together("longitude"),
        pressure=together("pressure"),
        temperature=together("temperature"),
        salinity=np.concatenate(salinity) if some else None,
        source={name: flags(name) for name in dict.fromkeys(name for batch in batches for name in batch.source)},
        carried={name: more(name) for name in dict.fromkeys(name for batch in batches for name in batch.carried)},
    )
