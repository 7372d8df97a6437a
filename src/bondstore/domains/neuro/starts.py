"""When a file of a recording began, by what the file itself says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time

from bondstore.deid.textdates import dates_in

_CLOCK = re.compile(
    r"[\sT,;-]{0,4}(?:at|um|à|a las|alle|om)?\s{0,2}"
    r"(\d{1,2})\s?(?::|h)\s?(\d\d)(?:\s?(?::|m|min)\s?(\d\d)(?:[.,:](\d{1,6}))?)?\s?s?"
    r"(?:\s{0,2}([ap])\.?\s?m\b)?(?![\d:])",
    re.ASCII | re.IGNORECASE,
)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?=[ T]\d)", re.ASCII)


def text_starts(text: str) -> tuple[datetime, ...]:
    """Return each reading of the first date in a text that a time of day follows, the earliest first; none without one.

    >>> [str(one) for one in text_starts("Clip 1: 3/4/2019 01:05:30 PM")]
    ['2019-03-04 13:05:30', '2019-04-03 13:05:30']
    """
    first: tuple[int, int, frozenset[date]] | None = None
    for start, stop, days in _days(text):
        if (first is None or (start, -stop) < (first[0], -first[1])) and _clock(text, stop) is not None:
            first = (start, stop, days)
    if first is None:
        return ()
    clock = _clock(text, first[1])
    return () if clock is None else tuple(sorted(datetime.combine(day, clock) for day in first[2]))


def _days(text: str) -> Iterator[tuple[int, int, frozenset[date]]]:
    """Yield where dates are; one that is written as ISO 8601 wants it has one reading."""
    sure = {found.span(): found for found in _ISO.finditer(text)}
    for one in dates_in(text):
        span = (one.start, one.stop)
        if found := sure.get(span):
            with suppress(ValueError):
                yield *span, frozenset([date(*map(int, found.groups()))])
        elif not any(start <= one.start < stop for start, stop in sure):
            yield *span, one.readings


def _clock(text: str, at: int) -> time | None:
    """Return the time of day that begins there, by 24 hours or by 12."""
    found = _CLOCK.match(text, at)
    if found is None:
        return None
    hour, half = int(found[1]), (found[5] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    with suppress(ValueError):
        return time(hour, int(found[2]), int(found[3] or 0), int((found[4] or "").ljust(6, "0")))
    return None
