"""What the files in a zip are; when their rows were captured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from demo.phonerows import columns
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.screenlake.layout import base_name, kind_of_member, prefix_of
from bondstore.domains.screenlake.selection import moment_ms, time_column, within

UUID = "0b7e6a0c-91c2-4b61-9a43-6ce2a5a4b0f1"


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        (f"img_{UUID}Screenshot_2024-01-05.jpg", "image"),
        ("folder/deeper/IMG.PNG", "image"),
        ("shot.webp", "image"),
        (f"screenshot_data_csv_{UUID}.csv", "table"),
        (f"screenshot_data_csv_{UUID}", "table"),
        ("log_data_1704441600000.txt", "table"),
        ("anything.csv", "table"),
        ("movie.mp4", "unknown"),
        ("readme.txt", "unknown"),
        ("script.py", "unknown"),
        ("__MACOSX/._img.jpg", "junk"),
        (".DS_Store", "junk"),
    ],
)
def test_a_member_is_known_by_its_name(name: str, sort: str) -> None:
    assert kind_of_member(name) == sort


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        (f"screenshot_data_csv_{UUID}.csv", "screenshot_data"),
        (f"app_accessibility_data_csv_{UUID}.csv", "app_accessibility_data"),
        ("app_segment_data_csv_12", "app_segment_data"),
        (f"sub/session_data_csv_{UUID}.csv", "session_data"),
        ("log_data_2024-01-05.csv", "log_data"),
        (f"battery_csv_{UUID}.csv", "battery"),
        (f"steps-{UUID}.csv", "steps"),
        ("1234.csv", "table"),
        ("notes.csv", "notes"),
    ],
)
def test_a_table_is_known_by_its_prefix(name: str, prefix: str) -> None:
    assert prefix_of(name) == prefix


@given(st.text(max_size=60))
def test_any_name_gets_an_answer(name: str) -> None:
    assert kind_of_member(name) in {"image", "table", "junk", "unknown"}
    assert prefix_of(name)
    assert "/" not in base_name(name)
    assert "\\" not in base_name(name)


def test_paths_of_the_phone_end_in_the_name_of_the_image() -> None:
    assert base_name("/storage/emulated/0/Android/data/x/files/img_1.jpg") == "img_1.jpg"
    assert base_name(r"C:\shots\img_1.jpg") == "img_1.jpg"


@pytest.mark.parametrize("version", ["V_01", "V_02", "V_03"])
@pytest.mark.parametrize(
    ("prefix", "column"),
    [
        ("screenshot_data", "t_epoch_ts_ms"),
        ("app_accessibility_data", "t_unix_ts_ms"),
        ("app_segment_data", "t_unix_ts_segment_start"),
        ("session_data", "session_start"),
        ("log_data", "timestamp"),
    ],
)
def test_every_table_of_every_version_says_when(version: str, prefix: str, column: str) -> None:
    names = columns(prefix, version)
    place = time_column(names)
    assert place is not None
    assert names[place] == column


def test_a_table_that_does_not_say_when_says_so() -> None:
    assert time_column(["a", "text", "seconds_since_last_active_ms"]) is None
    assert time_column([]) is None


@given(st.datetimes(datetime(2002, 1, 1), datetime(2100, 1, 1)), st.integers(-14, 14))
def test_moments_are_read_in_every_writing(moment: datetime, offset: int) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert moment_ms(str(expected)) == expected
    assert moment_ms(f" {expected // 1000} ") == expected // 1000 * 1000
    assert moment_ms(moment.isoformat()) == expected
    assert moment_ms(moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC") == expected
    assert moment_ms(moment.astimezone(timezone(timedelta(hours=offset))).isoformat()) == expected


@pytest.mark.parametrize("text", ["", "null", "12", "2024-01-05", "yesterday at noon or so", "99999999999999999999"])
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment_ms(text) is None


def test_a_window_includes_its_start_and_not_its_end() -> None:
    assert [within(ms, (10, 20)) for ms in (9, 10, 19, 20)] == [False, True, True, False]
    assert within(5, (None, None))
