"""What a study holds, counted from its listing alone: by participant, stream or survey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.listing import left_out, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.selection import Selection
    from bondstore.stores import Store

    Grouping: TypeAlias = Callable[[BeiweObject], str | None]


@dataclass(frozen=True, slots=True)
class Summary:
    """One participant, stream or survey of a study.

    Parameters
    ----------
    name : str
        Its id or name.
    chunked, raw : int
        Objects of each source.
    bytes : int
        Their size as stored.
    first_ms, last_ms : int or None
        Earliest and latest time in the file names, in ms since 1970 UTC.
    """

    name: str
    chunked: int = 0
    raw: int = 0
    bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    @property
    def objects(self) -> int:
        """Objects of both sources."""
        return self.chunked + self.raw


@dataclass(frozen=True, slots=True)
class Overview:
    """A study, counted.

    Parameters
    ----------
    parts : tuple of Summary
        By name.
    left_out : mapping
        Objects that hold no participant's data or are not understood, by kind.
    """

    parts: tuple[Summary, ...]
    left_out: Mapping[str, int]


def by_participant(obj: BeiweObject) -> str | None:
    """Group by participant."""
    return obj.participant


def by_stream(obj: BeiweObject) -> str | None:
    """Group by data stream."""
    return obj.stream


def by_survey(obj: BeiweObject) -> str | None:
    """Group by survey; objects of no survey are left aside."""
    return obj.survey_id


def overview(store: Store, study: str, selection: Selection, grouping: Grouping) -> Overview:
    """Count a selection.

    Parameters
    ----------
    store : Store
        Where the study lies.
    study : str
        The study's id.
    selection : Selection
        Which objects.
    grouping : callable
        `by_participant`, `by_stream` or `by_survey`.
    """
    groups: dict[str, _Counting] = {}
    others: dict[str, int] = {}
    for page in walk(store, study, selection):
        for one in page:
            if (reason := left_out(one.object)) is not None:
                others[reason] = others.get(reason, 0) + 1
            elif selection.wants(one.object) and (name := grouping(one.object)) is not None:
                group = groups.get(name)
                if group is None:
                    group = groups[name] = _Counting()
                group.add(one.object, one.size)
    return Overview(tuple(groups[name].summary(name) for name in sorted(groups)), others)


class _Counting:
    """A summary in the making."""

    __slots__ = ("bytes", "first", "last", "sources")

    def __init__(self) -> None:
        self.sources = {"chunked": 0, "raw": 0}
        self.bytes = 0
        self.first: int | None = None
        self.last: int | None = None

    def add(self, obj: BeiweObject, size: int) -> None:
        """Count one object."""
        self.sources[obj.source] += 1
        self.bytes += size
        if obj.time_ms is not None:
            self.first = obj.time_ms if self.first is None else min(self.first, obj.time_ms)
            self.last = obj.time_ms if self.last is None else max(self.last, obj.time_ms)

    def summary(self, name: str) -> Summary:
        """Return what was counted."""
        return Summary(name, self.sources["chunked"], self.sources["raw"], self.bytes, self.first, self.last)
