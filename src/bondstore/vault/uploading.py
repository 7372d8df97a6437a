"""Files on their way into a vault: compared with what it has, encrypted, alone or in packs, and written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Literal, cast, get_args

from bondstore.codecs.crypt4gh import new_envelope
from bondstore.codecs.segments import seal_stream, sealed_size
from bondstore.errors import BondstoreError, ChangedError, UsageError
from bondstore.ledger import Item, Read
from bondstore.runs.batches import grouped
from bondstore.runs.destination import PRIVATE
from bondstore.runs.pipeline import PAGE, EachObject, Objects, Shard, made_of
from bondstore.runs.store_destination import StoreDestination
from bondstore.runs.work import UnfetchedError, from_source
from bondstore.stores.archive import find_class
from bondstore.text import counted
from bondstore.vault.chain import chain_at
from bondstore.vault.costs import written
from bondstore.vault.findings import NAME_NOT_KEPT
from bondstore.vault.keys import fingerprint, unlocked
from bondstore.vault.manifest import (
    Content,
    digest,
    header_size,
    list_path,
    object_path,
    write_list,
)
from bondstore.vault.names import is_short_enough, stored_name
from bondstore.vault.packs import Pack, PackedFile, pack_all, packs_of, room_of, write_index
from bondstore.vault.proofs import proofs_of
from bondstore.vault.recipients import Recipients
from bondstore.vault.records import LIST, OBJECT, follow, forget_everywhere
from bondstore.vault.sending import Sending, journal_name

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Page
    from bondstore.runs.plan import Plan
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo

UPLOADS = "uploads"
"""The folder of journals in the private corner of a destination."""
LARGE = 8 << 20
"""Bytes from which on a file is read in ranges, not whole."""

Existing = Literal["error", "skip", "refresh"]


def existing_of(text: str) -> Existing:
    """Return what becomes of files that the vault has in another version."""
    if text not in get_args(Existing):
        raise UsageError(f"--existing {text} is unknown.", hint="Choose one of: error, skip, refresh.")
    return cast("Existing", text)


@dataclass(frozen=True, slots=True)
class PutObjects(EachObject):
    """Encrypts each file and writes it, with a list of what the contents of a batch are."""

    recipients: Recipients
    existing: Existing
    storage_class: str = ""
    pack: int = 0
    kind: str = ""
    """Of the vault's store."""
    there: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the objects that the vault has."""
    packs: frozenset[str] = frozenset()
    """Those that are packs."""
    others: frozenset[str] = frozenset()
    """Those that are encrypted for others."""
    lost: frozenset[str] = frozenset()
    """Lists that are not there any more, or not as they were: no content of their objects can be proved."""
    kinds: ClassVar[tuple[str, ...]] = (OBJECT, LIST)

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        """Take every file, but a record of our own."""
        if found.key.partition("/")[0] == PRIVATE:
            return "records of Bondstore"
        path = object_path(stored_name(found.key), encrypted=self.recipients.encrypts)
        return Item(found.key, found.etag, found.size, path)

    def informed(self, ledger: Ledger, context: RunContext, holder: Holder) -> PutObjects:
        """Learn what the vault has, and which of it has another header now, or lost the list of its content."""
        chain = chain_at(context.dest)
        entries = chain.entries()
        if context.run:
            follow(ledger, context, chain)
            self._forget_of_others(ledger, context, entries)
        ours = sorted(fingerprint(one) for one in self.recipients.raw)
        others = frozenset(name for name, (_, manifest) in entries.items() if sorted(manifest.recipients) != ours)
        packs = frozenset(name for name, (entry, _) in entries.items() if entry.files)
        there = {name: entry.sha256 for name, (entry, _) in entries.items()}
        lists = ledger.outputs.of_kind(context.job, LIST)
        lost = frozenset(one.made_by for one in lists if not holder.holds(one))
        return replace(self, there=there, packs=packs, others=others, lost=lost)

    def _forget_of_others(self, ledger: Ledger, context: RunContext, named: Container[str]) -> None:
        """Remove what a killed run encrypted for others than this one does: no manifest could say so."""
        paths = [one.path for one in ledger.outputs.of_kind(context.job, OBJECT) if one.path not in named]
        for some in grouped(paths, lambda _: 0, number=PAGE, weight=1):
            for (job, run), outputs in ledger.outputs.by_run(some).items():
                whom = {public for _, public in ledger.runs.get(run).params.get("recipients", ())}
                if job == context.job and whom != set(self.recipients.publics):
                    forget_everywhere(ledger, context, [one.path for one in outputs])

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        """Whether an object has its list, and one with another header, whose checksum is not known, is there."""
        known = outputs.get(item.output)
        if known is None:
            return True
        return known.made_by not in self.lost and (bool(known.sha256) or holder.stands(known, known.path))

    def plan_page(self, ledger: Ledger | None, context: RunContext, holder: Holder, page: Page) -> Plan:
        """Compare a page; what the vault has otherwise is skipped, put again or refused, as the user said."""
        if self.there and self.existing != "refresh":
            known = {} if ledger is None else ledger.items.known(context.job, [item.key for item in page.items])
            packed = ledger.items.anywhere([item.key for item in page.items]) if ledger and self.packs else {}
            ours = {} if ledger is None else ledger.outputs.known(context.job, [item.output for item in page.items])
            others = [item for item in page.items if self._is_another(item, known, packed, ours)]
            if others and self.existing == "error":
                raise UsageError(
                    f"The vault has {counted(len(others), 'file')} already that this upload would replace, "
                    f"the first one {others[0].key}.",
                    hint="Nothing was written. Add --existing skip to leave them, or refresh to replace them.",
                )
            left = {item.key for item in others}
            page.items = [item for item in page.items if item.key not in left]
            if left:
                page.left_out["in the vault already, in another version"] += len(left)
        self._count_of_others(ledger, context, page)
        return EachObject.plan_page(self, ledger, context, holder, page)

    def _count_of_others(self, ledger: Ledger | None, context: RunContext, page: Page) -> None:
        items = [item for item in page.items if item.output in self.others]
        known = ledger.items.known(context.job, [item.key for item in items]) if ledger is not None and items else {}
        if kept := sum(item.key in known and known[item.key].version == item.version for item in items):
            page.left_out["stay encrypted for other keys: see bondstore rekey"] += kept

    def _is_another(
        self, item: Item, known: Mapping[str, Item], packed: Mapping[str, set[str]], ours: Mapping[str, Output]
    ) -> bool:
        before, output = known.get(item.key), ours.get(item.output)
        if before is not None and before.version == item.version:  # it is here, unless others replaced it
            return output is not None and self.there.get(item.output, output.sha256.hex()) != output.sha256.hex()
        return item.output in self.there or not self.packs.isdisjoint(packed.get(item.key, ()))

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what was planned: small files by the pack, where there are packs, and all others in batches.

        A pack ends where one begins that was sent and no manifest names yet: so what is left of a killed upload makes
        the packs that it would have made.
        """
        if not self.pack:
            yield from EachObject.shards(self, ledger, context)
            return
        pages = ledger.items.planned(context.job, context.run)
        alone = (item for page in pages for item in page if room_of(item) > self.pack)
        for batch in grouped(alone, self.weight, number=self.number, weight=self.bytes):
            yield Objects(context, self, tuple(batch))
        named = chain_at(context.dest).entries()
        sent = [one.path for one in ledger.outputs.of_kind(context.job, OBJECT) if one.rows and one.path not in named]
        pages = ledger.items.planned(context.job, context.run)
        small = (item for page in pages for item in page if room_of(item) <= self.pack)
        for batch in packs_of(small, self.pack, sorted(ledger.items.keys_of(context.job, sent).values())):
            yield Packing(context, self, tuple(batch))

    def writes(self, items: Sequence[Item]) -> Mapping[str, int]:
        """Count the objects that go into a storage class; of packs, what all of them hold."""
        if not self.storage_class:
            return {}
        packed = [room_of(item) for item in items if self.pack and room_of(item) <= self.pack]
        alone = [item.size for item in items if not self.pack or room_of(item) > self.pack]
        known = find_class(self.kind, self.storage_class)
        counts = written(map(self.stored_size, alone), known.smallest if known is not None else 0)
        return counts | {"packed": sum(packed)}

    def stored_size(self, size: int) -> int:
        """Return how many bytes the object of a file has."""
        recipients = len(self.recipients.publics)
        return header_size(recipients) + sealed_size(size) if recipients else size

    def send_pack(self, pack: Pack, work: Work) -> None:
        """Encrypt and write a pack and its index."""
        files: list[PackedFile] = []
        content = self._send(work, pack.item, pack.chunks(work, files), pack.name, rows=len(pack.items))
        index = self.recipients.sealed(write_index(pack.object, content, files))
        work.write(list_path(pack.name), [index], kind=LIST, made_by=pack.name)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Encrypt and write a batch."""
        name = made_of("", items)[:32] if self.recipients.encrypts else ""
        contents: dict[str, Content] = {}
        items = _named(items, work)
        small = [item for item in items if item.size <= LARGE]
        self._make_room(small, work)
        for item, fetched in work.fetch_each(small):
            contents[item.output] = self.keep(work, item, [fetched.data], name)
            work.receipt.done(item, fetched.info.etag)
        for item in items:
            if item.size > LARGE:
                self._stream(work, item, name, contents)
        self.write_list(name, contents, work)

    def write_list(self, name: str, contents: Mapping[str, Content], work: Work) -> None:
        """Write what the contents of encrypted objects are."""
        if contents and name:
            work.write(list_path(name), [self.recipients.sealed(write_list(contents))], kind=LIST, made_by=name)

    def _make_room(self, items: Sequence[Item], work: Work) -> None:
        """Remove what a killed run archived and no manifest names, where the store cannot write over it."""
        known = find_class(self.kind, self.storage_class)
        if known is not None and known.is_archive and known.for_good and isinstance(work.dest, StoreDestination):
            named = proofs_of(work.dest.spec).entries
            work.dest.remove([item.output for item in items if item.output not in named])

    def _stream(self, work: Work, item: Item, name: str, contents: dict[str, Content]) -> None:
        try:
            info = work.store.head(item.key)
            if info.etag != item.version:
                raise ChangedError("The file changed since it was listed.")
        except BondstoreError as error:
            work.not_fetched(item, error)
            return
        try:
            contents[item.output] = self.keep(work, item, from_source(work.store.open_ranges(info)), name)
        except (UnfetchedError, ChangedError) as failure:  # or its first parts are another version's
            work.not_fetched(item, failure.error if isinstance(failure, UnfetchedError) else failure)
        except BondstoreError as error:
            work.not_written(item, error)
        else:
            work.receipt.reads.append(Read(item.key, info.etag, info.size))
            work.receipt.done(item, info.etag)

    def name_of(self, item: Item) -> str:
        """Return the name that a file has in the manifest."""
        return item.key

    def keep(self, work: Work, item: Item, chunks: Iterable[Buffer], name: str) -> Content:
        """Encrypt and write a file for the list of this name; a killed run goes on with a large one, if the store can.

        A small one is made whole before any of it is written.
        """
        return (self._write if item.size <= LARGE else self._send)(work, item, chunks, name)

    def _send(self, work: Work, item: Item, chunks: Iterable[Buffer], name: str, rows: int | None = None) -> Content:
        dest = work.dest
        if not isinstance(dest, StoreDestination) or not dest.store.resumes:
            return self._write(work, item, chunks, name, rows)
        journal = dest.corner / UPLOADS / journal_name(work.context, item)
        own = unlocked(self.recipients.key, self.recipients.passphrase)
        sending = Sending(dest.store, item.output, journal, own, self.recipients.raw, item.size, self.storage_class)
        output, content = sending.send(chunks, kind=OBJECT, made_by=name, source=self.name_of(item), rows=rows)
        work.receipt.outputs.append(output)
        work.written.add(item.output)
        return content

    def _write(self, work: Work, item: Item, chunks: Iterable[Buffer], name: str, rows: int | None = None) -> Content:
        passing = _Passing(chunks)
        written: Iterable[Buffer] = passing
        if self.recipients.encrypts:
            envelope = new_envelope()
            head, body = self.recipients.header(envelope), _Passing(seal_stream(passing, envelope.segments))
            written = chain([head], body)
        written = list(written) if item.size <= LARGE else written
        facts = {"kind": OBJECT, "made_by": name, "source": self.name_of(item), "rows": rows}
        work.write(item.output, written, storage_class=self.storage_class, fresh=self.recipients.encrypts, **facts)
        if not self.recipients.encrypts:
            return passing.content
        return replace(passing.content, header=digest(head), body=body.content.sha256)


@dataclass(frozen=True, slots=True)
class Packing(Shard):
    """Files that become one pack."""

    context: RunContext
    step: PutObjects
    items: tuple[Item, ...]

    def handle(self, work: Work) -> None:
        """Make it."""
        pack_all(_named(self.items, work), work, lambda pack: self.step.send_pack(pack, work))


def _named(items: Sequence[Item], work: Work) -> list[Item]:
    """Return files whose objects can have their names; the others are told."""
    kept = []
    for item in items:
        if not is_short_enough(item.output, in_store=work.dest.at_once):
            message = "The file's name is too long for the vault; it was not uploaded."
        elif "\ufffd" in item.key:  # what a folder's listing has in place of it
            message = "The file's name is not UTF-8, and would not come back; it was not uploaded."
        else:
            kept.append(item)
            continue
        work.receipt.failed(item, NAME_NOT_KEPT.about(item.key, message=message))
    return kept


class _Passing:
    """Chunks on their way, and what they are together once they went by."""

    def __init__(self, chunks: Iterable[Buffer]) -> None:
        self._chunks, self._hash, self._size = chunks, hashlib.sha256(), 0

    def __iter__(self) -> Iterator[Buffer]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self._size += memoryview(chunk).nbytes
            yield chunk

    @property
    def content(self) -> Content:
        return Content(self._size, self._hash.hexdigest())
