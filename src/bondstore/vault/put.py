"""Put: files of a folder or a store into a vault, encrypted for their recipients, and a signed manifest of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast, get_args

from bondstore.codecs.crypt4gh import Envelope, header, new_envelope
from bondstore.codecs.segments import plain_size, seal_stream, sealed_size
from bondstore.config.profiles import StoreSpec
from bondstore.config.resolve import (
    recorded_dest,
    recorded_store,
    resolve_dest,
    resolve_source,
    store_params,
)
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, ChangedError, ConfigurationError, NothingThereError, UsageError
from bondstore.ledger import Item, Read, State
from bondstore.runs.batches import grouped
from bondstore.runs.destination import PRIVATE
from bondstore.runs.domain import unknown_run
from bondstore.runs.pipeline import PAGE, EachObject, Group, Job, Objects, Product, Shard, Step, made_of
from bondstore.runs.policy import check_places, refuse_overlap, refuse_read_only
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores import open_store
from bondstore.stores.address import parse_address
from bondstore.stores.archive import find_class
from bondstore.text import counted
from bondstore.vault import records
from bondstore.vault.bag import BagFiles
from bondstore.vault.chain import chain_at
from bondstore.vault.costs import COUNTED, Costs, written
from bondstore.vault.findings import NAME_NOT_KEPT
from bondstore.vault.keys import find_recipient, fingerprint, own_key, passphrase_of, recipients, unlocked
from bondstore.vault.manifest import (
    Content,
    Entry,
    Manifest,
    digest,
    header_size,
    list_path,
    manifest_path,
    object_path,
    signature_path,
    write_list,
)
from bondstore.vault.names import is_short_enough, stored_name
from bondstore.vault.packs import Pack, PackedFile, pack_all, packs_of, read_size, room_of, write_index
from bondstore.vault.proofs import proofs_of
from bondstore.vault.records import follow, forget_everywhere
from bondstore.vault.rights import refuse_foreign, refuse_without_rights
from bondstore.vault.sending import Sending, abort_others, journal_name
from bondstore.version import TOOL

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Page
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo

JOB = "vault.put"
OBJECT, LIST, MANIFEST = records.OBJECT, records.LIST, "manifest"
UPLOADS = "uploads"
"""The folder of journals in the private corner of a destination."""
LARGE = 8 << 20
"""Bytes from which on a file is read in ranges, not whole."""
MOST = 50_000
"""Objects of one manifest: a larger upload has several."""

Existing = Literal["error", "skip", "refresh"]


@dataclass(frozen=True, slots=True)
class Recipients:
    """For whom is encrypted, and whose key signs. It holds no secret."""

    names: tuple[str, ...]
    publics: tuple[str, ...]
    """Their public keys, as hexadecimal digits."""
    key: str
    """The pair of this account that signs."""
    passphrase: SecretRef

    @property
    def encrypts(self) -> bool:
        """Whether anything is encrypted at all."""
        return bool(self.publics)

    @property
    def raw(self) -> list[bytes]:
        """Their public keys."""
        return [bytes.fromhex(one) for one in self.publics]

    def header(self, envelope: Envelope) -> bytes:
        """Return the header of a file for them."""
        return header(envelope, self.raw, unlocked(self.key, self.passphrase).private)

    def sealed(self, content: bytes) -> bytes:
        """Encrypt something small."""
        envelope = new_envelope()
        return self.header(envelope) + bytes(envelope.segments.seal(content))


@dataclass(frozen=True, slots=True)
class PutJob(Job):
    """An upload of all files of a source."""

    store: StoreSpec
    dest: StoreSpec
    recipients: Recipients
    existing: Existing = "error"
    storage_class: str = ""
    """Of the files' objects; empty for the store's own default, in which all else is written always."""
    pack: int = 0
    """Bytes of a pack at most; 0 where each file is an object of its own."""

    @property
    def name(self) -> str:
        """One job for each source."""
        return f"{JOB}:{self.store.url}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            **store_params(self.store),
            "dest": self.dest.url,
            "dest_profile": self.dest.profile.name,
            "recipients": [list(pair) for pair in zip(self.recipients.names, self.recipients.publics, strict=True)],
            "key": self.recipients.key,
            "passphrase": str(self.recipients.passphrase),
            "existing": self.existing,
            "class": self.storage_class,
            "pack": self.pack,
        }

    def check(self) -> None:
        """Refuse what cannot succeed: a place in the other, a vault one may not read or write, a key that is locked."""
        if self.recipients.encrypts:
            refuse_read_only(self.dest)
            refuse_overlap(self.store, self.dest)
        else:
            check_places(self.store, self.dest)
        open_store(self.store).check()
        refuse_without_rights(self.dest)
        refuse_foreign(self.dest)
        own = unlocked(self.recipients.key, self.recipients.passphrase)  # late: it may have to be asked for
        if not any(one.signing == own.signing for one in recipients()):
            raise ConfigurationError(
                f"The public key for the signatures of {self.recipients.key} is not here: nobody could check them.",
                hint="Sign with a key that bondstore keys new made: --key NAME",
            )

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List and compare; refuse a source without files."""
        plan = Job.plan(self, ledger, context, progress)
        if not (plan.todo.objects or plan.skipped.objects or plan.quarantined.objects or plan.left_out):
            raise NothingThereError(f"There is no file in {self.store.url}.", hint="Name a folder with files in it.")
        return plan

    @property
    def steps(self) -> Sequence[Step]:
        """Objects first, then the manifest of those that none has yet; that is read back, and the bag follows it."""
        return self._objects, Manifests(self.recipients), ReadBack(), BagFiles()

    @property
    def _objects(self) -> PutObjects:
        kind = parse_address(self.dest.url).kind
        return PutObjects(self.recipients, self.existing, self.storage_class, self.pack, kind)

    def costs(self, plan: Plan) -> Costs | None:
        """Return what a plan takes in the storage class that was asked for; None where none is known by the name."""
        known = find_class(parse_address(self.dest.url).kind, self.storage_class)
        if known is None:
            return None
        counts = Counter(plan.writes)
        if packed := counts.pop("packed", 0):
            full = -(-packed // self.pack)
            size = self._objects.stored_size(packed // full)
            counts += Counter(written([size] * full, known.smallest))
        return Costs(known, **{name: counts[name] for name in COUNTED}, packed=bool(self.pack))


def put_job(
    source: str,
    url: str,
    *,
    seal_for: Sequence[str] = (),
    key: str | None = None,
    passphrase: SecretRef | None = None,
    existing: str = "error",
    profile: str | None = None,
    from_profile: str | None = None,
) -> PutJob:
    """Build the job that uploads a folder or a store.

    Parameters
    ----------
    source, url : str
        What is uploaded, and the vault.
    seal_for : sequence of str
        For whom is encrypted: names of keys, or paths of public files. Without one nothing is encrypted.
    key : str, optional
        The pair that signs; the only one of this account where none is named.
    passphrase : SecretRef, optional
        Where its passphrase is kept; it is asked for where nobody says.
    existing : str
        What becomes of files that the vault has in another version: ``error``, ``skip`` or ``refresh``.
    profile, from_profile : str, optional
        Settings to open the vault and the source with.
    """
    if existing not in get_args(Existing):
        raise UsageError(f"--existing {existing} is unknown.", hint="Choose one of: error, skip, refresh.")
    found = {one.public: one for one in map(find_recipient, seal_for)}.values()
    name = own_key(key)
    recipients = Recipients(
        tuple(one.name for one in found),
        tuple(one.public.hex() for one in found),
        name,
        passphrase_of(name, passphrase),
    )
    places = resolve_source(source, from_profile), resolve_dest(url, profile)
    return PutJob(*places, recipients, cast("Existing", existing))


def kept_in(job: PutJob, storage_class: str | None = None, pack: str | None = None) -> PutJob:
    """Return the job with a storage class for its files, and with packs of a size for small ones.

    Raises
    ------
    UsageError
        The vault's store does not have such a class, packs cannot have that size, or nothing would be encrypted.
    """
    size = read_size(pack) if pack else 0
    if size and not job.recipients.encrypts:
        raise UsageError("Packs are always encrypted.", hint="Add --seal-for KEY, or leave --pack out.")
    name = open_store(job.dest).class_named(storage_class) if storage_class else ""
    return replace(job, storage_class=name, pack=size)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> PutJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    pairs = params["recipients"]
    recipients = Recipients(
        tuple(one for one, _ in pairs),
        tuple(one for _, one in pairs),
        params["key"],
        SecretRef.parse(params["passphrase"]),
    )
    dest = recorded_dest(params)
    if dest is None:
        raise unknown_run()
    kept = params.get("class", ""), params.get("pack", 0)
    return PutJob(recorded_store(params, profile), dest, recipients, params["existing"], *kept)


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
    kinds: ClassVar[tuple[str, ...]] = (OBJECT, LIST)

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        """Take every file, but a record of our own."""
        if found.key.partition("/")[0] == PRIVATE:
            return "records of Bondstore"
        path = object_path(stored_name(found.key), encrypted=self.recipients.encrypts)
        return Item(found.key, found.etag, found.size, path)

    def informed(self, ledger: Ledger, context: RunContext, holder: Holder) -> PutObjects:  # noqa: ARG002
        """Learn what the vault has, and which of it has another header now."""
        chain = chain_at(context.dest)
        entries = chain.entries()
        if context.run:
            follow(ledger, context, chain)
            self._forget_of_others(ledger, context, entries)
        ours = sorted(fingerprint(one) for one in self.recipients.raw)
        others = frozenset(name for name, (_, manifest) in entries.items() if sorted(manifest.recipients) != ours)
        packs = frozenset(name for name, (entry, _) in entries.items() if entry.files)
        there = {name: entry.sha256 for name, (entry, _) in entries.items()}
        return replace(self, there=there, packs=packs, others=others)

    def _forget_of_others(self, ledger: Ledger, context: RunContext, named: Container[str]) -> None:
        """Remove what a killed run encrypted for others than this one does: no manifest could say so."""
        paths = [one.path for one in ledger.outputs.of_kind(context.job, OBJECT) if one.path not in named]
        for some in grouped(paths, lambda _: 0, number=PAGE, weight=1):
            for (job, run), outputs in ledger.outputs.by_run(some).items():
                whom = {public for _, public in ledger.runs.get(run).params.get("recipients", ())}
                if job == context.job and whom != set(self.recipients.publics):
                    forget_everywhere(ledger, context, [one.path for one in outputs])

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        """Whether an object with another header, of which no checksum of the whole is known, is there."""
        known = outputs.get(item.output)
        return known is None or bool(known.sha256) or holder.stands(known, known.path)

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
        for item, fetched in work.fetch(small):
            contents[item.output] = self._write(work, item, [fetched.data], name)
            work.receipt.done(item, fetched.info.etag)
        for item in items:
            if item.size > LARGE:
                self._stream(work, item, name, contents)
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
            contents[item.output] = self._send(work, item, work.store.open_ranges(info), name)
        except BondstoreError as error:
            work.not_fetched(item, error)
        else:
            work.receipt.reads.append(Read(item.key, info.etag, info.size))
            work.receipt.done(item, info.etag)

    def _send(self, work: Work, item: Item, chunks: Iterable[Buffer], name: str, rows: int | None = None) -> Content:
        dest = work.dest
        if not isinstance(dest, StoreDestination) or not dest.store.resumes:
            return self._write(work, item, chunks, name, rows)
        journal = dest.corner / UPLOADS / journal_name(work.context, item)
        own = unlocked(self.recipients.key, self.recipients.passphrase)
        sending = Sending(dest.store, item.output, journal, own, self.recipients.raw, item.size, self.storage_class)
        output, content = sending.send(chunks, kind=OBJECT, made_by=name, source=item.key, rows=rows)
        work.receipt.outputs.append(output)
        work.written.add(item.output)
        return content

    def _write(self, work: Work, item: Item, chunks: Iterable[Buffer], name: str, rows: int | None = None) -> Content:
        passing = _Passing(chunks)
        written: Iterable[Buffer] = passing
        if self.recipients.encrypts:
            envelope = new_envelope()
            head, body = self.recipients.header(envelope), _Passing(seal_stream(passing, envelope.segments))
            written = _joined(head, body)
        written = list(written) if item.size <= LARGE else written
        facts = {"kind": OBJECT, "made_by": name, "source": item.key, "rows": rows}
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
        pack_all(self.items, work, lambda pack: self.step.send_pack(pack, work))


def _named(items: Sequence[Item], work: Work) -> list[Item]:
    """Return files whose objects can have their names; the others are told."""
    kept = []
    for item in items:
        if is_short_enough(item.output, in_store=work.dest.at_once):
            kept.append(item)
        else:
            message = "The file's name is too long for the vault; it was not uploaded."
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


def _joined(first: Buffer, rest: Iterable[Buffer]) -> Iterator[Buffer]:
    yield first
    yield from rest


@dataclass(frozen=True, slots=True)
class Written(Group):
    """A manifest to be signed and written."""

    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Manifests(Product):
    """Writes a manifest of the objects that no manifest names as they are now."""

    recipients: Recipients
    kinds: ClassVar[tuple[str, ...]] = (MANIFEST,)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:
        """Yield the manifests there are, as they are, and those that are missing."""
        chain = chain_at(context.dest)
        for one in chain.manifests:
            path = manifest_path(one.number)
            yield Group(path, (path, signature_path(path)), "")
        there = {name: entry.sha256 for name, (entry, _) in chain.entries().items()}
        fresh = [one for one in ledger.outputs.of_kind(context.job, OBJECT) if there.get(one.path) != one.sha256.hex()]
        if not context.dest.at_once:  # a kill leaves files that are recorded, and were never shown
            fresh = [one for one in fresh if holder.holds(one)]
        fresh = [one for one in fresh if one.path not in there or holder.holds(one)]  # others may have replaced it
        if any(one.rows for one in fresh):
            fresh = _newest_last(ledger, context.job, fresh)
        lists = {one.made_by: one.sha256.hex() for one in ledger.outputs.of_kind(context.job, LIST)}
        number, before = chain.number, chain.newest
        for start in range(0, len(fresh), MOST):
            number += 1
            content = self._manifest(number, before, fresh[start : start + MOST], lists).to_bytes()
            before, path = digest(content), manifest_path(number)
            yield Written(path, (path, signature_path(path)), before, content=content)

    def make(self, group: Group, work: Work) -> None:
        """Sign a manifest and write it, its signature first: a manifest without one is never seen."""
        if not isinstance(group, Written):
            raise TypeError(group)
        path, signature = group.paths
        own = unlocked(self.recipients.key, self.recipients.passphrase)
        work.write(signature, [own.sign(group.content)], kind=MANIFEST, made_by=group.digest)
        work.write(path, [group.content], kind=MANIFEST, made_by=group.digest, last=True)

    def _manifest(self, number: int, before: str, objects: Sequence[Output], lists: Mapping[str, str]) -> Manifest:
        own = unlocked(self.recipients.key, self.recipients.passphrase)
        return Manifest(
            number,
            before,
            datetime.now(UTC).isoformat(timespec="seconds"),
            TOOL,
            fingerprint(own.signing),
            tuple(sorted(fingerprint(one) for one in self.recipients.raw)),
            {name: lists[name] for name in dict.fromkeys(one.made_by for one in objects) if name},
            {fingerprint(one): one.hex() for one in self.recipients.raw},
            tuple(self._entry(one) for one in objects),
        )

    def _entry(self, one: Output) -> Entry:
        size = one.size
        if one.made_by:
            size = plain_size(size - header_size(len(self.recipients.publics)))
        return Entry(one.source, one.path, one.size, one.sha256.hex(), size, one.made_by, one.rows or 0)


def _newest_last(ledger: Ledger, job: str, fresh: Sequence[Output]) -> list[Output]:
    """Order objects of one manifest so that of two that have a file, the one that has its newer version comes last."""
    alone = ledger.items.keys_of(job, [one.path for one in fresh if not one.rows])

    def is_newest(one: Output) -> bool:
        if one.rows is None:
            return one.path in alone
        return ledger.items.of_output(job, one.path).get(State.DONE, (0, 0))[0] == one.rows

    return sorted(fresh, key=is_newest)


@dataclass(frozen=True, slots=True)
class ReadBack(Step):
    """Proves the manifests as they are in the vault now, and notes the newest one."""

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Read them, and remove parts of files that changed meanwhile; nothing is left for workers."""
        chain_at(context.dest)
        if isinstance(context.dest, StoreDestination):
            waiting = ledger.items.in_state(context.job, State.FAILED)
            abort_others(context.dest.store, context.dest.corner / UPLOADS, context, waiting)
        yield from ()
