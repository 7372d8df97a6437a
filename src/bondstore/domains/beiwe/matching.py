"""A study, participant, stream or survey that matches nothing is an error, and the error says which of them it is.

A selection by time is no such thing: an hour in which nothing lies is an answer.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.listing import walk
from bondstore.domains.beiwe.selection import StudySelection
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.stores import Store

_EVERYTHING = StudySelection(source="both")


def check_each(store: Store, study: str, selection: StudySelection) -> None:
    """Refuse a selection of several participants or streams one of which has nothing."""
    for person in selection.participants if len(selection.participants) > 1 else ():
        if not _has(store, study, StudySelection((person,), source="both")):
            raise not_found(store, study, selection)
    for stream in selection.streams if len(selection.streams) > 1 else ():
        if not _has(store, study, replace(always(selection), streams=(stream,))):
            raise not_found(store, study, selection)
    for survey in selection.surveys if len(selection.surveys) > 1 else ():
        if not _has(store, study, replace(always(selection), surveys=(survey,))):
            raise no_survey(survey)


def matched(store: Store, study: str, selection: StudySelection, listed: Iterator[Listed]) -> Iterator[Listed]:
    """Yield what of listed objects is selected; raise NotFoundError at the end where no other time would give any."""
    ever, found = always(selection), False
    for one in listed:
        if ever.wants(one.object) or ever.wants_odd(one.object):
            found = True
            if selection.wants(one.object):
                yield one
    if not found:
        raise not_found(store, study, selection)


def check_any(store: Store, study: str, selection: StudySelection) -> None:
    """Raise NotFoundError where a selection matches nothing at any time."""
    if not _has(store, study, always(selection)):
        raise not_found(store, study, selection)


def always(selection: StudySelection) -> StudySelection:
    """Return a selection without its window."""
    return replace(selection, since_ms=None, until_ms=None)


def not_found(store: Store, study: str, selection: StudySelection) -> NotFoundError:
    """Say which part of a selection matches nothing, looking at one part after the other."""
    if not _has(store, study, _EVERYTHING):
        return NotFoundError(
            f"{store.url} holds no data of a study {study}.",
            hint="Check the study's id, the bucket and its prefix: the study's folder lies directly below.",
        )
    for person in selection.participants:
        if not _has(store, study, StudySelection((person,), source="both")):
            return NotFoundError(
                f"The participant {person} has no data in the study {study}.",
                hint="bondstore beiwe participants lists those who have.",
            )
    whose = "these participants" if len(selection.participants) > 1 else "the participant"
    where = f"{whose} {', '.join(selection.participants)}" if selection.participants else f"the study {study}"
    for stream in selection.streams:
        kind = "" if selection.source == "both" or STREAMS[stream].raw_only else f" {selection.source}"
        if not _has(store, study, replace(always(selection), streams=(stream,), surveys=())):
            return NotFoundError(
                f"There is no{kind} data of the stream {stream} in {where}."
                if not selection.participants
                else f"There is no{kind} data of the stream {stream} of {where}.",
                hint="bondstore beiwe streams lists the streams that have data, of each source.",
            )
    for survey in selection.surveys:
        if not _has(store, study, replace(always(selection), surveys=(survey,))):
            return no_survey(survey)
    kind = "" if selection.source == "both" else f" {selection.source}"
    return NotFoundError(
        f"There is no{kind} data of {where}.", hint="bondstore beiwe participants counts objects of each source."
    )


def no_survey(survey: str) -> NotFoundError:
    """Say that a survey has nothing of what is selected."""
    return NotFoundError(
        f"There is no data of the survey {survey} here.", hint="bondstore beiwe surveys lists those that have data."
    )


def _has(store: Store, study: str, selection: StudySelection) -> bool:
    with closing(_objects(store, study, selection)) as objects:
        return any(selection.wants(one) or selection.wants_odd(one) for one in objects)


def _objects(store: Store, study: str, selection: StudySelection) -> Generator[BeiweObject, None, None]:
    for page in walk(store, study, selection):
        yield from (one.object for one in page)
