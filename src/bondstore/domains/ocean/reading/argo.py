"""Argo profile files: N_PROF profiles of up to N_LEVELS levels, raw values, and what else the file says of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Earlier, Floats, Header, Integers, Mask, Position, Profile
from bondstore.domains.ocean.reading.dataset import Reader, StoredFlags
from bondstore.domains.ocean.reading.text import damaged
from bondstore.findings import Finding

_MEASURED = ("PRES", "TEMP", "PSAL")


_KNOWN = {
    "PLATFORM_TYPE": "platform_type",
    "DIRECTION": "direction",
    "DATA_MODE": "data_mode",
    "WMO_INST_TYPE": "wmo_instrument_type",
    "VERTICAL_SAMPLING_SCHEME": "vertical_sampling_scheme",
    "DATA_CENTRE": "data_centre",
}
"""What is kept of each profile; names of persons are not."""


_NO_CYCLE = 99_999


PROFILE_PRESSURE = "CONFIG_ProfilePressure_dbar"
"""The pressure from which a profile begins; the park pressure is another, and says nothing of it."""


_DATES = ("DATE_CREATION", "DATE_UPDATE")


_TABLES = (
    ("CONFIG_PARAMETER_NAME", "CONFIG_PARAMETER_VALUE"),
    ("LAUNCH_CONFIG_PARAMETER_NAME", "LAUNCH_CONFIG_PARAMETER_VALUE"),
)
"""Names and values of settings: of the float's missions, and, for what never changes, as it was launched."""


_MOST_MISSIONS = 1e6


_DATE = re.compile(r"[0-9]{14}")


def is_argo(reader: Reader) -> bool:
    """Tell whether a netCDF file is an Argo profile file."""
    return "PLATFORM_NUMBER" in reader and "N_PROF" in reader.file.dimensions


def read_argo(reader: Reader) -> tuple[Batch, list[Finding]]:
    """Read an Argo profile file.

    Levels at the end of a row where nothing has a value are padding, and no levels; others are kept. The profile before
    each one is looked for among the profiles of the same float in the same file: that of the highest cycle number below
    its own, of the same direction if there is one.

    What tests may ask for of a profile stands in `Profile.known`: ``created`` (when the file was made, in seconds since
    1970-01-01 UTC), ``deepest_pressure`` (how deep the float was told to go, in dbar) where the file says it,
    ``cycle``, ``platform_type`` and others.

    Source: Argo user's manual, section 2.2 (core-Argo profile format version 3.1).
    """
    whole = {name: reader.measured(name, name) for name in _measured(reader)}
    kept = _levels(reader, list(whole.values()))
    sizes = kept.sum(axis=1).astype(np.int64)
    time, latitude, longitude = _of_profile(reader, len(sizes))
    batch = Batch(
        _profiles(reader, len(sizes)),
        sizes,
        np.repeat(time, sizes),
        np.repeat(latitude, sizes),
        np.repeat(longitude, sizes),
        whole["PRES"][kept],
        whole["TEMP"][kept],
        whole["PSAL"][kept] if "PSAL" in whole else None,
    )
    empty = int((sizes == 0).sum())
    if empty:
        reader.note("no-levels", count=empty)
    return _with_earlier(batch, time, latitude, longitude), reader.findings


def argo_flags(reader: Reader) -> StoredFlags:
    """Return the flags of an Argo profile file, level by level as `read_argo` gives the levels.

    They are those of Argo's reference table 2; a blank counts as 0 where there is a value, as 9 where there is none.
    """
    whole = {name: reader.measured(name, name) for name in _measured(reader)}
    kept = _levels(reader, list(whole.values()))
    sizes = kept.sum(axis=1)
    rolled = {}
    for name, values in whole.items():
        if f"{name}_QC" in reader:
            signs = reader.signs(f"{name}_QC")
            if signs.shape != kept.shape:
                raise damaged("columns-missing", reader.key, f"The flags of {name} have another shape than its values.")
            rolled[name] = _digits(signs[kept], np.isnan(values[kept]))
    for name, stored in (("TIME", "JULD_QC"), ("POSITION", "POSITION_QC")):
        if stored in reader:
            signs = reader.signs(stored)
            if signs.shape != sizes.shape:
                raise damaged("columns-missing", reader.key, f"{stored} has another shape than there are profiles.")
            rolled[name] = np.repeat(_digits(signs, np.zeros(len(sizes), np.bool_)), sizes)
    return StoredFlags(rolled)


def _measured(reader: Reader) -> list[str]:
    for name in ("PRES", "TEMP", "JULD", "LATITUDE", "LONGITUDE"):
        if name not in reader:
            raise damaged("columns-missing", reader.key, f"It is an Argo file without the variable {name}.")
    return [name for name in _MEASURED if name in reader]


def _levels(reader: Reader, blocks: list[Floats]) -> Mask:
    """Return which places of the rectangle are levels: all up to the last one with a value."""
    shape = blocks[0].shape
    if len(shape) != 2 or any(block.shape != shape for block in blocks):
        raise damaged("columns-missing", reader.key, "Its variables are not all one rectangle of profiles and levels.")
    some = np.zeros(shape, np.bool_)
    for block in blocks:
        some |= ~np.isnan(block)
    kept: Mask = np.flip(np.logical_or.accumulate(np.flip(some, axis=1), axis=1), axis=1)
    return kept


def _of_profile(reader: Reader, number: int) -> tuple[Floats, Floats, Floats]:
    time = reader.times("JULD")
    latitude, longitude = reader.measured("LATITUDE", "LATITUDE"), reader.measured("LONGITUDE", "LONGITUDE")
    if any(one.shape != (number,) for one in (time, latitude, longitude)):
        raise damaged("columns-missing", reader.key, "Its times and positions are not one for each profile.")
    return time, latitude, longitude


def _cycles(reader: Reader, number: int) -> Integers:
    if "CYCLE_NUMBER" not in reader:
        return np.full(number, _NO_CYCLE)
    found = reader.numbers("CYCLE_NUMBER")
    if found.shape != (number,):
        raise damaged("columns-missing", reader.key, "Its cycle numbers are not one for each profile.")
    return np.where(np.isnan(found) | (np.abs(found) > _NO_CYCLE), _NO_CYCLE, found).astype(np.int64)


def _profiles(reader: Reader, number: int) -> list[Profile]:
    stem = PurePosixPath(reader.key).stem
    texts = {
        name: reader.texts(name)
        for name in ("PLATFORM_NUMBER", "FLOAT_SERIAL_NO", "FIRMWARE_VERSION", *_KNOWN)
        if name in reader
    }
    cycles, written, deepest = _cycles(reader, number), made(reader), told(reader, number)

    def of(name: str, place: int) -> str:
        column = texts.get(name, [])
        # one sign for each profile is stored as a single row
        if len(column) == 1 and number != 1 and len(column[0]) == number:
            return column[0][place]
        return column[place] if place < len(column) else ""

    profiles = []
    for place in range(number):
        known = {ours: of(name, place) for name, ours in _KNOWN.items() if of(name, place)}
        if cycles[place] != _NO_CYCLE:
            known["cycle"] = str(cycles[place])
        if written is not None:
            known["created"] = f"{written:.0f}"
        if deepest[place] is not None:
            known["deepest_pressure"] = f"{deepest[place]:.10g}"
        header = Header(
            "argo", sensor_serial=of("FLOAT_SERIAL_NO", place), sensor_firmware=of("FIRMWARE_VERSION", place)
        )
        profiles.append(
            Profile(
                key=reader.key,
                name=stem if place == 0 else f"{stem}-{place + 1}",
                header=header,
                platform=of("PLATFORM_NUMBER", place),
                timed=False,
                placed=False,
                known=known,
            )
        )
    return profiles


def _with_earlier(batch: Batch, time: Floats, latitude: Floats, longitude: Floats) -> Batch:
    """Name each profile's predecessor of the same float."""
    by_platform: dict[str, list[int]] = {}
    for number, profile in enumerate(batch.profiles):
        if profile.platform and "cycle" in profile.known:
            by_platform.setdefault(profile.platform, []).append(number)
    profiles = list(batch.profiles)
    for numbers in by_platform.values():
        cycle = {number: int(batch.profiles[number].known["cycle"]) for number in numbers}
        first: dict[tuple[int, str], int] = {}
        for number in numbers:
            first.setdefault((cycle[number], _direction(batch.profiles[number])), number)
        for number, before in _predecessors(numbers, cycle).items():
            same = first.get((before, _direction(batch.profiles[number])))
            found = same if same is not None else min(first[one] for one in first if one[0] == before)
            profiles[number] = replace(
                batch.profiles[number], earlier=_earlier(batch, found, time, latitude, longitude)
            )
    return replace(batch, profiles=profiles)


def _direction(profile: Profile) -> str:
    return profile.known.get("direction", "A")


def _predecessors(numbers: list[int], cycle: dict[int, int]) -> dict[int, int]:
    """Return for each profile the highest cycle number below its own, where there is one."""
    there = sorted(set(cycle.values()))
    below = dict(zip(there[1:], there, strict=False))
    return {number: below[cycle[number]] for number in numbers if cycle[number] in below}


def _earlier(batch: Batch, number: int, time: Floats, latitude: Floats, longitude: Floats) -> Earlier:
    rows = batch.rows(number)
    placed = not np.isnan(latitude[number]) and not np.isnan(longitude[number])
    return Earlier(
        float(time[number]),
        Position(float(latitude[number]), float(longitude[number])) if placed else None,
        batch.pressure[rows],
        batch.temperature[rows],
        None if batch.salinity is None else batch.salinity[rows],
    )


def _digits(signs: np.typing.NDArray[np.bytes_], absent: Mask) -> np.typing.NDArray[np.int8]:
    """Return flags as numbers; what is no digit counts as blank."""
    codes = np.ascontiguousarray(signs).view(np.uint8).reshape(signs.shape)
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    return np.where(digit, codes - ord("0"), np.where(absent, 9, 0)).astype(np.int8)


def made(reader: Reader) -> float | None:
    """Return when a file was made, in seconds since 1970-01-01 UTC; None where it does not say.

    Cycles are added to a file after its creation, so that the later of DATE_CREATION and DATE_UPDATE counts.
    Source: Argo user's manual, section 2.2.3: dates are YYYYMMDDHHMISS.
    """
    found = [_date(text) for name in _DATES if name in reader for text in reader.texts(name)[:1]]
    return max((one for one in found if one is not None), default=None)


def told(reader: Reader, number: int) -> list[float | None]:
    """Return the pressure from which each profile was to begin, in dbar; None where the file does not say.

    Files of profiles need not hold it: by the format it stands in the float's file of metadata. Where a file has it, it
    is a variable of that name, or a row of one of the tables of configuration, with a value for each mission; then
    CONFIG_MISSION_NUMBER says which mission, counted from 1, a profile belongs to. Source: Argo
    user's manual, sections 2.2 and 2.4; Argo QC manual 3.9, test 19.
    """
    if PROFILE_PRESSURE in reader:
        found = _numbers(reader, PROFILE_PRESSURE).reshape(-1)
        if len(found) not in {1, number}:
            return [None] * number
        return [_usable(one) for one in np.resize(found, number)]
    for names, values in _TABLES:
        by_mission = _by_mission(reader, names, values)
        if by_mission:
            return [_of(by_mission, mission) for mission in _missions(reader, number)]
    return [None] * number


def _by_mission(reader: Reader, names: str, values: str) -> list[float | None]:
    """The pressure in each mission; a table of one row holds for all."""
    if names not in reader or values not in reader:
        return []
    listed, rows = reader.texts(names), np.atleast_2d(_numbers(reader, values))
    if PROFILE_PRESSURE not in listed or rows.ndim != 2 or rows.shape[1] != len(listed):
        return []
    return [_usable(one) for one in rows[:, listed.index(PROFILE_PRESSURE)]]


def _missions(reader: Reader, number: int) -> list[int]:
    """The mission of each profile; 0 where none is named."""
    if "CONFIG_MISSION_NUMBER" not in reader:
        return [0] * number
    found = _numbers(reader, "CONFIG_MISSION_NUMBER")
    if found.shape != (number,) or "N_PROF" not in reader.dimensions("CONFIG_MISSION_NUMBER"):
        return [0] * number
    return [int(one) if 0.0 < one < _MOST_MISSIONS else 0 for one in found.tolist()]


def _numbers(reader: Reader, name: str) -> Floats:
    """A variable's numbers; none where it holds text, as in older formats: no reason to refuse the profiles."""
    if getattr(reader.file.variables[name].dtype, "kind", "text") not in {"i", "u", "f"}:
        return np.zeros(0)
    return reader.numbers(name)


def _of(by_mission: list[float | None], mission: int) -> float | None:
    if len(by_mission) == 1:
        return by_mission[0]
    return by_mission[mission - 1] if 0 < mission <= len(by_mission) else None


def _usable(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0.0 else None


def _date(text: str) -> float | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
