"""What becomes of the dates of a recording."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bondstore.deid.codes import draw_shift
from bondstore.deid.dates import redated, redating
from bondstore.errors import UsageError


@pytest.mark.parametrize(
    ("policy", "day", "written"),
    [
        ("keep", date(1984, 2, 29), date(1984, 2, 29)),
        ("floor", date(2024, 2, 29), date(1985, 1, 1)),
        ("shift", date(2024, 2, 29), date(2024, 2, 15)),
        ("shift", date(1985, 1, 10), date(1984, 12, 27)),
    ],
)
def test_a_day_is_written_by_the_policy(policy: str, day: date, written: date) -> None:
    assert redating(policy, -14)(day) == written  # type: ignore[arg-type]


def test_a_drawn_shift_keeps_weekdays_intervals_and_the_time_of_day() -> None:
    shift = redating("shift", draw_shift())
    first, second = datetime(2024, 2, 28, 23, 59, 59, 500_000, UTC), datetime(2024, 3, 1, 0, 0, 1, tzinfo=UTC)
    one, two = redated(first, shift), redated(second, shift)
    assert two - one == second - first
    assert (one.weekday(), one.timetz()) == (first.weekday(), first.timetz())
    assert one < first


@pytest.mark.parametrize(("policy", "shift"), [("shift", 0), ("later", 7)])
def test_what_shifts_nothing_is_refused(policy: str, shift: int) -> None:
    with pytest.raises(UsageError):
        redating(policy, shift)  # type: ignore[arg-type]
