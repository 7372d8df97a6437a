"""What ``--since`` and ``--until`` mean in every domain: a start, which is included, and an end, which is not.

A date alone is the whole day: as a start its first instant, as an end the first instant of the day after.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bondstore.errors import UsageError
from bondstore.text import milliseconds

Bound: TypeAlias = date
"""A day, or, as a `datetime`, an instant; one without an offset is of the zone that the bounds are asked for in."""

HINT = "Write a date as 2024-01-31, or a time as 2024-01-31T12:00 (UTC unless it says +02:00, or --tz names a zone)."


def read_bound(text: str) -> Bound:
    """Read ``2024-01-31``, which is the whole day, or ``2024-01-31T12:00``, an instant."""
    wrong = UsageError("The time cannot be read.", hint=HINT)
    text = text.strip()
    if len(text) < 10 or text[4] != "-" or text[7] != "-":
        raise wrong  # week dates and digits without dashes are more often slips than wishes
    try:
        if len(text) == len("2024-01-31"):
            return date.fromisoformat(text)
        value = datetime.fromisoformat(text)
        return value if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone, or refuse a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"The time zone {name!r} is not known.", hint="Write it as Europe/Berlin or America/New_York, or: UTC."
        ) from None


def start_of(bound: Bound | None, tz: str = "UTC") -> datetime | None:
    """Return the first instant that is meant, in UTC; None is no bound."""
    zone = zone_named(tz)
    return None if bound is None else _instant(bound, zone)


def end_of(bound: Bound | None, tz: str = "UTC") -> datetime | None:
    """Return the first instant that is no longer meant, in UTC; None is no bound."""
    zone = zone_named(tz)
    if bound is None or isinstance(bound, datetime):
        return None if bound is None else _instant(bound, zone)
    # midnight after it, not 24 h on: the day on which clocks change has 23 or 25
    return None if bound == date.max else _instant(bound + timedelta(days=1), zone)


def window_ms(since: Bound | None, until: Bound | None, tz: str = "UTC") -> tuple[int | None, int | None]:
    """Return the half-open window of two bounds, in ms since 1970 UTC; raises as `check_window`."""
    return check_window(milliseconds(start_of(since, tz)), milliseconds(end_of(until, tz)))


def window(since: Bound | None, until: Bound | None, tz: str = "UTC") -> tuple[datetime | None, datetime | None]:
    """Return the half-open window of two bounds as instants; raises as `check_window`."""
    window_ms(since, until, tz)
    return start_of(since, tz), end_of(until, tz)


def check_window(since_ms: int | None, until_ms: int | None) -> tuple[int | None, int | None]:
    """Return a window; raises `UsageError` for one that holds no moment."""
    if since_ms is not None and until_ms is not None and until_ms <= since_ms:
        raise UsageError("The window ends before it starts.", hint="Give a --since that is earlier than --until.")
    return since_ms, until_ms


def _instant(bound: Bound, zone: tzinfo) -> datetime:
    value = bound if isinstance(bound, datetime) else datetime.combine(bound, time())
    try:
        return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise UsageError("The time is too early or too late to be used.", hint=HINT) from None
