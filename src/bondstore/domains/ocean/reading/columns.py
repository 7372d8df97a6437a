"""Plain tables of profiles, read by a map that says what their columns are and in which units."""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from bondstore.domains.ocean.findings import KINDS
from bondstore.domains.ocean.profiles import Batch, Floats, Header, Profile
from bondstore.domains.ocean.reading.header import number
from bondstore.domains.ocean.reading.text import damaged, plain_text, platform_named
from bondstore.domains.ocean.reading.units import DEPTH, LINEAR, converted, seconds, since, unit_of
from bondstore.errors import ConfigurationError
from bondstore.findings import Finding

_MEASURED = {
    "latitude": "LATITUDE",
    "longitude": "LONGITUDE",
    "pressure": "PRES",
    "temperature": "TEMP",
    "salinity": "PSAL",
}
_NEEDED = ("time", "latitude", "longitude", "pressure", "temperature")
_NAMES = (*_NEEDED, "salinity", "profile", "platform")
_USUAL = {
    "pressure": "decibar",
    "temperature": "celsius",
    "salinity": "practical",
    "latitude": "degrees",
    "longitude": "degrees",
}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What the columns of a plain table are."""

    names: Mapping[str, tuple[str, ...]]  # by _NAMES: columns of a time are joined, a profile's rows may lie apart
    time: str = "iso"  # or a format such as %d/%m/%Y %H:%M, or seconds since 1970-01-01; UTC unless it says otherwise
    units: Mapping[str, str] = field(default_factory=lambda: dict(_USUAL))  # plain names, by column
    missing: tuple[str, ...] = ("", "-")
    separator: str = ","


def parse_columns(text: str) -> ColumnMap:
    """Read a column map from TOML: ``[columns]``, and optionally ``[units]``, ``missing`` and ``separator``."""
    try:
        stated = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"The column map is no TOML: {error}.", hint="Mend the line it names.") from error
    for one in stated:
        if one not in ("columns", "units", "missing", "separator"):
            raise _wrong(f"it has the unknown setting {one}", "Settings are: columns, units, missing, separator.")
    names = {name: _words(name, value) for name, value in _table(stated, "columns", _NAMES).items()}
    for one in _NEEDED:
        if one not in names:
            raise _wrong(f"it does not say which column is the {one}", f'Add under [columns]: {one} = "NAME"')
    units = _table(stated, "units", ("time", *_MEASURED))
    missing, separator = stated.get("missing", ["", "-"]), stated.get("separator", ",")
    if not isinstance(missing, list) or not all(isinstance(one, str) for one in missing):
        raise _wrong("missing is no list of texts", 'Write: missing = ["-", "-999"]')
    if not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n':
        raise _wrong("separator is no single sign", 'Write: separator = ";"')
    return ColumnMap(names, _time_of(units.get("time", "iso")), _units(units), ("", *missing), separator)


def read_columns(data: bytes, key: str, columns: ColumnMap) -> tuple[Batch, list[Finding]]:
    """Read a plain table (UTF-8, the first line names the columns) as profiles in the order of their first rows.

    Rows with another number of cells are left out, values that are no numbers are missing.
    """
    text, findings = plain_text(data, key)
    rows, bad = _rows(text, key, columns)
    if bad:
        findings.append(KINDS["rows-damaged"].about(key, count=bad))
    order, sizes, ids = _grouped([row["profile"] for row in rows])
    rows = [rows[one] for one in order]
    count = {"times-damaged": 0, "values-damaged": 0}
    time = np.array([_moment(row["time"], columns, count) for row in rows], np.float64)
    values = {
        name: np.array([_number(row[name], columns, count) for row in rows], np.float64)
        for name in _MEASURED
        if name in columns.names
    }
    inside = {
        name: converted(_MEASURED[name], one, columns.units[name], values["latitude"]) for name, one in values.items()
    }
    if columns.units["pressure"] == DEPTH:
        findings.append(KINDS["depth-converted"].about(key))
    findings += [KINDS[kind].about(key, count=many) for kind, many in count.items() if many]
    if not rows:
        findings.append(KINDS["no-levels"].about(key))
    platforms = [rows[first]["platform"] for first in np.cumsum(sizes) - sizes] if rows else [""]
    profiles = _profiles(key, ids or [""], platforms)
    return Batch(profiles, np.array(sizes or [0], np.int64), time, *_in_order(inside)), findings


def _in_order(values: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats, Floats, Floats | None]:
    return (
        values["latitude"],
        values["longitude"],
        values["pressure"],
        values["temperature"],
        values.get("salinity"),
    )


def _table(stated: Mapping[str, Any], name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    table = stated.get(name, {})
    if not isinstance(table, dict):
        raise _wrong(f"{name} is no table", f"Write it as [{name}].")
    for one in table:
        if one not in known:
            raise _wrong(f"[{name}] has the unknown entry {one}", f"Entries are: {', '.join(known)}.")
    return table


def _words(name: str, value: Any) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else value
    if not isinstance(words, (tuple, list)) or not words or not all(isinstance(one, str) and one for one in words):
        raise _wrong(f"the column of {name} is no name", f'Write: {name} = "NAME"')
    if len(words) > 1 and name in _MEASURED:
        raise _wrong(f"{name} can have one column only", f'Write: {name} = "NAME"')
    return tuple(words)


def _units(units: Mapping[str, Any]) -> dict[str, str]:
    found = dict(_USUAL)
    for name, written in units.items():
        if name == "time":
            continue
        unit = unit_of(_MEASURED[name], written) if isinstance(written, str) else None
        if unit is None:
            choice = [*LINEAR[_MEASURED[name]], *([DEPTH] if name == "pressure" else [])]
            raise _wrong(f"the unit of {name} is not known", f"Units are: {', '.join(choice)}.")
        found[name] = unit
    return found


def _time_of(written: Any) -> str:
    if isinstance(written, str) and (written == "iso" or "%" in written or since(written) is not None):
        return written
    raise _wrong("the unit of time is not known", 'Write: time = "iso", "%d/%m/%Y %H:%M:%S" or "days since 1950-01-01"')


def _wrong(what: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"The column map cannot be used: {what}.", hint=hint)


def _rows(text: bytes, key: str, columns: ColumnMap) -> tuple[list[dict[str, str]], int]:
    """Return the rows by our names, and how many had another number of cells."""
    found, bad = [], 0
    try:
        lines = csv.reader(io.StringIO(text.decode("utf-8"), newline=""), delimiter=columns.separator, strict=True)
        header = [name.strip() for name in next(lines, [])]
        places = _places(header, key, columns)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                bad += 1
                continue
            row = {name: " ".join(cells[one].strip() for one in where) for name, where in places.items()}
            found.append({"profile": "", "platform": "", **row})
    except (csv.Error, UnicodeDecodeError):
        raise damaged("text-damaged", key) from None
    return found, bad


def _places(header: list[str], key: str, columns: ColumnMap) -> dict[str, list[int]]:
    for names in columns.names.values():
        for name in names:
            if header.count(name) != 1:
                raise damaged("columns-missing", key, "A column that the map names is not in it, or there twice.")
    return {ours: [header.index(name) for name in names] for ours, names in columns.names.items()}


def _grouped(ids: list[str]) -> tuple[list[int], list[int], list[str]]:
    """Return the rows in the order of profiles, the size of each, and its id."""
    groups: dict[str, list[int]] = {}
    for row, one in enumerate(ids):
        groups.setdefault(one, []).append(row)
    return [row for rows in groups.values() for row in rows], [len(rows) for rows in groups.values()], list(groups)


def _moment(text: str, columns: ColumnMap, count: dict[str, int]) -> float:
    if text not in columns.missing:
        try:
            return _read_time(text, columns.time)
        except (ValueError, OverflowError):
            pass  # counted below, with those that are missing
    count["times-damaged"] += 1
    return math.nan


def _read_time(text: str, how: str) -> float:
    meant = None if how == "iso" or "%" in how else since(how)
    if meant is not None:
        value = number(text)
        if value is None:
            raise ValueError
        return float(seconds(np.array([value]), *meant)[0])
    found = datetime.fromisoformat(text) if how == "iso" else datetime.strptime(text, how)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _number(text: str, columns: ColumnMap, count: dict[str, int]) -> float:
    if text in columns.missing:
        return math.nan
    try:
        value = number(text)
    except ValueError:
        count["values-damaged"] += 1
        return math.nan
    return math.nan if value is None else value


def _profiles(key: str, ids: list[str], platforms: list[str]) -> list[Profile]:
    stem = PurePosixPath(key).stem
    named = [platform_named(one) for one in platforms]
    return [
        Profile(
            key=key,
            name=stem if place == 0 else f"{stem}-{place + 1}",
            header=Header("columns"),
            platform=number,
            known={name: text for name, text in (("profile_id", one), ("platform", free)) if text},
        )
        for place, (one, (number, free)) in enumerate(zip(ids, named, strict=True))
    ]
