"""Moana sensor CSVs, of both dialects, as profiles: one by one, or many at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np

from bondstore.domains.ocean.findings import KINDS
from bondstore.domains.ocean.profiles import Batch, Header, Profile
from bondstore.domains.ocean.reading.header import known_line, read_header
from bondstore.domains.ocean.reading.rows import MoanaRows, parse_rows
from bondstore.domains.ocean.reading.text import damaged, plain_text
from bondstore.domains.ocean.reading.units import converted, unit_of
from bondstore.errors import DamagedError
from bondstore.findings import Finding

Answer = tuple[Batch, list[Finding]] | DamagedError

_HEADER_BYTES = 1 << 16
"""No header is longer; what looks for one need not look further."""
_NAMES = re.compile(rb"^[ \t]*datetime[^\n]*", re.IGNORECASE | re.MULTILINE)
_END = re.compile(rb"^[ \t]*END[ \t\r]*$", re.MULTILINE)
_OF_NAME = re.compile(r"MOANA_0*(?P<serial>\d+)_", re.IGNORECASE)
_BLANK = b" \t\r\n\0"
_SHOWN = 5
"""Lines that a finding names."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which column is what; latitude and longitude are None where there is none."""

    width: int
    time: int
    latitude: int | None
    longitude: int | None
    pressure: int
    temperature: int
    pressure_unit: str
    temperature_unit: str

    @property
    def others(self) -> list[int]:
        found = (self.latitude, self.longitude, self.pressure, self.temperature)
        return [one for one in found if one is not None]

    @property
    def known(self) -> int:
        return 1 + len(self.others)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file whose header is read and whose rows are not."""

    key: str
    header: Header
    layout: _Layout
    body: bytes
    findings: list[Finding]
    known: Mapping[str, str]


def read_moana(data: bytes, key: str) -> tuple[Batch, list[Finding]]:
    """Read one Moana CSV as a batch of one profile, which is named by the key's stem.

    Written by the files themselves (deck unit firmware 4.03, sensor firmware 1.21; deck unit 5.27, sensor 3.05).
    """
    answer = read_moanas([(key, data)])[0]
    if isinstance(answer, DamagedError):
        raise answer
    return answer


def read_moanas(pairs: Sequence[tuple[str, bytes]]) -> list[Answer]:
    """Read many Moana CSVs by their keys, the rows all together; each answer is what `read_moana` gives alone."""
    answers: dict[int, Answer] = {}
    alike: dict[_Layout, list[tuple[int, _Opened]]] = {}
    for number, (key, data) in enumerate(pairs):
        try:
            opened = _open(data, key)
        except DamagedError as error:
            answers[number] = error
        else:
            alike.setdefault(opened.layout, []).append((number, opened))
    for layout, group in alike.items():
        rows = parse_rows([one.body for _, one in group], layout.width, layout.time, layout.others)
        starts = np.cumsum(rows.sizes) - rows.sizes
        for place, (number, one) in enumerate(group):
            answers[number] = _profile(one, rows, place, int(starts[place]))
    return [answers[number] for number in range(len(pairs))]


def _open(data: bytes, key: str) -> _Opened:
    """Find header, columns and rows."""
    text, findings = plain_text(data, key)
    names = _NAMES.search(text, 0, _HEADER_BYTES)
    if names is None:
        raise damaged("header-cut" if _has_moana_lines(text) else "not-a-profile", key)
    layout = _layout(text[names.start() : names.end()].decode("ascii", "replace"))
    if isinstance(layout, str):
        raise damaged("header-cut" if names.end() == len(text) else layout, key)
    header, more = read_header(text[: names.start()], key)
    findings += more
    if layout.width > layout.known:
        findings.append(KINDS["columns-unknown"].about(key, count=layout.width - layout.known))
    body, truncated = _body(text[names.end() + 1 :], key, findings)
    findings += _serial_findings(header.sensor_serial, key)
    return _Opened(key, header, layout, body, findings, {"truncated": "yes"} if truncated else {})


def _has_moana_lines(text: bytes) -> bool:
    lines = text[:_HEADER_BYTES].decode("utf-8", "replace").split("\n")
    return any(known_line(line.partition(",")[0]) for line in lines[:50])


@lru_cache(maxsize=64)
def _layout(line: str) -> _Layout | str:
    """Return which column is what; the word of a finding where that cannot be told."""
    found: dict[str, list[tuple[int, str]]] = {}
    cells = [" ".join(cell.split()).casefold() for cell in line.split(",")]
    while cells and not cells[-1]:
        cells.pop()
    for place, cell in enumerate(cells):
        name, _, unit = cell.replace("(", " ").replace(")", " ").partition(" ")
        found.setdefault(_MEANT.get(name, name), []).append((place, unit.strip()))
    columns = {name: places[0] for name, places in found.items() if len(places) == 1}
    if any(len(found.get(name, [])) > 1 for name in _MEANT.values()) or not {"time", "depth", "temperature"} <= {
        *columns
    }:
        return "columns-missing"
    units = unit_of("PRES", columns["depth"][1]), unit_of("TEMP", columns["temperature"][1])
    if units[0] is None or units[1] is None or columns["time"][1] not in ("", "utc"):
        return "unit-unknown"
    latitude, longitude = (columns[name][0] if name in columns else None for name in ("lat", "lon"))
    return _Layout(
        width=len(cells),
        time=columns["time"][0],
        latitude=latitude,
        longitude=longitude,
        pressure=columns["depth"][0],
        temperature=columns["temperature"][0],
        pressure_unit=units[0],
        temperature_unit=units[1],
    )


_MEANT = {
    "datetime": "time",
    "lat": "lat",
    "latitude": "lat",
    "lon": "lon",
    "longitude": "lon",
    "depth": "depth",
    "pressure": "depth",
    "temperature": "temperature",
}


def _body(text: bytes, key: str, findings: list[Finding]) -> tuple[bytes, bool]:
    """Return the whole lines between the names of the columns and END, and whether END is lacking."""
    ended = text.rstrip(_BLANK)
    if text.count(b"END") == 1 and ended.endswith(b"\nEND"):
        return ended[: -len(b"END")], False
    end = _END.search(text) if b"END" in text else None
    if end is not None:
        after = sum(1 for line in text[end.end() :].split(b"\n") if line.strip(_BLANK))
        if after:
            findings.append(KINDS["rows-after-end"].about(key, count=after))
        return text[: end.start()], False
    whole = text.rfind(b"\n") + 1
    cut = text[whole:].strip()
    said = KINDS["truncated"].sentence
    if cut and not b"END".startswith(cut):
        said += " The last row is cut and left out."
    findings.append(KINDS["truncated"].about(key, message=said))
    return text[:whole], True


def _serial_findings(serial: str, key: str) -> list[Finding]:
    named = _OF_NAME.match(PurePosixPath(key).name)
    if not serial:
        return [KINDS["serial-missing"].about(key)]
    if named is not None and named["serial"] != (serial.lstrip("0") or "0"):
        return [KINDS["serial-differs"].about(key)]
    return []


def _profile(opened: _Opened, rows: MoanaRows, place: int, start: int) -> tuple[Batch, list[Finding]]:
    """Return one file's part of the rows as a batch."""
    key, layout = opened.key, opened.layout
    some = slice(start, start + int(rows.sizes[place]))
    columns = {number: values[some] for number, values in zip(layout.others, rows.values, strict=True)}
    unplaced = np.full(int(rows.sizes[place]), np.nan)
    latitude = unplaced if layout.latitude is None else columns[layout.latitude]
    longitude = unplaced if layout.longitude is None else columns[layout.longitude]
    named = _OF_NAME.match(PurePosixPath(key).name)
    profile = Profile(
        key=key,
        name=PurePosixPath(key).stem,
        header=opened.header,
        platform=opened.header.sensor_serial or (named["serial"] if named else ""),
        placed=layout.latitude is not None and layout.longitude is not None,
        known=opened.known,
    )
    batch = Batch(
        [profile],
        rows.sizes[place : place + 1],
        rows.time[some],
        latitude,
        longitude,
        converted("PRES", columns[layout.pressure], layout.pressure_unit, latitude),
        converted("TEMP", columns[layout.temperature], layout.temperature_unit),
    )
    return batch, opened.findings + _row_findings(opened, rows, place)


def _row_findings(opened: _Opened, rows: MoanaRows, place: int) -> list[Finding]:
    key = opened.key
    found = []
    lines = rows.bad_rows.get(place, [])
    if lines:
        more = ", …" if len(lines) > _SHOWN else ""
        where = f"row{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"
        found.append(KINDS["rows-damaged"].about(key, where=where, count=len(lines)))
    for kind, number in (("values-damaged", rows.bad_values[place]), ("times-damaged", rows.bad_times[place])):
        if number:
            found.append(KINDS[kind].about(key, count=int(number)))
    if opened.layout.pressure_unit != "decibar":
        found.append(KINDS["depth-converted"].about(key))
    if not rows.sizes[place]:
        found.append(KINDS["no-levels"].about(key))
    return found
