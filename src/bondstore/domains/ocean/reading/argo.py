"""Argo profile files: N_PROF profiles of up to N_LEVELS levels, raw values, and what else the file says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.earlier import earlier_of, predecessors
from bondstore.domains.ocean.profiles import NONE, RAW, Batch, Floats, Header, Integers, Mask, Position, Profile
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
    "PROFILE_PRES_QC": "source_profile_pres_qc",
    "PROFILE_TEMP_QC": "source_profile_temp_qc",
    "PROFILE_PSAL_QC": "source_profile_psal_qc",
}
"""What is kept of each profile; names of persons are not."""


_NO_CYCLE = 99_999


_DOUBTED = (3, 4)
"""Flags of the file whose values no later profile is compared with."""


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
_MASK = re.compile(r"[0-9A-Fa-f]{1,16}")
_ACTIONS = {"QCP$": "source_tests_performed", "QCF$": "source_tests_failed"}


def is_argo(reader: Reader) -> bool:
    """Tell whether a netCDF file is an Argo profile file."""
    return "PLATFORM_NUMBER" in reader and "N_PROF" in reader.file.dimensions


def read_argo(reader: Reader) -> tuple[Batch, list[Finding]]:
    """Read an Argo profile file.

    Values are those that the file means to be used: in profiles of mode D and A the adjusted ones, and where these are
    fill values the raw ones, which the file then calls bad. Levels at the end of a row where nothing has a value are
    padding, and no levels; others are kept. The profile before each one is looked for among the profiles of the same
    float in the same file: that of the highest cycle number below its own, of the same sampling, and of the same
    direction if there is one.

    What tests may ask for of a profile stands in `Profile.known`: ``created`` (when the file was made, in seconds since
    1970-01-01 UTC), ``deepest_pressure`` (how deep the float was told to go, in dbar) where the file says it,
    ``cycle``, ``platform_type``, ``data_mode`` and others.

    Source: Argo user's manual, section 2.2 (core-Argo profile format version 3.1).
    """
    columns = _columns(reader)
    kept, sizes = columns.kept, columns.kept.sum(axis=1).astype(np.int64)
    time, latitude, longitude = _of_profile(reader, len(sizes))
    batch = Batch(
        _profiles(reader, len(sizes)),
        sizes,
        np.repeat(time, sizes),
        np.repeat(latitude, sizes),
        np.repeat(longitude, sizes),
        columns.values["PRES"][kept],
        columns.values["TEMP"][kept],
        columns.values["PSAL"][kept] if "PSAL" in columns.values else None,
        _flags(reader, columns),
        {name: block[kept] for name, block in columns.carried.items()},
    )
    empty = int((sizes == 0).sum())
    if empty:
        reader.note("no-levels", count=empty)
    return _with_earlier(batch, time, latitude, longitude), reader.findings


def argo_flags(reader: Reader) -> StoredFlags:
    """Return the flags of an Argo profile file, level by level as `read_argo` gives the levels.

    They are those of Argo's reference table 2; a blank counts as 0 where there is a value, as 9 where there is none.
    """
    flags = _flags(reader, _columns(reader))
    return StoredFlags({name: found for name, found in flags.items() if not name.endswith(RAW)})


@dataclass(frozen=True, slots=True)
class _Columns:
    """The rectangles of a file: what is to be used of each variable, its flags as signs, and what came beside."""

    values: Mapping[str, Floats]
    signs: Mapping[str, NDArray[np.bytes_]]
    carried: Mapping[str, Floats]
    kept: Mask


def _columns(reader: Reader) -> _Columns:
    raw = {name: reader.measured(name, name) for name in _measured(reader)}
    kept = _levels(reader, list(raw.values()))
    values, signs, carried = dict(raw), {}, {}
    modes = _modes(reader, len(kept))
    adjusted = np.isin(modes, ("A", "D"))[:, None]
    for name, measured in raw.items():
        own = _signs(reader, f"{name}_QC", kept.shape)
        if own is not None:
            signs[name] = own
        if not adjusted.any() or f"{name}_ADJUSTED" not in reader:
            continue
        better = _rectangle(reader, f"{name}_ADJUSTED", name, kept.shape)
        values[name] = np.where(adjusted & ~np.isnan(better), better, measured)
        carried[name + RAW] = np.where(adjusted, measured, np.nan)
        if f"{name}_ADJUSTED_ERROR" in reader:
            error = reader.numbers(f"{name}_ADJUSTED_ERROR")  # a difference: no unit's zero belongs to it
            if error.shape != kept.shape:
                raise damaged(
                    "columns-missing", reader.key, f"The errors of {name} have another shape than its values."
                )
            carried[f"{name}_adjusted_error"] = np.where(adjusted, error, np.nan)
        theirs = _signs(reader, f"{name}_ADJUSTED_QC", kept.shape)
        if theirs is not None:
            if name in signs:
                signs[name + RAW] = np.where(adjusted, signs[name], b"-")
            signs[name] = np.where(adjusted, theirs, signs.get(name, b" "))
        # An adjusted value that is a fill value: beyond repair (Argo QC manual 3.9, section 3.5), whatever flags say.
        beyond = adjusted & np.isnan(better) & ~np.isnan(measured)
        if beyond.any():
            signs[name] = np.where(beyond, b"4", signs.get(name, b" "))
    return _Columns(values, signs, carried, kept)


def _rectangle(reader: Reader, stored: str, name: str, shape: tuple[int, ...]) -> Floats:
    found = reader.measured(stored, name)
    if found.shape != shape:
        raise damaged("columns-missing", reader.key, f"{stored} has another shape than the values of {name}.")
    return found


def _signs(reader: Reader, stored: str, shape: tuple[int, ...]) -> NDArray[np.bytes_] | None:
    """Return flags as signs; None where there are none, or they do not fit, which is told."""
    if stored not in reader:
        return None
    variable = reader.file.variables[stored]
    if variable.shape != shape or getattr(variable.dtype, "str", "") != "|S1":
        reader.note("flags-unreadable", where=stored)
        return None
    found: NDArray[np.bytes_] = reader.signs(stored)
    return found


def _modes(reader: Reader, number: int) -> NDArray[np.str_]:
    """Return R, A or D for each profile; empty where the file does not say."""
    found = _signs(reader, "DATA_MODE", (number,))
    return np.full(number, "") if found is None else found.astype(np.str_)


def _flags(reader: Reader, columns: _Columns) -> dict[str, NDArray[np.int8]]:
    kept, sizes = columns.kept, columns.kept.sum(axis=1)
    found = {}
    for name, signs in columns.signs.items():
        values = columns.carried[name] if name.endswith(RAW) else columns.values[name]
        found[name] = _digits(signs[kept], np.isnan(values[kept]))
        found[name][signs[kept] == b"-"] = NONE
    for name, stored in (("TIME", "JULD_QC"), ("POSITION", "POSITION_QC")):
        of_profile = _signs(reader, stored, sizes.shape)
        if of_profile is not None:
            found[name] = np.repeat(_digits(of_profile, np.zeros(len(sizes), np.bool_)), sizes)
    return found


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
    history, parameters = _history(reader, number), _parameters(reader, number)

    def of(name: str, place: int) -> str:
        column = texts.get(name, [])
        # one sign for each profile is stored as a single row
        if len(column) == 1 and number != 1 and len(column[0]) == number:
            return column[0][place]
        return column[place] if place < len(column) else ""

    profiles = []
    for place in range(number):
        known = {ours: of(name, place) for name, ours in _KNOWN.items() if of(name, place)} | history[place]
        if parameters[place]:
            known["parameters"] = parameters[place]
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
    """Name each profile's predecessor of the same float, without what the file itself calls suspect or bad."""
    found = predecessors(batch.profiles, batch.profiles)
    bad = {name: np.isin(flags, _DOUBTED) for name, flags in batch.source.items()}

    def good(name: str, values: Floats) -> Floats:
        return np.where(bad[name], np.nan, values) if name in bad else values

    shown = replace(batch, pressure=good("PRES", batch.pressure), temperature=good("TEMP", batch.temperature))
    if batch.salinity is not None:
        shown = replace(shown, salinity=good("PSAL", batch.salinity))
    profiles = list(batch.profiles)
    for number, before in found.items():
        rows = batch.rows(before.number)
        doubted = any(bad[name][rows].any() for name in ("TIME", "POSITION") if name in bad)
        placed = not doubted and not np.isnan(latitude[before.number] + longitude[before.number])
        place = Position(float(latitude[before.number]), float(longitude[before.number])) if placed else None
        profiles[number] = replace(
            batch.profiles[number], earlier=earlier_of(shown, before, float(time[before.number]), place)
        )
    return replace(batch, profiles=profiles)


def _digits(signs: NDArray[np.bytes_], absent: Mask) -> NDArray[np.int8]:
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


def _history(reader: Reader, number: int) -> list[dict[str, str]]:
    """Return which tests the file says were performed on each profile and failed: the masks of HISTORY_QCTEST.

    Where several steps of processing wrote one, all that differ, in their order. Source: Argo user's manual, section
    2.2.7 and reference table 11.
    """
    found: list[dict[str, str]] = [{} for _ in range(number)]
    if not {"HISTORY_ACTION", "HISTORY_QCTEST"} <= set(reader.file.variables):
        return found
    actions, masks = reader.texts("HISTORY_ACTION"), reader.texts("HISTORY_QCTEST")
    if len(actions) != len(masks) or not number or len(masks) % number:
        return found
    for place, (action, mask) in enumerate(zip(actions, masks, strict=True)):
        name, told = _ACTIONS.get(action), found[place % number]  # N_HISTORY by N_PROF: profiles vary fastest
        if name and _MASK.fullmatch(mask) and mask not in told.get(name, "").split():
            told[name] = f"{told.get(name, '')} {mask}".strip()
    return found


def _parameters(reader: Reader, number: int) -> list[str]:
    """Return what each profile has beside pressure, temperature and salinity, by name."""
    listed = reader.texts("STATION_PARAMETERS") if "STATION_PARAMETERS" in reader else []
    if not number or len(listed) % number:
        return [""] * number
    each = len(listed) // number
    found = [listed[place * each : place * each + each] for place in range(number)]
    return [" ".join(one for one in names if one and one not in _MEASURED) for names in found]


def _date(text: str) -> float | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
