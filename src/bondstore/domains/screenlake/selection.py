"""Which zips are meant: by day, by panelist. The same question has the same id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bondstore.errors import UsageError

By = Literal["uploaded", "captured"]
SLACK_MS = 2 * 86_400_000
"""So far a phone's clock may run ahead of the store's: what was captured in a window was uploaded later, or so much
earlier."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which zips, and which of what they hold.

    Parameters
    ----------
    since, until : date or None
        First and last day, both included.
    by : {"uploaded", "captured"}
        Whether the days are those of the upload, or those on which a screenshot or a row was made.
    zone : str
        The time zone that days are of, such as ``Europe/Berlin``.
    panelists : tuple of str
        Only these; all where it is empty.

    Raises
    ------
    UsageError
        An unknown zone, or days the wrong way round.
    """

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

    def window_ms(self) -> tuple[int | None, int | None]:
        """Return the first millisecond (since 1970 UTC) and the one behind the last; None where there is no bound."""
        zone = zone_named(self.zone)

        def midnight(day: date) -> int:
            return round(datetime.combine(day, time(), zone).timestamp() * 1000)

        since = None if self.since is None else midnight(self.since)
        last_day = self.until is None or self.until == date.max
        until = None if last_day or self.until is None else midnight(self.until + timedelta(days=1))
        return since, until

    def wants_upload(self, modified_ms: int) -> bool:
        """Whether a zip that was uploaded at a time may hold what is asked for."""
        since, until = self.window_ms()
        if self.by == "captured":
            return since is None or modified_ms >= since - SLACK_MS
        return (since is None or modified_ms >= since) and (until is None or modified_ms < until)

    def wants_panelist(self, panelist: str) -> bool:
        """Whether a panelist is asked for."""
        return not self.panelists or panelist in self.panelists

    def captured_window(self) -> tuple[int | None, int | None]:
        """Return the bounds on what zips hold, as `window_ms` does; none where days are those of the upload."""
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
        """Return the id of the question: the same for the same store and selection, in whatever order it was put.

        Parameters
        ----------
        url : str
            The store's address.
        """
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
    """Build a selection from what a person says.

    Parameters
    ----------
    since, until : str or date or None
        Days, such as ``2024-03-31``.
    by, zone
        As in `Selection`.
    panelists : sequence of str, optional
        One or many.

    Raises
    ------
    UsageError
        A day that is none.
    """
    names = (panelists,) if isinstance(panelists, str) else tuple(dict.fromkeys(panelists or ()))
    return Selection(_day(since), _day(until), cast("By", by), zone, names)


def _day(value: str | date | None) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        if isinstance(value, str) and len(value.strip()) == len("2024-01-31"):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise UsageError("Days are written as 2024-01-31.", hint="Both days are included; --tz says whose days they are.")


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises
    ------
    UsageError
        There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"The time zone {name!r} is not known.", hint="Write it as Europe/Berlin or America/New_York, or: UTC."
        ) from None
