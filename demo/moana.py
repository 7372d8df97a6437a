"""Synthetic CSVs of Moana sensors, byte for byte as their deck units write them, both dialects, quirks included."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

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
        given = datetime.fromtimestamp(seconds + 600 if not math.isnan(seconds) else START.timestamp(), UTC)
    return given.strftime("%d/%m/%Y %H:%M:%S")


def _time(value: datetime | float | str) -> str:
    if isinstance(value, str):
        return value
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    return moment.strftime("%Y%m%dT%H%M%S")


def _signed(value: float | str | None, places: int, *, plus: bool = False) -> str:
    if value is None or isinstance(value, str):
        return "-" if value is None else value
    if math.isnan(value):
        return "-"
    return f"{value:+.{places}f}" if plus else f"{value:.{places}f}"
