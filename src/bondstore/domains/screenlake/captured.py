"""When a row was captured: the one column that says so, whichever its name is in this table and app version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

TIME_COLUMNS = ("t_epoch_ts_ms", "t_unix_ts_ms", "t_unix_ts_segment_start", "session_start", "timestamp")
"""Columns that hold a moment, the surest first."""
_LIKE = re.compile(r"(?:^|_)(?:epoch|unix)_|_ts_ms$")
_DIGITS = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?")


def time_column(columns: Sequence[str]) -> int | None:
    """Return the place of the column that says when a row was captured, or None."""
    for name in TIME_COLUMNS:
        if name in columns:
            return columns.index(name)
    return next((n for n, name in enumerate(columns) if _LIKE.search(name)), None)


def moment_ms(text: str) -> int | None:
    """Read a moment: ms or s since 1970 UTC, or a date and time (UTC unless it says otherwise).

    Returns
    -------
    int or None
        In ms since 1970 UTC; None where the text says nothing of the kind.
    """
    text = text.strip()
    if _DIGITS.fullmatch(text):
        whole = text.partition(".")[0]
        return int(whole) if len(whole) == 13 else round(float(text) * 1000)
    if len(text) < 19 or text[4:5] != "-":
        return None
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def within(moment: int, window: tuple[int | None, int | None]) -> bool:
    """Whether a moment lies in a window; its end does not."""
    since, until = window
    return (since is None or moment >= since) and (until is None or moment < until)
