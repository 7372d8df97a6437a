"""Which of a study's objects are meant: participants, streams, source, time."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from bondstore.domains.beiwe.streams import STREAMS, by_raw_name
from bondstore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.domains.beiwe.layout import BeiweObject

Source = Literal["chunked", "raw", "both"]
Moment: TypeAlias = datetime | str | int | None
"""A time as people give it; see `to_ms`."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Selection:
    """A part of a study.

    Parameters
    ----------
    participants : tuple of str
        Participant ids; empty for all.
    streams : tuple of str
        Chunked stream names; empty for all.
    source : {"chunked", "raw", "both"}
        Processed objects, raw ones, or both. Streams that are never chunked (answers, audio) come from raw even
        with ``"chunked"``.
    since_ms, until_ms : int or None
        Half-open window in ms since 1970, UTC: ``since <= t < until``. A chunked object belongs to it when its hour
        overlaps it, a raw object when its file time lies in it.
    """

    participants: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    source: Source = "chunked"
    since_ms: int | None = None
    until_ms: int | None = None

    def wants(self, obj: BeiweObject, *, raw_margin_ms: int = 0) -> bool:
        """Tell whether an object belongs to the selection.

        Parameters
        ----------
        obj : BeiweObject
            The object.
        raw_margin_ms : int
            How much earlier than the window a raw file may start, where its later rows are wanted.
        """
        if not obj.is_data or (self.participants and obj.participant not in self.participants):
            return False
        if self.streams and obj.stream not in self.streams:
            return False
        if not self._wants_source(obj):
            return False
        return self._in_window(obj, raw_margin_ms)

    def _wants_source(self, obj: BeiweObject) -> bool:
        if self.source == "both":
            return True
        if obj.source == "raw" and self.source == "chunked":
            return STREAMS[obj.stream].raw_only
        return obj.source == self.source

    def _in_window(self, obj: BeiweObject, raw_margin_ms: int) -> bool:
        start = obj.time_ms or 0
        last = start + (HOUR_MS - 1 if obj.source == "chunked" else raw_margin_ms)
        if self.since_ms is not None and last < self.since_ms:
            return False
        return self.until_ms is None or start < self.until_ms

    def params(self) -> dict[str, Any]:
        """Return the selection as JSON, for the ledger."""
        return {
            "participants": list(self.participants),
            "streams": list(self.streams),
            "source": self.source,
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
        }


def from_params(params: Mapping[str, Any]) -> Selection:
    """Build a selection from what `Selection.params` returned."""
    return Selection(
        tuple(params["participants"]),
        tuple(params["streams"]),
        params["source"],
        params["since_ms"],
        params["until_ms"],
    )


def select(
    participants: Iterable[str] = (),
    streams: Iterable[str] = (),
    source: str = "chunked",
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> Selection:
    """Check a selection's words and build it.

    Parameters
    ----------
    streams : iterable of str
        Chunked or raw names: ``accelerometer`` and ``accel`` are the same stream.

    Raises
    ------
    UsageError
        An unknown stream (the nearest known one is named) or source, or a window that ends before it starts.
    """
    if source not in get_args(Source):
        raise UsageError(f"The source {source!r} is unknown.", hint="Choose chunked, raw or both.")
    if since_ms is not None and until_ms is not None and until_ms <= since_ms:
        raise UsageError("The window ends before it starts.", hint="Give a --since that is earlier than --until.")
    chosen = tuple(dict.fromkeys(_stream_name(name) for name in streams))
    return Selection(tuple(dict.fromkeys(participants)), chosen, source, since_ms, until_ms)  # type: ignore[arg-type]


def _stream_name(name: str) -> str:
    if name in STREAMS:
        return name
    stream = by_raw_name(name)
    if stream is not None:
        return stream.name
    near = difflib.get_close_matches(name.lower(), STREAMS, 1)
    raise UsageError(
        f"The stream {name!r} is unknown.",
        hint=f"Did you mean {near[0]}?" if near else f"Known streams: {', '.join(sorted(STREAMS))}.",
    )


def selection_of(
    participant: str | Iterable[str] | None = None,
    stream: str | Iterable[str] | None = None,
    since: Moment = None,
    until: Moment = None,
    source: str = "both",
) -> Selection:
    """Build a selection from the words of a notebook.

    Parameters
    ----------
    participant, stream : str or iterable of str, optional
        Only these; streams by their chunked or raw name.
    since, until : datetime, str or int, optional
        Half-open window; see `to_ms`.
    source : {"chunked", "raw", "both"}
        Processed objects, raw ones, or both.

    Raises
    ------
    UsageError
        As `select` and `to_ms`.
    """
    return select(_many(participant), _many(stream), source, to_ms(since), to_ms(until))


def _many(names: str | Iterable[str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def to_ms(moment: Moment) -> int | None:
    """Return a time as ms since 1970 UTC.

    Parameters
    ----------
    moment : datetime, str, int or None
        Without a zone it is UTC; a number is ms already.

    Raises
    ------
    UsageError
        The text is no ISO date or time.
    """
    if moment is None or isinstance(moment, int):
        return moment
    try:
        value = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        raise UsageError(
            "A time is not understood.", hint="Write 2024-01-31, or 2024-01-31T12:00 (UTC unless it says +02:00)."
        ) from None
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return round(value.timestamp() * 1000)
