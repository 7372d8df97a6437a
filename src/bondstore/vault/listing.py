"""What a store or a vault has: names, sizes, times, and how each object stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import resolve_source
from bondstore.errors import (
    HOPELESS,
    BondstoreError,
    DamagedError,
    NoPlaceError,
    NotFoundError,
    NothingThereError,
    UsageError,
    WrongKeyError,
)
from bondstore.stores import open_store
from bondstore.stores.background import side_by_side
from bondstore.text import milliseconds, moment
from bondstore.vault.addresses import object_at, vault_at
from bondstore.vault.keys import own_key, passphrase_of, unlocked
from bondstore.vault.manifest import ENDING, PAYLOAD
from bondstore.vault.proofs import Reader, proofs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.stores import ObjectInfo, Store
    from bondstore.stores.archive import Standing
    from bondstore.vault.manifest import Entry, Manifest
    from bondstore.vault.proofs import Proofs

SIGNED, MISSING, CHANGED, UNPROVED = "signed", "missing", "changed", "unproved"
"""What the manifests of a vault say of a file: they name it, the vault lacks it, it has another size, none names it."""
OBJECT, FILE, FOLDER, PACK = "object", "file", "folder", "pack"
_AT_ONCE = 16
_BATCH = 64


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object of a store, a file of a vault, or a folder of either.

    Parameters
    ----------
    kind : str
        ``object``, ``file`` (of a vault), ``pack`` (of files of a vault, whose names take a key) or ``folder``.
    name : str
        Below what was listed; of a folder with a ``/`` at its end.
    size : int, optional
        Bytes; of a file as they were before it was encrypted.
    modified_ms : int, optional
        When it was written, of a file when its manifest was made, in milliseconds since 1970 UTC.
    object : str
        Its key in the store.
    proof : str
        Of a file: ``signed`` (a signed manifest names it), ``missing``, ``changed`` (it has another size) or
        ``unproved`` (no manifest names it).
    encrypted : bool, optional
        Of a file: whether it is encrypted.
    files : int
        Of a pack: how many files it has.
    barred : bool
        Nothing can be seen of it: a folder that you may not read, a link that leads nowhere.
    storage_class, standing : str
        Its storage class, and ``plain``, ``archived``, ``waiting``, ``ready`` or ``expired``; where that was asked.
    until_ms : int, optional
        How long a restored copy can be read.
    """

    kind: str
    name: str
    size: int | None = None
    modified_ms: int | None = None
    object: str = ""
    proof: str = ""
    encrypted: bool | None = None
    files: int = 0
    barred: bool = False
    storage_class: str = ""
    standing: str = ""
    until_ms: int | None = None

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it: what does not apply is left out."""
        fields = {
            "kind": self.kind,
            "name": self.name,
            "size": self.size,
            "modified": moment(self.modified_ms),
            "object": self.object if self.kind in (FILE, PACK) else None,
            "proof": self.proof or None,
            "encrypted": self.encrypted,
            "files": self.files or None,
            "barred": self.barred or None,
            "class": self.storage_class or None,
            "standing": self.standing or None,
            "until": moment(self.until_ms),
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Contents:
    """What is at an address; the rows come as they are listed."""

    is_vault: bool
    rows: Iterator[ListedObject]


def list_objects(
    url: str,
    *,
    recursive: bool = False,
    standing: bool = False,
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | Profile | None = None,
) -> Contents:
    """List what is directly at an address, or with `recursive` all below it, in the store's own order.

    Parameters
    ----------
    url : str
        A store, a part of one, an object, or a vault, with ``#path`` what is below a path of it.
    recursive : bool
        List all objects, page by page, and no folders.
    standing : bool
        Ask for each object's storage class, and whether it is archived: one HEAD an object.
    key, passphrase
        Whose key decrypts the names of files in packs, and where its passphrase is kept; without either they are not.
    profile : str or Profile, optional
        Settings to open it with.

    Raises
    ------
    NothingThereError
        There is nothing at the address.
    IntegrityError, PolicyError
        It is a vault, and its manifests are not what they were, or were signed by somebody whom you do not trust.
    """
    vault = vault_at(url, profile)
    if vault is not None:
        store, found = _of_vault(*vault, _reader(key, passphrase), recursive=recursive)
    else:
        store, found = _of_store(url, profile, recursive=recursive)
    first = next(found, None)
    if first is None:
        raise _nothing(url)
    rows: Iterator[ListedObject] = chain([first], found)
    return Contents(vault is not None, _with_standing(store, rows) if standing else rows)


def _reader(key: str | None, passphrase: SecretRef | None) -> Reader | None:
    """Return who decrypts; a key that does not unlock is told at once."""
    if key is None and passphrase is None:
        return None
    name = own_key(key)
    reader = Reader(name, passphrase_of(name, passphrase))
    unlocked(reader.key, reader.passphrase)
    return reader


def _nothing(url: str) -> NothingThereError:
    return NothingThereError(f"There is nothing at {url}.", hint="Check the address; bondstore ls lists what is above.")


def _of_store(url: str, profile: str | Profile | None, *, recursive: bool) -> tuple[Store, Iterator[ListedObject]]:
    """Return a store and what is in it; where an address names one object, the store that has it."""
    refused: BondstoreError | None = None
    try:
        store = open_store(resolve_source(url, profile))
        found = _plain(store, recursive=recursive)
        first = next(found, None)
        if first is not None:
            return store, chain([first], found)
    except NoPlaceError:
        raise
    except (NotFoundError, UsageError) as error:  # no folder, or a key that can be no prefix
        refused = error
    spec, key = object_at(url, profile)
    store = open_store(spec)
    try:
        if key:
            return store, iter([_of(store.head(key), key.rpartition("/")[2])])
    except NotFoundError:
        pass
    raise refused or _nothing(url)


def _plain(store: Store, *, recursive: bool) -> Iterator[ListedObject]:
    if recursive:
        for page in store.pages():
            yield from map(_of, page.objects())
        return
    found = store.dirs()
    rows = [*map(_of, found.objects), *(ListedObject(FOLDER, one) for one in found.prefixes)]
    yield from sorted(rows, key=lambda one: one.name)


def _of(one: ObjectInfo, name: str = "") -> ListedObject:
    if one.barred:
        return ListedObject(FOLDER if one.key.endswith("/") else OBJECT, name or one.key, barred=True)
    return ListedObject(OBJECT, name or one.key, one.size, one.modified_ms, one.key)


def _of_vault(
    spec: StoreSpec, below: str, reader: Reader | None, *, recursive: bool
) -> tuple[Store, Iterator[ListedObject]]:
    found = (row for row in (_below(one, below) for one in _files(spec, reader)) if row is not None)
    return open_store(spec), found if recursive else _folded(found)


def _files(spec: StoreSpec, reader: Reader | None) -> Iterator[ListedObject]:
    """Yield the files of a vault by their real names, those that it lacks at the end."""
    proofs = proofs_of(spec, fresh=True)
    wanted = dict(proofs.entries)
    for page in open_store(spec).pages(PAYLOAD):
        for one in page.objects():
            known = wanted.pop(one.key, None)
            if known is not None:
                yield from _named(proofs, *known, SIGNED if one.size in proofs.sizes_of(one.key) else CHANGED, reader)
                continue
            path = one.key.removeprefix(f"{PAYLOAD}/").removesuffix(ENDING)
            sealed = one.key.endswith(ENDING)
            yield ListedObject(FILE, path, None, one.modified_ms, one.key, UNPROVED, encrypted=sealed)
    for entry, manifest in wanted.values():
        yield from _named(proofs, entry, manifest, MISSING, reader)


def _named(
    proofs: Proofs, entry: Entry, manifest: Manifest, proof: str, reader: Reader | None
) -> Iterator[ListedObject]:
    """Yield the file, or the files of a pack that its key tells, that an object has the newest version of."""
    made = milliseconds(datetime.fromisoformat(manifest.made))
    if entry.files and reader is not None:
        try:
            for one in proofs.files(entry, manifest, reader):
                if proofs.has_newest(one.path, entry.object, reader):
                    yield ListedObject(FILE, one.path, one.size, made, entry.object, proof, encrypted=True)
        except WrongKeyError:  # it is for others: it is shown as a whole
            pass
        except DamagedError:
            proof = CHANGED
        else:
            return
    elif not proofs.has_newest(entry.path, entry.object, reader):
        return
    kind = PACK if entry.files else FILE
    size, sealed = entry.plain_size, bool(entry.list)
    yield ListedObject(kind, entry.path, size, made, entry.object, proof, encrypted=sealed, files=entry.files)


def _below(one: ListedObject, path: str) -> ListedObject | None:
    """Return a file by its name below a path; None of one that is elsewhere."""
    if one.name == path:
        return replace(one, name=path.rpartition("/")[2])
    if path and not one.name.startswith(f"{path}/"):
        return None
    return replace(one, name=one.name[len(path) + 1 :]) if path else one


def _folded(files: Iterable[ListedObject]) -> Iterator[ListedObject]:
    """Yield files that are in no folder, and each folder once."""
    seen: set[str] = set()
    for one in files:
        folder, slash, _ = one.name.partition("/")
        if not slash:
            yield one
        elif folder not in seen:
            seen.add(folder)
            yield ListedObject(FOLDER, f"{folder}/")


def _with_standing(store: Store, rows: Iterator[ListedObject]) -> Iterator[ListedObject]:
    """Ask how objects stand; of one that is gone, or cannot be asked for, that is unknown."""
    while batch := list(islice(rows, _BATCH)):
        there = [one.object for one in batch if one.object and one.proof != MISSING]
        told = dict(zip(there, side_by_side(store.standing, there, _AT_ONCE), strict=True))
        for one in batch:
            found = told.get(one.object)
            if isinstance(found, HOPELESS):
                raise found
            yield one if found is None else _standing(one, found)


def _standing(one: ListedObject, found: Standing | BondstoreError) -> ListedObject:
    if isinstance(found, BondstoreError):
        return replace(one, standing="unknown")
    return replace(one, storage_class=found.storage_class, standing=found.access.value, until_ms=found.until_ms)
