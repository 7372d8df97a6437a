"""What the manifests of a vault say of its objects, and the objects held against it."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bondstore.codecs.crypt4gh import edited, read_header
from bondstore.codecs.segments import open_stream
from bondstore.errors import (
    DamagedError,
    NotFoundError,
    WrongKeyError,
)
from bondstore.stores import open_store
from bondstore.vault.announced import announced
from bondstore.vault.chain import read_chain
from bondstore.vault.findings import NOT_IN_MANIFEST, NOT_PROVED
from bondstore.vault.keys import unlocked
from bondstore.vault.manifest import LISTS, Content, Entry, digest, list_path, read_list
from bondstore.vault.packs import PackedFile, read_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.config.profiles import StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.stores import Store
    from bondstore.vault.manifest import Manifest

_INDEXES = 4
"""Indexes of packs that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose key decrypts. It holds no secret."""

    key: str
    passphrase: SecretRef


@dataclass(frozen=True)
class Proofs:
    """What the manifests of a vault say, read once in a process."""

    store: Store
    entries: Mapping[str, tuple[Entry, Manifest]]
    announced: Mapping[str, tuple[tuple[Entry, Manifest], ...]] = field(default_factory=dict)
    """What else some of the objects may be, while the vault is rekeyed."""
    _lists: dict[str, Mapping[str, Content]] = field(default_factory=dict)
    _packs: dict[str, tuple[PackedFile, ...]] = field(default_factory=dict)
    _proved: set[str] = field(default_factory=set)
    _newest: dict[Reader | None, Mapping[str, str]] = field(default_factory=dict)
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
        tries = [State(*one) for one in self.states_of(name)]
        sealed = _tried(chunks, tries, name)
        if reader is None or not self.entries[name][0].list:
            yield from sealed
            return
        hashed, size = hashlib.sha256(), 0
        for chunk in opened(sealed, reader):
            hashed.update(chunk)
            size += memoryview(chunk).nbytes
            yield chunk
        for _ in sealed:  # what an edit list leaves out
            pass
        right = next(one for one in tries if one.fits())
        known = self.content(right.entry, right.manifest, reader)
        if (size, hashed.hexdigest()) != (known.size, known.sha256):
            raise _not_so(name)

    def states(self, name: str, reader: Reader | None) -> list[State]:
        """Return what an object may be, and what its content is then where it is decrypted.

        Raises
        ------
        DamagedError
            No manifest names it, or the list of its content is not what the manifest says.
        """
        if name not in self.entries:
            raise DamagedError(NOT_IN_MANIFEST.sentence, kind=NOT_IN_MANIFEST.word)
        found = []
        for entry, manifest in self.states_of(name):
            is_decrypted = reader is not None and entry.list
            found.append(
                State(entry, manifest, self.content(entry, manifest, reader) if is_decrypted and reader else None)
            )
        return found

    def prove_list(self, name: str) -> None:
        """Prove the list that has an object's content, once. Raises DamagedError as `sealed_list` does."""
        entry, manifest = self.entries.get(name, (None, None))
        with self._guard:
            if entry is not None and manifest is not None and entry.list and entry.list not in self._proved:
                self.sealed_list(entry.list, manifest)
                self._proved.add(entry.list)

    def states_of(self, name: str) -> list[tuple[Entry, Manifest]]:
        """Return what an object may be."""
        return [self.entries[name], *self.announced.get(name, ())]

    def sizes_of(self, name: str) -> set[int]:
        """Return the sizes that an object may have; none where no manifest names it."""
        return {entry.size for entry, _ in self.states_of(name)} if name in self.entries else set()

    def content(self, entry: Entry, manifest: Manifest, reader: Reader) -> Content:
        """Return what the list of an object says of its content."""
        with self._guard:
            if entry.list not in self._lists:
                self._lists[entry.list] = read_list(self._read(entry.list, manifest, reader))
        return self._lists[entry.list][entry.object]

    def files(self, entry: Entry, manifest: Manifest, reader: Reader) -> tuple[PackedFile, ...]:
        """Return the files of a pack, by its index.

        Raises
        ------
        DamagedError
            The index is not what the manifest says of it.
        WrongKeyError
            It was encrypted for others.
        """
        with self._guard:
            if entry.list not in self._packs:
                while len(self._packs) >= _INDEXES:
                    del self._packs[next(iter(self._packs))]
                self._packs[entry.list] = read_index(self._read(entry.list, manifest, reader))
            return self._packs[entry.list]

    def has_newest(self, path: str, name: str, reader: Reader | None) -> bool:
        """Whether an object has the newest version of a file that others have, too: in a pack, or not encrypted.

        Without a key nobody knows what is in a pack.
        """
        if reader not in self._newest:
            found: dict[str, str] = {}
            for entry, manifest in sorted(self.entries.values(), key=lambda one: one[0].put or one[1].number):
                with suppress(DamagedError, WrongKeyError):  # told where the pack is taken
                    packed = self.files(entry, manifest, reader) if entry.files and reader is not None else ()
                    paths = [one.path for one in packed] or [entry.path]
                    found.update(dict.fromkeys(paths, entry.object))
            self._newest[reader] = found
        return self._newest[reader].get(path, name) == name

    def objects_below(self, path: str, reader: Reader | None) -> frozenset[str]:
        """Return the objects that have the newest versions of the files below a path. Raises as `files`."""
        found = set()
        for entry, manifest in self.entries.values():
            packed = entry.files and reader is not None
            paths = [one.path for one in self.files(entry, manifest, reader)] if packed and reader else [entry.path]
            if any(self.has_newest(one, entry.object, reader) for one in paths if is_below(one, path)):
                found.add(entry.object)
        return frozenset(found)

    @cached_property
    def has_packs(self) -> bool:
        """Whether any object is a pack."""
        return any(entry.files for entry, _ in self.entries.values())

    def _read(self, name: str, manifest: Manifest, reader: Reader) -> bytes:
        return b"".join(map(bytes, opened([self.sealed_list(name, manifest)], reader)))

    def lost_list(self, name: str) -> str:
        """Return the list that has an object's content, where a listing lacks it; otherwise nothing."""
        list_of = self.entries[name][0].list
        return list_path(list_of) if list_of and list_path(list_of) not in self._lists_there else ""

    @cached_property
    def lists(self) -> Mapping[str, str]:
        """SHA-256 of the lists of what the objects have in them, by their own objects."""
        pairs = self.entries.values()
        return {list_path(entry.list): manifest.lists.get(entry.list, "") for entry, manifest in pairs if entry.list}

    def list_of(self, name: str, chunks: Iterable[Buffer]) -> Iterator[Buffer]:
        """Pass a list on as it is. Raises DamagedError behind its end where it is not what the manifest says."""
        hashed = hashlib.sha256()
        for chunk in chunks:
            hashed.update(chunk)
            yield chunk
        if hashed.hexdigest() != self.lists[name]:
            raise _not_so(name)

    @cached_property
    def _lists_there(self) -> frozenset[str]:
        return frozenset(one.key for one in self.store.list(LISTS))

    def sealed_list(self, name: str, manifest: Manifest) -> bytes:
        """Return a list as it is in the store. Raises DamagedError where it is not what the manifest says."""
        try:
            sealed = bytes(self.store.get(list_path(name)).data)
        except NotFoundError:
            raise DamagedError(f"The list {list_path(name)} of the vault is missing.", kind=NOT_PROVED.word) from None
        if digest(sealed) != manifest.lists.get(name):
            raise DamagedError(f"The list {list_path(name)} of the vault was changed.", kind=NOT_PROVED.word)
        return sealed


_proofs: dict[Any, Proofs] = {}
_guard = threading.Lock()


def proofs_of(spec: StoreSpec, *, fresh: bool = False) -> Proofs:
    """Return what the manifests of a vault say, proved."""
    with _guard:
        if fresh or spec not in _proofs:
            store = open_store(spec)
            entries = read_chain(spec, store).entries()
            _proofs[spec] = Proofs(store, entries, announced(store, entries))
        return _proofs[spec]


def is_below(path: str, folder: str) -> bool:
    """Whether a path is another one, or below it."""
    return path == folder or path.startswith(f"{folder}/")


def opened(chunks: Iterable[Buffer], reader: Reader) -> Iterator[Buffer]:
    """Decrypt an object."""
    found, body = read_header(chunks)
    envelope = found.open(unlocked(reader.key, reader.passphrase).private)
    yield from edited(open_stream(body, envelope.segments), envelope.edits)


def held(chunks: Iterable[Buffer], content: Content, name: str) -> Iterator[Buffer]:
    """Pass chunks on; raise DamagedError at their end where they are not the content that they should be."""
    hashed, size = hashlib.sha256(), 0
    for chunk in chunks:
        hashed.update(chunk)
        size += memoryview(chunk).nbytes
        yield chunk
    if (size, hashed.hexdigest()) != (content.size, content.sha256):
        raise _not_so(name)


class State:
    """What an object may be, held against its bytes as they go by."""

    def __init__(self, entry: Entry, manifest: Manifest, content: Content | None = None) -> None:
        self.entry, self.manifest, self.content = entry, manifest, content
        self._size, self._left = 0, 0 if entry.sha256 else entry.header_size
        self._header, self._rest = hashlib.sha256(), hashlib.sha256()

    def update(self, chunk: Buffer) -> None:
        """Take the next bytes."""
        view = memoryview(chunk).cast("B")
        self._size += len(view)
        if self._left:
            self._header.update(view[: self._left])
            view, self._left = view[self._left :], max(self._left - len(view), 0)
        self._rest.update(view)

    def fits(self) -> bool:
        """Whether all bytes are those of this state."""
        entry, rest = self.entry, self._rest.hexdigest()
        parts = not entry.sha256 and (self._header.hexdigest(), rest) == (entry.header_sha256, entry.body_sha256)
        return self._size == entry.size and (parts or rest == entry.sha256)


def _tried(chunks: Iterable[Buffer], tries: Sequence[State], name: str) -> Iterator[Buffer]:
    """Pass chunks on; raise DamagedError at their end where they are nothing that the object may be."""
    for chunk in chunks:
        for one in tries:
            one.update(chunk)
        yield chunk
    if not any(one.fits() for one in tries):
        raise _not_so(name)


def _not_so(name: str) -> DamagedError:
    return DamagedError(f"{name} is not what the manifest says of it.", kind=NOT_PROVED.word)
