"""The closed list of units that columns and variables may be in, and what they are in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from bondstore.domains.ocean.profiles import Floats
from bondstore.errors import MissingExtraError

DEPTH = "metre"
"""The one unit of pressure that needs the latitude: depth below the surface in metres."""

_PRESSURE = {
    "decibar": (1.0, 0.0),
    "millibar": (0.01, 0.0),
    "bar": (10.0, 0.0),
    "kilopascal": (0.1, 0.0),
    "pascal": (1e-4, 0.0),
}
_TEMPERATURE = {"celsius": (1.0, 0.0), "kelvin": (1.0, -273.15), "fahrenheit": (5 / 9, -160 / 9)}
_SALINITY = {"practical": (1.0, 0.0)}
_DEGREES = {"degrees": (1.0, 0.0)}

LINEAR: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "PRES": MappingProxyType(_PRESSURE),
        "TEMP": MappingProxyType(_TEMPERATURE),
        "PSAL": MappingProxyType(_SALINITY),
        "LATITUDE": MappingProxyType(_DEGREES),
        "LONGITUDE": MappingProxyType(_DEGREES),
    }
)
"""For each variable the units it may be in: ours = factor * theirs + offset."""

_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("decibar", "decibars", "dbar", "dbars", "db"), "decibar"),
        **dict.fromkeys(("millibar", "millibars", "mbar", "hpa", "hectopascal"), "millibar"),
        **dict.fromkeys(("bar", "bars"), "bar"),
        **dict.fromkeys(("kpa", "kilopascal"), "kilopascal"),
        **dict.fromkeys(("pa", "pascal"), "pascal"),
        **dict.fromkeys(("m", "metre", "metres", "meter", "meters", "metre-of-seawater"), DEPTH),
        **dict.fromkeys(
            ("c", "°c", "degc", "deg_c", "celsius", "degree_celsius", "degrees_celsius", "degree_c"), "celsius"
        ),
        **dict.fromkeys(("degrees_c", "celsius_degrees", "degree celsius", "degrees celsius"), "celsius"),
        **dict.fromkeys(("k", "kelvin", "kelvins", "degree_kelvin"), "kelvin"),
        **dict.fromkeys(("f", "degf", "fahrenheit", "degree_fahrenheit"), "fahrenheit"),
        **dict.fromkeys(("1", "psu", "pss-78", "pss78", "practical", "1e-3", "0.001", "s.e-3"), "practical"),
        **dict.fromkeys(
            ("degree", "degrees", "degrees_north", "degree_north", "degrees_east", "degree_east"), "degrees"
        ),
    }
)


def unit_of(variable: str, written: str) -> str | None:
    """Return the plain name of a unit as files write it; None where it is not known for this variable."""
    found = _SPELLINGS.get(written.strip().casefold())
    if found == DEPTH:
        return DEPTH if variable == "PRES" else None
    return found if found in LINEAR[variable] else None


def converted(variable: str, values: Floats, unit: str, latitude: Floats | None = None) -> Floats:
    """Return values in our unit: dbar, degrees Celsius, practical salinity, degrees.

    Metres become pressures by the latitude (degrees north); where it is missing, so is the pressure.
    """
    if unit == DEPTH and variable == "PRES":
        return _from_depth(values, np.full(len(values), np.nan) if latitude is None else latitude)
    factor, offset = LINEAR[variable][unit]
    return values if (factor, offset) == (1.0, 0.0) else values * factor + offset


def _from_depth(depth: Floats, latitude: Floats) -> Floats:
    try:
        import gsw
    except ImportError:
        raise MissingExtraError(
            "Depths cannot become pressures: gsw is not installed.", hint="pip install 'bondstore[ocean]'"
        ) from None
    inside = (np.abs(latitude) <= 90) & (np.abs(depth) <= 12_000)
    found = np.full(len(depth), np.nan)
    found[inside] = gsw.p_from_z(-depth[inside], latitude[inside])
    return found


_SINCE = re.compile(
    r"\s*(?P<unit>[A-Za-z]+)\s+since\s+(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"
    r"(?:[T\s]+(?P<H>\d{1,2}):(?P<M>\d{1,2})(?::(?P<S>\d{1,2})(?:\.0*)?)?)?\s*(?:Z|UTC|\+?00:?00|[+-]0:00)?\s*",
    re.IGNORECASE,
)
_SECONDS = {
    **dict.fromkeys(("day", "days", "d"), 86_400.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600.0),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60.0),
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1.0),
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), 1e-3),
}
_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")


def since(written: str, calendar: str = "") -> tuple[float, float] | None:
    """Return what ``days since 1950-01-01`` means: seconds a unit, and its zero in seconds since 1970; else None.

    It is in UTC. A zero before 1583 is not taken, nor another calendar than the usual: calendars differ there.
    """
    from datetime import UTC, datetime

    found = _SINCE.fullmatch(written)
    if found is None or calendar.strip().casefold() not in _CALENDARS:
        return None
    step = _SECONDS.get(found["unit"].casefold())
    try:
        year, month, day, hour, minute, second = (int(found[part] or 0) for part in "ymdHMS")
        zero = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return None if step is None or zero.year < 1583 else (step, zero.timestamp())


def seconds(values: Floats, step: float, zero: float) -> Floats:
    """Return times in seconds since 1970, to the microsecond: what days in floating point can carry."""
    return np.round(values * step + zero, 6)
