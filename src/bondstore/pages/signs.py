"""Counts, sizes and moments as pages write them, and texts from outside made safe to look at."""

from __future__ import annotations


def visible(text: str, *, lines: bool = False) -> str:
    """Write out characters that show nothing or turn the direction of others; with `lines`, line ends stay."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or (lines and one == "\n") else one.encode("unicode_escape").decode() for one in text
    )


def line(text: str) -> str:
    """Return a text in one line: what comes from outside begins no other."""
    return visible(text.replace("\r", " ").replace("\n", " "))


def one_line(text: str, longest: int) -> str:
    """Return a text fit for a header: one line, single blanks, nothing hidden in it, not endless."""
    plain = " ".join(line(text).split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def count(number: int) -> str:
    """Return ``1,234``."""
    return f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 file`` or ``1,234 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Return a number of bytes in the unit a person would choose, in steps of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 99.95 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def day(moment: str) -> str:
    """Return the day of an ISO 8601 time."""
    return moment[:10]


def minute(moment: str | None) -> str:
    """Return an ISO 8601 time to the minute, with a blank in its middle; nothing for None."""
    return (moment or "")[:16].replace("T", " ")
