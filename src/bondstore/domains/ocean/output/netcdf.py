"""Profiles with their flags as one netCDF file: CF-1.11, ACDD-1.3 and ERDDAP attributes, a contiguous ragged array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bondstore.domains.ocean.output.argo_history import masks
from bondstore.domains.ocean.output.attributes import AODN_DEFAULTS, NAMES, FileSource, clean, facts
from bondstore.domains.ocean.output.classic import Value, Variable, classic_netcdf
from bondstore.domains.ocean.output.extents import Extent, extent, nominal, stamp
from bondstore.domains.ocean.output.netcdf_content import (
    depths,
    flag_variables,
    known,
    letters,
    links,
    measured,
    thresholds,
    where_each_lies,
)
from bondstore.domains.ocean.output.source_variables import carried, source_flags
from bondstore.domains.ocean.output.variables import LEVEL, PROFILE
from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.errors import UsageError

CONVENTIONS = "CF-1.11, ACDD-1.3"
_STANDARD_NAMES = "CF Standard Name Table v93"


def netcdf_file(batch: Batch, result: Result, about: FileSource) -> bytes:
    """Return one netCDF file (classic format, 64-bit offsets) with all profiles of a batch and their flags.

    Nothing in it depends on the clock or the machine: the same profiles, suite and settings give the same bytes.
    Texts from outside go in without e-mail addresses and phone numbers. Sources: CF Conventions 1.11, sections 9.3.3
    (contiguous ragged array) and 3.5 (flags); Attribute Convention for Data Discovery 1.3; ERDDAP, "Set Up Your Own
    Datasets", cdm_data_type.
    """
    if not len(batch):
        raise UsageError("A netCDF file needs at least one profile.")
    lies = where_each_lies(batch)
    told = masks(batch, result)
    same, differing = known(
        [facts(profile, about.attributes) | more for profile, more in zip(batch.profiles, told, strict=True)]
    )
    names = letters([clean(profile.name) for profile in batch.profiles])
    own = nominal(batch, result)
    variables = [
        Variable("profile_id", (PROFILE, "profile_id_length"), names, _IDENTITY),
        Variable("row_size", (PROFILE,), batch.sizes.astype(np.int32), _ROW_SIZE),
        *(_of_profile(name, values) for name, values in differing),
        *measured(batch, own, lies, links(batch, result)),
        *carried(batch, result),
        *flag_variables(batch, result, lies),
        *source_flags(batch, result, lies),
    ]
    is_aodn = about.style == "aodn"
    if is_aodn:
        variables = [_of_imos(one) for one in (*variables, *depths(batch, result))]
    lengths = {PROFILE: len(batch), LEVEL: batch.levels}
    for one in variables:
        lengths |= {name: one.values.shape[place] for place, name in enumerate(one.dimensions)}
    of_profile = [one.name for one in variables if one.dimensions[0] == PROFILE and one.name != "row_size"]
    attributes = _global(batch, result, about, extent(batch, result), of_profile)
    if is_aodn:
        attributes |= _of_aodn(attributes, about, variables)
    return classic_netcdf(lengths, {**same, **attributes}, variables)


_TEXT: dict[str, Value] = {"_Encoding": "utf-8"}
_IDENTITY: dict[str, Value] = {"long_name": "name of the profile", "cf_role": "profile_id", **_TEXT}
_ROW_SIZE: dict[str, Value] = {
    "long_name": "number of levels of the profile",
    "sample_dimension": LEVEL,
    "units": "1",
}


def _of_profile(name: str, values: np.typing.NDArray[np.generic]) -> Variable:
    words: dict[str, Value] = {"long_name": name.replace("_", " ")}
    if values.ndim == 1:
        return Variable(name, (PROFILE,), values, words)
    return Variable(name, (PROFILE, f"{name}_length"), values, words | _TEXT)


def _global(batch: Batch, result: Result, about: FileSource, reach: Extent, of_profile: list[str]) -> dict[str, Value]:
    """Return the attributes of the file, all but what is known of the profiles; empty ones are left out."""
    stated = {name: clean(about.attributes.get(name)) for name in sorted(NAMES)}
    prefix = stated.pop("id_prefix")
    found: dict[str, Value] = {name: clean(value) for name, value in sorted(about.attributes.more.items())}
    found |= stated
    found |= {
        "Conventions": CONVENTIONS,
        "featureType": "profile",
        "cdm_data_type": "Profile",
        "cdm_profile_variables": ", ".join(of_profile),
        "title": stated["title"] or title(batch),
        "summary": stated["summary"] or _summary(batch, result),
        "id": prefix + identity(batch, reach),
        "processing_level": stated["processing_level"] or f"Quality controlled: {clean(result.suite.title)}",
        "standard_name_vocabulary": _STANDARD_NAMES,
        "history": _history(result, about),
        "date_created": stamp(about.date),
        "source_file_version": clean(about.source_version),
        "quality_control_suite": clean(result.suite.name),
        "quality_control_digest": result.suite.digest,
        **_reach(reach),
    }
    found["platform"] = stated["platform"] or ", ".join(sorted({clean(one.platform) for one in batch.profiles} - {""}))
    return {name: value for name, value in found.items() if value != ""}


_MODES = ("Near Real-Time", "Delayed")
_LEVELS = ("Level 0 - Raw Data", "Level 1 - Quality Controlled Data")
"""By the version of the data: 0 and 1."""


def _of_imos(variable: Variable) -> Variable:
    """Return a variable with what IMOS-1.4 calls the convention of its flags."""
    if not variable.name.endswith("_quality_control"):
        return variable
    return replace(variable, attributes={**variable.attributes, "quality_control_conventions": "IMOS standard flags"})


def _of_aodn(stated: Mapping[str, Value], about: FileSource, variables: Sequence[Variable]) -> dict[str, Value]:
    """Return the attributes that a file for AODN has beside, or otherwise."""
    found: dict[str, Value] = {name: value for name, value in AODN_DEFAULTS.items() if not stated.get(name)}
    found |= {
        "Conventions": f"{CONVENTIONS}, IMOS-1.4",
        "abstract": stated.get("abstract") or stated["summary"],
        "data_mode": _MODES[about.version],
        "file_version": _LEVELS[about.version],
    }
    metres = next(one for one in variables if one.name == "DEPTH").values
    if not np.isnan(metres).all():
        found |= {
            "geospatial_vertical_min": float(np.nanmin(metres)),
            "geospatial_vertical_max": float(np.nanmax(metres)),
            "geospatial_vertical_units": "m",
            "geospatial_vertical_positive": "down",
        }
    return found


def title(batch: Batch) -> str:
    """Return what people may call a file: what was measured, and by which platform."""
    what = "temperature" if batch.salinity is None else "temperature and salinity"
    if len(batch) == 1:
        return f"Sea water {what} profile {clean(batch.profiles[0].name)}"
    return f"Sea water {what}, {len(batch)} profiles"


def identity(batch: Batch, reach: Extent) -> str:
    """Return the id of a file: its profile's name; of several, the first one's with how many there are."""
    first = clean(batch.profiles[0].name)
    if len(batch) == 1:
        return first
    return "_".join(part for part in (first, stamp(reach.first).replace(":", ""), str(len(batch))) if part)


def _summary(batch: Batch, result: Result) -> str:
    what = "temperature" if batch.salinity is None else "temperature and practical salinity"
    how_many = "A vertical profile" if len(batch) == 1 else f"{len(batch)} vertical profiles"
    return (
        f"{how_many} of sea water {what} against sea pressure, with the flags of each test of quality and a"
        f" roll-up of them ({clean(result.suite.title)})."
    )


def _history(result: Result, about: FileSource) -> str:
    suite = result.suite
    head = f"{about.tool}: quality control with the suite {clean(suite.name)} (sha256 {suite.digest}), tests in order:"
    tests = [
        f"{number}. {clean(step.label)} on {step.on}: {step.test.name} ({step.test.standard})"
        + (f", {thresholds(step)}" if step.thresholds else "")
        for number, step in enumerate(suite.steps, start=1)
    ]
    return "\n".join([f"{stamp(about.date)} {head}".strip(), *tests])


def _reach(reach: Extent) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if reach.bounds is not None:
        west, south, east, north = reach.bounds
        found |= {
            "geospatial_lat_min": south,
            "geospatial_lat_max": north,
            "geospatial_lat_units": "degrees_north",
            "geospatial_lon_min": west,
            "geospatial_lon_max": east,
            "geospatial_lon_units": "degrees_east",
            "geospatial_bounds": _polygon(west, south, east, north),
            "geospatial_bounds_crs": "EPSG:4326",
        }
    if reach.shallow is not None and reach.deep is not None:
        found |= {
            "geospatial_vertical_min": reach.shallow,
            "geospatial_vertical_max": reach.deep,
            "geospatial_vertical_units": "dbar",
            "geospatial_vertical_positive": "down",
        }
    if reach.first is not None and reach.last is not None:
        found |= {
            "time_coverage_start": stamp(reach.first),
            "time_coverage_end": stamp(reach.last),
            "time_coverage_duration": f"PT{round(reach.last - reach.first)}S",
        }
    return found


def _polygon(west: float, south: float, east: float, north: float) -> str:
    """Return a box as well-known text, latitude before longitude as EPSG:4326 has it."""
    if west == east and south == north:
        return f"POINT ({south} {west})"
    corners = ((south, west), (north, west), (north, east), (south, east), (south, west))
    return "POLYGON ((" + ", ".join(f"{y} {x}" for y, x in corners) + "))"
