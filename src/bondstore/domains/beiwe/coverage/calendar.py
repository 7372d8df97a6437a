"""Days of a time zone in whole hours of UTC, as a server names its objects.

An hour belongs to the day in which it begins. So a day on which clocks change has 23 or 25 hours, and where an offset
is not of whole hours (India), the hour over midnight counts for the day before.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

EPOCH = date(1970, 1, 1)
_SECONDS = 3600


class Calendar:
    """Days, as numbers since 1970, of one time zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._starts: dict[int, int] = {}

    def day_of(self, hour: int) -> int:
        """Return the day in which an hour (since 1970 UTC) begins."""
        return (datetime.fromtimestamp(hour * _SECONDS, self.zone).date() - EPOCH).days

    def start(self, day: int) -> int:
        """Return the first hour that begins in a day."""
        if day not in self._starts:
            midnight = datetime.combine(EPOCH + timedelta(day), time(), self.zone)
            self._starts[day] = -(-int(midnight.timestamp()) // _SECONDS)
        return self._starts[day]

    def edges(self, first: int, last: int) -> NDArray[np.int64]:
        """Return the first hour of each day from `first` to the one after `last`."""
        return np.array([self.start(day) for day in range(first, last + 2)], np.int64)

    def moment(self, hour: int) -> datetime:
        """Return the beginning of an hour in the zone."""
        return datetime.fromtimestamp(hour * _SECONDS, self.zone)
