"""What the variables of a netCDF file are: names, units and axes by CF, and what their flags mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from bondstore.domains.ocean.output.classic import Value
from bondstore.domains.ocean.qc.flags import Scale

LEVEL, PROFILE = "obs", "profile"

NAN: Mapping[str, Value] = {"_FillValue": np.array([np.nan])}

_COORDINATE: Mapping[str, Value] = {"coverage_content_type": "coordinate"}

MEASURED: Mapping[str, Value] = {"coverage_content_type": "physicalMeasurement"}

MEANING: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        "TIME": {
            "standard_name": "time",
            "long_name": "time",
            "units": "days since 1950-01-01 00:00:00 UTC",
            "calendar": "standard",
            "units_metadata": "leap_seconds: none",
            **NAN,
            **_COORDINATE,
        },
        "LATITUDE": {
            "standard_name": "latitude",
            "long_name": "latitude",
            "units": "degrees_north",
            "valid_min": -90.0,
            "valid_max": 90.0,
            "reference_datum": "WGS84",
            **NAN,
            **_COORDINATE,
        },
        "LONGITUDE": {
            "standard_name": "longitude",
            "long_name": "longitude",
            "units": "degrees_east",
            "valid_min": -180.0,
            "valid_max": 180.0,
            "reference_datum": "WGS84",
            **NAN,
            **_COORDINATE,
        },
        "PRES": {
            "standard_name": "sea_water_pressure_due_to_sea_water",
            "long_name": "sea pressure, 0 at the surface",
            "units": "dbar",
            "positive": "down",
            "axis": "Z",
            **NAN,
            **MEASURED,
        },
        "TEMP": {
            "standard_name": "sea_water_temperature",
            "long_name": "sea water temperature in situ, ITS-90 scale",
            "units": "degree_Celsius",
            "units_metadata": "temperature: on_scale",
            **NAN,
            **MEASURED,
        },
        "PSAL": {
            "standard_name": "sea_water_practical_salinity",
            "long_name": "practical salinity, PSS-78",
            "units": "1",
            **NAN,
            **MEASURED,
        },
    }
)
"""What each variable is, by its name."""

AXES: Mapping[str, str] = {"TIME": "T", "LATITUDE": "Y", "LONGITUDE": "X"}

OF: Mapping[str, tuple[str, ...]] = {"POSITION": ("LATITUDE", "LONGITUDE")}
"""POSITION is no variable of a file: its flags stand for two."""

WORDS: Mapping[str, str] = {
    "TIME": "time",
    "POSITION": "position",
    "LATITUDE": "latitude",
    "LONGITUDE": "longitude",
    "PRES": "sea pressure",
    "TEMP": "sea water temperature",
    "PSAL": "practical salinity",
}


def source_name(name: str) -> str:
    """Return the name of the flags that came with a variable: ``TEMP_source_quality_control``."""
    return f"{name}_source_quality_control"


def flag_attributes(scale: Scale) -> dict[str, Value]:
    """Return what is the same for all flags of a scale."""
    return {
        "quality_control_convention": scale.convention,
        "flag_values": np.array(list(scale.meanings), np.int8),
        "flag_meanings": " ".join(scale.meanings.values()),
        "coverage_content_type": "qualityInformation",
    }
