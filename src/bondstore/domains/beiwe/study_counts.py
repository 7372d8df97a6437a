"""Looking at a study: who is in it, which streams and surveys, and which hours have data."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.listing import (
    GROUPINGS,
    MIXED,
    Listed,
    Overview,
    overview,
    participants,
)
from bondstore.domains.beiwe.matching import check_any, check_each
from bondstore.domains.beiwe.reading.damaged import hand_out, warn_of
from bondstore.domains.beiwe.reading.stream import (
    noted,
    read_stream,
)
from bondstore.domains.beiwe.selection import StudySelection, selection_of
from bondstore.domains.beiwe.study_source import StudySource
from bondstore.errors import UsageError
from bondstore.runs.notebook import watcher
from bondstore.timebounds import zone_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import polars as pl

    from bondstore.domains.beiwe.coverage.hours import Coverage
    from bondstore.domains.beiwe.selection import Moment
    from bondstore.findings import Finding
    from bondstore.runs.progress import Progress


class StudyCounts(StudySource):
    """What of a study is counted, from its listing as far as that says it."""

    def participants(self) -> list[str]:
        """Return the ids of all participants who have objects, sorted."""
        found = participants(self.store, self.id)
        if not found:
            check_any(self.store, self.id, StudySelection(source="both"))
        return found

    def streams(self, participant: str | None = None) -> list[str]:
        """Return the names of the data streams that a participant (or anyone) has objects of."""
        return [part.name for part in self.overview("stream", participant).parts]

    def surveys(self, participant: str | None = None, *, read: bool = False) -> list[str]:
        """Return the ids of the surveys that a participant (or anyone) has objects of.

        Hours of survey timings from before March 2026 hold several surveys, which only their rows tell: `read` looks.
        """
        parts = self.overview("survey", participant, read=read).parts
        return [part.name for part in parts if part.name != MIXED]

    def overview(
        self,
        by: str = "participant",
        participant: str | Iterable[str] | None = None,
        *,
        read: bool = False,
        findings: list[Finding] | None = None,
    ) -> Overview:
        """Count objects and bytes, with the first and the last time.

        Parameters
        ----------
        by : {"participant", "stream", "survey", "survey-folder"}
            What to count by; a folder is ``surveyAnswers/5873fe38644ad7557b168e43``.
        participant : str or iterable of str, optional
            Only of these.
        read : bool
            Open old hours that hold several surveys, and count each for all surveys that its rows name. Else they are
            counted under ``(several)``.
        findings : list, optional
            What is wrong with those is added to it; else a `DamageWarning` tells.

        Returns
        -------
        Overview
        """
        if by not in GROUPINGS:
            raise UsageError(f"Nothing can be counted by {by!r}.", hint=f"Choose one of: {', '.join(GROUPINGS)}.")
        selection = selection_of(participant)
        counted = overview(self.store, self.id, selection, by, self._surveys_inside(findings) if read else None)
        if not counted.parts:
            check_any(self.store, self.id, selection)
        check_each(self.store, self.id, selection)
        return counted

    def coverage(
        self,
        participant: str | Iterable[str] | None = None,
        stream: str | Iterable[str] | None = None,
        since: Moment = None,
        until: Moment = None,
        *,
        source: str = "chunked",
        tz: str = "UTC",
        rows: bool = False,
        findings: list[Finding] | None = None,
        progress: Progress | bool | None = None,
    ) -> pl.DataFrame:
        """Count for each participant, stream and day the hours that have data.

        Made from the listing: nothing is read or decrypted, unless rows are asked for.

        Parameters
        ----------
        participant, stream, since, until
            What to count; see `objects`. An hour belongs to the window in which it begins.
        source : {"chunked", "raw", "both"}
            What makes an hour one with data: a processed object of it, a raw file that begins in it, or either.
        tz : str
            The time zone of the days, and of dates and times without an offset.
        rows : bool
            Also read every object and count its rows; then an hour has data where it has a row.
        findings : list, optional
            What is wrong with objects whose rows could not all be counted is added to it; else a `DamageWarning` tells.
        progress : bool, optional
            Whether it is shown how far it is; by default in notebooks.

        Returns
        -------
        polars.DataFrame
            ``participant``, ``stream``, ``day`` (date), ``hours`` (with data), ``hours_of_day`` (24, or 23 or 25 where
            clocks change), ``objects``, ``bytes`` (as stored), ``rows`` (null where not counted). Days without anything
            are there, too: from the first to the last on which the participant has any data; with `since` or `until`,
            for all participants those of the window on which anybody has.
        """
        selection = selection_of(participant, stream, since, until, source, tz=tz)
        counted = self.counted(selection, tz, rows=rows, progress=watcher(progress))
        if findings is not None:
            findings += counted.findings
        elif counted.findings:
            warn_of(counted.findings)
        return counted.days()

    def gaps(
        self,
        participant: str | Iterable[str] | None = None,
        stream: str | Iterable[str] | None = None,
        since: Moment = None,
        until: Moment = None,
        *,
        at_least: int = 24,
        source: str = "chunked",
        tz: str = "UTC",
    ) -> pl.DataFrame:
        """List hours in a row without data, from the listing alone.

        Parameters
        ----------
        participant, stream, since, until, source, tz
            See `coverage`.
        at_least : int
            Only gaps of so many hours.

        Returns
        -------
        polars.DataFrame
            ``participant``, ``stream`` (null: no stream has any), ``begin``, ``end`` (datetimes in the zone) and
            ``hours``. Of single streams, those that a phone records all day: sensors, gps, bluetooth and wifi.
        """
        return self.counted(selection_of(participant, stream, since, until, source, tz=tz), tz).gaps(at_least)

    def counted(
        self, selection: StudySelection, tz: str = "UTC", *, rows: bool = False, progress: Progress | None = None
    ) -> Coverage:
        """Count what `coverage` and `gaps` are made of."""
        from bondstore.domains.beiwe.coverage.counting import count

        tool = self._opener() if rows else None
        counted = count(self.store, self.id, selection, zone_named(tz), tool=tool, progress=progress)
        if counted.is_empty:
            check_any(self.store, self.id, selection)
        check_each(self.store, self.id, selection)
        return counted

    def _surveys_inside(self, findings: list[Finding] | None) -> Callable[[Sequence[Listed]], list[list[str]]]:
        """Return what says which surveys the rows of each object name."""

        def inside(objects: Sequence[Listed]) -> list[list[str]]:
            ids: list[list[str]] = []
            with closing(read_stream(self.store, self._opener(), objects, StudySelection())) as batches:
                for batch in noted(batches):
                    hand_out([batch], "warn" if findings is None else "keep", findings)
                    start = 0
                    for number in batch.rows:
                        rows = batch.frame[start : start + number]
                        ids.append(rows["survey id"].drop_nulls().unique().sort().to_list())
                        start += number
            return ids

        return inside
