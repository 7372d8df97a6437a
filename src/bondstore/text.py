"""Counts, sizes, durations and moments in words, and texts from outside made safe to show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime


def number_text(value: int) -> str:
    """Return ``1,234``."""
    return f"{value:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 file`` or ``1,234 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def counts_text(counts: Mapping[str, int]) -> str:
    """Return ``1,234 zips, 5 notes``."""
    return ", ".join(f"{number:,} {what}" for what, number in counts.items())


def bytes_text(value: float) -> str:
    """Return a number of bytes in the unit a person would choose, in steps of 1000."""
    size = float(value)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(size) < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or abs(size) >= 99.95 else f"{size:.1f} {unit}"


def rate_text(rate: float) -> str:
    """Return a number a second: whole where it is large."""
    return number_text(round(rate)) if rate >= 10 else f"{rate:.1f}"


def duration_text(seconds: float) -> str:
    """Return ``45 s``, ``3:20 min``, ``2:05 h`` or ``3 d 4 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    if whole < 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def moment(milliseconds: int | None) -> datetime | None:
    """Return a time of the ledger or of a key, milliseconds since 1970, as a time in UTC."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def milliseconds(value: datetime | None) -> int | None:
    """Return a time as the ledger and keys have it: whole milliseconds since 1970."""
    return None if value is None else round(value.timestamp() * 1000)


def time_text(value: datetime | float | None) -> str:
    """Return ``2024-05-01 12:00:00Z``; a number is milliseconds since 1970, and None is nothing."""
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        value = datetime.fromtimestamp(value / 1000, UTC)
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def iso_text(value: datetime | float, timespec: str = "seconds") -> str:
    """Return ``2024-05-01T12:00:00Z``, as JSON has a time; a number is seconds since 1970."""
    if isinstance(value, (int, float)):
        value = datetime.fromtimestamp(value, UTC)
    return value.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def day_text(iso: str) -> str:
    """Return the day of an ISO 8601 time."""
    return iso[:10]


def minute_text(iso: str | None) -> str:
    """Return an ISO 8601 time to the minute, with a blank in its middle; nothing for None."""
    return (iso or "")[:16].replace("T", " ")


def printable(text: str, *, lines: bool = False) -> str:
    """Write out characters that hide, reverse others or steer a terminal; with `lines`, line ends stay."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or (lines and one == "\n") else one.encode("unicode_escape").decode() for one in text
    )


def in_one_line(text: str) -> str:
    """Return a text in one line: what comes from outside begins no other."""
    return printable(text.replace("\r", " ").replace("\n", " "))


def one_line(text: str, longest: int) -> str:
    """Return a text fit for a header: one line, single blanks, nothing hidden in it, not endless."""
    plain = " ".join(in_one_line(text).split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"
