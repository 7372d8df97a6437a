"""The page of a coverage: a heat map for each participant, streams down and days across, and the gaps in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.beiwe.coverage.calendar import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from bondstore.domains.beiwe.coverage.calendar import Calendar
    from bondstore.domains.beiwe.coverage.hours import Coverage, Gap, PersonHours, StreamHours

BAND_DAYS = 91  # that stand beside each other: a quarter of a year
_NAMES, _PLOT, _SHARES = 128, 728, 60  # widths, in pixels, of a band's parts
_WIDEST_DAY = 14
_TOP, _ROW, _BAR = 34, 18, 13
_MOST_GAPS = 12
_SHADES = (("p1", "under 25 %"), ("p2", "from 25 %"), ("p3", "from 50 %"), ("p4", "from 75 %"), ("p5", "all hours"))


@dataclass(frozen=True, slots=True)
class Bar:
    """Days in a row that look alike."""

    x: float
    width: float
    shade: str
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A stream in a band."""

    name: str
    y: int
    bars: tuple[Bar, ...]
    share: str


@dataclass(frozen=True, slots=True)
class Band:
    """Some days of a participant, drawn beside each other."""

    label: str
    width: int  # the same for all, so that they are drawn to one scale
    height: int
    left: int
    right: float
    bottom: int
    months: tuple[tuple[float, str], ...]
    weeks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]


class PersonPage:
    """A participant on the page; the bands are made when they are drawn."""

    def __init__(self, place: int, person: PersonHours, coverage: Coverage, at_least: int) -> None:
        calendar = coverage.calendar
        self.anchor, self.name = f"p{place}", person.participant
        self._person, self._coverage = person, coverage
        self._first, self._last = calendar.day_of(person.begin), calendar.day_of(person.end - 1)
        streams = sorted(person.streams, key=lambda one: (not one.is_continuous, one.stream))
        self._streams = streams
        self.first, self.last = _date(self._first), _date(self._last)
        self.days = self._last - self._first + 1
        continuous = [one for one in streams if one.is_continuous]
        present = sum(int(one.hours.sum()) for one in continuous)
        self.share = _share(present, person.hours * len(continuous)) if continuous else None
        self.bytes = sum(int(one.bytes.sum()) for one in streams)
        shared = person.gaps(at_least)
        self.gaps = [("no stream at all", *_gap(calendar, one)) for one in shared]
        self.longest = max((one.hours for one in shared), default=0)
        for stream in continuous:
            mine = [one for one in person.gaps(at_least, stream) if one not in shared]
            self.gaps += [(stream.stream, *_gap(calendar, one)) for one in mine]

    @property
    def bands(self) -> Iterator[Band]:
        """Draw the heat map, a quarter of a year at a time."""
        for first in range(self._first, self._last + 1, BAND_DAYS):
            yield self._band(first, min(first + BAND_DAYS - 1, self._last))

    def _band(self, first: int, last: int) -> Band:
        width = min(_WIDEST_DAY, _PLOT / min(self.days, BAND_DAYS))
        edges = np.clip(self._coverage.calendar.edges(first, last), self._person.begin, self._person.end)
        right = _NAMES + width * (last - first + 1)
        days = [_date(day) for day in range(first, last + 1)]
        lines = tuple(
            _line(stream, first, np.diff(edges), _TOP + place * _ROW, width)
            for place, stream in enumerate(self._streams)
        )
        bottom = _TOP + len(lines) * _ROW
        months = [(n, f"{one:%b %Y}") for n, one in enumerate(days) if one.day == 1 or n == 0]
        if len(months) > 1 and (months[1][0] - months[0][0]) * width < len(months[0][1]) * 7:
            del months[0]  # it would stand in the next one
        weeks = [(n, str(one.day)) for n, one in enumerate(days) if one.weekday() == 0]
        return Band(
            f"{days[0]} to {days[-1]}",
            _NAMES + _PLOT + _SHARES,
            bottom + 4,
            _NAMES,
            right,
            bottom,
            tuple((round(_NAMES + n * width, 1), text) for n, text in months),
            tuple((round(_NAMES + n * width, 1), text) for n, text in weeks),
            lines,
        )


def _line(stream: StreamHours, first: int, of: NDArray[np.int64], y: int, width: float) -> Line:
    hours = np.zeros(len(of), np.int64)
    inside = (stream.days >= first) & (stream.days < first + len(of))
    hours[stream.days[inside] - first] = stream.hours[inside]
    shades = _shades(hours, of) if stream.is_continuous else ["happened" if one else "" for one in hours]
    bars = []
    start = 0
    for end in range(1, len(of) + 1):
        if end < len(of) and shades[end] == shades[start]:
            continue
        if shades[start]:
            title = f"{stream.stream}, {_days_text(first + start, first + end - 1)}: {_hours_text(hours[start:end])}"
            x, long = _NAMES + start * width, (end - start) * width
            bars.append(Bar(round(x, 1), round(long, 1), shades[start], title))
        start = end
    number = int((hours > 0).sum())
    share = f"{_share(int(hours.sum()), int(of.sum()))} %" if stream.is_continuous else f"{number} d"
    return Line(stream.stream, y, tuple(bars), share)


def _shades(hours: NDArray[np.int64], of: NDArray[np.int64]) -> list[str]:
    """Say how each day of a stream that is recorded all day looks; a day that has no hour here has no look."""
    words = ["none", *(shade for shade, _ in _SHADES)]
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.where(hours == 0, 0, np.minimum(hours * 4 // np.maximum(of, 1), 4) + 1)
    return [words[place] if is_day else "" for place, is_day in zip(places, of > 0, strict=True)]


def _days_text(first: int, last: int) -> str:
    return f"{_date(first)}" if first == last else f"{_date(first)} to {_date(last)}"


def _hours_text(hours: NDArray[np.int64]) -> str:
    low, high = int(hours.min()), int(hours.max())
    each = " a day" if len(hours) > 1 else ""
    return f"{low if low == high else f'{low} to {high}'} h{each}" if high else "nothing"


def _share(part: int, whole: int) -> int:
    """Return a share in percent, rounded down, so that 100 is all."""
    return 100 * part // whole if whole else 0


def _date(day: int) -> date:
    return EPOCH + timedelta(day)


def _gap(calendar: Calendar, gap: Gap) -> tuple[str, str, int]:
    begin, end = (f"{calendar.moment(one):%Y-%m-%d %H:%M}" for one in (gap.begin, gap.end))
    return begin, end, gap.hours


def people_of(coverage: Coverage, at_least: int) -> list[PersonPage]:
    """Return the participants, with their gaps of so many hours."""
    return [PersonPage(place, one, coverage, at_least) for place, one in enumerate(coverage.people(), 1)]


def page_of(coverage: Coverage, study: str, source: str, at_least: int) -> dict[str, object]:
    """Return what the template needs."""
    people = people_of(coverage, at_least)
    return {
        "study": study,
        "zone": coverage.calendar.zone.key,
        "source": source,
        "with_rows": coverage.with_rows,
        "at_least": at_least,
        "shades": _SHADES,
        "people": people,
        "most_gaps": _MOST_GAPS,
        "tiles": _tiles(people),
        "too_short": coverage.too_short,
        "unread": len({one.key for one in coverage.findings}),
    }


def _tiles(people: Sequence[PersonPage]) -> list[dict[str, object]]:
    gaps = sum(len(one.gaps) for one in people)
    numbers = (
        ("participants", len(people), "", ""),
        ("days", sum(one.days for one in people), "of all participants together", ""),
        ("gaps", gaps, "of one stream or of all", "warn" if gaps else ""),
    )
    return [dict(zip(("label", "number", "more", "tone"), one, strict=True)) for one in numbers]
