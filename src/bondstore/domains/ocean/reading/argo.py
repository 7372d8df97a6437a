"""Argo profile files: N_PROF profiles of up to N_LEVELS levels, their adjusted or raw values, and their flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.earlier import earlier_of, predecessors
from bondstore.domains.ocean.profiles import NONE, RAW, Batch, Floats, Mask, Position
from bondstore.domains.ocean.reading.argo_facts import MEASURED, profiles_of
from bondstore.domains.ocean.reading.dataset import Reader, StoredFlags
from bondstore.domains.ocean.reading.text import damaged
from bondstore.findings import Finding

_DOUBTED = (3, 4)
"""Flags of the file whose values no later profile is compared with."""


def is_argo(reader: Reader) -> bool:
    """Tell whether a netCDF file is an Argo profile file."""
    return "PLATFORM_NUMBER" in reader and "N_PROF" in reader.file.dimensions


def read_argo(reader: Reader) -> tuple[Batch, list[Finding]]:
    """Read an Argo profile file.

    Values are those that the file means to be used: in profiles of mode D and A the adjusted ones, and where these are
    fill values the raw ones, which the file then calls bad. Levels at the end of a row where nothing has a value are
    padding, and no levels; others are kept. The profile before each one is looked for among the profiles of the same
    float in the same file: that of the nearest of the ten cycles before, of the same sampling, and of the same
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
        profiles_of(reader, len(sizes)),
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
    return [name for name in MEASURED if name in reader]


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
