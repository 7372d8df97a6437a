"""One zip, from its bytes to its part: every image looked at, every row read, whatever is wrong with it named."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING, BinaryIO

from bondstore.deid.faces import follow
from bondstore.deid.findings import PICTURES
from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.handling import TextRule, is_known, names_columns, raw_text
from bondstore.domains.screenlake.layout import base_name, kind_of_member, prefix_of
from bondstore.domains.screenlake.part import Image, Index, PartTable, SealedSpool
from bondstore.domains.screenlake.paths import token_of
from bondstore.domains.screenlake.selection import Window, moment_ms, time_column, within
from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    DamagedError,
    NoSpaceError,
    NotFoundError,
    StoreError,
)
from bondstore.findings import Finding, Severity
from bondstore.runs import pulse
from bondstore.tables.dialect import PLAIN
from bondstore.tables.quoted import Aside, Reading, Reason, read_quoted
from bondstore.tables.rowdigests import digester
from bondstore.tables.textcsv import csv_line
from bondstore.zips import ZIPS, open_zip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces import Box, Detector
    from bondstore.deid.pictures import Cover, Decisions, Frames, RedactedPicture
    from bondstore.domains.screenlake.handling import Text
    from bondstore.domains.screenlake.layout import PhoneZip
    from bondstore.domains.screenlake.part import PartWriter
    from bondstore.zips import Content

_SCREENSHOTS = "screenshot_data"
_SPOOL = 4 << 20
_DAMAGED = "the file is damaged: nobody can vouch for this row"
_UNNAMED = "the file begins with no names of columns: nobody knows where its text is"
_IMAGE_BYTES = 64 << 20
"""A screenshot has some hundred kB; what has more than this is not taken into memory."""


@dataclass(frozen=True, slots=True)
class ExtractTools:
    """What work on a zip needs."""

    detector: Detector | None  # None where nobody is to look for faces
    cover: Cover
    text: Text
    window: Window = (None, None)  # when images and rows were captured
    decisions: Mapping[str, Decisions] = field(default_factory=dict)  # by SHA-256 of the image as it came
    texts: Callable[[NDArray[np.uint8]], list[Box]] | None = None  # finds text that must be covered


class ZipWork:
    """The work on one zip, from its seekable bytes; `write` takes the token and the bytes of an image to keep."""

    def __init__(
        self,
        phone: PhoneZip,
        source: BinaryIO,
        tools: ExtractTools,
        part: PartWriter,
        write: Callable[[str, bytes], None],
    ) -> None:
        # The screenshots of a zip were taken one after another: most of each is as it was in the one before.
        self._find = follow(tools.detector) if tools.detector else None
        self._phone, self._source, self._tools, self._part, self._write = phone, source, tools, part, write
        self._index = Index(phone.key, phone.name, phone.panelist)
        self._found: dict[tuple[str, str], Finding] = {}
        self._marks: Counter[str] = Counter()
        self._times: dict[str, int] = {}
        self._firsts: dict[str, int] = {}

    @property
    def findings(self) -> list[Finding]:
        """What was found so far."""
        return list(self._found.values())

    @property
    def reason(self) -> str:
        """The kind of the first thing that is missing, or empty."""
        return next((one.kind for one in self._found.values() if one.severity is Severity.ERROR), "")

    def run(self) -> Index:
        """Do it; a zip that cannot be opened at all has an index without images and rows."""
        try:
            # Twice through the zip, tables first: they say when the images were captured, and are small.
            self._each("table", self._table)
            self._each("image", self._image)
        except DamagedError as error:
            self._tell(ZIPS[error.kind].about(self._phone.key))
        # Screenshots say best when a zip begins: phones log old sessions late.
        self._index.first_ms = self._firsts.get(_SCREENSHOTS, min(self._firsts.values(), default=None))
        self._index.marks = dict(sorted(self._marks.items()))
        self._index.findings = [
            [one.kind, one.severity.value, one.where, one.message, one.count] for one in self.findings
        ]
        return self._index

    def _each(self, wanted: str, handle: Callable[[Content], None]) -> None:
        self._source.seek(0)
        opened = open_zip(self._source, self._phone.key)
        for content in opened.contents():
            kind = kind_of_member(content.member.name)
            if kind == wanted:
                handle(content)
            elif kind == "unknown":
                self._tell(KINDS["unknown-member"].about(self._phone.key, where=content.member.where))
        for one in opened.findings:
            self._tell(one)

    def _tell(self, finding: Finding) -> None:
        # by kind and place: both passes see the same damage, which counts once
        self._found[finding.kind, finding.where] = finding

    def _damaged(self, error: DamagedError, content: Content) -> None:
        where = content.member.where
        kind = PICTURES.get(error.kind) or ZIPS.get(error.kind)
        # The registry's own sentence, if there is one: a library may have put values into the error's.
        finding = kind.about(self._phone.key, where=where) if kind else None
        self._tell(finding or Finding(error.kind, Severity.ERROR, self._phone.key, error.message, where))

    def _image(self, content: Content) -> None:
        member, base = content.member.name, base_name(content.member.name)
        source, data = "", b""
        try:
            data = content.read(_IMAGE_BYTES)
            source = hashlib.sha256(data).hexdigest()
            outcome = self._look(base, source, data, member)
        except DamagedError as error:
            self._damaged(error, content)
            outcome = Image(member, base, source, error.kind)
        except (ConfigurationError, NoSpaceError, NotFoundError, StoreError):
            raise  # no other image will fare better
        except BondstoreError as error:
            self._tell(
                KINDS["could-not-look"].about(self._phone.key, where=content.member.where, message=error.message)
            )
            outcome = Image(member, base, source, "could-not-look")
        self._index.images.append(outcome)
        pulse.beat(len(data))

    def _look(self, base: str, source: str, data: bytes, member: str) -> Image:
        from bondstore.deid.pictures import redact

        if not self._in_time(base):
            return Image(member, base, source, "outside")
        tools = self._tools
        decisions = tools.decisions.get(source)
        picture = redact(data, tools.detector, tools.cover, decisions, tools.texts, find=self._find)
        self._write(token_of(base, source), picture.data)
        return _image_of(picture, member, base, source, looked=tools.detector is not None)

    def _in_time(self, base: str) -> bool:
        if self._tools.window == (None, None):
            return True
        moment = self._times.get(base)
        if moment is None:
            self._tell(KINDS["time-unknown"].about(self._phone.key, where=base))
            return True
        return within(moment, self._tools.window)

    def _table(self, content: Content) -> None:
        with SealedSpool(_SPOOL, self._part.scratch) as held:
            damaged = self._hold(content, held)
            self._read(content, held, damaged=damaged)

    def _hold(self, content: Content, held: SealedSpool) -> bool:
        """Unpack a table, as it is read more than once; return whether it is damaged."""
        try:
            for chunk in content.chunks:
                held.write(chunk)
        except DamagedError as error:
            self._damaged(error, content)
            return True
        return False

    def _read(self, content: Content, held: SealedSpool, *, damaged: bool) -> None:
        reading = read_quoted(held.chunks, doubles=False, known=is_known)  # the app does not double quotes
        if not names_columns(reading.columns, self._tools.text):
            self._read_unnamed(content, reading)
            return
        rows = _Rows(reading, self._tools, self._times)
        number, base = len(self._index.tables), base_name(content.member.name)
        prefix = prefix_of(base)
        digest, legible = digester(reading.columns), reading.dialect.encoding == "utf-8"
        with self._part.table(number) as write:
            for one in rows.walk():
                if isinstance(one, Aside):
                    raw = raw_text(self._tools.text, one.raw, legible=legible)
                    self._part.set_aside(prefix, base, one.line, str(one.reason), raw)
                elif damaged:
                    # A wrong checksum says that some byte is wrong, not which: no row may stand as if it were right.
                    self._part.set_aside(prefix, base, 0, _DAMAGED, ",".join(one))
                else:
                    write(one, digest(one))
        kept = 0 if damaged else rows.number
        self._index.tables.append(PartTable(number, prefix, base, list(reading.columns), kept))
        self._tell_of(reading, rows, prefix, content)

    def _read_unnamed(self, content: Content, reading: Reading) -> None:
        """Set all of a table aside, as nobody knows what its values are."""
        number, base = len(self._index.tables), base_name(content.member.name)
        prefix, text = prefix_of(base), self._tools.text
        lines = sum(1 for _ in reading.records(named=False)) + 1  # one pass says whether all of it is text
        legible = reading.dialect.encoding == "utf-8" and not reading.undecodable and not reading.nuls
        with self._part.table(number):
            for one in chain([Aside(0, Reason.NO_HEADER, reading.header)], reading.records(named=False)):
                raw = one.raw if isinstance(one, Aside) else csv_line(one).rstrip("\n")
                self._part.set_aside(prefix, base, 0, _UNNAMED, raw_text(text, raw, legible=legible))
        self._index.tables.append(PartTable(number, prefix, base, [], 0))
        self._tell(KINDS["rows-aside"].about(self._phone.key, where=content.member.where, count=lines))

    def _tell_of(self, reading: Reading, rows: _Rows, prefix: str, content: Content) -> None:
        counts = {
            "table-empty": 0 if reading.columns else 1,
            "rows-aside": reading.set_aside,
            "quotes-repaired": reading.repaired,
            "not-utf8": reading.undecodable + reading.nuls,
            "columns-renamed": len(reading.renamed),
            "columns-emptied": len(rows.emptied),
            "table-dialect": int(reading.dialect != PLAIN),
            "header-repeated": reading.headers,
            "time-unknown": rows.timeless,
        }
        for kind, count in counts.items():
            if count:
                self._tell(KINDS[kind].about(self._phone.key, where=content.member.where, count=count))
        self._index.repaired += reading.repaired
        self._marks.update(rows.marks)
        if rows.first_ms is not None:
            self._firsts[prefix] = min(rows.first_ms, self._firsts.get(prefix, rows.first_ms))


class _Rows:
    """The rows of a table that are wanted, with their text as asked for."""

    def __init__(self, reading: Reading, tools: ExtractTools, times: dict[str, int]) -> None:
        self._reading, self._window, self._times = reading, tools.window, times
        self._rule = TextRule(tools.text, reading.columns)
        self._time = time_column(reading.columns)
        self._file = reading.columns.index("file") if "file" in reading.columns else None
        self.marks = self._rule.marks  # what was taken out of their text, by kind
        self.emptied = self._rule.emptied
        self.number = self.timeless = 0
        self.first_ms: int | None = None

    def walk(self) -> Iterator[list[str] | Aside]:
        """Yield the rows, and what could not be read as one."""
        timed = self._time is not None or self._window != (None, None)
        for one in self._reading.records():
            if isinstance(one, Aside):
                yield one
            elif not timed or self._in_time(one):
                self.number += 1
                yield one if self._rule.idle else self._rule.apply(one)

    def _in_time(self, row: list[str]) -> bool:
        moment = None if self._time is None else moment_ms(row[self._time])
        if moment is None:
            # nobody knows when: kept, and counted where only some days were asked for
            self.timeless += self._window != (None, None)
            return True
        if self._file is not None and self._window != (None, None):
            base = base_name(row[self._file])
            if base not in self._times or within(moment, self._window):  # an image of any row that is wanted is wanted
                self._times[base] = moment
        if not within(moment, self._window):
            return False
        self.first_ms = moment if self.first_ms is None else min(self.first_ms, moment)
        return True


def _image_of(picture: RedactedPicture, member: str, base: str, source: str, *, looked: bool) -> Image:
    return Image(
        member,
        base,
        source,
        _outcome(picture, looked=looked),
        hashlib.sha256(picture.data).hexdigest(),
        picture.width,
        picture.height,
        _boxes(picture.covered, picture.covered_in),
        _boxes(picture.unsure, picture.unsure_in),
        [_box(one) for one in picture.texts],
        picture.looks,
    )


def _outcome(picture: RedactedPicture, *, looked: bool) -> str:
    if picture.covered or picture.texts:
        return "redacted"
    return "kept" if looked else "unlooked"


def _boxes(boxes: Sequence[Box], frames: Sequence[Frames]) -> list[list[float]]:
    return [[*_box(box), *found] for box, found in zip(boxes, frames or repeat(()), strict=False)]


def _box(box: Box) -> list[float]:
    return [round(value, 3) for value in (box.x, box.y, box.width, box.height, box.score)]
