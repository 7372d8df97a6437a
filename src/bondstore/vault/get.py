"""Get: files of a vault, decrypted and held against its manifests."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from bondstore.codecs.crypt4gh import edited, read_header
from bondstore.codecs.segments import open_stream
from bondstore.config.resolve import (
    dest_params,
    recorded_dest,
    recorded_store,
    resolve_dest,
    resolve_source,
    store_params,
)
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, DamagedError, NotFoundError, NothingThereError, WrongKeyError
from bondstore.ledger import Item, Read
from bondstore.runs.paths import safe_relpath
from bondstore.runs.pipeline import EachObject, Job, Step
from bondstore.runs.policy import check_places
from bondstore.stores import ObjectInfo, open_store
from bondstore.vault.chain import read_chain
from bondstore.vault.findings import FINDINGS, MISSING, NOT_IN_MANIFEST, NOT_PROVED, WRONG_RECIPIENT
from bondstore.vault.keys import own_key, passphrase_of, unlocked
from bondstore.vault.manifest import ENDING, PAYLOAD, Content, Entry, digest, list_path, read_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.config.profiles import StoreSpec
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.pipeline import Page
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.stores import Store
    from bondstore.vault.manifest import Manifest

JOB = "vault.get"
FILE = "file"
LARGE = 8 << 20
_MISSING = "missing"  # in the place of an etag


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose key decrypts. It holds no secret."""

    key: str
    passphrase: SecretRef


@dataclass(frozen=True, slots=True)
class GetJob(Job):
    """All files of a vault, or those below a path, into a destination."""

    store: StoreSpec
    dest: StoreSpec | None
    """Where to; None for a run that is recorded in the folder it wrote to."""
    reader: Reader | None
    """None: objects are fetched and proved, and stay encrypted."""
    below: str = ""

    @property
    def name(self) -> str:
        """One job for each vault, and for whether it is decrypted."""
        return f"{JOB}:{self.store.url}:{'open' if self.reader else 'encrypted'}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        own = {} if self.reader is None else {"key": self.reader.key, "passphrase": str(self.reader.passphrase)}
        return {"job": JOB, **store_params(self.store), **dest_params(self.dest), **own, "below": self.below}

    def check(self) -> None:
        """Refuse what cannot succeed: plaintext where it is forbidden, a key that does not unlock."""
        check_places(self.store, self.dest)
        if self.reader is not None:
            unlocked(self.reader.key, self.reader.passphrase)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Prove the manifests and list; refuse what names nothing."""
        plan = Job.plan(self, ledger, context, progress)
        if not (plan.todo.objects or plan.skipped.objects or plan.quarantined.objects):
            what = f"There is nothing below {self.below} in {self.store.url}." if self.below else _no_vault(self.store)
            raise NothingThereError(what, hint="Name a vault that bondstore put made; #PATH names a part of it.")
        return plan

    @property
    def steps(self) -> Sequence[Step]:
        """One step."""
        return (GetObjects(self.reader, self.below),)


def _no_vault(spec: StoreSpec) -> str:
    return f"{spec.url} is not a vault: it has no manifest and no objects below {PAYLOAD}/."


def get_job(
    url: str,
    dest: str,
    *,
    unseal: bool = False,
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
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
    """
    place, _, below = url.partition("#")
    name = own_key(key) if unseal else ""
    reader = Reader(name, passphrase_of(name, passphrase)) if unseal else None
    return GetJob(resolve_source(place, profile), resolve_dest(dest, dest_profile), reader, below.strip("/"))


def job_of(params: Mapping[str, Any], profile: str | None = None) -> GetJob:
    """Build the job that a run recorded as its `params`; `profile` opens the vault in place of the one used then."""
    reader = Reader(params["key"], SecretRef.parse(params["passphrase"])) if "key" in params else None
    return GetJob(recorded_store(params, profile), recorded_dest(params), reader, params["below"])


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
class GetObjects(EachObject):
    """Fetches each object, holds it against the manifest, and writes its content."""

    reader: Reader | None
    below: str = ""
    kinds: ClassVar[tuple[str, ...]] = (FILE,)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the payload; then take what the manifests name and the listing lacks, to be told as missing."""
        wanted = dict(proofs_of(context.source, fresh=True).entries)
        for listing in context.store.pages(PAYLOAD):
            page = self.page(listing.objects())
            for key in listing.keys:
                wanted.pop(key, None)
            yield page
        lost = (ObjectInfo(name, entry.size, _MISSING, None, 0) for name, (entry, _) in wanted.items())
        yield self.page(lost)

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        """Take what is below the path that was asked for."""
        path = found.key.removeprefix(f"{PAYLOAD}/")
        plain = path.removesuffix(ENDING)
        if not self._is_below(plain):
            return None
        return Item(found.key, found.etag, found.size, safe_relpath(plain if self.reader else path))

    def _is_below(self, path: str) -> bool:
        return not self.below or path == self.below or path.startswith(f"{self.below.rstrip('/')}/")

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Handle a batch."""
        proofs = proofs_of(work.context.source)
        for item in items:
            if item.version == _MISSING:
                work.receipt.failed(item, MISSING.about(item.key))
        there = [item for item in items if item.version != _MISSING]
        for item, fetched in work.fetch([item for item in there if item.size <= LARGE], sealed=True):
            self._one(item, [fetched.data], fetched.info.etag, proofs, work)
        for item in there:
            if item.size > LARGE:
                self._stream(item, proofs, work)

    def _stream(self, item: Item, proofs: Proofs, work: Work) -> None:
        try:
            info = work.store.head(item.key)
        except BondstoreError as error:
            work.not_fetched(item, error, sealed=True)
            return
        work.receipt.reads.append(Read(item.key, info.etag, info.size))
        self._one(item, work.store.open_ranges(info), info.etag, proofs, work)

    def _one(self, item: Item, chunks: Iterable[Buffer], etag: str, proofs: Proofs, work: Work) -> None:
        """Write one file, once all of it is proved; what is not is left in the vault and told of."""
        try:
            content = proofs.content_of(item.key, chunks, self.reader)
            written: Iterable[Buffer] = list(content) if item.size <= LARGE else content
            work.write(item.output, written, kind=FILE, source=item.key)
        except (WrongKeyError, DamagedError) as error:
            refuse(item, etag, error, work)
        else:
            work.receipt.done(item, etag)


def refuse(item: Item, etag: str, error: WrongKeyError | DamagedError, work: Work) -> None:
    """Note an object that is not proved, or not for this key. Its bytes stay in the vault."""
    kind = WRONG_RECIPIENT if isinstance(error, WrongKeyError) else FINDINGS.get(error.kind, NOT_PROVED)
    work.receipt.findings.append(kind.about(item.key, message=error.message))
    work.quarantine(item, etag, kind.word)
