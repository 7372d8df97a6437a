"""Export object by object, in the form ``original``: files hold exactly the decrypted, decompressed bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from bondstore.domains.beiwe.findings import finding_of, moved_finding
from bondstore.domains.beiwe.key import opener, refuse_mixture
from bondstore.domains.beiwe.layout import Kind, original_path, parse_any, weight
from bondstore.domains.beiwe.listing import left_out, sort_twins, superseded_finding, walk
from bondstore.domains.beiwe.oddfolders import OddFolders
from bondstore.domains.beiwe.reading.fetch import SealedObject, fetch
from bondstore.errors import BondstoreError, ChecksumError, DamagedError, NotFoundError
from bondstore.findings import WRONG_CHECKSUM, Severity
from bondstore.ledger import Item, Read
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import EachObject, Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.config.secrets import SecretRef
    from bondstore.domains.beiwe.decode import Opened, Opener
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.receipt import Receipt
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo

LARGE = 8 << 20
"""Objects that hold about so many bytes or more are streamed in ranges, one at a time."""
OPENED_BYTES = 4 << 20
"""About so much of a batch is in memory in the clear at once."""


@dataclass(frozen=True, slots=True)
class Files(EachObject):
    """Writes every selected object into a file of its own."""

    study: str
    key: SecretRef
    selection: StudySelection
    kinds = ("object",)
    made_by: ClassVar[str] = ""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List the selection, unless the destination holds hours that were rebuilt."""
        refuse_mixture(ledger, f"beiwe.reconcile:{self.study}")
        return EachObject.plan(self, ledger, context, progress)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Walk the study; of twins, which would be the same file, one is taken and the other named."""
        others: Counter[str] = Counter()
        wanted = (self._wanted(page, others) for page in walk(context.store, self.study, self.selection))
        for kept, superseded in sort_twins(wanted):
            page = self.page_of(kept)
            page.left_out = others.copy()
            others.clear()
            page.superseded = [self._item(one) for one in superseded]
            page.findings = [superseded_finding(one) for one in superseded]
            yield page

    def _wanted(self, page: Sequence[Listed], others: Counter[str]) -> list[Listed]:
        """Keep what is selected; count what is no participant's data."""
        wanted = []
        for one in page:
            if self.selection.wants(one.object) or self.selection.wants_odd(one.object):
                wanted.append(one)
            elif (reason := left_out(one.object)) is not None:
                others[reason] += 1
        return wanted

    def page_of(self, listed: Sequence[Listed]) -> Page:
        """Return the page of listed objects that are all selected."""
        return Page([self._item(one) for one in listed])

    def _item(self, one: Listed) -> Item:
        path = "" if one.object.kind is Kind.ODD else original_path(one.object)
        return Item(one.object.key, one.version, one.size, path)

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:  # noqa: ARG002
        """Whether an object has the name that it is given now: media that are duplicates had another."""
        if "-duplicate-" not in item.key or not item.output:
            return True
        return item.output == original_path(parse_any(self.study, item.key))

    def weight(self, item: Item) -> int:
        """Return about how many bytes an object holds in the clear."""
        return weight(item.key, item.size)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Fetch, open and write: small objects together, large ones one at a time."""
        odd = [item for item in items if not item.output]
        OddFolders(self.study).handle(odd, work)
        items = [item for item in items if item.output]
        batch = _Batch(self, opener(self.key), work)
        batch.small([item for item in items if self.weight(item) <= LARGE])
        for item in items:
            if self.weight(item) > LARGE:
                batch.large(item)


class _Batch:
    """A batch of objects while it is handled."""

    def __init__(self, step: Files, tool: Opener, work: Work) -> None:
        self._step, self._tool, self._work, self._receipt = step, tool, work, work.receipt

    def small(self, items: Sequence[Item]) -> None:
        """Handle objects that fit into memory together."""
        fetched: list[tuple[Item, SealedObject]] = []
        answers = fetch(self._work.store, [parse_any(self._step.study, item.key) for item in items])
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, SealedObject):
                self._receipt.reads.append(answer.read)
                fetched.append((item, answer))
            else:
                self._work.not_fetched(item, answer, sealed=True)
        parts = grouped(fetched, lambda pair: self._step.weight(pair[0]), number=self._step.number, weight=OPENED_BYTES)
        for part in parts:
            results = self._tool.open_many([(sealed.object, sealed.data) for _, sealed in part])
            for (item, sealed), result in zip(part, results, strict=True):
                self._settle(item, sealed, result)

    def _settle(self, item: Item, sealed: SealedObject, result: Opened | DamagedError) -> None:
        if isinstance(result, DamagedError):
            self._receipt.findings.append(finding_of(result, item.key))
            reason = result.kind
        else:
            self._receipt.findings += [about(item, finding) for finding in result.findings]
            reason = next((f.kind for f in result.findings if f.severity is Severity.ERROR), "")
        if reason:
            self._work.quarantine(item, sealed.version, reason, [sealed.data])
        elif not isinstance(result, DamagedError):
            self._work.write(item.output, [result.plain], kind="object", made_by=self._step.made_by)
            self._receipt.done(item, sealed.version)
        note_moved(self._receipt, item, sealed)

    def large(self, item: Item, *, again: bool = False) -> None:
        """Handle an object in ranges, in memory that does not grow with it; one that comes damaged, once more."""
        try:
            info = self._work.store.head(item.key)
        except NotFoundError:
            self.small([item])  # it may have moved to its twin; compressed it is smaller
            return
        except BondstoreError as error:
            self._work.not_fetched(item, error)
            return
        self._receipt.reads.append(Read(item.key, info.etag, info.size))
        found: list[Finding] = []
        source = _Source(self._work.store.open_ranges(info))
        damaged: DamagedError | None = None
        try:
            try:
                content = self._tool.open_stream(parse_any(self._step.study, item.key), source, found)
                self._work.write(item.output, content, kind="object", made_by=self._step.made_by)
            except DamagedError as error:
                damaged = error
                source.finish()  # only its end tells whether the damage is the object's or came on the way
        except BondstoreError as error:
            if error is not source.error:
                raise
            if not isinstance(error, ChecksumError):
                self._work.not_fetched(item, error)
            elif again:
                self._set_aside(item, info, WRONG_CHECKSUM.about(item.key))
            else:
                self.large(item, again=True)
            return
        if damaged is not None:
            self._set_aside(item, info, finding_of(damaged, item.key))
            return
        self._receipt.findings += found
        self._receipt.done(item, info.etag)

    def _set_aside(self, item: Item, info: ObjectInfo, finding: Finding) -> None:
        """Keep the sealed bytes of a large object; they are fetched once more, as they were not held."""
        self._receipt.reads.append(Read(item.key, info.etag, info.size))
        source = _Source(self._work.store.open_ranges(info, checked=False))
        try:
            self._work.quarantine(item, info.etag, finding.kind, source)
        except BondstoreError as failure:
            if failure is not source.error:
                raise
            self._work.not_fetched(item, failure)
        else:
            self._receipt.findings.append(finding)


class _Source:
    """Ranges of an object. An error while they are read is the source's; any other is of where they are written to."""

    # An iterator, no generator: who gives it up half-way does not close it, and the rest can be asked for.
    def __init__(self, ranges: Iterator[bytes]) -> None:
        self._ranges = ranges
        self.error: BondstoreError | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._ranges)
        except BondstoreError as error:
            self.error = error
            raise

    def finish(self) -> None:
        """Read what is left, for the checksum at its end."""
        for _ in self:
            pass


def about(item: Item, finding: Finding) -> Finding:
    """Return a finding under the key that an object was listed by."""
    return finding if finding.key == item.key else replace(finding, key=item.key)


def note_moved(receipt: Receipt, item: Item, sealed: SealedObject) -> None:
    """Note an object that was found under its twin's key: it is known there from now on, too."""
    if sealed.object.key != item.key:
        receipt.findings.append(moved_finding(item.key))
        receipt.also.append(replace(receipt.items[-1], key=sealed.object.key, size=sealed.size))
