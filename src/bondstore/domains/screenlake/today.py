"""The days that a question is usually about: from one year ago to today, here."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

from bondstore.domains.screenlake.selection import zone_named
from bondstore.errors import UsageError

_LOCAL = Path("/etc/localtime")
_SAME_AS_UTC = {"Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"}


def local_zone() -> str:
    """Return the name of this computer's time zone; ``UTC`` where it cannot be told."""
    name = os.environ.get("TZ", "").lstrip(":")
    if not name:
        name = str(_LOCAL.resolve()).partition("/zoneinfo/")[2]
    try:
        found = zone_named(name).key or "UTC"
    except UsageError:
        return "UTC"
    return "UTC" if found in _SAME_AS_UTC else found


def today(zone: str) -> date:
    """Return the day that it is in a time zone."""
    return datetime.now(zone_named(zone)).date()


def year_before(day: date) -> date:
    """Return the same day a year earlier; 28 February for 29 February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
