"""Profiles from netCDF files that are no Argo files: contiguous ragged arrays, as ours are, and single profiles."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, Deployment, Floats, Header, Integers, Position, Profile
from bondstore.domains.ocean.reading.dataset import Reader, StoredFlags
from bondstore.domains.ocean.reading.text import damaged, platform_named
from bondstore.findings import Finding

_NAMES: Mapping[str, tuple[str, ...]] = {
    "TIME": ("TIME", "DATETIME", "time", "JULD"),
    "LATITUDE": ("LATITUDE", "latitude", "lat"),
    "LONGITUDE": ("LONGITUDE", "longitude", "lon"),
    "PRES": ("PRES_REL", "PRES", "PRESSURE", "pressure", "DEPTH", "depth"),
    "TEMP": ("TEMP", "TEMPERATURE", "temperature"),
    "PSAL": ("PSAL", "SALINITY", "salinity"),
}
"""What variables are called, best first. PRES_REL is what IMOS calls the pressure without that of the air."""
_ROLLED = re.compile(r"(?P<on>[A-Z_]+?)_(?:quality_control|QC)")
_SOURCE = re.compile(r"(?P<on>[A-Z_]+?)_source_quality_control")
_BY_TEST = re.compile(r"(?P<on>[A-Z]+)_qc_(?P<label>\w+)")
_ENDINGS = ("_quality_control", "_QC")
_MEANT: tuple[tuple[int, tuple[str, ...]], ...] = (
    (9, ("missing",)),
    (0, ("no_qc", "not_evaluated", "not_used", "unknown")),
    (2, ("probably_good",)),
    (3, ("correctable", "probably_bad", "suspect", "questionable", "doubtful")),
    (4, ("bad", "fail", "not_good", "rejected", "invalid", "erroneous", "out_of_range", "wrong")),
    (5, ("changed",)),
    (8, ("estimated", "interpolated")),
    (1, ("good", "pass")),
)
"""Numbers of Argo's reference table 2, and what the words for flags have in them; the first that fits."""
_ON = {"LATITUDE": "POSITION", "LONGITUDE": "POSITION", "POSITION": "POSITION"}
_TOLD = ("test", "references", "thresholds", "not_evaluated")
_SERIAL = ("sensor_serial_number", "instrument_serial_number")
_PLATFORM = ("platform_code", "moana_serial_number", "Moana Serial Number", *_SERIAL)
"""What numbers the platform, best first. The free text ``platform`` comes after them: it often is the vessel's name."""
MOST_PROFILES = 5_000_000


def read_ragged(reader: Reader) -> tuple[Batch, list[Finding]]:
    """Read the profiles of a contiguous ragged array, or the one profile of a plain file.

    Times and positions that are one for a profile are repeated for its levels, and the profile is marked so. Source: CF
    conventions 1.11, sections 9.3.3 (contiguous ragged array) and H.3 (profiles).
    """
    found = {ours: reader.first_of(*theirs) for ours, theirs in _NAMES.items()}
    lacking = [ours for ours, name in found.items() if name is None and ours != "PSAL"]
    if lacking:
        raise damaged("columns-missing", reader.key, f"It has no variable for {', '.join(lacking)}.")
    sizes, levels = _sizes(reader, str(found["TEMP"]))

    def spread(variable: str, values: Floats) -> tuple[Floats, bool]:
        return _spread(reader, str(found[variable]), values, sizes, levels)

    time, timed = spread("TIME", reader.times(str(found["TIME"])))
    latitude, placed = spread("LATITUDE", reader.measured(str(found["LATITUDE"]), "LATITUDE"))
    longitude, _ = spread("LONGITUDE", reader.measured(str(found["LONGITUDE"]), "LONGITUDE"))
    pressure_name = str(found["PRES"])
    deep = reader.numbers(pressure_name).size
    pressure, _ = spread("PRES", reader.measured(pressure_name, "PRES", latitude if deep == levels else None))
    if reader.attribute(pressure_name, "units").casefold().startswith("m") and pressure_name.upper() == "DEPTH":
        reader.note("depth-converted")
    temperature, _ = spread("TEMP", reader.measured(str(found["TEMP"]), "TEMP"))
    salinity = spread("PSAL", reader.measured(found["PSAL"], "PSAL"))[0] if found["PSAL"] else None
    empty = int((sizes == 0).sum())
    if empty or not len(sizes):
        reader.note("no-levels", count=max(1, empty))
    profiles = _profiles(reader, sizes, timed=timed, placed=placed)
    source = _source_flags(reader, found, sizes, levels)
    return Batch(profiles, sizes, time, latitude, longitude, pressure, temperature, salinity, source), reader.findings


def _source_flags(
    reader: Reader, found: Mapping[str, str | None], sizes: Integers, levels: int
) -> dict[str, NDArray[np.int8]]:
    """Return the flags that the file has of the variables that were read, in the numbers of Argo's table 2."""
    flags: dict[str, NDArray[np.int8]] = {}
    named: list[tuple[str, str]] = [(on, name) for on, name in found.items() if name is not None] + [
        ("POSITION", "POSITION")
    ]
    for variable, name in named:
        stored = reader.first_of(*(name + ending for ending in _ENDINGS))
        if stored is None:
            continue
        variable_of = reader.file.variables[stored]
        plain = getattr(variable_of.dtype, "kind", "") in {"i", "u", "f"}
        if not plain or math.prod(variable_of.shape) not in {levels, len(sizes), 1}:
            reader.note("flags-unreadable", where=stored)
            continue
        numbers = _spread(reader, stored, reader.numbers(stored), sizes, levels)[0]
        on = _ON.get(variable, variable)
        told = _table_2(numbers, _meanings(reader, stored))
        flags[on] = _both(flags[on], told) if on in flags else told
    return flags


def _table_2(numbers: Floats, meanings: Mapping[int, str]) -> NDArray[np.int8]:
    """Return flags by what the file says they mean; where it says nothing they are taken for those of that table."""
    words = meanings or dict.fromkeys(range(10), "")
    table = {number: _number_of(word) if word else number for number, word in words.items()}
    told = np.zeros(len(numbers), np.int8)
    for number, meant in table.items():
        told[numbers == number] = meant
    return told


def _number_of(word: str) -> int:
    plain = word.casefold()
    return next((number for number, parts in _MEANT if any(part in plain for part in parts)), 0)


def ragged_flags(reader: Reader) -> StoredFlags:
    """Return the flags of a file, level by level as `read_ragged` gives the levels."""
    temperature = reader.first_of(*_NAMES["TEMP"])
    if temperature is None:
        raise damaged("columns-missing", reader.key, "It has no variable for TEMP.")
    sizes, levels = _sizes(reader, temperature)
    rolled: dict[str, NDArray[np.int8]] = {}
    tests: dict[tuple[str, str], NDArray[np.int8]] = {}
    source: dict[str, NDArray[np.int8]] = {}
    told: dict[tuple[str, str], Mapping[str, str]] = {}
    meanings: dict[int, str] = {}
    for name in reader.file.variables:
        by_test, whole, theirs = _BY_TEST.fullmatch(name), _ROLLED.fullmatch(name), _SOURCE.fullmatch(name)
        if by_test is None and whole is None and theirs is None:
            continue
        flags = _spread(reader, name, reader.numbers(name), sizes, levels)[0]
        small = np.where((np.abs(flags) <= 99) & (flags == np.floor(flags)), flags, 0).astype(np.int8)
        if theirs is not None:
            on = _ON.get(theirs["on"], theirs["on"])
            source[on] = _both(source[on], small) if on in source else small
            continue
        meanings |= _meanings(reader, name)
        if by_test is not None:
            place = (by_test["label"], by_test["on"])
            tests[place] = small
            told[place] = {one: reader.attribute(name, one) for one in _TOLD if reader.attribute(name, one)}
        elif whole is not None:
            on = _ON.get(whole["on"], whole["on"])
            rolled[on] = _both(rolled[on], small) if on in rolled else small
    return StoredFlags(rolled, tests, dict(sorted(meanings.items())), told, source)


def _both(one: NDArray[np.int8], other: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the flags of a position from those of its halves: where they differ, 4 or 3 if either is, else 0."""
    worse = np.where((one == 4) | (other == 4), 4, np.where((one == 3) | (other == 3), 3, 0))
    return np.where(one == other, one, worse).astype(np.int8)


def _sizes(reader: Reader, sample: str) -> tuple[Integers, int]:
    """Return the levels of each profile, and of all; checked against the variable of temperatures."""
    shape = reader.file.variables[sample].shape
    levels = math.prod(shape)
    if sum(length > 1 for length in shape) > 1:
        raise damaged("columns-missing", reader.key, "Its profiles are neither one nor a contiguous ragged array.")
    counting = [name for name, one in reader.file.variables.items() if "sample_dimension" in one.ncattrs()]
    if not counting:
        return np.array([levels], np.int64), levels
    counts = reader.numbers(counting[0])
    if len(counting) > 1 or counts.ndim != 1 or len(counts) > MOST_PROFILES:
        raise damaged("columns-missing", reader.key, "It does not say clearly which levels belong to which profile.")
    if np.isnan(counts).any() or (counts < 0).any() or (counts != np.floor(counts)).any() or counts.sum() != levels:
        raise damaged("netcdf-damaged", reader.key, "The sizes of its profiles and its levels do not agree.")
    return counts.astype(np.int64), levels


def _spread(reader: Reader, name: str, values: Floats, sizes: Integers, levels: int) -> tuple[Floats, bool]:
    """Return values per level, and whether they were: one for each profile is repeated.

    Where there are as many profiles as levels, the dimension tells: that of the sizes is the profiles'.
    """
    flat = values.reshape(-1)
    of_profiles = len(flat) == len(sizes) and _counted(reader) == reader.dimensions(name)
    if len(flat) == levels and not of_profiles:
        return flat, True
    if len(flat) == len(sizes):
        return np.repeat(flat, sizes), False
    if len(flat) == 1:
        return np.full(levels, flat[0]), False
    raise damaged("columns-missing", reader.key, "Its variables have different lengths.")


def _counted(reader: Reader) -> tuple[str, ...] | None:
    """Return the dimension of the sizes; None in a file of one profile, which has none."""
    found = [name for name, one in reader.file.variables.items() if "sample_dimension" in one.ncattrs()]
    return reader.dimensions(found[0]) if found else None


def _meanings(reader: Reader, name: str) -> dict[int, str]:
    words = reader.attribute(name, "flag_meanings").split()
    variable = reader.file.variables[name]
    if "flag_values" not in variable.ncattrs():
        return {}
    numbers = np.atleast_1d(variable.getncattr("flag_values")).tolist()
    if len(numbers) != len(words) or not all(isinstance(one, int) for one in numbers):
        return {}
    return dict(zip(numbers, words, strict=True))


class _Facts:
    """What a file says of its profiles, as a variable with one value for each, or as an attribute of all."""

    def __init__(self, reader: Reader, number: int) -> None:
        self._reader, self._number = reader, number
        self._columns: dict[str, list[Any]] = {}

    def text(self, place: int, *names: str) -> str:
        for name in names:
            if name in self._reader and name not in self._columns:
                self._columns[name] = self._column(name)
            values = self._columns.get(name, [])
            if len(values) == self._number and str(values[place]).strip():
                return str(values[place]).strip()
        return self._reader.about(*names)

    def number(self, place: int, name: str) -> float | None:
        try:
            found = float(self.text(place, name))
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    def moment(self, place: int, name: str) -> float | None:
        try:
            found = datetime.fromisoformat(self.text(place, name))
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

    def position(self, place: int, what: str) -> Position | None:
        latitude, longitude = self.number(place, f"{what}_latitude"), self.number(place, f"{what}_longitude")
        return None if latitude is None or longitude is None else Position(latitude, longitude)

    def _column(self, name: str) -> list[Any]:
        dtype = self._reader.file.variables[name].dtype
        is_text = dtype is str or getattr(dtype, "kind", "") in "SUO"
        return self._reader.texts(name) if is_text else self._reader.numbers(name).reshape(-1).tolist()


def _profiles(reader: Reader, sizes: Integers, *, timed: bool, placed: bool) -> list[Profile]:
    stem = PurePosixPath(reader.key).stem
    facts = _Facts(reader, len(sizes))
    is_imos = "imos" in (reader.about("Conventions") + reader.about("naming_authority")).casefold()
    ids = [name for name in reader.file.variables if reader.attribute(name, "cf_role") == "profile_id"]
    profiles = []
    for place in range(len(sizes)):
        usual = stem if place == 0 else f"{stem}-{place + 1}"
        known = {
            "input_dialect": facts.text(place, "input_dialect"),
            "source_file": facts.text(place, "source_file"),
            "profile_id": facts.text(place, *ids) if ids else "",
            "platform_type": facts.text(place, "PLATFORM_TYPE", "profile_platform_type"),
            "cycle": facts.text(place, "CYCLE_NUMBER", "profile_cycle"),
            "created": _seconds(facts.moment(place, "date_created")),
        }
        platform, free = platform_named(facts.text(place, "platform"), [facts.text(place, name) for name in _PLATFORM])
        known |= {"platform": free}
        profiles.append(
            Profile(
                key=reader.key,
                name=usual,
                header=_header(facts, place, "imos" if is_imos else "netcdf"),
                platform=platform,
                timed=timed,
                placed=placed,
                deployment=_deployment(facts, place),
                known={name: value for name, value in known.items() if value},
            )
        )
    return profiles


def _seconds(moment: float | None) -> str:
    return "" if moment is None else f"{moment:.0f}"


def _header(facts: _Facts, place: int, dialect: str) -> Header:
    return Header(
        dialect,
        deck_unit_serial=facts.text(place, "deck_unit_serial_number"),
        deck_unit_firmware=facts.text(place, "deck_unit_firmware"),
        deck_unit_battery=facts.number(place, "deck_unit_battery_percent"),
        upload_position=facts.position(place, "upload"),
        download_position=facts.position(place, "download"),
        download_time=facts.moment(place, "download_time"),
        sensor_serial=facts.text(place, *_SERIAL),
        sensor_firmware=facts.text(place, "sensor_firmware"),
        reset_codes=tuple(one for one in facts.text(place, "sensor_reset_codes").split(", ") if one),
        sensor_battery=facts.number(place, "sensor_battery_percent"),
        max_lifetime_depth=facts.number(place, "sensor_max_lifetime_depth_dbar"),
        baseline=facts.number(place, "sensor_baseline_dbar"),
        depth_rating=facts.number(place, "sensor_depth_rating_m"),
    )


def _deployment(facts: _Facts, place: int) -> Deployment | None:
    vessel, gear = facts.text(place, "vessel"), facts.text(place, "gear")
    if not vessel and not gear:
        return None
    return Deployment(
        vessel, gear, facts.moment(place, "deployment_supplied"), facts.moment(place, "deployment_returned")
    )
