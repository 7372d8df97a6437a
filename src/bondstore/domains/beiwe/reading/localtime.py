"""The time of a row as a clock showed it where the participant was: a column beside the one in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.beiwe.streams import UTC_TIME

if TYPE_CHECKING:
    import polars as pl

LOCAL_TIME = "local time"
PLAIN = "UTC"
"""The zone in which tables have no such column."""


def with_local_time(frame: pl.DataFrame, tz: str, *, zoned: bool = True) -> pl.DataFrame:
    """Add the column, unless the zone is UTC; `zoned` times know their zone, others are the bare time of the clock."""
    import polars as pl

    if tz == PLAIN:
        return frame
    local = pl.col(UTC_TIME).dt.convert_time_zone(tz)
    column = (local if zoned else local.dt.replace_time_zone(None)).alias(LOCAL_TIME)
    place = frame.columns.index(UTC_TIME) + 1
    return frame.select(*frame.columns[:place], column, *frame.columns[place:])
