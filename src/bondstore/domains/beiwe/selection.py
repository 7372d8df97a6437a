"""Which of a study's objects are meant: participants, streams, source, time."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from bondstore.domains.beiwe.streams import HOUR_MS, STREAMS, by_raw_name
from bondstore.errors import UsageError
from bondstore.timebounds import Bound, check_window, read_bound, window_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bondstore.domains.beiwe.layout import BeiweObject

Source = Literal["chunked", "raw", "both"]
Moment: TypeAlias = date | str | int | float | None
"""A time as people give it: a day, an instant, either as text, or ms since 1970; without an offset it is UTC."""

DAY_MS = 24 * HOUR_MS
_LEAST_MS = 1_388_534_400_000  # 2014-01-01


@dataclass(frozen=True, slots=True)
class StudySelection:
    """A part of a study; no participants or streams named means all of them.

    Streams that are never chunked (answers, audio) come from raw even with the source ``"chunked"``. A chunked object
    belongs to the window ``since <= t < until`` when its hour overlaps it, a raw object when its file time lies in it.
    """

    participants: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()  # by their chunked names
    source: Source = "chunked"
    since_ms: int | None = None
    until_ms: int | None = None
    surveys: tuple[str, ...] = ()  # objects of these, and those that may hold rows of theirs
    others: bool = False  # also objects whose stream or extension is not known

    def wants(self, obj: BeiweObject, *, raw_margin_ms: int = 0, raw_after_ms: int = 0) -> bool:
        """Tell whether an object belongs to the selection.

        A raw file may start `raw_margin_ms` earlier than the window, where its later rows are wanted, or `raw_after_ms`
        later, where its earlier ones are: a call is logged when it ends.
        """
        if not (obj.is_data or (self.others and obj.is_other)):
            return False
        if self.participants and obj.participant not in self.participants:
            return False
        if self.streams and obj.stream not in self.streams:
            return False
        if self.surveys and obj.survey_id not in self.surveys and not obj.is_mixed:
            return False
        return self._wants_source(obj) and self._in_window(obj, raw_margin_ms, raw_after_ms)

    def wants_odd(self, obj: BeiweObject) -> bool:
        """Tell whether an object whose folder has an odd name would belong to the selection, as far as it says."""
        if obj.kind != "odd" or (self.participants and obj.participant not in self.participants):
            return False
        return not self.streams or obj.stream in self.streams

    def _wants_source(self, obj: BeiweObject) -> bool:
        if self.source == "both":
            return True
        if obj.source == "raw" and self.source == "chunked":
            return obj.is_data and STREAMS[obj.stream].raw_only
        return obj.source == self.source

    def _in_window(self, obj: BeiweObject, raw_margin_ms: int, raw_after_ms: int) -> bool:
        if obj.time_ms is None and obj.is_other:  # nobody can say when it is from
            return self.since_ms is None and self.until_ms is None
        start = obj.time_ms or 0
        last = start + (HOUR_MS - 1 if obj.source == "chunked" else raw_margin_ms)
        if self.since_ms is not None and last < self.since_ms:
            return False
        return self.until_ms is None or start < self.until_ms + (raw_after_ms if obj.source == "raw" else 0)

    def params(self) -> dict[str, Any]:
        """Return the selection as JSON, for the ledger; whether others are wanted, the form of an export says."""
        said = dataclasses.asdict(self)
        return {name: said[name] for name in said if name != "others" and (name != "surveys" or self.surveys)}


def from_params(params: Mapping[str, Any]) -> StudySelection:
    """Build a selection from what `StudySelection.params` returned."""
    several = {name: tuple(params.get(name, ())) for name in ("participants", "streams", "surveys")}
    return StudySelection(**{**params, **several})


def select(
    participants: Iterable[str] = (),
    streams: Iterable[str] = (),
    source: str = "chunked",
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> StudySelection:
    """Check a selection's words and build it; a stream may be named as in raw keys, too.

    Raises UsageError for an unknown stream or source, and for a window that ends before it starts.
    """
    if source not in get_args(Source):
        raise UsageError(f"The source {source!r} is unknown.", hint="Choose chunked, raw or both.")
    check_window(since_ms, until_ms)
    chosen = tuple(dict.fromkeys(_stream_name(name) for name in streams))
    return StudySelection(tuple(dict.fromkeys(participants)), chosen, cast("Source", source), since_ms, until_ms)


def _stream_name(name: str) -> str:
    if name in STREAMS:
        return name
    stream = by_raw_name(name)
    if stream is not None:
        return stream.name
    near = difflib.get_close_matches(name.lower(), STREAMS, 1)
    raise UsageError(
        f"The stream {name!r} is unknown.",
        hint=(f"Did you mean {near[0]}?" if near else f"Known streams: {', '.join(sorted(STREAMS))}.")
        + " Objects of other streams: bondstore beiwe ls --unknown",
    )


def selection_of(
    participant: str | Iterable[str] | None = None,
    stream: str | Iterable[str] | None = None,
    since: Moment = None,
    until: Moment = None,
    source: str = "both",
    *,
    tz: str = "UTC",
    survey: str | Iterable[str] | None = None,
) -> StudySelection:
    """Build a selection from the words of a notebook; see `select` and `bondstore.timebounds`."""
    bounds = window_ms(bound_of(since), bound_of(until), tz)
    return of_surveys(select(_many(participant), _many(stream), source, *bounds), survey)


def of_surveys(selection: StudySelection, survey: str | Iterable[str] | None) -> StudySelection:
    """Return what of a selection belongs to surveys, if any are named."""
    return dataclasses.replace(selection, surveys=tuple(dict.fromkeys(_many(survey))))


def _many(names: str | Iterable[str] | None) -> Iterable[str]:
    return (names,) if isinstance(names, str) else names or ()


def bound_of(moment: object) -> Bound | None:
    """Read a time as people give it; raises `UsageError` for what is none, and for a number that must be seconds."""
    if moment is None or isinstance(moment, date):
        return moment
    if isinstance(moment, str):
        return read_bound(moment)
    if isinstance(moment, bool) or not isinstance(moment, Real) or not isfinite(moment):
        raise UsageError(
            f"A {type(moment).__name__} is no time.", hint="Give a date, a datetime, a text or milliseconds since 1970."
        )
    if (number := float(moment)) < _LEAST_MS:
        raise UsageError(
            f"The time {moment} is before 2014, when Beiwe began: numbers are milliseconds since 1970, not seconds.",
            hint="Multiply seconds by 1000, or give a date, a datetime or a text such as 2024-01-31.",
        )
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(number))
    except OverflowError:
        raise UsageError("The time is too late to be used.", hint="Give milliseconds since 1970.") from None
