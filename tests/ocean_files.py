"""Synthetic files of ocean profiles: Moana CSVs of both dialects, small Argo and IMOS netCDFs, plain tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
START = datetime(2024, 5, 1, 3, 0, 0, tzinfo=UTC)
COLUMNS = {
    1: "DateTime (UTC),Lat,Lon,Depth (dBar),Temperature C",
    2: "DateTime (UTC),Lat,Lon,Depth Decibar,Temperature C",
}
BOMS = {
    "": (b"", "utf-8"),
    "utf-8": (b"\xef\xbb\xbf", "utf-8"),
    "utf-16-le": (b"\xff\xfe", "utf-16-le"),
    "utf-16-be": (b"\xfe\xff", "utf-16-be"),
}
SITES = (
    (-41.90, 174.90),
    (-35.10, 174.60),
    (-45.95, 171.20),
    (-38.20, 178.90),
    (-34.60, 151.40),
    (-42.30, 148.60),
    (-28.40, 153.80),
    (-36.90, 176.40),
)
"""Open sea off New Zealand and Australia; latitude, longitude."""


def moana_csv(
    *,
    serial: str = "12",
    times: Sequence[datetime | float | str] | None = None,
    lat: Sequence[float | str | None] | float | None = None,
    lon: Sequence[float | str | None] | float | None = None,
    pressure: Sequence[float | str | None] | None = None,
    temperature: Sequence[float | str | None] | None = None,
    dialect: int = 1,
    truncated: bool = False,
    cut: int = 0,
    bom: str = "",
    crlf: bool = False,
    quirks: Collection[str] = (),
    upload: str = "-35.145161,174.338669",
    download: datetime | str | None = None,
    header: Mapping[str, str | None] | None = None,
) -> bytes:
    """Make one Moana CSV, byte for byte as sensors' deck units write them.

    Parameters
    ----------
    serial : str
        Of the sensor.
    times : sequence of datetime, seconds or text, optional
        One a level; else every ten seconds from `START`.
    lat, lon, pressure, temperature : sequence, optional
        Numbers, texts as they are, or None for a dash; a single position stands for all levels. Else a plausible dive
        of 40 levels to 100 dbar off New Zealand.
    dialect : int
        1 (15 header lines, odd first space) or 2 (firmware 3.05, 21 lines).
    truncated : bool
        Without the line ``END``.
    cut : int
        Bytes cut off the end as well.
    bom : str
        ``utf-8``, ``utf-16-le`` or ``utf-16-be``.
    crlf : bool
        Whether lines end with CR LF.
    quirks : collection of str
        ``mixed-ends`` (some lines with CR LF, as real files have them), ``blank-line`` (before END), ``end-newline``,
        ``no-space`` (before the first name), ``end-crlf``.
    upload : str
        Latitude and longitude of the upload; ``-,-`` for none.
    download : datetime or str, optional
        Else ten minutes after the last level.
    header : mapping, optional
        Header lines in place of the usual ones by name; None leaves one out; new ones go to the end.
    """
    levels = next(
        (
            len(one)
            for one in (times, pressure, temperature, lat, lon)
            if one is not None and not isinstance(one, (int, float))
        ),
        40,
    )
    down = dive(levels)
    when = [START.timestamp() + 10 * number for number in range(levels)] if times is None else list(times)
    depth = list(down) if pressure is None else list(pressure)
    degrees = [round(17.5 - 0.02 * value, 3) for value in down] if temperature is None else list(temperature)
    rows = zip(when, _all(lat, -41.9, levels), _all(lon, 174.9, levels), depth, degrees, strict=True)
    lines = [f"{name},{value}" for name, value in _header(dialect, serial, upload, _download(download, when), header)]
    if dialect == 1 and "no-space" not in quirks and lines:
        lines[0] = f" {lines[0]}"
    lines.append(COLUMNS[dialect])
    lines += [
        ",".join((_time(t), _signed(a, 6), _signed(o, 6, plus=True), _signed(p, 1), _signed(d, 3)))
        for t, a, o, p, d in rows
    ]
    ends = ["\r\n" if crlf or ("mixed-ends" in quirks and number % 5 < 2) else "\n" for number in range(len(lines))]
    text = "".join(line + end for line, end in zip(lines, ends, strict=True))
    if "blank-line" in quirks:
        text += "\r\n"
    if not truncated:
        text += "END" + ("\n" if "end-newline" in quirks else "\r\n" if "end-crlf" in quirks else "")
    mark, encoding = BOMS[bom]
    data = mark + text.encode(encoding)
    return data[: len(data) - cut] if cut else data


def dive(levels: int, deepest: float = 100.0) -> Floats:
    """Return pressures down and up again, as a sensor on a net measures them; shape (levels,), dbar."""
    way = np.linspace(0, 2, levels) if levels > 1 else np.zeros(levels)
    return np.round(0.6 + deepest * (1 - np.abs(1 - way)), 1)


def moana_fleet(number: int, levels: int = 180, seed: int = 0) -> dict[str, bytes]:
    """Make many Moana CSVs: plausible dives off New Zealand and Australia, both dialects, by file name.

    Parameters
    ----------
    number : int
        Of files.
    levels : int
        Of each.
    seed : int
        The same seed gives the same bytes.
    """
    random = np.random.default_rng(seed)
    fleet = {}
    for one in range(number):
        serial = 10 + one % 40
        latitude, longitude = SITES[serial % len(SITES)]
        start = START.timestamp() + 86_400 * (one // 40) * 3 + 977 * serial
        deepest = float(random.uniform(40, 400))
        pressure = np.round(np.clip(dive(levels, deepest) + random.normal(0, 0.05, levels), 0, None), 1)
        surface = 22 + (latitude + 34) * 0.6 + random.normal(0, 0.5)
        below = 1 / (1 + np.exp((pressure - 60) / 20))
        temperature = np.round(surface - 6 + 6 * below - 0.008 * pressure + random.normal(0, 0.004, levels), 3)
        drift = np.linspace(0, 0.01, levels)
        times = start + np.cumsum(random.integers(3, 15, levels))
        moment = datetime.fromtimestamp(float(times[-1]) + 600 if levels else start, UTC)
        fleet[f"MOANA_{serial:04d}_{one // 40 + 1}_{moment:%y%m%d%H%M%S}.csv"] = moana_csv(
            serial=str(serial),
            times=[float(value) for value in times],
            lat=[float(value) for value in latitude + drift],
            lon=[float(value) for value in longitude + drift],
            pressure=[float(value) for value in pressure],
            temperature=[float(value) for value in temperature],
            dialect=1 if serial % 3 else 2,
            download=moment,
            quirks=("mixed-ends", "blank-line"),
        )
    return fleet


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


def _all(
    values: Sequence[float | str | None] | float | None, usual: float, levels: int
) -> Sequence[float | str | None]:
    if values is None or isinstance(values, (int, float)):
        return [usual if values is None else values] * levels
    return values


def _header(
    dialect: int, serial: str, upload: str, download: str, changes: Mapping[str, str | None] | None
) -> list[tuple[str, str]]:
    unit = [
        ("Deck unit serial number", "5101" if dialect == 1 else "9994"),
        ("Deck unit firmware version", "4.03" if dialect == 1 else "5.27ble"),
        ("Deck unit battery voltage", "3.8"),
        ("Deck unit battery percent", "94.0"),
    ]
    sensor = [
        ("Moana Serial Number", serial),
        ("Moana Firmware", "MOANA-1.21" if dialect == 1 else "MOANA-3.05"),
        ("Protocol Version", "2"),
        ("Moana calibration date", "16/03/2021"),
        ("Reset Codes", " 0x200204"),
        ("Moana Battery (V)", "3.59"),
        ("Max Lifetime Depth (dBar)", "220.9"),
        ("Baseline(mBar)", "933"),
    ]
    if dialect == 1:
        between = [
            ("Cellular upload position", upload),
            ("Cellular signal strength", "19"),
            ("Download Time", download),
        ]
    else:
        between = [
            ("Upload position", upload),
            ("Upload signal strength", "-"),
            ("Upload attempts", "-"),
            ("Upload time", "-"),
            ("Upload stats", "-"),
            ("Depth rating (m)", "200"),
            ("Download position", "-41.259435,+173.283116"),
            ("Download Time", download),
            ("Download Attempts", "1"),
        ]
    lines: dict[str, str | None] = {**dict(unit + between + sensor), **(changes or {})}
    return [(name, value) for name, value in lines.items() if value is not None]


def _download(given: datetime | str | None, when: Sequence[datetime | float | str]) -> str:
    if isinstance(given, str):
        return given
    if given is None:
        last = next((one for one in reversed(when) if not isinstance(one, str)), START.timestamp())
        seconds = last.timestamp() if isinstance(last, datetime) else float(last)
        given = datetime.fromtimestamp(seconds + 600 if seconds == seconds else START.timestamp(), UTC)
    return given.strftime("%d/%m/%Y %H:%M:%S")


def _time(value: datetime | float | str) -> str:
    if isinstance(value, str):
        return value
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    return moment.strftime("%Y%m%dT%H%M%S")


def _signed(value: float | str | None, places: int, *, plus: bool = False) -> str:
    if value is None or isinstance(value, str):
        return "-" if value is None else value
    if value != value:
        return "-"
    return f"{value:+.{places}f}" if plus else f"{value:.{places}f}"


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
