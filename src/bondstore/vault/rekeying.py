"""One batch of objects on its way to other recipients: prepared, announced, and then replaced one by one.

An object is replaced in one step, and the announcement is there before: whenever this is killed, each object is what
the manifests or the announcement say of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import Header
from bondstore.errors import ArchivedError, BondstoreError, ChangedError, DamagedError
from bondstore.ledger import Output, Read
from bondstore.runs.destination import PRIVATE
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores.archive import Access
from bondstore.stores.background import side_by_side
from bondstore.stores.beginnings import Beginnings
from bondstore.vault.announced import announce
from bondstore.vault.findings import NOT_PROVED
from bondstore.vault.keys import fingerprint
from bondstore.vault.manifest import Entry, Manifest, digest, list_path
from bondstore.vault.records import LIST, REKEYED
from bondstore.version import TOOL

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from bondstore.ledger import Item
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo
    from bondstore.stores.uploads import Source
    from bondstore.vault.keys import OwnKey
    from bondstore.vault.proofs import Proofs, Reader
    from bondstore.vault.readdress import Change

REKEYS = "rekeys"
"""The folder of journals in the private corner here, and of what goes again in that of the store."""
SMALL = 1_000_000
"""Bytes up to which an object is read and written: a dozen requests would cost more."""
LARGE = 8 << 20
_READABLE = (Access.PLAIN, Access.READY)
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Ready:
    """An object that is to get another header."""

    item: Item
    before: Entry
    """What it is now."""
    manifest: Manifest
    """Who says so: a manifest, or an announcement of a run that was stopped."""
    header: bytes
    body_sha256: str
    storage_class: str = ""

    @property
    def is_done(self) -> bool:
        """Whether a run that was stopped has given it the header already."""
        return digest(self.header) == self.before.header_sha256

    def after(self, content: str) -> Entry:
        """Return what it will be; `content` is the list of its content."""
        size = self.before.size - self.before.header_size + len(self.header)
        after = replace(self.before, size=size, sha256="", list=content, put=self.before.put or self.manifest.number)
        return replace(after, header_sha256=digest(self.header), body_sha256=self.body_sha256)


@dataclass(frozen=True, slots=True)
class Rekeying:
    """The work on a batch."""

    work: Work
    proofs: Proofs
    change: Change
    keys: Mapping[str, str]
    own: OwnKey
    reader: Reader
    number: int
    """Of the next manifest."""
    previous: str
    copies: bool
    """Whether the store copies what is behind a header."""
    _lists: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)

    # What an object is, and will be

    def ready(self, item: Item) -> Ready:
        """Read an object's header, and make the new one.

        Raises
        ------
        ArchivedError
            It cannot be read as it is.
        DamagedError
            It is not what the manifest says.
        WrongKeyError
            It was encrypted for others.
        """
        store = self.work.store
        standing = store.standing(item.key)
        if standing.access not in _READABLE:
            raise ArchivedError(f"{item.key} is archived ({standing.storage_class}).")
        states = self.proofs.states_of(item.key)
        start = store.get_range(item.key, 0, max(entry.header_size for entry, _ in states), item.version)
        for entry, manifest in states:
            header = bytes(start[: entry.header_size])
            known = self._parts_of(item, entry, manifest)
            if item.size == entry.size and known[0] == digest(header):
                new = self.change.header(header, manifest.recipients, self.keys, self.own)
                return Ready(item, entry, manifest, new, known[1], standing.storage_class)
        raise DamagedError(f"{item.key} is not what the manifest says of it.", kind=NOT_PROVED.word)

    def _parts_of(self, item: Item, entry: Entry, manifest: Manifest) -> tuple[str, str]:
        """Return what the header's and the body's SHA-256 must be."""
        if entry.body_sha256:
            return entry.header_sha256, entry.body_sha256
        told = self.proofs.content(entry, manifest, self.reader)
        return (told.header, told.body) if told.body else self._read(item, entry)

    def _read(self, item: Item, entry: Entry) -> tuple[str, str]:
        """Read an object of an upload that did not note them; what it is now is proved by that."""
        whole, rest, header = hashlib.sha256(), hashlib.sha256(), b""
        for chunk in self.work.store.open_ranges(self._info(item)):
            whole.update(chunk)
            view, missing = memoryview(chunk), entry.header_size - len(header)
            header += view[:missing]
            rest.update(view[missing:] if missing else view)
        self.work.receipt.reads.append(Read(item.key, item.version, item.size))
        if whole.hexdigest() != entry.sha256:
            raise DamagedError(f"{item.key} is not what the manifest says of it.", kind=NOT_PROVED.word)
        return digest(header), rest.hexdigest()

    def _info(self, item: Item) -> ObjectInfo:
        info = self.work.store.head(item.key)
        if info.etag != item.version:
            raise ChangedError(f"{item.key} was replaced meanwhile.", hint="Run the same command again.")
        return info

    # Announced, and replaced

    def announce(self, ready: Sequence[Ready]) -> list[tuple[Ready, Entry]]:
        """Write the lists of contents for the new recipients, then say what the objects will be."""
        groups: dict[tuple[str, ...], list[Ready]] = {}
        for one in ready:
            groups.setdefault(self.change.after(one.manifest.recipients), []).append(one)
        found: list[tuple[Ready, Entry]] = []
        for recipients, some in groups.items():
            lists: dict[str, str] = {}
            pairs = [(one, one.after(self._list_of(one, lists))) for one in some]
            manifest = Manifest(
                self.number,
                self.previous,
                datetime.now(UTC).isoformat(timespec="seconds"),
                TOOL,
                fingerprint(self.own.signing),
                recipients,
                lists,
                {one: self.keys[one] for one in recipients if one in self.keys},
                tuple(entry for _, entry in pairs),
            )
            announce(self.work.dest, manifest, self.own)
            found += pairs
        return found

    def _list_of(self, one: Ready, lists: dict[str, str]) -> str:
        """Return the list of an object's content for its new recipients; it is written when it is needed first."""
        key = one.before.list, digest(repr(one.manifest.recipients).encode())
        if key not in self._lists:
            sealed = self.proofs.sealed_list(one.before.list, one.manifest)
            found = Header.parse(sealed)
            size = found.size if found is not None else 0
            new = self.change.header(sealed[:size], one.manifest.recipients, self.keys, self.own) + sealed[size:]
            name = digest(new)[:32]
            self.work.dest.put(list_path(name), [new])
            output = Output(list_path(name), hashlib.sha256(new).digest(), len(new), 0, kind=LIST, made_by=name)
            self.work.receipt.outputs.append(output)
            self._lists[key] = name, new
        name, new = self._lists[key]
        lists[name] = digest(new)
        return name

    def replace(self, pairs: Sequence[tuple[Ready, Entry]]) -> list[Output | BondstoreError | None]:
        """Give objects their new headers; None stands for what is written with the rest of the batch."""
        dest = self.work.dest
        if not isinstance(dest, StoreDestination):
            return [self._write(*pair) for pair in pairs]
        copied = {one.item.key: one.header for one, _ in pairs if self._is_copied(one)}
        beginnings = Beginnings(dest.store, f"{PRIVATE}/{REKEYS}", dest.corner / REKEYS, copied)
        with beginnings.put() if copied else nullcontext() as put:
            return [*side_by_side(partial(self._replaced, beginnings, put), pairs, _AT_ONCE)]

    def _is_copied(self, one: Ready) -> bool:
        return self.copies and one.item.size > SMALL

    def _replaced(self, beginnings: Beginnings, put: Source | None, pair: tuple[Ready, Entry]) -> Output:
        one, entry = pair
        key, storage_class = one.item.key, one.storage_class
        if put is not None and self._is_copied(one):
            info = self._info(one.item)
            sent = beginnings.replace(info, one.before.header_size, storage_class or "STANDARD", put)
            return output_of(entry, sent.etag)
        hashed = hashlib.sha256(one.header)
        chunks = self._chunks(one, hashed.update)
        if one.item.size <= LARGE:
            etag = self.work.store.put(key, b"".join(chunks), storage_class=storage_class or None)
        else:
            etag = self.work.store.put_stream(key, chunks, storage_class=storage_class or None)
        return output_of(entry, etag, hashed.digest())

    def _write(self, one: Ready, entry: Entry) -> BondstoreError | None:
        chunks = self._chunks(one)
        small = one.item.size <= LARGE
        try:
            self.work.write(entry.object, list(chunks) if small else chunks, kind=REKEYED, made_by=entry.list)
        except DamagedError as error:
            return error
        return None

    def _chunks(self, one: Ready, passing: Callable[[Buffer], object] = lambda _: None) -> Iterator[Buffer]:
        """Yield the new header, and the body; raise DamagedError behind its end where it is another one."""
        yield one.header
        hashed = hashlib.sha256()
        for chunk in self.work.store.open_ranges(self._info(one.item), start=one.before.header_size):
            hashed.update(chunk)
            passing(chunk)
            yield chunk
        self.work.receipt.reads.append(Read(one.item.key, one.item.version, one.item.size))
        if hashed.hexdigest() != one.body_sha256:
            raise DamagedError(f"{one.item.key} is not what the manifest says of it.", kind=NOT_PROVED.word)


def output_of(entry: Entry, etag: str, sha256: bytes = b"") -> Output:
    """Return what is recorded of an object that has its new header."""
    return Output(entry.object, sha256, entry.size, 0, kind=REKEYED, made_by=entry.list, etag=etag)
