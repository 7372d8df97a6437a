"""What the header of a profile says, in words for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, Position, Profile


def moment_text(value: float | None) -> str | None:
    """Return seconds since 1970 as a time in UTC; None where there is none."""
    if value is None or math.isnan(value):
        return None
    try:
        text = datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
    return text.replace("+00:00", "Z")


def plain_text(value: Any) -> str:
    """Return a threshold as a suite has it, without needless zeros."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(plain_text, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {plain_text(one)}" for name, one in value.items()) + "}"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def facts_text(batch: Batch, profile: Profile, rows: slice) -> dict[str, str]:
    """Return what the header says, in words; what it does not say is left out."""
    header = profile.header
    found = {
        "dialect": header.dialect,
        "platform": profile.platform,
        "sensor": _joined(
            header.sensor_serial, ("firmware", header.sensor_firmware), ("battery %", header.sensor_battery)
        ),
        "reset codes": ", ".join(header.reset_codes),
        "deck unit": _joined(
            header.deck_unit_serial, ("firmware", header.deck_unit_firmware), ("battery %", header.deck_unit_battery)
        ),
        "downloaded": moment_text(header.download_time) or "",
        "upload position": place_text(header.upload_position),
        "download position": place_text(header.download_position),
        "deepest ever": _with_unit(header.max_lifetime_depth, "dbar"),
        "depth rating": _with_unit(header.depth_rating, "m"),
        "baseline": _with_unit(header.baseline, "dbar"),
        **dict(header.other),
        **dict(profile.known),
    }
    if profile.deployment is not None:
        found["vessel"], found["gear"] = profile.deployment.vessel, profile.deployment.gear
    found |= {
        "time": " to ".join(dict.fromkeys(moment_text(one) or "none" for one in _ends(batch.time[rows]))),
        "position": " to ".join(dict.fromkeys(_places(batch, rows))),
        "pressure": _range(batch.pressure[rows], "dbar"),
        "temperature": _range(batch.temperature[rows], "°C"),
        "salinity": "" if batch.salinity is None else _range(batch.salinity[rows], ""),
    }
    return {name: value for name, value in found.items() if value}


def _joined(first: str, *more: tuple[str, object]) -> str:
    parts = [first, *(f"{name} {plain_text(value)}" for name, value in more if value not in ("", None))]
    return ", ".join(part for part in parts if part)


def _with_unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:g} {unit}"


def place_text(place: Position | None) -> str:
    """Return a position as people write it; empty where there is none."""
    if place is None or math.isnan(place.latitude) or math.isnan(place.longitude):
        return ""
    north, east = place.latitude, place.longitude
    return f"{abs(north):.4f}°{'N' if north >= 0 else 'S'} {abs(east):.4f}°{'E' if east >= 0 else 'W'}"


def _ends(values: NDArray[np.float64]) -> list[float]:
    """Return the lowest and the highest value; nothing where there is none."""
    there = values[~np.isnan(values)]
    return [float(there.min()), float(there.max())] if len(there) else []


def _places(batch: Batch, rows: slice) -> list[str]:
    there = np.flatnonzero(~np.isnan(batch.latitude[rows]) & ~np.isnan(batch.longitude[rows])) + rows.start
    ends = [there[0], there[-1]] if len(there) else []
    return [place_text(Position(float(batch.latitude[one]), float(batch.longitude[one]))) for one in ends]


def _range(values: NDArray[np.float64], unit: str) -> str:
    return " to ".join(f"{one:g}" for one in _ends(values)) + (f" {unit}" if unit and len(_ends(values)) else "")
