"""Get: files of a vault, decrypted and held against its manifests."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from bondstore.config.resolve import (
    dest_params,
    recorded_dest,
    recorded_store,
    resolve_dest,
    resolve_source,
    store_params,
)
from bondstore.config.secrets import SecretRef
from bondstore.errors import ArchivedError, BondstoreError, DamagedError, NotFoundError, WrongKeyError
from bondstore.ledger import Item, Read, State
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.pipeline import Job, Step
from bondstore.runs.policy import check_places
from bondstore.runs.process import shared_store
from bondstore.runs.work import at_the_source, from_source
from bondstore.vault.findings import MISSING, NAME_NOT_KEPT
from bondstore.vault.keys import own_key, passphrase_of, unlocked
from bondstore.vault.manifest import Content
from bondstore.vault.names import is_short_enough
from bondstore.vault.objects import LARGE, LOST, VaultObjects, finding_of, refuse_absent, refuse_nothing
from bondstore.vault.packed import key_of, open_pack, pack_of, spans_of
from bondstore.vault.proofs import Reader, held, proofs_of
from bondstore.vault.receiving import DOWNLOADS, Receiving, clear, header_of, partial_name
from bondstore.vault.room import with_room, without_room
from bondstore.vault.waiting import Pauses, note_done, rounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Buffer

    from bondstore.config.profiles import StoreSpec
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Page, Shard
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo
    from bondstore.vault.manifest import Entry, Manifest
    from bondstore.vault.packed import OpenPack
    from bondstore.vault.packs import PackedFile
    from bondstore.vault.proofs import Proofs

JOB = "vault.get"
FILE = "file"


@dataclass(frozen=True, slots=True)
class GetJob(Job):
    """All files of a vault, or those below a path, into a destination."""

    store: StoreSpec
    dest: StoreSpec | None
    """Where to; None for a run that is recorded in the folder it wrote to."""
    reader: Reader | None
    """None: objects are fetched and proved, and stay encrypted."""
    below: str = ""
    wait: Pauses | None = None
    """How archived objects that were asked for are waited for; None: they are left for another run."""

    @property
    def name(self) -> str:
        """One job for each vault, and for whether it is decrypted."""
        return f"{JOB}:{self.store.url}:{'open' if self.reader else 'encrypted'}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        own = {} if self.reader is None else {"key": self.reader.key, "passphrase": str(self.reader.passphrase)}
        return {"job": JOB, **store_params(self.store), **dest_params(self.dest), **own, "below": self.below} | (
            {} if self.wait is None else {"wait": True}
        )

    def check(self) -> None:
        """Refuse plaintext where it is forbidden, a place that is not there, and a key that does not unlock."""
        check_places(self.store, self.dest)
        shared_store(self.store).check()
        if self.reader is not None:
            unlocked(self.reader.key, self.reader.passphrase)  # late: it may have to be asked for
        refuse_absent(self.store, self.below, self.reader)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Prove the manifests and list; refuse what names nothing."""
        plan = Job.plan(self, ledger, context, progress)
        refuse_nothing(plan, self.store, self.below)
        return plan

    @property
    def steps(self) -> Sequence[Step]:
        """One step."""
        return (GetObjects(self.reader, self.below, waits=self.wait is not None),)

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[Shard]]:
        """Yield what can be read at once, then what the archive gives back."""
        yield from Job.stages(self, ledger, context)
        note_done(ledger, context)
        if self.wait is not None:
            yield from rounds(GetObjects(self.reader, self.below), ledger, context, self.wait)
        failed = ledger.items.in_state(self.name, State.FAILED)
        wanted = {partial_name(item, decrypted=decrypted) for item in failed for decrypted in (False, True)}
        clear(context.dest.corner / DOWNLOADS, wanted)


def get_job(
    url: str,
    dest: str,
    *,
    unseal: bool = False,
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
    wait: bool = False,
) -> GetJob:
    """Build the job that fetches a vault, or with ``URL#path`` what is below a path.

    Parameters
    ----------
    url, dest : str
        The vault, and where to.
    unseal : bool
        Decrypt; otherwise objects stay encrypted, and are proved as such.
    key, passphrase
        As in `put_job`: whose key decrypts.
    profile, dest_profile : str, optional
        Settings to open the vault and the destination with.
    wait : bool
        Wait for archived objects that were asked for.
    """
    place, _, below = url.partition("#")
    name = own_key(key) if unseal else ""
    reader = Reader(name, passphrase_of(name, passphrase)) if unseal else None
    places = resolve_source(place, profile), resolve_dest(dest, dest_profile)
    return GetJob(*places, reader, below.strip("/"), Pauses() if wait else None)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> GetJob:
    """Build the job that a run recorded as its `params`; `profile` opens the vault in place of the one used then."""
    reader = Reader(params["key"], SecretRef.parse(params["passphrase"])) if "key" in params else None
    wait = Pauses() if params.get("wait") else None
    return GetJob(recorded_store(params, profile), recorded_dest(params), reader, params["below"], wait)


@dataclass(frozen=True, slots=True)
class GetObjects(VaultObjects):
    """Writes the content of each object, once all of it is proved; what is not stays in the vault and is told of."""

    waits: bool = False
    """Whether what is archived is waited for: then it stays planned."""
    fresh: ClassVar[bool] = False  # the job has read the manifests, a moment ago
    kinds: ClassVar[tuple[str, ...]] = (FILE,)

    def archived(self, item: Item, work: Work) -> None:
        """Note an object that must be restored first, unless it is waited for."""
        if not self.waits:
            VaultObjects.archived(self, item, work)

    def take(self, item: Item, chunks: Iterable[Buffer], etag: str, proofs: Proofs, work: Work) -> None:
        """Write one file."""
        self._write(item, proofs.content_of(item.key, chunks, self.reader), etag, work)

    def stream(self, item: Item, proofs: Proofs, work: Work) -> None:
        """Fetch a large object in parts, so that a download that was killed goes on; into a store it is streamed."""
        with at_the_source():
            info, dest = work.store.head(item.key), work.dest
        if not isinstance(dest, FolderDestination) or info.size <= LARGE:
            VaultObjects.stream(self, item, proofs, work)
            return
        try:
            self._receive(item, info, dest.corner / DOWNLOADS, proofs, work)
        except (WrongKeyError, DamagedError) as error:
            self._refuse(item, error, info.etag, work)
        else:
            work.receipt.done(item, info.etag)

    def _receive(self, item: Item, info: ObjectInfo, folder: Path, proofs: Proofs, work: Work) -> None:
        states = proofs.states(item.key, self.reader)
        is_decrypted = any(one.content is not None for one in states)
        partial = folder / partial_name(item, decrypted=is_decrypted)
        receiving = Receiving(work.store, info, partial)
        if is_decrypted and self.reader is not None:
            header, packets = header_of(work.store, info)
            envelope = packets.open(unlocked(self.reader.key, self.reader.passphrase).private)
            receiving = replace(receiving, header=header, envelope=envelope)
        else:
            with at_the_source():
                work.store.get_range(item.key, 0, 1, info.etag)  # an archived object is refused here
        work.receipt.reads.append(Read(item.key, info.etag, info.size))
        facts = {"kind": FILE, "source": item.key}
        if receiving.is_edited:
            chunks = from_source(work.store.open_ranges(info))
            work.write(item.output, proofs.content_of(item.key, chunks, self.reader), **facts)
        else:
            goes_on = receiving.journal.exists()
            try:
                sha256 = receiving.receive(states)
            except DamagedError:  # perhaps what an earlier process left is, and not the object
                if not goes_on:
                    raise
                sha256 = receiving.receive(proofs.states(item.key, self.reader))
            work.adopt(item.output, _linked(partial, work.writer.reserve()), sha256, **facts)

    def items_of(self, found: Item, proofs: Proofs, context: RunContext) -> Iterator[Item]:
        """Yield the files of a pack, of those that there are in several versions the newest."""
        entry, manifest = proofs.entries.get(found.key, (None, None))
        if self.reader is None or entry is None or manifest is None:
            yield from VaultObjects.items_of(self, found, proofs, context)
        elif not entry.files:
            if proofs.has_newest(entry.path, found.key, self.reader):
                yield from VaultObjects.items_of(self, found, proofs, context)
        else:
            files = _files_of(entry, manifest, found, proofs, self.reader)
            if files is None:  # it is refused as a whole
                yield from VaultObjects.items_of(self, found, proofs, context)
            for one in files or ():
                if self.is_below(one.path) and proofs.has_newest(one.path, found.key, self.reader):
                    key, output = key_of(found.key, one.path), self.output_of(one.path, context)
                    yield Item(key, found.version, one.size, output)

    def plan_page(self, ledger: Ledger | None, context: RunContext, holder: Holder, page: Page) -> Plan:
        """Compare a page; mark what a folder will have no room for."""
        page.items = without_room(ledger, context, page.items)
        return VaultObjects.plan_page(self, ledger, context, holder, page)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Fetch objects, and ranges of packs."""
        proofs = proofs_of(work.context.source)
        items = with_room(items, work)
        packed: dict[str, list[Item]] = {}
        for item in items:
            pack = pack_of(item.key, proofs.entries) if item.version != LOST else ""
            packed.setdefault(pack, []).append(item)
        VaultObjects.handle(self, packed.pop("", []), work)
        for pack, some in packed.items():
            try:
                self._take_packed(pack, some, proofs, work)
            except BondstoreError as error:
                settled = {one.key for one in work.receipt.items}
                for item in some:
                    if item.key not in settled:
                        self._not_had(item, error, work)

    def _take_packed(self, pack: str, items: Sequence[Item], proofs: Proofs, work: Work) -> None:
        entry, manifest = proofs.entries[pack]
        assert self.reader is not None

        def fetch(start: int, end: int) -> bytes:
            data = work.store.get_range(pack, start, end - start, items[0].version)
            work.receipt.reads.append(Read(pack, items[0].version, len(data)))
            return data

        files = {key_of(pack, one.path): one for one in proofs.files(entry, manifest, self.reader)}
        opened = open_pack(entry, manifest, self.reader, fetch)
        for span in spans_of((files[item.key], item) for item in items):
            self._take_span(opened, span, work)

    def _take_span(self, pack: OpenPack, span: Sequence[tuple[PackedFile, Item]], work: Work) -> None:
        """Write files that lie side by side; where a segment is damaged, each by itself: it may be another one's."""
        first, (last, _) = span[0][0], span[-1]
        if len(span) == 1:
            chunks: Iterable[Buffer] = pack.read(first.offset, last.offset + last.size)
            self._write(span[0][1], _held(first, chunks, span[0][1]), span[0][1].version, work)
            return
        try:
            plain = b"".join(pack.read(first.offset, last.offset + last.size))
        except DamagedError:
            for one in span:
                self._take_span(pack, [one], work)
            return
        for file, item in span:
            start = file.offset - first.offset
            content = memoryview(plain)[start : start + file.size]
            self._write(item, _held(file, [content], item), item.version, work)

    def _not_had(self, item: Item, error: BondstoreError, work: Work) -> None:
        if isinstance(error, (WrongKeyError, DamagedError)):
            self._refuse(item, error, item.version, work)
        elif isinstance(error, ArchivedError):
            self.archived(item, work)
        elif isinstance(error, NotFoundError):
            work.receipt.failed(item, MISSING.about(item.key))
        else:
            work.not_fetched(item, error, sealed=True)

    def _refuse(self, item: Item, error: WrongKeyError | DamagedError, etag: str, work: Work) -> None:
        finding = finding_of(item, error)
        work.receipt.findings.append(finding)
        work.quarantine(item, etag, finding.kind)

    def _write(self, item: Item, content: Iterable[Buffer], etag: str, work: Work) -> None:
        if not is_short_enough(item.output, in_store=work.dest.at_once):
            message = "The file's name is too long for the destination; it was not written."
            work.receipt.failed(item, NAME_NOT_KEPT.about(item.key, message=message))
            return
        try:
            written: Iterable[Buffer] = list(content) if item.size <= LARGE else content
            work.write(item.output, written, kind=FILE, source=item.key)
        except (WrongKeyError, DamagedError) as error:
            self._refuse(item, error, etag, work)
        else:
            work.receipt.done(item, etag)


def _linked(partial: Path, name: Path) -> Path:
    """Give a whole file a second name; the first stays until it is recorded that all of it was fetched."""
    try:
        os.link(partial, name)
    except OSError:  # the disk has no links
        partial.replace(name)
    return name


def _files_of(
    entry: Entry, manifest: Manifest, found: Item, proofs: Proofs, reader: Reader
) -> tuple[PackedFile, ...] | None:
    """Return the files of a pack; None where it, or its index, is not what the manifest says."""
    if found.size != entry.size:
        return None
    try:
        return proofs.files(entry, manifest, reader)
    except (WrongKeyError, DamagedError):
        return None


def _held(file: PackedFile, chunks: Iterable[Buffer], item: Item) -> Iterator[Buffer]:
    return held(chunks, Content(file.size, file.sha256), item.key)
