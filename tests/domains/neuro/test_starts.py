from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.neuro.starts import text_starts

NOON = datetime(2019, 2, 12, 15, 4, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2019-02-12 15:04:05",
        "2019-02-12T15:04:05",
        "Start: 2019/02/12, 15:04:05 clip 1",
        "12 février 2019 15:04:05",
        "12 févr. 2019 à 15 h 04 min 05",
        "le 12 FÉVRIER 2019 - 15h04:05",
        "Feb 12, 2019 3:04:05 PM",
        "February 12 2019 at 03:04:05 p.m.",
        "12. Februar 2019 um 15:04:05",
        "12-FEB-2019 15:04:05",
        "Name 12 Creation 2019-02-12 15:04:05 and 2018-01-01 00:00:00",
        "3.5 Hz, 7/8 done, 20190212 15:04:05",
        "\ufeff\r\n\t2019-02-12\t15:04:05\r\n",
    ],
)
def test_one_reading(text: str) -> None:
    assert text_starts(text) == (NOON,)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("12:00:00 AM", 0), ("12:00:00 PM", 12), ("1:00:00 am", 1), ("11:00:00 PM", 23), ("12:00:00", 12)],
)
def test_hours_of_the_clock_with_twelve(text: str, hour: int) -> None:
    assert text_starts(f"2019-02-12 {text}") == (datetime(2019, 2, 12, hour),)


def test_fractions_are_kept() -> None:
    assert text_starts("2019-02-12 15:04:05.25") == (NOON.replace(microsecond=250_000),)
    assert text_starts("12/13/2019 15:04:05,5") == (datetime(2019, 12, 13, 15, 4, 5, 500_000),)


def test_day_and_month_that_could_be_either_are_both_returned() -> None:
    assert text_starts("03/04/2019 15:04") == (datetime(2019, 3, 4, 15, 4), datetime(2019, 4, 3, 15, 4))


@pytest.mark.parametrize(
    "text",
    ["", "no date", "2019-02-12", "2019-02-12 25:00:00", "2019-02-12 13:00:00 PM", "2019-02-30 10:00", "15:04:05"],
)
def test_without_a_whole_date_and_time_there_is_none(text: str) -> None:
    assert text_starts(text) == ()


@given(st.datetimes(datetime(1985, 1, 1), datetime(2084, 12, 31)))
def test_what_the_library_writes_is_read(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert text_starts(moment.isoformat(" ")) == (moment,)
    assert text_starts(moment.strftime("%d %B %Y, %I:%M:%S %p")) == (moment,)
    assert moment in text_starts(moment.strftime("%m/%d/%Y %H:%M:%S"))
    assert moment in text_starts(moment.strftime("%d.%m.%y %H:%M:%S"))
