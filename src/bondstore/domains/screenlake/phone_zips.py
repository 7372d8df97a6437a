"""The step that handles zips: fetched, looked at, and written as a part and the images that it holds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, ClassVar, cast

from bondstore.domains.screenlake.extract import ExtractTools, ZipWork
from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.layout import Other, PhoneZip, parse_key
from bondstore.domains.screenlake.part import PartWriter
from bondstore.domains.screenlake.paths import part_path, staged_path
from bondstore.domains.screenlake.publish import lost_parts, made_by
from bondstore.domains.screenlake.review import decisions as deciding
from bondstore.errors import BondstoreError, CredentialsError, NotFoundError, StoreError, UsageError
from bondstore.findings import NOT_FETCHED
from bondstore.ledger import Item, Read, State
from bondstore.runs.pipeline import EachObject
from bondstore.stores.rangefile import RangeFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces import Box
    from bondstore.domains.screenlake.question import Digests, Question
    from bondstore.domains.screenlake.review.decisions import Decision
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo

BATCH = 25
LEAST = 400_000
"""What a zip weighs at least, as a batch is recorded as a whole: so a kill costs about ten images."""
_TABLES = 100_000
"""Bytes that the tables may take in a zip that has images as well."""
_UNPACKED, _KEPT = 20, 2
"""A table comes out unpacked, with its source in each row, and is kept packed in its zip's part: 8 to 10 times the zip
where values are random, twice that where texts repeat. An image comes out somewhat larger than it came."""
WHOLE = 64 << 20
"""Zips up to this size are fetched in one piece; larger ones are read in ranges."""


@dataclass(frozen=True, slots=True)
class PhoneZips(EachObject):
    """Makes of each zip a part, and images that wait for their names."""

    question: Question
    digests: Digests
    prefix: str
    """Of the store's address: keys may begin anywhere in the tree."""
    number: int = BATCH
    bytes: ClassVar[int] = 2 << 20
    decided: tuple[Decision, ...] = ()
    """What people decided about images."""
    by_zip: Mapping[str, str] = field(default_factory=dict)
    """Digests of these, by zip."""
    lost: frozenset[str] = frozenset()
    """Parts whose images are not all in place."""

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        """Take the zips that are asked for; say what is none."""
        phone = parse_key(found.key, self.prefix)
        chosen = self.question.selection
        if isinstance(phone, Other):
            if phone.reason != "odd folder" or chosen.panelists or not chosen.wants_upload(found.modified_ms):
                return phone.reason
            return Item(found.key, found.etag, found.size, "")
        if not chosen.wants_panelist(phone.panelist) or not chosen.wants_upload(found.modified_ms):
            return None
        return Item(found.key, found.etag, found.size, part_path(self.question.query, phone.panelist, found.key))

    def informed(self, ledger: Ledger, context: RunContext, holder: Holder) -> PhoneZips:
        """Look up decisions, and which images are lost."""
        lost = lost_parts(ledger, context.job, holder, self.question.query)
        return replace(self._with_decisions(context), lost=lost)

    def _with_decisions(self, context: RunContext) -> PhoneZips:
        decided = deciding.read_decisions(context.dest, self.question.query)
        return replace(self, decided=tuple(decided), by_zip=deciding.digests(decided))

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        """Whether a zip's part was made as is asked for, and its images are there; broken zips have a part as well."""
        if not item.output:
            return item.state is State.QUARANTINED
        part = outputs.get(item.output)
        return (
            part is not None
            and part.made_by == self._made_by(item.key)
            and item.output not in self.lost
            and (item.state is not State.QUARANTINED or holder.holds(part))
        )

    def _made_by(self, key: str) -> str:
        return made_by(self.digests.work, self.by_zip, key)

    def weight(self, item: Item) -> int:
        """Return the size, or that of two screenshots; what is read in ranges is alone: it may have to be dropped."""
        return max(item.size, LEAST) if item.size <= WHOLE else max(item.size, self.bytes + 1)

    def room(self, items: Sequence[Item]) -> int:
        """Return about how many bytes the results of some zips take, rather too many than too few."""
        return sum(map(self._room, items))

    def _room(self, item: Item) -> int:
        phone = parse_key(item.key, self.prefix)
        images = isinstance(phone, PhoneZip) and phone.may_show
        tables = min(item.size, _TABLES) if images else item.size
        return _UNPACKED * tables + _KEPT * (item.size - tables)

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what was planned, with the decisions about it."""
        return EachObject.shards(self._with_decisions(context), ledger, context)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Fetch → look → write, zip by zip."""
        self._name_odd([item for item in items if not item.output], work)
        items = [item for item in items if item.output]
        tools = self._tools()
        for item, answer in work.fetch([item for item in items if item.size <= WHOLE]):
            self._take(item, io.BytesIO(memoryview(answer.data)), answer.info.etag, tools, work)
        for item in items:
            if item.size > WHOLE:
                self._take_in_ranges(item, tools, work)

    def _name_odd(self, items: Sequence[Item], work: Work) -> None:
        """Name what is no panelist's; nothing of it is read, as no place is left to keep such images uncovered."""
        for item in items:
            if item.version:
                work.receipt.findings.append(KINDS["odd-folder"].about(item.key))
                work.quarantine(item, item.version, "odd-folder")
            else:  # behind it nothing can be seen: who reads it is told why
                for one, _ in work.fetch([item]):
                    work.receipt.failed(one, NOT_FETCHED.about(one.key, message="It came while the store was listed."))

    def _tools(self) -> ExtractTools:
        from bondstore.deid.pictures import Cover

        handling = self.question.handling
        return ExtractTools(
            self.question.detector(),
            Cover(handling.redact),
            handling.text,
            self.question.selection.captured_window(),
            deciding.by_image(self.decided),
            _text_boxes() if handling.ocr else None,
        )

    def _take_in_ranges(self, item: Item, tools: ExtractTools, work: Work) -> None:
        try:
            info = work.store.head(item.key)
            source = cast("BinaryIO", io.BufferedReader(RangeFile(work.store, info)))
        except BondstoreError as error:
            work.not_fetched(item, error)
            return
        work.receipt.reads.append(Read(item.key, info.etag, info.size))
        try:
            self._take(item, source, info.etag, tools, work)
        except (StoreError, NotFoundError, CredentialsError) as error:  # it may be asked for, and not be read
            work.drop()
            work.not_fetched(item, error)

    def _take(self, item: Item, source: BinaryIO, version: str, tools: ExtractTools, work: Work) -> None:
        phone, query = self._phone(item), self.question.query

        def write(token: str, data: bytes) -> None:
            path = staged_path(query, phone.panelist, token)
            work.write(path, [data], kind="image", made_by=token, source=item.output)

        temporary = work.writer.reserve()
        with work.writer.explaining():
            part = PartWriter(temporary, temporary.parent)
            try:
                zip_work = ZipWork(phone, source, tools, part, write)
                index = zip_work.run()
                part.close(index)
            finally:
                part.abandon()
        work.adopt(item.output, temporary, kind="part", made_by=self._made_by(item.key))
        work.receipt.findings += zip_work.findings
        work.receipt.inside["images"] += len(index.images)
        if zip_work.reason:
            work.quarantine(item, version, zip_work.reason)
        else:
            work.receipt.done(item, version)

    def _phone(self, item: Item) -> PhoneZip:
        found = parse_key(item.key, self.prefix)
        if isinstance(found, Other):
            raise UsageError(f"{item.key} is no phone's zip.", hint="It was planned as one: run the command anew.")
        return found


def _text_boxes() -> Callable[[NDArray[np.uint8]], list[Box]]:
    from bondstore.deid.ocr import pattern_boxes

    return pattern_boxes
