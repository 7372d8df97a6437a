"""Reading raw objects as rows by hour, and the chunked objects of those hours: fetched in batches, damage named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.findings import finding, finding_of, moved_finding
from bondstore.domains.beiwe.layout import weight
from bondstore.domains.beiwe.reading.fetch import SealedObject, fetch
from bondstore.domains.beiwe.reading.stream import open_or_salvage
from bondstore.domains.beiwe.reconcile.hours import Hour, Series, in_window
from bondstore.domains.beiwe.reconcile.rows import ChunkRows, Rows, read_raw
from bondstore.errors import BondstoreError, DamagedError, IntegrityError
from bondstore.findings import Finding, Severity
from bondstore.runs.batches import grouped
from bondstore.threads import ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bondstore.domains.beiwe.decode import Opened, Opener
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.reading.raw_rows import RawRow
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.ledger import Item, Output, Read
    from bondstore.runs.work import Work
    from bondstore.stores import Store

GROUP_OBJECTS = 256
GROUP_BYTES = 8 << 20
"""About so much text is fetched at a time."""
BATCH_BYTES = 8 << 20
"""Bytes of rows that are held against chunked objects at a time."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What reading needs."""

    store: Store
    opener: Opener
    note: Callable[[list[Read]], None]  # takes what was read, before anything is made of it
    latest_ms: int  # rows at or after this time are dropped, as the server does
    fit: bool = False  # whether rows that the rules for tables cannot repair are lost, too


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an object."""

    object: BeiweObject  # as it was listed
    size: int
    sealed: SealedObject | None  # None when it could not be fetched
    error: BondstoreError | None = None  # why not
    reason: str = ""  # the kind of the worst finding, where it is damaged
    findings: tuple[Finding, ...] = ()
    hours: frozenset[Hour] = frozenset()  # of raw only: those its rows go into
    cut: bool = False  # of raw only: whether rows lie outside the window


@dataclass(slots=True)
class HourRows:
    """Rows of raw that belong to one hour, each once, and the widest header they came under."""

    header: bytes | None = None
    rows: dict[bytes, RawRow] = field(default_factory=dict)


@dataclass(slots=True)
class RawBatch:
    """Rows of raw by hour, and the objects that are read to their end."""

    hours: dict[Hour, HourRows] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    size: int = 0


def wider(one: bytes | None, other: bytes | None) -> bytes | None:
    """Return the header with more columns: rows of both platforms can meet in one hour."""
    return max((one, other), key=lambda header: (header.count(b",") + 1, header) if header else (0, b""))


def raw_batches(
    tools: Tools, series: Series, selection: StudySelection, objects: Iterable[tuple[BeiweObject, int]]
) -> Iterator[RawBatch]:
    """Read raw objects of a series, best in order of time, as rows in the chunked form, by hour.

    There is at least one batch; each object's outcome comes with the one that holds its last rows. Rows in hours
    outside the selection's window are left out.
    """
    batch = RawBatch()
    groups = grouped(objects, _weight, number=GROUP_OBJECTS, weight=GROUP_BYTES)
    # The next group is fetched while this one is worked on.
    for group, answers in ordered(lambda one: (one, fetch(tools.store, [obj for obj, _ in one])), groups, 1):
        for obj, size, answer, opened in _read(tools, group, answers):
            told = _Told(obj, answer, opened)
            if opened is not None and not isinstance(opened, DamagedError):
                for rows in read_raw(told.found, opened.plain, tools.latest_ms, whole=opened.whole, fit=tools.fit):
                    told.take(rows)
                    _add(batch, series.survey_of(obj), rows, selection, told)
                    if batch.size >= BATCH_BYTES:
                        yield batch
                        batch = RawBatch()
            batch.outcomes.append(told.outcome(size))
    yield batch


def _weight(listed: tuple[BeiweObject, int]) -> int:
    obj, size = listed
    return weight(obj.key, size)


def _read(
    tools: Tools, group: Sequence[tuple[BeiweObject, int]], answers: Sequence[SealedObject | BondstoreError]
) -> Iterator[tuple[BeiweObject, int, SealedObject | BondstoreError, Opened | DamagedError | None]]:
    """Note and open a group that was fetched; what could not be fetched is not opened."""
    sealed = [answer for answer in answers if isinstance(answer, SealedObject)]
    tools.note([one.read for one in sealed])
    opened = {id(one): result for one, result in open_or_salvage(tools.opener, sealed)}
    for (obj, size), answer in zip(group, answers, strict=True):
        yield obj, size, answer, opened.pop(id(answer), None)


class _Told:
    """Gathers what is to be said of one object while its rows are read."""

    def __init__(
        self, obj: BeiweObject, answer: SealedObject | BondstoreError, opened: Opened | DamagedError | None
    ) -> None:
        self._object, self._answer = obj, answer
        self._lost: list[int] = []
        self._out_of_range: list[int] = []
        self._findings: list[Finding] = []
        if isinstance(opened, DamagedError):
            self._findings.append(finding_of(opened, obj.key))
        elif opened is not None:
            self._findings += [_under(one, obj.key) for one in opened.findings]
        self.found = answer.object if isinstance(answer, SealedObject) else obj
        self.hours: set[Hour] = set()
        self.cut = False

    def take(self, rows: Rows) -> None:
        """Remember the rows that were left out."""
        self._lost += rows.lost
        self._out_of_range += rows.out_of_range

    def lose(self, number: int) -> None:
        """Remember that so many rows of a chunked object could not be read."""
        if number:
            self._findings.append(finding("rows-lost", self._object.key, count=number))

    def outcome(self, size: int) -> Outcome:
        """Sum it up."""
        key = self._object.key
        found = self._findings
        found += [finding("rows-lost", key, rows=self._lost)] if self._lost else []
        found += [finding("timestamp-out-of-range", key, rows=self._out_of_range)] if self._out_of_range else []
        reason = next((one.kind for one in found if one.severity is Severity.ERROR), "")
        sealed = self._answer if isinstance(self._answer, SealedObject) else None
        if sealed is not None and sealed.object.key != key:
            found.append(moved_finding(key))
        error = None if isinstance(self._answer, SealedObject) else self._answer
        hours = frozenset(self.hours)
        return Outcome(self._object, size, sealed, error, reason, tuple(found), hours, self.cut)


def _under(one: Finding, key: str) -> Finding:
    """A finding about an object that moved to its twin is told under the key it was listed by."""
    return one if one.key == key else Finding(one.kind, one.severity, key, one.message, one.where, one.count)


def _add(batch: RawBatch, survey: str | None, rows: Rows, selection: StudySelection, told: _Told) -> None:
    """Sort rows into hours."""
    wanted: dict[int, HourRows | None] = {}
    for row in rows.rows:
        if row.hour_ms not in wanted:
            hour = Hour(survey, row.hour_ms)
            wanted[row.hour_ms] = None
            if in_window(selection, row.hour_ms):
                told.hours.add(hour)
                wanted[row.hour_ms] = into = batch.hours.setdefault(hour, HourRows())
                into.header = wider(into.header, rows.header)
            else:
                told.cut = True
        into_hour = wanted[row.hour_ms]
        if into_hour is not None and row.line not in into_hour.rows:
            into_hour.rows[row.line] = row
            batch.size += len(row.line) + 1


@dataclass(frozen=True, slots=True)
class ChunkText:
    """A chunked object that was asked for: what became of it, and its good rows where there are any to be had."""

    outcome: Outcome
    rows: ChunkRows | None = None

    @property
    def whole(self) -> bool:
        """Whether all of its rows are there."""
        return not self.outcome.reason and self.outcome.error is None


def read_chunks(tools: Tools, group: Sequence[tuple[BeiweObject, int]]) -> list[ChunkText]:
    """Fetch and read chunked objects, small enough together to be held in memory."""
    texts = []
    answers = fetch(tools.store, [obj for obj, _ in group])
    for obj, size, answer, opened in _read(tools, group, answers):
        told = _Told(obj, answer, opened)
        rows = None
        if opened is not None and not isinstance(opened, DamagedError):
            rows = ChunkRows(told.found, opened.plain, tools.latest_ms, whole=opened.whole)
            told.lose(rows.lost)
        texts.append(ChunkText(told.outcome(size), rows))
    return texts


def read_back(work: Work, outputs: Sequence[Output]) -> dict[str, bytes]:
    """Read hours that an earlier run, or this shard a moment ago, has written.

    Raises IntegrityError where one is not what was written.
    """
    found = {output.path: work.writer.read(output.path) for output in outputs}
    stand = [path for path, plain in found.items() if plain is None]
    found |= dict(zip(stand, work.dest.read_many(stand), strict=True))
    plains = {}
    for output in outputs:
        plain = found[output.path]
        if plain is None or hashlib.sha256(plain).digest() != output.sha256:
            raise IntegrityError(
                f"The rebuilt file {output.path} was changed while the run went on.",
                hint="Run the same command again.",
            )
        plains[output.path] = plain
    return plains


def settle(work: Work, item: Item, one: Outcome) -> None:
    """Say what became of an object; keep the sealed bytes of a damaged one."""
    receipt = work.receipt
    if one.sealed is None:
        if one.error is not None:
            work.not_fetched(item, one.error, sealed=True)
        return
    receipt.findings += one.findings
    if one.reason:
        work.quarantine(item, one.sealed.version, one.reason, [one.sealed.data])
    else:
        receipt.done(item, one.sealed.version)
    if one.sealed.object.key != item.key:  # it moved to its twin, and is known there from now on
        receipt.also.append(replace(receipt.items[-1], key=one.sealed.object.key, size=one.sealed.size))
