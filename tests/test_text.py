"""Counts, sizes, durations and moments in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bondstore.text import (
    bytes_text,
    counted,
    counts_text,
    day_text,
    duration_text,
    iso_text,
    minute_text,
    moment,
    number_text,
    one_line,
    printable,
    rate_text,
    time_text,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (99_950, "100 kB"), (999_499, "999 kB"),
     (999_500, "1.0 MB"), (5_400_000_000, "5.4 GB"), (2e15, "2000 TB")],
)  # fmt: skip
def test_bytes_for_people(size: float, text: str) -> None:
    assert bytes_text(size) == text


def test_times_for_people() -> None:
    assert time_text(1_700_000_000_123) == "2023-11-14 22:13:20Z"
    assert time_text(None) == ""
    assert time_text(datetime(2024, 1, 1, tzinfo=UTC)) == "2024-01-01 00:00:00Z"
    assert moment(1_700_000_000_500) == datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)
    assert moment(None) is None


def test_times_for_programs() -> None:
    assert iso_text(1_700_000_000.9) == "2023-11-14T22:13:20Z"
    assert iso_text(1_700_000_000.5, "milliseconds") == "2023-11-14T22:13:20.500Z"
    assert iso_text(datetime(2024, 5, 1, 12, tzinfo=UTC), "auto") == "2024-05-01T12:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (200, "3:20 min"), (7500, "2:05 h"), (273600, "3 d 4 h")],
)
def test_spans(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_numbers_and_moments() -> None:
    assert [bytes_text(one) for one in (0, 999, 1000, 99_940, 99_950, 999_600, 5e12)] == [
        "0 B", "999 B", "1.0 kB", "99.9 kB", "100 kB", "1.0 MB", "5.0 TB",
    ]  # fmt: skip
    assert [counted(1, "file"), counted(0, "file"), counted(1234, "box", "boxes")] == [
        "1 file", "0 files", "1,234 boxes",
    ]  # fmt: skip
    assert (day_text("2024-05-01T02:03:04Z"), minute_text("2024-05-01T02:03:04Z"), minute_text(None)) == (
        "2024-05-01", "2024-05-01 02:03", "",
    )  # fmt: skip
    assert (number_text(1234), counts_text({"zips": 1234, "notes": 5}), counts_text({})) == (
        "1,234",
        "1,234 zips, 5 notes",
        "",
    )
    assert (rate_text(9.96), rate_text(10), rate_text(1234.5)) == ("10.0", "10", "1,234")


def test_what_comes_from_outside_is_safe_to_show() -> None:
    assert printable("a\x1b[2J\u202eb\n") == "a\\x1b[2J\\u202eb\\n"
    assert printable("a\nb\x00", lines=True) == "a\nb\\x00"
    assert one_line("a \r\n b\t\u202e", 20) == "a b\\t\\u202e"
    assert one_line("a" * 30, 10) == "a" * 9 + "…"
