"""Reading a study: its objects, tables of streams, answers to surveys, all decrypted in memory."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.key import key_checked
from bondstore.domains.beiwe.layout import BeiweObject, Kind
from bondstore.domains.beiwe.listing import (
    Listed,
    readable,
    refuse_table,
    walk,
)
from bondstore.domains.beiwe.matching import check_any, check_each
from bondstore.domains.beiwe.reading.damaged import hand_out
from bondstore.domains.beiwe.reading.localtime import with_local_time
from bondstore.domains.beiwe.reading.readahead import ReadAhead
from bondstore.domains.beiwe.reading.stream import (
    fetch_one,
    noted,
    read_one,
    read_parts,
    read_stream,
    rows_in_order,
    sealed_by_device,
    stream_objects,
)
from bondstore.domains.beiwe.selection import StudySelection, selection_of
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.domains.beiwe.study_counts import StudyCounts
from bondstore.errors import DamagedError, UsageError
from bondstore.runs.batches import Sample
from bondstore.runs.notebook import watcher
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Count
from bondstore.timebounds import zone_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from bondstore.domains.beiwe.reading.stream import ReadBatch
    from bondstore.domains.beiwe.selection import Moment
    from bondstore.findings import Finding
    from bondstore.runs.progress import Progress


_UNLISTED = (Kind.UNKNOWN, Kind.ODD, Kind.PROBLEM_UPLOAD)


@dataclass(frozen=True)
class StudyReading(StudyCounts):
    """What of a study is listed and read."""

    _ahead: ReadAhead = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ahead", ReadAhead(self._read_parts))

    def objects(
        self,
        participant: str | Iterable[str] | None = None,
        stream: str | Iterable[str] | None = None,
        since: Moment = None,
        until: Moment = None,
        source: str = "both",
        *,
        tz: str = "UTC",
        survey: str | Iterable[str] | None = None,
    ) -> Iterator[Listed]:
        """List objects that hold participants' data.

        Parameters
        ----------
        participant, stream : str or iterable of str, optional
            Only these; streams by their chunked or raw name.
        since, until : date, datetime, str or int, optional
            Start, inclusive, and end. As an end, an instant is exclusive: a datetime, ISO text or ms since 1970. A
            date alone means the whole day. Without an offset, times are UTC. A number before 2014 is refused.
        source : {"chunked", "raw", "both"}
            Processed objects, raw ones, or both.
        tz : str
            The time zone of dates and times without an offset.
        survey : str or iterable of str, optional
            Only of these surveys, and old hours that hold several.

        Yields
        ------
        Listed
            ``object`` (a `BeiweObject`: what the key says), ``size``, ``version`` (etag), ``modified_ms``.
        """
        selection = selection_of(participant, stream, since, until, source, tz=tz, survey=survey)
        check_each(self.store, self.id, selection)
        some = False
        sample = Sample()
        for page in walk(self.store, self.id, selection, concurrency=1):
            # folders are listed in no order
            found = sorted((one for one in page if selection.wants(one.object)), key=lambda one: one.object.key)
            some = some or bool(found)
            for one in found:
                sample.add(one.object.key)
            self.store.others = tuple(sample.keys)  # one of them may open where another is refused
            self._ahead.offer(found)
            yield from found
        if not some:
            check_any(self.store, self.id, selection)

    def unknown_objects(self) -> Iterator[Listed]:
        """List what no other listing has: objects whose keys are not understood, and uploads the server gave up.

        The latter could not be decrypted by the server. `read_bytes` gives them as the device sealed them.
        """
        some = False
        for page in walk(self.store, self.id, StudySelection(source="both"), concurrency=1):
            some = some or bool(page)
            yield from (one for one in page if one.object.kind in _UNLISTED)
        if not some:
            check_any(self.store, self.id, StudySelection(source="both"))

    def read_bytes(self, obj: Listed | BeiweObject | str) -> bytes:
        """Fetch and open one object: its exact decrypted, decompressed bytes.

        Parameters
        ----------
        obj : Listed, BeiweObject or str
            The object, or its key.

        Raises
        ------
        DamagedError
            It is not whole.
        PolicyError
            It holds no participant's data (a device key, say).
        NotFoundError
            There is no such object.
        """
        listed = readable(self.id, obj)
        found, sealed = fetch_one(self.store, listed)
        if found.kind is Kind.PROBLEM_UPLOAD:
            return sealed_by_device(self._opener, bytes(sealed))
        with key_checked(self.store, self.id, self._needed_key()):
            opened = self._opener().open(found, sealed)
        bad = [finding for finding in opened.findings if finding.severity == "error"]
        if bad:
            raise DamagedError(f"{bad[0].key}: {bad[0].message}", kind=bad[0].kind)
        return opened.plain

    def read(
        self,
        obj: Listed | BeiweObject | str,
        *,
        damaged: str = "raise",
        findings: list[Finding] | None = None,
    ) -> pl.DataFrame:
        """Read one object as a typed table.

        Objects that are read one after the other in the order they were listed are fetched and parsed a little ahead.

        Parameters
        ----------
        obj : Listed, BeiweObject or str
            The object, or its key.
        damaged : {"raise", "warn", "keep"}
            What to do when rows were lost: raise, or return the good ones with a `DamageWarning`, or without.
        findings : list, optional
            What is found is added to it.

        Returns
        -------
        polars.DataFrame
            ``timestamp`` (Int64, ms since 1970), ``UTC time`` (datetime), then the stream's own columns.

        Raises
        ------
        DamagedError
            The object is damaged, and `damaged` is ``"raise"``; or nothing at all could be read of it.
        WrongKeyError
            The key opens neither it nor others of the study.
        """
        listed = readable(self.id, obj)
        refuse_table(self.store, listed.object)
        if (taken := self._ahead.take(listed)) is not None:
            if findings is not None:
                findings += taken.findings
            return taken.frame
        with key_checked(self.store, self.id, self._needed_key()):
            batch = read_one(self.store, self._opener(), listed)
        hand_out([batch], damaged, findings)
        return batch.frame

    def table(
        self,
        participant: str | Iterable[str],
        stream: str,
        since: Moment = None,
        until: Moment = None,
        *,
        source: str = "chunked",
        tz: str = "UTC",
        survey: str | Iterable[str] | None = None,
        damaged: str = "warn",
        findings: list[Finding] | None = None,
        progress: Progress | bool | None = None,
    ) -> pl.DataFrame:
        """Read a participant's stream as one table, sorted, without repeated rows; or those of several, one by one.

        Parameters
        ----------
        participant : str or iterable of str
            Whose. Several stand one after the other in the table, with the first column ``participant``.
        stream : str
            Which.
        since, until : date, datetime, str or int, optional
            Window of the rows; see `objects`.
        source : {"chunked", "raw", "both"}
            Where from. Streams that are never chunked come from raw in any case.
        tz : str
            Another time zone adds the column ``local time``, and is that of dates and times without an offset.
        survey : str or iterable of str, optional
            Only rows of these surveys.
        damaged : {"raise", "warn", "keep"}
            What to do when rows were lost or objects could not be read; see `read`.
        findings : list, optional
            What is found is added to it.
        progress : bool, optional
            Whether it is shown how far it is; by default in notebooks.

        Returns
        -------
        polars.DataFrame
            As `read` gives it. ``.to_pandas()`` turns it into a pandas frame.

        Raises
        ------
        DamagedError
            Something is damaged, and `damaged` is ``"raise"``.
        """
        import polars as pl

        from bondstore.domains.beiwe.reading.frames import named_rows, schema

        everybody = selection_of(participant, stream, since, until, source, tz=tz, survey=survey)
        zone_named(tz)
        if not everybody.participants:
            raise UsageError("No participant is named.", hint="Name one or several, such as study.participants().")
        check_each(self.store, self.id, everybody)
        frames: list[pl.DataFrame] = []
        read: list[ReadBatch] = []
        parts = [dataclasses.replace(everybody, participants=(person,)) for person in everybody.participants]
        listed = [stream_objects(self.store, self.id, part) for part in parts]
        if not any(listed):
            check_any(self.store, self.id, everybody)
        sample = Sample()
        for objects in listed:
            for one in objects:
                sample.add(one.object.key)
        self.store.others = tuple(sample.keys)
        watch = watcher(progress) or Quiet()
        watch.begin(_count(one for objects in listed for one in objects))
        try:
            for part, objects in zip(parts, listed, strict=True):
                for batch, frame in self.rows(objects, part):
                    frames.append(frame if isinstance(participant, str) else named_rows(frame, part.participants[0]))
                    read.append(dataclasses.replace(batch, frame=frame[:0]))
                    watch.advance(_count(one.listed for one in batch.objects))
        finally:
            watch.end()
        hand_out(read, damaged, findings)
        if not frames:
            empty = pl.DataFrame(schema=schema(STREAMS[everybody.streams[0]]))
            frames.append(empty if isinstance(participant, str) else named_rows(empty, ""))
        return with_local_time(pl.concat(frames, rechunk=False), tz)

    def answers(
        self,
        survey: str,
        participant: str | Iterable[str] | None = None,
        since: Moment = None,
        until: Moment = None,
        *,
        tz: str = "UTC",
        damaged: str = "warn",
        findings: list[Finding] | None = None,
    ) -> pl.DataFrame:
        """Read the answers to a survey: one row a submission, one column a question.

        Parameters
        ----------
        survey : str
            The survey's id.
        participant : str or iterable of str, optional
            Only of these.
        since, until, tz, damaged, findings
            See `table`; the window is that of the submissions.

        Returns
        -------
        polars.DataFrame
            ``participant``, ``timestamp`` and ``UTC time`` of the submission, then the questions as their text was last
            (with the question's id behind it where two have the same text). Values are texts: the option where Android
            wrote its place and it can be told, else what was written.

        Raises
        ------
        NotFoundError
            Nobody has answers to it.
        """
        from bondstore.domains.beiwe.reading.submissions import submissions

        everybody = self.participants() if participant is None else participant
        people = [everybody] if isinstance(everybody, str) else everybody
        rows = self.table(
            people, "survey_answers", since, until, tz=tz, survey=survey, damaged=damaged, findings=findings
        )
        return submissions(rows)

    def ordered_objects(self, selection: StudySelection) -> list[Listed]:
        """List the objects of one participant's stream in the order their rows have in a table."""
        found = stream_objects(self.store, self.id, selection)
        if not found:
            check_any(self.store, self.id, selection)
        return found

    def rows(self, objects: list[Listed], selection: StudySelection) -> Iterator[tuple[ReadBatch, pl.DataFrame]]:
        """Read the rows of a stream batch by batch, in order: for tables that are larger than memory.

        Parameters
        ----------
        objects : list of Listed
            From `ordered_objects`.
        selection : StudySelection
            The same; its window is applied to the rows.

        Yields
        ------
        tuple of (ReadBatch, polars.DataFrame)
            What was read, and the rows that are ready.
        """
        with closing(read_stream(self.store, self._opener(), objects, selection)) as batches:
            yield from rows_in_order(noted(batches))

    def _read_parts(self, batch: Sequence[Listed]) -> tuple[ReadBatch, list[pl.DataFrame]]:
        return read_parts(self.store, self._opener(), batch)


def _count(listed: Iterable[Listed]) -> Count:
    return sum((Count(1, one.size) for one in listed), Count())
