"""The hours of a stream: which a row belongs to, where the server keeps one, where a rebuilt one goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from bondstore.domains.beiwe.integrity import has_headers
from bondstore.domains.beiwe.layout import BeiweObject, Kind, build_key, original_path, study_prefixes
from bondstore.domains.beiwe.listing import left_out, people, walk
from bondstore.domains.beiwe.selection import DAY_MS, StudySelection
from bondstore.domains.beiwe.streams import HOUR_MS, STREAMS
from bondstore.runs.paths import safe_relpath

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bondstore.domains.beiwe.listing import Listed
    from bondstore.stores import Store

RAW_BEFORE_MS = 7 * DAY_MS
"""How long before a window a raw file may have been started whose later rows lie inside it."""
RAW_AFTER_MS = DAY_MS
"""How long after a window a raw file may have been started that holds earlier rows: a call is logged when it ends."""

CHUNKED_STREAMS = tuple(name for name, stream in STREAMS.items() if not stream.raw_only)
"""The streams that the server chunks."""


class Hour(NamedTuple):
    """One hour of a participant's stream; surveys have theirs apart.

    `survey` is None for all streams but survey_timings; `start_ms` is in ms since 1970 UTC.
    """

    survey: str | None
    start_ms: int


@dataclass(frozen=True, slots=True)
class Series:
    """One stream of one participant."""

    study: str
    participant: str
    stream: str  # its chunked name

    @property
    def chunked_prefix(self) -> str:
        """What the keys of its chunked objects start with."""
        return f"{study_prefixes(self.study)[0]}{self.participant}/{self.stream}/"

    @property
    def raw_prefix(self) -> str:
        """What the keys of its participant's raw objects start with, in whatever stream."""
        return f"{study_prefixes(self.study)[1]}{self.participant}/"

    @property
    def folder(self) -> str:
        """Where its rebuilt hours lie, relative to the destination."""
        return safe_relpath(f"chunked/{self.participant}/{self.stream}") + "/"

    def survey_of(self, obj: BeiweObject) -> str | None:
        """Return the survey that the hours of a raw object belong to."""
        return obj.survey_id if self.stream == "survey_timings" else None

    def chunk(self, hour: Hour) -> BeiweObject:
        """Return the object an hour is chunked as today, uncompressed."""
        obj = BeiweObject("", Kind.CHUNKED, self.participant, self.stream, "", hour.survey, hour.start_ms, "csv")
        return replace(obj, key=build_key(self.study, obj))

    def chunks(self, hour: Hour) -> tuple[BeiweObject, ...]:
        """Return where the server may keep an hour: before March 2026 all surveys of an hour were in one file."""
        own = self.chunk(hour)
        return (own,) if hour.survey is None else (own, self.chunk(Hour(None, hour.start_ms)))

    def path(self, hour: Hour) -> str:
        """Return where a rebuilt hour goes, relative to the destination: as in the ``original`` form."""
        return original_path(self.chunk(hour))


@dataclass(frozen=True, slots=True)
class SeriesListing:
    """The objects of a series."""

    raw: list[Listed]  # in order of time
    chunked: dict[Hour, list[Listed]]  # by survey folder (None where there is none) and hour
    others: dict[str, int]  # how many are left out, by reason
    odd: list[Listed] = field(default_factory=list)  # in odd folders

    def chunks(self, series: Series, hour: Hour) -> list[Listed]:
        """Return the chunked objects that may hold rows of an hour."""
        return [one for obj in series.chunks(hour) for one in self.chunked.get(Hour(obj.survey_id, hour.start_ms), ())]


def series_of(store: Store, study: str, selection: StudySelection) -> Iterator[Series]:
    """Yield every participant and chunked stream of a selection."""
    names = [name for name in CHUNKED_STREAMS if not selection.streams or name in selection.streams]
    for person in selection.participants or people(store, study):
        for name in names:
            yield Series(study, person, name)


def list_series(store: Store, series: Series, selection: StudySelection) -> SeriesListing:
    """List a series, with raw objects some time before and after the selection's window."""
    wide = StudySelection((series.participant,), (series.stream,), "both")
    found = SeriesListing([], {}, {})
    for page in walk(store, series.study, wide):
        for one in page:
            obj = one.object
            if wide.wants_odd(obj):
                found.odd.append(one)
                continue
            reason = left_out(obj)
            if reason is None and wide.wants(obj) and not has_headers(obj):
                reason = "no tables"
            if reason is not None:
                found.others[reason] = found.others.get(reason, 0) + 1
            elif wide.wants(obj):
                _place(found, one, selection)
    found.raw.sort(key=lambda one: (one.object.time_ms or 0, one.object.key))
    return found


def _place(found: SeriesListing, one: Listed, selection: StudySelection) -> None:
    time_ms = one.object.time_ms or 0
    if one.object.source == "chunked":
        if in_window(selection, time_ms):
            found.chunked.setdefault(Hour(one.object.survey_id, time_ms), []).append(one)
    elif (selection.since_ms is None or time_ms >= selection.since_ms - RAW_BEFORE_MS) and (
        selection.until_ms is None or time_ms < selection.until_ms + RAW_AFTER_MS
    ):
        found.raw.append(one)


def in_window(selection: StudySelection, hour_ms: int) -> bool:
    """Whether the hour that starts at `hour_ms` overlaps a selection's window."""
    if selection.since_ms is not None and hour_ms + HOUR_MS <= selection.since_ms:
        return False
    return selection.until_ms is None or hour_ms < selection.until_ms


def hours_text(hours: Iterable[Hour]) -> str:
    """Write hours as numbers since 1970, in ranges: what a ledger keeps of a raw object.

    Examples
    --------
    >>> hours_text([Hour(None, 3_600_000), Hour(None, 7_200_000), Hour(None, 18_000_000)])
    'hours 1-2,5'
    """
    ranges: list[list[int]] = []
    for number in sorted({hour.start_ms // HOUR_MS for hour in hours}):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    words = (str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"hours {','.join(words)}".rstrip()


def hours_of(text: str, survey: str | None) -> Iterator[Hour]:
    """Read back what `hours_text` wrote."""
    for word in text.removeprefix("hours").strip().split(","):
        first, _, last = word.partition("-")
        if first.isdigit():
            yield from (Hour(survey, number * HOUR_MS) for number in range(int(first), int(last or first) + 1))
