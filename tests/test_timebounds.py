"""Bounds of time: what a date and an instant mean at both ends, in a zone, and where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bondstore.errors import UsageError
from bondstore.timebounds import end_of, read_bound, start_of, window_ms


@pytest.mark.parametrize(
    ("text", "zone", "start", "end"),
    [
        ("2024-05-01", "UTC", "2024-05-01T00:00Z", "2024-05-02T00:00Z"),
        ("2024-05-01", "Pacific/Auckland", "2024-04-30T12:00Z", "2024-05-01T12:00Z"),
        ("2024-05-01T06:30", "UTC", "2024-05-01T06:30Z", "2024-05-01T06:30Z"),
        ("2024-05-01T06:30", "Europe/Berlin", "2024-05-01T04:30Z", "2024-05-01T04:30Z"),
        ("2024-05-01T06:30+12:00", "Europe/Berlin", "2024-04-30T18:30Z", "2024-04-30T18:30Z"),
        ("2024-05-01T00:00", "UTC", "2024-05-01T00:00Z", "2024-05-01T00:00Z"),
        # clocks go forward, back, and forward at midnight: 23, 25 and 23 hours
        ("2024-03-31", "Europe/Berlin", "2024-03-30T23:00Z", "2024-03-31T22:00Z"),
        ("2024-10-27", "Europe/Berlin", "2024-10-26T22:00Z", "2024-10-27T23:00Z"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
    ],
)
def test_both_ends(text: str, zone: str, start: str, end: str) -> None:
    bound = read_bound(text)
    assert start_of(bound, zone) == datetime.fromisoformat(start)
    assert end_of(bound, zone) == datetime.fromisoformat(end)


def test_a_day_and_the_next_meet_and_do_not_overlap() -> None:
    day, zone = date(2024, 3, 1), "America/New_York"
    while day < date(2024, 12, 1):
        assert end_of(day, zone) == start_of(day + timedelta(days=1), zone)
        day += timedelta(days=1)


def test_no_bound_stays_none_and_the_last_day_has_no_end() -> None:
    assert window_ms(None, None, "Europe/Berlin") == (None, None)
    assert end_of(date.max) is None


def test_a_window_is_in_milliseconds() -> None:
    assert window_ms(date(1970, 1, 1), date(1970, 1, 1)) == (0, 86_400_000)
    assert window_ms(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), None) == (1000, None)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", ""])
def test_a_zone_that_is_none_is_refused_even_without_bounds(zone: str) -> None:
    with pytest.raises(UsageError, match="time zone"):
        window_ms(None, None, zone)


@pytest.mark.parametrize("bound", [date.min, datetime(1, 1, 1)])
def test_what_is_before_all_times_is_refused(bound: date) -> None:
    with pytest.raises(UsageError, match="too early"):
        start_of(bound, "Asia/Tokyo")
