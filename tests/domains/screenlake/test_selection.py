"""Days are whole, both included, in the zone that was named; the same question has the same id."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.screenlake.selection import SLACK_MS, Selection, from_params, selection_of
from bondstore.errors import UsageError

URL = "s3://bucket/academia"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_both_days_are_included_to_the_last_millisecond() -> None:
    chosen = selection_of("2024-01-01", "2024-03-31")
    assert chosen.wants_upload(ms("2024-01-01T00:00:00+00:00"))
    assert chosen.wants_upload(ms("2024-03-31T23:59:59.999+00:00"))
    assert not chosen.wants_upload(ms("2024-01-01T00:00:00+00:00") - 1)
    assert not chosen.wants_upload(ms("2024-04-01T00:00:00+00:00"))


def test_days_are_those_of_the_zone_also_where_clocks_change() -> None:
    chosen = selection_of("2024-03-31", "2024-03-31", zone="Europe/Berlin")  # 23 hours long
    assert chosen.window_ms() == (ms("2024-03-31T00:00:00+01:00"), ms("2024-04-01T00:00:00+02:00"))


def test_by_capture_whatever_was_uploaded_later_is_looked_at() -> None:
    chosen = selection_of("2024-01-10", "2024-01-11", "captured")
    start = ms("2024-01-10T00:00:00+00:00")
    assert chosen.wants_upload(start - SLACK_MS)
    assert chosen.wants_upload(start + 400 * 86_400_000)
    assert not chosen.wants_upload(start - SLACK_MS - 1)
    assert chosen.captured_window() == (start, ms("2024-01-12T00:00:00+00:00"))
    assert selection_of("2024-01-10", "2024-01-11").captured_window() == (None, None)


def test_no_days_are_no_bounds() -> None:
    assert selection_of(None, None).window_ms() == (None, None)
    assert Selection(until=date.max).window_ms() == (None, None)


def test_the_same_question_has_the_same_id_however_it_is_put() -> None:
    first = selection_of("2024-01-01", date(2024, 3, 31), panelists=["b", "a", "b"])
    again = selection_of(date(2024, 1, 1), "2024-03-31", panelists=["a", "b"])
    assert first.query_id(URL) == again.query_id(URL)
    others = [
        selection_of("2024-01-01", "2024-03-31"),
        selection_of("2024-01-01", "2024-03-30", panelists=["a", "b"]),
        selection_of("2024-01-01", "2024-03-31", "captured", panelists=["a", "b"]),
        selection_of("2024-01-01", "2024-03-31", zone="Europe/Berlin", panelists=["a", "b"]),
    ]
    ids = {one.query_id(URL) for one in [first, *others]} | {first.query_id("s3://other/academia")}
    assert len(ids) == 6
    assert all(one.replace("_", "").replace("-", "").isalnum() for one in ids)


DAYS = st.none() | st.dates(date(1990, 1, 1), date(2200, 1, 1))


@given(DAYS, DAYS, st.sampled_from(["uploaded", "captured"]), st.lists(st.text(max_size=9), max_size=4))
def test_a_selection_comes_back_from_its_params(since: Any, until: Any, by: str, panelists: list[str]) -> None:
    if since and until and since > until:
        since, until = until, since
    chosen = selection_of(since, until, by, "America/New_York", panelists)
    again = from_params(chosen.params())
    assert again.query_id(URL) == chosen.query_id(URL)
    assert set(again.panelists) == set(chosen.panelists)
    assert again.window_ms() == chosen.window_ms()
    start, end = chosen.window_ms()
    if since and until:
        assert start is not None
        assert end is not None
        days = (until - since).days + 1
        assert abs((end - start) - timedelta(days=days).total_seconds() * 1000) <= 2 * 3_600_000


@pytest.mark.parametrize(
    "words",
    [
        ("2024-02-30", None),
        ("1.2.2024", None),
        ("2024-01-01T00:00", None),
        ("2024-02-02", "2024-02-01"),
        (None, None, "taken"),
        (None, None, "uploaded", "Mars/Olympus"),
        (None, None, "uploaded", "../../etc/passwd"),
        (datetime(2024, 1, 1, tzinfo=UTC), None),
    ],
)
def test_what_makes_no_sense_is_said(words: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError):
        selection_of(*words)
