"""Synthetic files of ocean profiles: small Argo and IMOS netCDFs, plain tables; Moana CSVs are the demo's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from demo.moana import BOMS, COLUMNS, SITES, START, Floats, dive, moana_csv, moana_fleet

__all__ = [
    "BOMS",
    "COLUMNS",
    "SITES",
    "START",
    "Floats",
    "argo_nc",
    "dive",
    "moana_csv",
    "moana_fleet",
    "ragged_nc",
]


def argo_nc(
    *,
    platform: str | Sequence[str] = "1901234",
    cycles: Sequence[int] = (1, 2),
    days: Sequence[float] | None = None,
    lat: Sequence[float] | None = None,
    lon: Sequence[float] | None = None,
    pressure: Sequence[Sequence[float]] | None = None,
    temperature: Sequence[Sequence[float]] | None = None,
    salinity: Sequence[Sequence[float]] | str | None = "make",
    flags: Sequence[str] | None = None,
    platform_type: str = "APEX",
    created: str = "20240601120000",
    updated: str = "20240602120000",
    missions: Sequence[int] = (),
    told: Mapping[str, Sequence[float]] | None = None,
    change: Callable[[Any], None] | None = None,
) -> bytes:
    """Make an Argo profile file (N_PROF by N_LEVELS); values that are NaN are written as fill values.

    Parameters
    ----------
    platform : str or sequence of str
        WMO numbers.
    cycles : sequence of int
        One a profile.
    days : sequence of float, optional
        Days since 1950 (JULD); NaN for missing.
    lat, lon : sequence of float, optional
        One a profile.
    pressure, temperature, salinity : sequence of sequences, optional
        Ragged; the rest of a row is fill value. Salinity None: without PSAL.
    flags : sequence of str, optional
        ``TEMP_QC`` of each profile; else ``1`` everywhere. PRES_QC and PSAL_QC are the same.
    platform_type : str
        Such as ``APEX``.
    created, updated : str
        DATE_CREATION and DATE_UPDATE; empty for blanks.
    missions : sequence of int
        CONFIG_MISSION_NUMBER of each profile; fill values where empty.
    told : mapping, optional
        CONFIG_PARAMETER_NAME, and CONFIG_PARAMETER_VALUE of each mission; as files of metadata have them.
    change : callable, optional
        What is done to the `netCDF4.Dataset` before it is closed.
    """
    number = len(cycles)
    pressure = [[5.0, 10.0, 20.0, 50.0, 100.0, 200.0]] * number if pressure is None else pressure
    temperature = [[18.0 - 0.03 * one for one in row] for row in pressure] if temperature is None else temperature
    if isinstance(salinity, str):
        salinity = [[35.0 + 0.001 * one for one in row] for row in pressure]
    days = [27150.25 + 10 * one for one in range(number)] if days is None else days
    names = [platform] * number if isinstance(platform, str) else list(platform)
    deep = max([len(row) for row in pressure] or [0]) or 1
    with _nc() as file:
        for name, size in (("N_PROF", None), ("N_LEVELS", deep), ("STRING8", 8), ("STRING32", 32), ("STRING16", 16)):
            file.createDimension(name, size)
        _chars(file, "DATA_TYPE", ("STRING16",), ["Argo profile"], 16)
        file.createDimension("DATE_TIME", 14)
        for name, date in (("DATE_CREATION", created), ("DATE_UPDATE", updated)):
            _chars(file, name, ("DATE_TIME",), [date], 14)
        _numbers(file, "CONFIG_MISSION_NUMBER", "i4", ("N_PROF",), list(missions) or [99999] * number, 99999)
        if told is not None:
            file.createDimension("STRING128", 128)
            file.createDimension("N_CONFIG_PARAM", len(told))
            file.createDimension("N_MISSIONS", len(next(iter(told.values()))))
            _chars(file, "CONFIG_PARAMETER_NAME", ("N_CONFIG_PARAM", "STRING128"), list(told), 128)
            rows = [list(row) for row in zip(*told.values(), strict=True)]
            _numbers(file, "CONFIG_PARAMETER_VALUE", "f8", ("N_MISSIONS", "N_CONFIG_PARAM"), rows, 99999.0)
        _chars(file, "PLATFORM_NUMBER", ("N_PROF", "STRING8"), names, 8)
        _chars(file, "PLATFORM_TYPE", ("N_PROF", "STRING32"), [platform_type] * number, 32)
        _chars(file, "DIRECTION", ("N_PROF",), ["A"] * number, 1)
        _numbers(file, "CYCLE_NUMBER", "i4", ("N_PROF",), list(cycles), 99999)
        _numbers(file, "JULD", "f8", ("N_PROF",), list(days), 999999.0, units="days since 1950-01-01 00:00:00 UTC")
        _numbers(file, "LATITUDE", "f8", ("N_PROF",), list(lat if lat is not None else [-40.0] * number), 99999.0)
        _numbers(file, "LONGITUDE", "f8", ("N_PROF",), list(lon if lon is not None else [178.0] * number), 99999.0)
        for name, rows, unit in (
            ("PRES", pressure, "decibar"),
            ("TEMP", temperature, "degree_Celsius"),
            ("PSAL", salinity, "psu"),
        ):
            if rows is None:
                continue
            block = [list(row) + [np.nan] * (deep - len(row)) for row in rows]
            for kind in ("", "_ADJUSTED"):
                values = block if not kind else [[one + 100 for one in row] for row in block]
                _numbers(file, name + kind, "f4", ("N_PROF", "N_LEVELS"), values, 99999.0, units=unit)
            marks = flags if flags is not None else ["1" * len(row) for row in rows]
            _chars(file, f"{name}_QC", ("N_PROF", "N_LEVELS"), list(marks), deep)
        if change is not None:
            change(file)
        return bytes(file.close())


def ragged_nc(
    *,
    sizes: Sequence[int] = (3, 2),
    time: Sequence[float] | None = None,
    units: str = "days since 1950-01-01T00:00:00Z",
    lat: Sequence[float] | None = None,
    lon: Sequence[float] | None = None,
    pressure: Sequence[float] | None = None,
    temperature: Sequence[float] | None = None,
    salinity: Sequence[float] | None = None,
    per_level: bool = True,
    names: Sequence[str] = (),
    flags: Mapping[str, Sequence[int]] | None = None,
    attributes: Mapping[str, Any] | None = None,
    change: Callable[[Any], None] | None = None,
) -> bytes:
    """Make a contiguous ragged netCDF as ours are: ``row_size`` with ``sample_dimension``, TIME, PRES, TEMP.

    Parameters
    ----------
    sizes : sequence of int
        Levels of each profile.
    time, lat, lon : sequence of float, optional
        One a level, or one a profile where `per_level` is false; `time` in `units`.
    units : str
        Of time.
    pressure, temperature, salinity : sequence of float, optional
        One a level.
    per_level : bool
        Whether time and position are per level.
    names : sequence of str
        ``cf_role = profile_id`` values.
    flags : mapping, optional
        Flag variables (``TEMP_quality_control``, ``TEMP_qc_spike``), one number a level.
    attributes : mapping, optional
        Global attributes.
    change : callable, optional
        What is done to the `netCDF4.Dataset` before it is closed.
    """
    levels, number = sum(sizes), len(sizes)
    there = levels if per_level else number
    dimension = ("obs",) if per_level else ("profile",)
    with _nc() as file:
        file.createDimension("profile", number)
        file.createDimension("obs", levels)
        file.setncatts({"Conventions": "CF-1.11", "featureType": "profile", **(attributes or {})})
        sizes_of = file.createVariable("row_size", "i4", ("profile",))
        sizes_of.sample_dimension = "obs"
        sizes_of[:] = np.array(sizes, "i4")
        if names:
            ids = file.createVariable("profile", str, ("profile",))
            ids.cf_role = "profile_id"
            for at, name in enumerate(names):
                ids[at] = name
        times = [27150.0 + 0.001 * one for one in range(there)] if time is None else time
        _numbers(file, "TIME", "f8", dimension, list(times), 999999.0, units=units)
        _numbers(file, "LATITUDE", "f8", dimension, list(lat if lat is not None else [-41.9] * there), 99999.0)
        _numbers(file, "LONGITUDE", "f8", dimension, list(lon if lon is not None else [174.9] * there), 99999.0)
        down = [float(5 * one) for one in range(levels)] if pressure is None else list(pressure)
        warm = [17.5 - 0.02 * one for one in down] if temperature is None else list(temperature)
        _numbers(file, "PRES", "f8", ("obs",), down, 99999.0, units="dbar")
        _numbers(file, "TEMP", "f8", ("obs",), warm, 99999.0, units="degree_Celsius")
        if salinity is not None:
            _numbers(file, "PSAL", "f8", ("obs",), list(salinity), 99999.0, units="1")
        for name, values in (flags or {}).items():
            variable = file.createVariable(name, "i1", ("obs",))
            variable[:] = np.array(values, "i1")
        if change is not None:
            change(file)
        return bytes(file.close())


class _nc:
    """A netCDF file in memory; ``close`` gives its bytes."""

    def __enter__(self) -> Any:
        import netCDF4

        self.file = netCDF4.Dataset("made.nc", "w", memory=1 << 16)
        return self.file

    def __exit__(self, *_: object) -> None:
        if self.file.isopen():
            self.file.close()


def _numbers(
    file: Any, name: str, kind: str, dimensions: tuple[str, ...], values: Any, fill: float, units: str = ""
) -> None:
    variable = file.createVariable(name, kind, dimensions, fill_value=fill)
    if units:
        variable.units = units
    block = np.array(values, np.float64)
    if block.size:
        variable[:] = np.where(np.isnan(block), fill, block)


def _chars(file: Any, name: str, dimensions: tuple[str, ...], texts: Sequence[str], width: int) -> None:
    variable = file.createVariable(name, "S1", dimensions, fill_value=b" ")
    block = np.array([[sign.encode() for sign in text.ljust(width)[:width]] for text in texts], "S1")
    if block.size:
        variable[:] = block if len(dimensions) == 2 else block.reshape(-1)
