"""The header lines of a Moana file as typed metadata, by their names and not by their number."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from bondstore.domains.ocean.findings import KINDS
from bondstore.domains.ocean.profiles import Header, Position
from bondstore.findings import Finding

MISSING = ("", "-")
_LATER = frozenset({"upload position", "upload signal strength", "download position", "depth rating"})
"""Lines that only the dialect of firmware 3.05 has."""
_NAME = re.compile(r"(?P<name>[^(\[]*)[(\[]?(?P<unit>[^)\]]*)[)\]]?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TIME = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


class _NotThisError(ValueError):
    """A value is not what the line's name promises."""


def number(text: str) -> float | None:
    """Read a decimal number; None where a dash or nothing stands for it, ValueError for anything else."""
    text = text.strip()
    if text in MISSING:
        return None
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise _NotThisError
    return value


def _position(text: str) -> Position | None:
    parts = text.split(",")
    if all(part.strip() in MISSING for part in parts):
        return None
    if len(parts) != 2:
        raise _NotThisError
    latitude, longitude = number(parts[0]), number(parts[1])
    if latitude is None or longitude is None:
        raise _NotThisError
    return Position(latitude, longitude)


def _moment(text: str) -> float | None:
    if text.strip() in MISSING:
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise _NotThisError
    day, month, year, hour, minute, second = (int(part or 0) for part in found.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


def _codes(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,;\s]+", text.strip()) if part not in MISSING)


def _word(text: str) -> str:
    return "" if text.strip() in MISSING else text.strip()


def _times(factor: float) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        value = number(text)
        return None if value is None else value * factor

    return read


def _hundredth(text: str) -> float | None:
    value = number(text)
    return None if value is None else value / 100  # dividing keeps 933 mbar at 9.33 dbar


@dataclass(frozen=True, slots=True)
class _Line:
    field: str
    read: Mapping[str, Callable[[str], Any]]
    """How its value is read, by the unit that stands behind its name."""


_PLAIN = _times(1.0)
_LINES: Mapping[str, _Line] = MappingProxyType(
    {
        "deck unit serial number": _Line("deck_unit_serial", {"": _word}),
        "deck unit firmware version": _Line("deck_unit_firmware", {"": _word}),
        "deck unit battery percent": _Line("deck_unit_battery", {"": _PLAIN, "%": _PLAIN}),
        "cellular upload position": _Line("upload_position", {"": _position}),
        "upload position": _Line("upload_position", {"": _position}),
        "download position": _Line("download_position", {"": _position}),
        "download time": _Line("download_time", {"": _moment, "utc": _moment}),
        "moana serial number": _Line("sensor_serial", {"": _word}),
        "moana firmware": _Line("sensor_firmware", {"": _word}),
        "reset codes": _Line("reset_codes", {"": _codes}),
        "moana battery": _Line("sensor_battery", {"%": _PLAIN, "percent": _PLAIN}),
        "max lifetime depth": _Line("max_lifetime_depth", {"dbar": _PLAIN}),
        "baseline": _Line("baseline", {"mbar": _hundredth, "dbar": _PLAIN}),
        "depth rating": _Line("depth_rating", {"m": _PLAIN}),
    }
)


@lru_cache(maxsize=1024)
def _named(written: str) -> tuple[str, str]:
    """Return a line's name without its unit, and the unit; both in lower case."""
    found = _NAME.fullmatch(" ".join(written.split()))
    return (found["name"].strip().casefold(), found["unit"].strip().casefold()) if found else (written.casefold(), "")


def known_line(written: str) -> bool:
    """Tell whether a line's name is one that Moana files have."""
    return _named(written)[0] in _LINES


def read_header(data: bytes, key: str) -> tuple[Header, list[Finding]]:
    """Read the lines before the one that names the columns.

    A line that stands for no field, or whose value or unit is not what its name promises, lands in ``other`` as it was
    written.
    """
    text = data.decode("utf-8", "replace")
    fields: dict[str, Any] = {}
    other: dict[str, str] = {}
    odd: Counter[str] = Counter()
    if "\ufffd" in text:
        odd["not-utf8"] += 1
    later = False
    for line in text.split("\n"):
        name, _, value = (part.strip() for part in line.partition(","))
        if not name and not value:
            continue
        plain, unit = _named(name)
        later |= plain in _LATER
        known = _LINES.get(plain)
        read = known.read.get(unit) if known else None
        if known is None or read is None:
            odd["header-repeated"] += _keep(other, name, value)
        elif known.field in fields:
            odd["header-repeated"] += 1
            _keep(other, name, value)
        else:
            try:
                fields[known.field] = read(value)
            except ValueError:
                odd["header-damaged"] += 1
                _keep(other, name, value)
    header = Header("moana-2" if later else "moana-1", **fields, other=other)
    return header, [KINDS[kind].about(key, count=count) for kind, count in odd.items() if count]


def _keep(other: dict[str, str], name: str, value: str) -> int:
    """Keep a line as text; 1 if there is one of that name already."""
    free, again = name, 1
    while free in other:
        again += 1
        free = f"{name} ({again})"
    other[free] = value
    return int(again > 1)
