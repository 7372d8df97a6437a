"""Making units: the hours of chunked objects, and the files of streams that are never chunked, as forest reads them.

An hour in which nothing is wrong keeps its exact bytes. In any other the rows are repaired by the rules of tables, and
an object of which rows are lost goes into quarantine, while its good rows are written.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.export.files import LARGE, OPENED_BYTES, Files, about, note_moved
from bondstore.domains.beiwe.export.forest_rows import by_survey, csv_of, file_of, time_of
from bondstore.domains.beiwe.findings import finding
from bondstore.domains.beiwe.integrity import Opened, has_headers
from bondstore.domains.beiwe.key import opener
from bondstore.domains.beiwe.layout import UNKNOWN_SURVEY, forest_path, hidden_path, parse_key, weight
from bondstore.domains.beiwe.reading.fetch import SealedObject, fetch
from bondstore.domains.beiwe.reading.raw_rows import woven
from bondstore.domains.beiwe.selection import StudySelection
from bondstore.domains.beiwe.streams import AHEAD_MS, STREAMS, match_header
from bondstore.errors import BondstoreError
from bondstore.findings import Severity
from bondstore.ledger import Item, Read, State
from bondstore.runs.batches import grouped
from bondstore.runs.context import RunContext
from bondstore.runs.pipeline import Shard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from bondstore.domains.beiwe.decode import Opener
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.streams import Stream, Variant
    from bondstore.findings import Finding
    from bondstore.runs.work import Work

MADE = "forest-3"
"""Another word when the same objects would give other files: then all are made anew."""
_PIECE = 1 << 20
_AS_IT_IS = frozenset(
    {
        "empty-survey-id",
        "header-only",
        "duplicate-hidden",
        "duplicate-taken",
        "no-survey",
        "option-index-answers",
        "out-of-hour-rows",
        "suffix-without-zstd",
        "timestamp-out-of-range",
        "zstd-without-suffix",
    }
)
"""Findings that leave a file as it is: any reader reads it, and no rule of tables changes its rows."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is made together."""

    stream: str
    items: tuple[Item, ...]
    old: tuple[str, ...]
    """Files that an earlier run made of it: those that are not written again go."""

    @property
    def weight(self) -> int:
        """About how many bytes it holds in the clear."""
        return sum(weight(item.key, item.size) for item in self.items)


class _Exact(Files):
    """Files with exactly the bytes of their objects."""

    made_by = MADE


@dataclass(frozen=True, slots=True)
class Units(Shard):
    """A batch of units."""

    context: RunContext
    study: str
    key: SecretRef
    source: str
    units: tuple[Unit, ...]

    def handle(self, work: Work) -> None:
        """Fetch → open → parse → write."""
        tables: list[Unit] = []
        exact: list[Unit] = []
        for unit in self.units:
            is_table = all(has_headers(parse_key(self.study, item.key)) for item in unit.items)
            (tables if is_table else exact).append(unit)
        making = _Making(self, work)
        small = [unit for unit in tables if unit.weight <= LARGE]
        making.tables(small)
        for unit in tables:
            if unit.weight > LARGE:
                making.tables([unit])
        for unit in exact:
            making.exact(unit)
        # Where an object could not be had, or is damaged, what was made of an earlier version of it stays.
        whole = [unit for unit in self.units if all(item.key in making.good for item in unit.items)]
        work.receipt.gone += [path for unit in whole for path in unit.old if path not in work.written]


@dataclass(slots=True)
class _Member:
    """One object of a unit of rows."""

    item: Item
    sealed: SealedObject
    plain: bytes | None = None
    """What is good of it; None where nothing is, empty where it is large and must be opened in pieces."""
    findings: list[Finding] = field(default_factory=list)
    is_large: bool = False
    has_quotes: bool = False
    has_commas: bool = False
    """Whether its free text has commas, at which a reader of CSV sees more fields than the header has."""
    has_raw_rows: bool = False
    """Whether it is an hour whose rows are in the raw form, as an old server wrote some."""

    @property
    def object(self) -> BeiweObject:
        """What its key says."""
        return self.sealed.object

    @property
    def reason(self) -> str:
        """The kind of the worst finding, where there is something wrong with it."""
        return next((one.kind for one in self.findings if one.severity is Severity.ERROR), "")

    @property
    def is_fine(self) -> bool:
        """Whether forest reads it as it is."""
        odd = self.has_quotes or self.has_commas or self.has_raw_rows
        return not odd and all(one.kind in _AS_IT_IS for one in self.findings)

    def find(self, word: str) -> None:
        """Add a finding about it, once."""
        if all(one.kind != word for one in self.findings):
            self.findings.append(finding(word, self.item.key))


class _Making:
    """The work of a batch while it goes on."""

    def __init__(self, shard: Units, work: Work) -> None:
        self._shard, self._work, self._receipt = shard, work, work.receipt
        self._tool: Opener = opener(shard.key)
        self._latest = int(time.time() * 1000) + AHEAD_MS
        self.good: set[str] = set()  # keys of objects of which all that is good was written

    def _parsed(self, item: Item) -> BeiweObject:
        return parse_key(self._shard.study, item.key)

    def tables(self, units: Sequence[Unit]) -> None:
        """Make units of rows."""
        from bondstore.domains.beiwe.reading.stream import one_large_at_a_time

        items = [item for unit in units for item in unit.items]
        fetched = fetch(self._work.store, [self._parsed(item) for item in items])
        members: dict[str, _Member] = {}
        for item, answer in zip(items, fetched, strict=True):
            if isinstance(answer, SealedObject):
                self._receipt.reads.append(answer.read)
                members[item.key] = _Member(item, answer)
            else:
                self._work.not_fetched(item, answer, sealed=True)
        for stream, some in groupby(units, lambda unit: unit.stream):
            for part in grouped(some, lambda unit: unit.weight, number=len(items), weight=OPENED_BYTES):
                parted = [[members[item.key] for item in unit.items if item.key in members] for unit in part]
                mine = [member for unit in parted for member in unit]
                if not mine:
                    continue
                with one_large_at_a_time([member.sealed for member in mine]):
                    self._open(stream, mine)
                    for unit in parted:
                        self._write(STREAMS[stream], unit)
                for member in mine:
                    self._settle(member)
                    member.plain = None

    def _open(self, stream: str, members: Sequence[_Member]) -> None:
        """Open and parse; what parsing finds is what tables are told."""
        from bondstore.domains.beiwe.reading.stream import joined_findings, opened_and_parsed

        opened, parsed = opened_and_parsed(self._tool, stream, [member.sealed for member in members])
        found: dict[str, list[Finding]] = {}
        for one in joined_findings(opened, parsed.findings):
            found.setdefault(one.key, []).append(one)
        for member, (_, result) in zip(members, opened, strict=True):
            member.findings = found.get(member.object.key, [])
            # Of what is damaged itself nothing is written, unless raw rows make up for it.
            if isinstance(result, Opened) and (result.whole or self._shard.source != "chunked"):
                member.plain = result.plain
                member.is_large = not result.plain and len(members) == 1 and parsed.frame.height > 0
                member.has_quotes = _holds_quotes(parsed.frame) if member.is_large else b'"' in result.plain
                member.has_commas = STREAMS[stream].kind == "log" and _has_more_commas(result.plain)
                member.has_raw_rows = self._has_raw_rows(STREAMS[stream], member)

    def _write(self, stream: Stream, members: Sequence[_Member]) -> None:
        """Write the files of a unit, each of one survey at most."""
        named: dict[str, list[_Member]] = {}
        for member in members:
            if member.plain is not None:
                self.good.add(member.item.key)
                named.setdefault(forest_path(member.object), []).append(member)
        targets: dict[str, list[tuple[_Member, list[str] | None]]] = {}
        for path, some in named.items():
            taken = self._without_copies(some)
            for number, member in enumerate(taken):
                obj = member.object
                if stream.name == "survey_timings" and not obj.survey_id:
                    self._part(stream, member, targets)
                elif stream.name == "survey_answers":  # each is a submission of its own
                    targets[forest_path(obj, apart=number > 0)] = [(member, None)]
                else:
                    targets.setdefault(path, []).append((member, None))
        for path, parts in targets.items():
            self._write_file(stream, path, parts)

    def _part(
        self, stream: Stream, member: _Member, targets: dict[str, list[tuple[_Member, list[str] | None]]]
    ) -> None:
        """Part an hour of several surveys."""
        for survey, rows in by_survey(stream, self._rows(stream, member)).items():
            target = forest_path(replace(member.object, survey_id=survey))
            targets.setdefault(target, []).append((member, rows))
            if f"/{UNKNOWN_SURVEY}/" not in target:
                member.find("parted-by-survey")

    def _write_file(self, stream: Stream, path: str, parts: Sequence[tuple[_Member, list[str] | None]]) -> None:
        for member, _ in parts:
            if f"/{UNKNOWN_SURVEY}/" in path:
                member.find("no-survey")
            if member.has_quotes:
                member.find("quotation-marks")
            if member.has_commas:
                member.find("commas-in-text")
        first, whole = parts[0][0], parts[0][1] is None
        if len(parts) == 1 and whole and first.is_fine:
            content: Iterable[bytes] = self._pieces(first) if first.is_large else [first.plain or b""]
        elif len(parts) == 1 and whole and first.is_large:
            content = self._repaired(stream, first)
        else:
            rows: list[str] = []
            for member, some in parts:
                mine = self._rows(stream, member) if some is None else some
                # A file of a stream that is never chunked stands alone, and none of its rows repeats another one.
                rows = mine if stream.raw_only else woven(rows, mine, time_of)
            content = [file_of(stream, self._variant(stream, first), rows)]
        self._work.write(path, content, kind="hour", made_by=MADE)

    def _rows(self, stream: Stream, member: _Member) -> list[str]:
        from bondstore.domains.beiwe.reading.frames import repaired_rows

        plain = b"".join(self._pieces(member)) if member.is_large else member.plain or b""
        match = match_header(stream, plain.partition(b"\n")[0], member.object.source)
        return repaired_rows(stream, member.object, plain, match, self._latest).rows

    def _repaired(self, stream: Stream, member: _Member) -> Iterator[bytes]:
        """Repair a large object slice by slice; its streams have rules that look at single rows only."""
        from bondstore.domains.beiwe.reading.frames import repaired_rows, whole_lines

        header = b""
        for lines in whole_lines(self._pieces(member)):
            match = match_header(stream, (header or lines).partition(b"\n")[0], member.object.source)
            rows = repaired_rows(stream, member.object, header + lines, match, self._latest).rows
            text = csv_of(stream, None, None, dict.fromkeys(rows))
            yield text.partition(b"\n")[2] if header else text
            header = header or lines[: lines.find(b"\n") + 1]

    def _pieces(self, member: _Member) -> Iterator[bytes]:
        data = member.sealed.data
        return self._tool.open_stream(member.object, (data[at : at + _PIECE] for at in range(0, len(data), _PIECE)))

    def _has_raw_rows(self, stream: Stream, member: _Member) -> bool:
        start = next(self._pieces(member), b"") if member.is_large else member.plain or b""
        match = match_header(stream, start.partition(b"\n")[0], member.object.source)
        return member.object.source == "chunked" and match is not None and match.source == "raw"

    def _variant(self, stream: Stream, member: _Member) -> Variant | None:
        match = match_header(stream, (member.plain or b"").partition(b"\n")[0], member.object.source)
        return match.variant if match else None

    def _without_copies(self, members: Sequence[_Member]) -> list[_Member]:
        """Leave out what the server named a duplicate and is one; its bytes go to a hidden folder."""
        if not any(member.object.duplicate for member in members):
            return list(members)
        taken: dict[bytes, _Member] = {}
        for member in sorted(members, key=lambda one: (bool(one.object.duplicate), one.item.key)):
            digest = hashlib.sha256()
            for piece in self._pieces(member) if member.is_large else [member.plain or b""]:
                digest.update(piece)
            if digest.digest() not in taken:
                taken[digest.digest()] = member
                if member.object.duplicate:
                    member.find("duplicate-taken")
                continue
            member.find("duplicate-hidden")
            content: Iterable[bytes] = self._pieces(member) if member.is_large else [member.plain or b""]
            self._work.write(hidden_path(member.object), content, kind="object", made_by=MADE)
        return list(taken.values())

    def _settle(self, member: _Member) -> None:
        item, sealed = member.item, member.sealed
        self._receipt.findings += [about(item, one) for one in member.findings]
        if member.reason:
            self._work.quarantine(item, sealed.version, member.reason, [sealed.data])
        else:
            self._receipt.done(item, sealed.version)
        note_moved(self._receipt, item, sealed)

    def exact(self, unit: Unit) -> None:
        """Make a unit of media: each its exact bytes, under a name that no other content has."""
        items = []
        by_path = sorted(unit.items, key=lambda item: (item.output, bool(self._parsed(item).duplicate), item.key))
        for path, group in groupby(by_path, lambda item: item.output):
            some = list(group)
            taken: set[bytes] = set()
            for item in some:
                obj, word = self._parsed(item), ""
                digest = self._digest(item) if len(some) > 1 else b""
                if obj.duplicate:
                    word = "duplicate-hidden" if digest in taken else "duplicate-taken"
                    output = hidden_path(obj) if digest in taken else forest_path(obj, apart=bool(taken))
                    items.append(replace(item, output=output))
                    self._receipt.findings.append(finding(word, item.key))
                else:
                    items.append(item)
                taken.add(digest)
            if f"/{UNKNOWN_SURVEY}/" in path:
                self._receipt.findings += [finding("no-survey", item.key) for item in some]
        _Exact(self._shard.study, self._shard.key, StudySelection()).handle(items, self._work)
        self.good.update(item.key for item in self._receipt.items if item.state is State.DONE)

    def _digest(self, item: Item) -> bytes:
        """Return what tells an object's content from another's; its key where that cannot be had."""
        digest = hashlib.sha256()
        try:
            info = self._work.store.head(item.key)
            self._receipt.reads.append(Read(item.key, info.etag, info.size))
            for piece in self._tool.open_stream(self._parsed(item), self._work.store.open_ranges(info)):
                digest.update(piece)
        except BondstoreError:  # it is told of when the object is written
            return item.key.encode()
        return digest.digest()


def _holds_quotes(frame: pl.DataFrame) -> bool:
    return any(
        frame[name].str.contains('"', literal=True).any() for name, kind in frame.schema.items() if kind == "String"
    )


def _has_more_commas(plain: bytes) -> bool:
    header, *lines = plain.split(b"\n")
    commas = header.count(b",")
    return any(line.count(b",") > commas for line in lines)
