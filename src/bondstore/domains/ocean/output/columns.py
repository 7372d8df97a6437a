"""The measured variables of a netCDF file, each profile's own time and place, and what else is known of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.output.classic import Value, Variable
from bondstore.domains.ocean.output.extents import Nominal, wrapped
from bondstore.domains.ocean.output.facts import Fact
from bondstore.domains.ocean.profiles import Batch, Floats

DAYS_TO_1970 = 7305.0
"""Days from 1950-01-01 to 1970-01-01."""
LEVEL, PROFILE = "obs", "profile"
_NAN: Mapping[str, Value] = {"_FillValue": np.array([np.nan])}
_COORDINATE: Mapping[str, Value] = {"coverage_content_type": "coordinate"}
_MEASURED: Mapping[str, Value] = {"coverage_content_type": "physicalMeasurement"}

MEANING: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        "TIME": {
            "standard_name": "time",
            "long_name": "time",
            "units": "days since 1950-01-01 00:00:00 UTC",
            "calendar": "standard",
            "units_metadata": "leap_seconds: none",
            **_NAN,
            **_COORDINATE,
        },
        "LATITUDE": {
            "standard_name": "latitude",
            "long_name": "latitude",
            "units": "degrees_north",
            "valid_min": -90.0,
            "valid_max": 90.0,
            "reference_datum": "WGS84",
            **_NAN,
            **_COORDINATE,
        },
        "LONGITUDE": {
            "standard_name": "longitude",
            "long_name": "longitude",
            "units": "degrees_east",
            "valid_min": -180.0,
            "valid_max": 180.0,
            "reference_datum": "WGS84",
            **_NAN,
            **_COORDINATE,
        },
        "PRES": {
            "standard_name": "sea_water_pressure_due_to_sea_water",
            "long_name": "sea pressure, 0 at the surface",
            "units": "dbar",
            "positive": "down",
            "axis": "Z",
            **_NAN,
            **_MEASURED,
        },
        "TEMP": {
            "standard_name": "sea_water_temperature",
            "long_name": "sea water temperature in situ, ITS-90 scale",
            "units": "degree_Celsius",
            "units_metadata": "temperature: on_scale",
            **_NAN,
            **_MEASURED,
        },
        "PSAL": {
            "standard_name": "sea_water_practical_salinity",
            "long_name": "practical salinity, PSS-78",
            "units": "1",
            **_NAN,
            **_MEASURED,
        },
    }
)
"""What each variable is, by its name."""

_AXES: Mapping[str, str] = {"TIME": "T", "LATITUDE": "Y", "LONGITUDE": "X"}


def where_each_lies(batch: Batch) -> dict[str, str]:
    """Return the dimension of each variable: levels, or profiles where no level has a time or place of its own."""
    timed = LEVEL if any(one.timed for one in batch.profiles) else PROFILE
    placed = LEVEL if any(one.placed for one in batch.profiles) else PROFILE
    return {"TIME": timed, "LATITUDE": placed, "LONGITUDE": placed, "PRES": LEVEL, "TEMP": LEVEL, "PSAL": LEVEL}


def measured(batch: Batch, own: Nominal, lies: Mapping[str, str], linked: Mapping[str, str]) -> list[Variable]:
    """Return the measured variables, and each profile's own time and place where levels have theirs.

    Parameters
    ----------
    batch : Batch
        The profiles.
    own : Nominal
        Their own times and places.
    lies : mapping of str to str
        As `where_each_lies` returns it.
    linked : mapping of str to str
        The names of each variable's flags, with spaces between.
    """
    whole = {"TIME": own.time, "LATITUDE": own.latitude, "LONGITUDE": own.longitude}
    of_profile = [
        Variable(
            f"PROFILE_{name}",
            (PROFILE,),
            _written(name, values),
            {**MEANING[name], "long_name": f"{name.lower()} that stands for the profile", "axis": _AXES[name]},
        )
        for name, values in whole.items()
        if lies[name] == LEVEL
    ]
    coordinates = " ".join(["TIME", "LATITUDE", "LONGITUDE", "PRES", *(one.name for one in of_profile)])
    made: list[Variable] = []
    for name, what in MEANING.items():
        column = whole[name] if lies[name] == PROFILE else batch.column(name)
        if column is None:
            continue
        more: dict[str, Value] = {"ancillary_variables": linked[name]}
        if lies[name] == PROFILE:
            more["axis"] = _AXES[name]
        if name in ("TEMP", "PSAL"):
            more["coordinates"] = coordinates
        made.append(Variable(name, (lies[name],), _written(name, column), {**what, **more}))
    return made + of_profile


def _written(name: str, values: Floats) -> Floats:
    if name == "TIME":
        return values / 86400.0 + DAYS_TO_1970
    return wrapped(values) if name == "LONGITUDE" else values


def known(each: Sequence[Mapping[str, Fact]]) -> tuple[dict[str, Value], list[tuple[str, NDArray[np.generic]]]]:
    """Return what is the same for all profiles as attributes, and the rest as a value per profile.

    Parameters
    ----------
    each : sequence of mapping
        The facts of each profile.

    Returns
    -------
    tuple
        Attributes of the file; and for variables their names and values: float64 of shape (profiles,) with NaN, or
        one-byte strings of shape (profiles, length).
    """
    names = list(dict.fromkeys(name for facts in each for name in facts))
    same: dict[str, Value] = {}
    differing: list[tuple[str, NDArray[np.generic]]] = []
    for name in names:
        values = [facts.get(name) for facts in each]
        if values[0] is not None and all(one == values[0] for one in values):
            same[name] = values[0]
        elif any(isinstance(one, str) for one in values):
            differing.append((name, letters(["" if one is None else str(one) for one in values])))
        else:
            differing.append((name, np.array([np.nan if one is None else one for one in values], np.float64)))
    return same, differing


def letters(texts: Sequence[str]) -> NDArray[np.generic]:
    """Return texts as one-byte strings of shape (texts, length of the longest), UTF-8, with zeros behind them."""
    coded = [text.encode() for text in texts]
    longest = max(1, *map(len, coded))
    return np.frombuffer(b"".join(one.ljust(longest, b"\0") for one in coded), "S1").reshape(len(texts), longest)
