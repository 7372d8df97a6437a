"""Objects on their way from one place to another, each held against what its store or its vault says of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from bondstore.codecs.segments import regrouped
from bondstore.errors import ArchivedError, BondstoreError, ChangedError, ChecksumError, DamagedError, UsageError
from bondstore.ledger import Item, Output, Read
from bondstore.modes import in_corner
from bondstore.runs.batches import grouped
from bondstore.runs.destination import PRIVATE
from bondstore.runs.pipeline import EachObject, Objects, Page
from bondstore.runs.store_destination import StoreDestination
from bondstore.runs.work import UnfetchedError, at_the_source, from_source
from bondstore.stores import open_store
from bondstore.stores.address import is_odd, parse_address
from bondstore.stores.background import side_by_side
from bondstore.stores.parts import part_size
from bondstore.text import counted
from bondstore.vault.bag import PATHS
from bondstore.vault.findings import ARCHIVED, MISSING, NAME_NOT_KEPT, NOT_IN_MANIFEST
from bondstore.vault.manifest import FOLDER, PAYLOAD
from bondstore.vault.names import is_short_enough
from bondstore.vault.objects import LARGE, LOST, finding_of
from bondstore.vault.proofs import proofs_of
from bondstore.vault.room import with_room, without_room
from bondstore.vault.sending import journal_name
from bondstore.vault.uploading import UPLOADS, Existing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Destination, Holder
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo, Store
    from bondstore.vault.proofs import Proofs

COPY = "copy"
_AT_ONCE = 8
MOST_AT_ONCE = 5 << 30
"""Bytes of an object that S3 copies in one request (CopyObject in its API reference)."""
_MANIFEST = re.compile(r"manifests/(\d{6,})\.jsonl(?:\.sig)?", re.ASCII)
_MD5 = re.compile(r'"[0-9a-f]{32}"')


@dataclass(frozen=True, slots=True)
class CopyObjects(EachObject):
    """Copies each object under its own name."""

    key: str
    """The one object; empty for all."""
    vault: bool
    existing: Existing
    storage_class: str = ""
    manifests: bool = False
    """Of a vault: only manifests and signatures; otherwise all but these."""
    beside_others: bool = False
    """Whether there is anything at the destination."""
    kinds: ClassVar[tuple[str, ...]] = (COPY,)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Look first whether the destination has anything."""
        return EachObject.plan(replace(self, beside_others=context.dest.has_outputs()), ledger, context, progress)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the source; then take what the manifests of a vault name and it lacks, to be told as missing."""
        if self.key:
            yield self.page([context.store.head(self.key)])
            return
        if self.manifests:
            newest = max((one.number for _, one in proofs_of(context.source).entries.values()), default=0)
            yield self.page(one for one in context.store.dirs(FOLDER).objects if _number(one.key) <= newest)
            return
        wanted: dict[str, int] = {}
        if self.vault:
            proofs = proofs_of(context.source, fresh=True)
            wanted = {key: entry.size for key, (entry, _) in proofs.entries.items()} | dict.fromkeys(proofs.lists, 0)
        for listing in context.store.pages():
            yield self.page(listing.objects())
            for key in listing.keys:
                wanted.pop(key, None)
        yield Page([Item(key, LOST, size, key) for key, size in wanted.items()])

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        """Take all but records of our own."""
        if found.key.partition("/")[0] == PRIVATE:
            return "records of Bondstore"
        if self.vault and bool(_number(found.key)) != self.manifests:
            return None
        return Item(found.key, found.etag, found.size, found.key.rpartition("/")[2] if self.key else found.key)

    def plan_page(self, ledger: Ledger | None, context: RunContext, holder: Holder, page: Page) -> Plan:
        """Compare a page; what the destination has otherwise is skipped, replaced or refused, as the user said."""
        page.items = without_room(ledger, context, page.items)
        if self.beside_others and self.existing != "refresh":
            known = {} if ledger is None else ledger.items.known(context.job, [item.key for item in page.items])
            others = [one for one in page.items if self._is_another(one, known)]
            left = _there(context.dest, [one.output for one in others if one.version != LOST])
            if left and self.existing == "error":
                raise UsageError(
                    f"{context.dest.shown} has {counted(len(left), 'object')} already that this copy would replace, "
                    f"the first one {min(left)}.",
                    hint="Nothing was written. Add --existing skip to leave them, or refresh to replace them.",
                )
            page.items = [item for item in page.items if item.output not in left]
            if left:
                page.left_out["there already"] += len(left)
        return EachObject.plan_page(self, ledger, context, holder, page)

    def _is_another(self, item: Item, known: Mapping[str, Item]) -> bool:
        if self.vault and item.key in PATHS:  # what makes a vault a bag is another with each upload
            return False
        return item.key not in known or known[item.key].version != item.version

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what was planned for this step: another one takes the manifests."""
        for page in ledger.items.planned(context.job, context.run):
            items = [one for one in page if not self.vault or bool(_number(one.key)) == self.manifests]
            for batch in grouped(items, self.weight, number=self.number, weight=self.bytes):
                yield Objects(context, self, tuple(batch))

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Copy a batch; name what cannot be copied."""
        proofs = proofs_of(work.context.source) if self.vault else None
        todo = []
        for item in items:
            if item.version == LOST:
                work.receipt.failed(item, MISSING.about(item.key))
            elif proofs is not None and item.key.startswith(f"{PAYLOAD}/") and item.key not in proofs.entries:
                work.receipt.failed(item, NOT_IN_MANIFEST.about(item.key))
            elif not is_kept(item.output, in_store=work.dest.at_once):
                work.receipt.failed(item, NAME_NOT_KEPT.about(item.key))
            else:
                todo.append(item)
        todo = with_room(todo, work)
        within = None if self.storage_class else Within.of(work)
        if within is not None:
            self._within(within, [one for one in todo if one.size <= MOST_AT_ONCE], proofs, work)
            todo = [one for one in todo if one.size > MOST_AT_ONCE]
        small = [one for one in todo if one.size <= LARGE]
        for item, answer in zip(small, work.store.get_many([one.key for one in small]), strict=True):
            if isinstance(answer, BondstoreError):
                _unread(item, answer, work)
            else:
                work.receipt.reads.append(Read(item.key, answer.info.etag, len(answer.data)))
                self._take(item, [answer.data], answer.info.etag, proofs, work)
        for item in todo:
            if item.size > LARGE:
                self._stream(item, proofs, work)

    def _stream(self, item: Item, proofs: Proofs | None, work: Work) -> None:
        try:
            with at_the_source():
                info = unchanged(item, work)
            chunks = from_source(work.store.open_ranges(info))
            first = next(chunks, b"")  # an archived object is refused here
            work.receipt.reads.append(Read(item.key, info.etag, info.size))
            self._take(item, chain([first], chunks), info.etag, proofs, work)
        except (UnfetchedError, ChangedError) as failure:  # or its first parts are another version's
            _unread(item, failure.error if isinstance(failure, UnfetchedError) else failure, work)
        except BondstoreError as error:
            work.not_written(item, error)

    def _take(self, item: Item, chunks: Iterable[Buffer], etag: str, proofs: Proofs | None, work: Work) -> None:
        """Write one object; nothing of it is seen before all of it is proved, where a manifest names it."""
        content = held(item, chunks, proofs)
        try:
            if item.size > LARGE and isinstance(work.dest, StoreDestination) and has_parts(work.dest):
                work.receipt.outputs.append(self._send(work.dest, work.context, item, content))
                work.written.add(item.output)
            else:
                written = list(content) if item.size <= LARGE else content
                facts = {"kind": COPY, "source": item.key, "storage_class": self._class_of(item)}
                work.write(item.output, written, last=self.manifests and item.key.endswith(".jsonl"), **facts)
        except DamagedError as error:
            _refuse(item, etag, error, work)
        else:
            work.receipt.done(item, etag)

    def _send(self, dest: StoreDestination, context: RunContext, item: Item, chunks: Iterable[Buffer]) -> Output:
        """Send a large object part by part: a killed run goes on from the last part that arrived."""
        journal, hashed = dest.corner / UPLOADS / journal_name(context, item), hashlib.sha256()
        with dest.store.open_upload(item.output, journal, storage_class=self._class_of(item) or None) as upload:
            try:
                for number, piece in enumerate(regrouped(chunks, part_size(item.size)), 1):
                    hashed.update(piece)
                    upload.send(number, piece)
            except (ChangedError, DamagedError):
                upload.abort()
                raise
            done = upload.finish(keep_journal=True)  # until it is recorded: killed before, nothing is sent again
        return Output(item.output, hashed.digest(), item.size, 0, etag=done.etag, kind=COPY, source=item.key)

    def _class_of(self, item: Item) -> str:
        """Return its storage class: of a vault all but the files stays where it can be read at once."""
        return "" if self.vault and not item.key.startswith(f"{PAYLOAD}/") else self.storage_class

    def _within(self, within: Within, items: Sequence[Item], proofs: Proofs | None, work: Work) -> None:
        """Let the store copy; what is copied is read, so that its checksum is known, and not sent."""
        answers = side_by_side(lambda item: within.copy(item, proofs, work), items, _AT_ONCE)
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, DamagedError):
                _refuse(item, item.version, answer, work)
            elif isinstance(answer, BondstoreError):
                _unread(item, answer, work)
            else:
                work.receipt.reads.append(Read(item.key, item.version, item.size))
                work.receipt.outputs.append(answer)
                work.written.add(item.output)
                work.receipt.done(item, item.version)


@dataclass(frozen=True, slots=True)
class Within:
    """Source and destination in one bucket or container, opened with the same settings: the store copies by itself."""

    store: Store
    """The bucket."""
    source: str
    target: str
    """What keys of source and destination begin with."""

    @classmethod
    def of(cls, work: Work) -> Within | None:
        """Return how to copy so; None where that cannot be."""
        source, dest = work.context.source, work.dest
        if not isinstance(dest, StoreDestination) or dest.spec.profile != source.profile:
            return None
        one, other = parse_address(source.url), parse_address(dest.spec.url)
        if (one.kind, one.place) != (other.kind, other.place) or not one.is_remote:
            return None
        prefixes = (f"{address.prefix}/" if address.prefix else "" for address in (one, other))
        return cls(open_store(replace(source, url=replace(one, prefix="").url)), *prefixes)

    def copy(self, item: Item, proofs: Proofs | None, work: Work) -> Output:
        """Copy one object.

        Raises
        ------
        ChangedError
            It is not the version that was listed, before or after.
        ChecksumError
            The copy is another one.
        """
        info, hashed, target = unchanged(item, work), hashlib.sha256(), self.target + item.output
        for chunk in held(item, work.store.open_ranges(info), proofs):
            hashed.update(chunk)
        self.store.copy(self.source + item.key, target)
        try:
            unchanged(item, work)
            done = self._proved(target, info)
        except BondstoreError:
            self.store.delete(target)  # nobody is to take it for a copy
            raise
        return Output(item.output, hashed.digest(), info.size, 0, etag=done.etag, kind=COPY, source=item.key)

    def _proved(self, target: str, info: ObjectInfo) -> ObjectInfo:
        done = self.store.head(target)
        if done.size != info.size or (_is_md5(info.etag) and _is_md5(done.etag) and done.etag != info.etag):
            raise ChecksumError(f"The copy of {info.key} is not what was copied.")
        return done


def unchanged(item: Item, work: Work) -> ObjectInfo:
    """Return an object's metadata. Raises ChangedError where it is another version than the one that was listed."""
    info = work.store.head(item.key)
    if info.etag != item.version:
        raise ChangedError("The object changed since it was listed.")
    return info


def held(item: Item, chunks: Iterable[Buffer], proofs: Proofs | None) -> Iterable[Buffer]:
    """Pass an object on; at its end it is the one that a manifest names, where one does."""
    if proofs is None:
        return chunks
    if item.key in proofs.lists:
        return proofs.list_of(item.key, chunks)
    if item.key not in proofs.entries:
        return chunks
    return proofs.content_of(item.key, chunks, None)


def has_parts(dest: StoreDestination) -> bool:
    """Whether an upload to a store can go on after a kill."""
    return parse_address(dest.spec.url).store_kind.has_parts


def is_kept(path: str, *, in_store: bool) -> bool:
    """Whether an object can have a name at its destination, and be found under it again."""
    parts = path.split("/")
    if in_corner(path) or "\0" in path or "\ufffd" in path or any(part in ("", ".", "..") for part in parts):
        return False
    if in_store and (is_odd(path) or "\\" in path):  # servers take a backslash for a slash
        return False
    return is_short_enough(path, in_store=in_store)


def _unread(item: Item, error: BondstoreError, work: Work) -> None:
    if isinstance(error, ArchivedError):
        work.receipt.failed(item, ARCHIVED.about(item.key))
        work.receipt.waiting += 1
    else:
        work.not_fetched(item, error)


def _refuse(item: Item, etag: str, error: DamagedError, work: Work) -> None:
    finding = finding_of(item, error)
    work.receipt.findings.append(finding)
    work.quarantine(item, etag, finding.kind)


def _there(dest: Destination, paths: Sequence[str]) -> set[str]:
    """Return those of some paths that the destination has."""
    asked = [path for path in paths if is_kept(path, in_store=dest.at_once)]
    answers = side_by_side(dest.exists, asked, _AT_ONCE)
    refused = next((one for one in answers if isinstance(one, BondstoreError)), None)
    if refused is not None:
        raise refused
    return {path for path, there in zip(asked, answers, strict=True) if there}


def _number(key: str) -> int:
    """Return the number of a manifest, by its name or its signature's; 0 for any other object."""
    found = _MANIFEST.fullmatch(key)
    return int(found[1]) if found else 0


def _is_md5(etag: str) -> bool:
    return _MD5.fullmatch(etag) is not None
