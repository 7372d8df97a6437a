"""Which zips are asked for: by day, by panelist; and when a screenshot or a row was captured."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, cast, get_args

from bondstore.errors import UsageError
from bondstore.timebounds import read_bound, window_ms, zone_named

By = Literal["uploaded", "captured"]
Window = tuple[int | None, int | None]
"""Bounds in ms since 1970 UTC; the second one is exclusive, None is no bound."""
SLACK_MS = 2 * 86_400_000
"""So far a phone's clock may be ahead of the store's: what was captured in a window was uploaded later, or at most so
much earlier."""
_TIME_COLUMNS = ("t_epoch_ts_ms", "t_unix_ts_ms", "t_unix_ts_segment_start", "session_start", "timestamp")
"""Columns that hold a moment, the most reliable first; app versions differ in which of them they write."""
_TIME_LIKE = re.compile(r"(?:^|_)(?:epoch|unix)_|_ts_ms$")
_DIGITS = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which zips; the first and the last day are both inclusive, and no panelists stands for all."""

    since: date | None = None
    until: date | None = None
    by: By = "uploaded"
    zone: str = "UTC"
    panelists: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.by not in get_args(By):
            raise UsageError(f"Days are of {self.by!r}?", hint="Choose one of: uploaded, captured.")
        if self.since and self.until and self.since > self.until:
            raise UsageError("The last day lies before the first.", hint="Swap --since and --until.")
        zone_named(self.zone)

    def window_ms(self) -> Window:
        """Return the days as bounds."""
        return window_ms(self.since, self.until, self.zone)

    def wants_upload(self, modified_ms: int) -> bool:
        """Whether a zip that was uploaded at a time may hold what is asked for."""
        since, until = self.window_ms()
        if self.by == "captured":
            return since is None or modified_ms >= since - SLACK_MS
        return within(modified_ms, (since, until))

    def wants_panelist(self, panelist: str) -> bool:
        """Whether a panelist is asked for."""
        return not self.panelists or panelist in self.panelists

    def captured_window(self) -> Window:
        """Return the bounds on what zips hold; none where days are those of the upload."""
        return self.window_ms() if self.by == "captured" else (None, None)

    def params(self) -> dict[str, Any]:
        """Return the selection as JSON."""
        return {
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "by": self.by,
            "zone": self.zone,
            "panelists": sorted(set(self.panelists)),
        }

    def query_id(self, url: str) -> str:
        """Return the same id for the same store address and selection, in whatever order panelists were named."""
        asked = json.dumps({"store": url, **self.params()}, sort_keys=True)
        digest = hashlib.sha256(asked.encode("utf-8", "surrogateescape")).hexdigest()[:10]
        return f"{self.since or 'start'}_{self.until or 'end'}_{self.by}_{digest}"


def from_params(params: Mapping[str, Any]) -> Selection:
    """Build the selection that `Selection.params` returned."""
    return selection_of(params["since"], params["until"], params["by"], params["zone"], params["panelists"])


def selection_of(
    since: str | date | None,
    until: str | date | None,
    by: str = "uploaded",
    zone: str = "UTC",
    panelists: Sequence[str] | str | None = None,
) -> Selection:
    """Build a selection from what a person types: days as ``2024-03-31``, one panelist or many."""
    names = (panelists,) if isinstance(panelists, str) else tuple(dict.fromkeys(panelists or ()))
    return Selection(day_of(since), day_of(until), cast("By", by), zone, names)


def day_of(value: str | date | None) -> date | None:
    """Read a day; None stays None."""
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        day = read_bound(value) if isinstance(value, str) else value
    except UsageError:
        day = None
    if day is not None and not isinstance(day, datetime):
        return day
    raise UsageError("Days are written as 2024-01-31.", hint="Both days are included; --tz says whose days they are.")


def within(moment: int, window: Window) -> bool:
    """Whether a moment lies in a window."""
    since, until = window
    return (since is None or moment >= since) and (until is None or moment < until)


def time_column(columns: Sequence[str]) -> int | None:
    """Return the place of the column that says when a row was captured."""
    for name in _TIME_COLUMNS:
        if name in columns:
            return columns.index(name)
    return next((n for n, name in enumerate(columns) if _TIME_LIKE.search(name)), None)


def moment_ms(text: str) -> int | None:
    """Read ms or s since 1970 UTC, or a date and time (UTC unless it says otherwise), as ms; None for other texts."""
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
