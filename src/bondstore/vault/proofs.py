"""What the manifests of a vault say of its objects, and the objects held against it."""

from __future__ import annotations

import hashlib
import threading
from abc import abstractmethod
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from bondstore.codecs.crypt4gh import edited, read_header
from bondstore.codecs.segments import open_stream
from bondstore.errors import (
    ArchivedError,
    BondstoreError,
    CredentialsError,
    DamagedError,
    NotFoundError,
    NothingThereError,
    StoreError,
    WrongKeyError,
)
from bondstore.findings import Finding
from bondstore.ledger import Item, Read
from bondstore.runs.pipeline import EachObject, Page
from bondstore.stores import open_store
from bondstore.vault.chain import read_chain
from bondstore.vault.findings import ARCHIVED, FINDINGS, MISSING, NOT_IN_MANIFEST, NOT_PROVED, WRONG_RECIPIENT
from bondstore.vault.keys import unlocked
from bondstore.vault.manifest import ENDING, PAYLOAD, Content, Entry, digest, list_path, read_list
from bondstore.vault.names import name_in_folder, name_in_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.config.profiles import StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.runs.context import RunContext
    from bondstore.runs.plan import Plan
    from bondstore.runs.work import Work
    from bondstore.stores import Store
    from bondstore.vault.manifest import Manifest

LARGE = 8 << 20
"""Bytes from which on an object is read in ranges, not whole."""
LOST = "missing"
"""In the place of the etag of an object that a manifest names, and the vault does not have."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose key decrypts. It holds no secret."""

    key: str
    passphrase: SecretRef


@dataclass(frozen=True, slots=True)
class Proofs:
    """What the manifests of a vault say, read once in a process."""

    store: Store
    entries: Mapping[str, tuple[Entry, Manifest]]
    _lists: dict[str, Mapping[str, Content]] = field(default_factory=dict)
    _guard: Any = field(default_factory=threading.Lock)

    def content_of(self, name: str, chunks: Iterable[Buffer], reader: Reader | None) -> Iterator[Buffer]:
        """Pass an object's content on, decrypted where there is a reader.

        Raises
        ------
        DamagedError
            At the latest behind the last chunk: the object, or its content, is not what the manifest says of it.
        WrongKeyError
            The object was encrypted for others.
        """
        if name not in self.entries:
            raise DamagedError(NOT_IN_MANIFEST.sentence, kind=NOT_IN_MANIFEST.word)
        entry, manifest = self.entries[name]
        sealed = _held(chunks, Content(entry.size, entry.sha256), name)
        if reader is None or not entry.list:
            yield from sealed
        else:
            yield from _held(opened(sealed, reader), self._content(entry, manifest, reader), name)

    def _content(self, entry: Entry, manifest: Manifest, reader: Reader) -> Content:
        with self._guard:
            if entry.list not in self._lists:
                self._lists[entry.list] = self._read(entry.list, manifest, reader)
        return self._lists[entry.list][entry.object]

    def _read(self, name: str, manifest: Manifest, reader: Reader) -> Mapping[str, Content]:
        try:
            sealed = bytes(self.store.get(list_path(name)).data)
        except NotFoundError:
            raise DamagedError(f"The list {list_path(name)} of the vault is missing.", kind=NOT_PROVED.word) from None
        if digest(sealed) != manifest.lists.get(name):
            raise DamagedError(f"The list {list_path(name)} of the vault was changed.", kind=NOT_PROVED.word)
        return read_list(b"".join(map(bytes, opened([sealed], reader))))


_proofs: dict[Any, Proofs] = {}
_guard = threading.Lock()


def proofs_of(spec: StoreSpec, *, fresh: bool = False) -> Proofs:
    """Return what the manifests of a vault say, proved."""
    with _guard:
        if fresh or spec not in _proofs:
            _proofs[spec] = Proofs(open_store(spec), read_chain(spec).entries())
        return _proofs[spec]


def opened(chunks: Iterable[Buffer], reader: Reader) -> Iterator[Buffer]:
    """Decrypt an object."""
    found, body = read_header(chunks)
    envelope = found.open(unlocked(reader.key, reader.passphrase).private)
    yield from edited(open_stream(body, envelope.segments), envelope.edits)


def _held(chunks: Iterable[Buffer], content: Content, name: str) -> Iterator[Buffer]:
    """Pass chunks on; raise DamagedError at their end where they are not the content that they should be."""
    hashed, size = hashlib.sha256(), 0
    for chunk in chunks:
        hashed.update(chunk)
        size += memoryview(chunk).nbytes
        yield chunk
    if (size, hashed.hexdigest()) != (content.size, content.sha256):
        raise DamagedError(f"{name} is not what the manifest says of it.", kind=NOT_PROVED.word)


@dataclass(frozen=True, slots=True)
class VaultObjects(EachObject):
    """The objects of a vault, or those below a path of it, each with its bytes; what is done with them is left open."""

    reader: Reader | None
    """Who decrypts; None: objects are taken as they are."""
    below: str = ""

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the payload; then take what the manifests name and the listing lacks, to be told as missing."""
        wanted = dict(proofs_of(context.source, fresh=True).entries)
        for listing in context.store.pages(PAYLOAD):
            found = ((one, wanted.pop(one.key, None)) for one in listing.objects())
            items = (self._item(context, one.key, one.etag, one.size, known and known[0]) for one, known in found)
            yield Page([item for item in items if item is not None])
        lost = (self._item(context, name, LOST, entry.size, entry) for name, (entry, _) in wanted.items())
        yield Page([item for item in lost if item is not None])

    def _item(self, context: RunContext, key: str, etag: str, size: int, entry: Entry | None) -> Item | None:
        path = key.removeprefix(f"{PAYLOAD}/").removesuffix(ENDING) if entry is None else entry.path
        if self.below and path != self.below and not path.startswith(f"{self.below}/"):
            return None
        as_it_is = self.reader is None and (entry is None or bool(entry.list))
        return Item(key, etag, size, self.output_of(f"{path}{ENDING}" if as_it_is else path, context))

    def output_of(self, path: str, context: RunContext) -> str:
        """Return the file that an object becomes."""
        return name_in_store(path) if context.dest.at_once else name_in_folder(path)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Read each object, and hand it over."""
        proofs = proofs_of(work.context.source)
        for item in items:
            if item.version == LOST:
                work.receipt.failed(item, MISSING.about(item.key))
        there = [item for item in items if item.version != LOST]
        small = [item for item in there if item.size <= LARGE]
        for item, answer in zip(small, work.store.get_many([item.key for item in small]), strict=True):
            if isinstance(answer, BondstoreError):
                self._unread(item, answer, work)
            else:
                work.receipt.reads.append(Read(item.key, answer.info.etag, len(answer.data)))
                self.take(item, [answer.data], answer.info.etag, proofs, work)
        for item in there:
            if item.size > LARGE:
                try:
                    self._stream(item, proofs, work)
                except (StoreError, NotFoundError, CredentialsError) as error:
                    self._unread(item, error, work)

    def _stream(self, item: Item, proofs: Proofs, work: Work) -> None:
        info = work.store.head(item.key)
        chunks = work.store.open_ranges(info)
        first = next(chunks)  # an archived object is refused here
        work.receipt.reads.append(Read(item.key, info.etag, info.size))
        self.take(item, chain([first], chunks), info.etag, proofs, work)

    def _unread(self, item: Item, error: BondstoreError, work: Work) -> None:
        if isinstance(error, ArchivedError):
            self.archived(item, work)
        else:
            work.not_fetched(item, error, sealed=True)

    def archived(self, item: Item, work: Work) -> None:
        """Note an object that must be restored before it can be read."""
        work.receipt.failed(item, ARCHIVED.about(item.key))
        work.receipt.waiting += 1

    @abstractmethod
    def take(self, item: Item, chunks: Iterable[Buffer], etag: str, proofs: Proofs, work: Work) -> None:
        """Do what is to be done with an object, given its bytes as they are in the store."""


def finding_of(item: Item, error: WrongKeyError | DamagedError) -> Finding:
    """Return what is to be said of an object that is not proved, or not for this key."""
    kind = WRONG_RECIPIENT if isinstance(error, WrongKeyError) else FINDINGS.get(error.kind, NOT_PROVED)
    return kind.about(item.key, message=error.message)


def refuse_nothing(plan: Plan, spec: StoreSpec, below: str) -> None:
    """Refuse a vault that has nothing, or nothing below a path."""
    if plan.todo.objects or plan.skipped.objects or plan.quarantined.objects:
        return
    what = f"There is nothing below {below} in {spec.url}." if below else _no_vault(spec)
    raise NothingThereError(what, hint="Name a vault that bondstore put made; #PATH names a part of it.")


def _no_vault(spec: StoreSpec) -> str:
    return f"{spec.url} is not a vault: it has no manifest and no objects below {PAYLOAD}/."
