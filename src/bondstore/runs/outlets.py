"""Where the outputs of a run go: files in a folder, or objects in a store. Nothing is half-written in either."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bondstore.errors import BondstoreError, NotFoundError
from bondstore.ledger import Output
from bondstore.ledger.personal import personal_path
from bondstore.runs.destination import FolderDestination
from bondstore.runs.recording import output_of
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.runs.durable import OutputGroup
    from bondstore.stores import Store


class Outlet(Protocol):
    """Takes outputs, and makes them visible together."""

    def write(self, path: str, data: bytes, digest: str = "") -> None:
        """Take one output.

        Parameters
        ----------
        path : str
            Where it goes, relative to the destination; made by `safe_relpath` where it stems from a key.
        data : bytes
            Its content.
        digest : str
            What it was made of and how.
        """

    def commit(self) -> list[Output]:
        """Make all of them durable and visible; return their records."""

    def discard(self) -> None:
        """Leave nothing of what was not committed."""


@dataclass(slots=True)
class FolderOutlet:
    """Files of a local folder, after one sync for all of them."""

    group: OutputGroup
    digests: list[str] = field(default_factory=list)

    def write(self, path: str, data: bytes, digest: str = "") -> None:
        """Write it under a temporary name."""
        self.group.write(path, [data])
        self.digests.append(digest)

    def commit(self) -> list[Output]:
        """Sync and rename."""
        written = zip(self.group.commit(), self.digests, strict=True)
        return [output_of(one, made_by=digest) for one, digest in written]

    def discard(self) -> None:
        """Remove what lies under temporary names."""
        self.group.discard()


@dataclass(slots=True)
class StoreOutlet:
    """Objects of a store: each appears whole, and one that is there with the same content is left as it is."""

    store: Store
    held: list[tuple[str, bytes, str]] = field(default_factory=list)

    def write(self, path: str, data: bytes, digest: str = "") -> None:
        """Hold it in memory."""
        self.held.append((path, data, digest))

    def commit(self) -> list[Output]:
        """Put what is not there yet."""
        present = self.store.get_many([path for path, _, _ in self.held])
        outputs = []
        for (path, data, digest), there in zip(self.held, present, strict=True):
            if isinstance(there, BondstoreError):
                if not isinstance(there, NotFoundError):
                    raise there
                etag = self.store.put(path, data)
            else:
                etag = there.info.etag if bytes(there.data) == data else self.store.put(path, data)
            sha256 = hashlib.sha256(data).digest()
            outputs.append(Output(path, sha256, len(data), 0, made_by=digest, etag=etag))
        self.held.clear()
        return outputs

    def discard(self) -> None:
        """Forget what is held."""
        self.held.clear()


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies at a remote destination, as it was listed.

    Parameters
    ----------
    objects : mapping of str to (int, str)
        Size and etag by path.
    """

    objects: Mapping[str, tuple[int, str]]

    def holds(self, output: Output) -> bool:
        """Whether an object still is what was recorded: the store's own tag of its content is the same."""
        return not output.sha256 or self.objects.get(output.path) == (output.size, output.etag)


@dataclass(frozen=True, slots=True)
class Asking:
    """A remote destination that is asked for each output by itself: for a few of many."""

    store: Store

    def holds(self, output: Output) -> bool:
        """Whether an object still is what was recorded: the store's own tag of its content is the same."""
        if not output.sha256:
            return True
        try:
            there = self.store.head(output.path)
        except NotFoundError:
            return False
        return (there.size, there.etag) == (output.size, output.etag)


def made_by(output: Output) -> str:
    """Return what an output was made of and how, as it was written with."""
    return output.made_by


def is_folder(dest: StoreSpec) -> bool:
    """Whether a destination is a local folder: its record lies in it."""
    return parse_address(dest.url).kind == "file"


def record_place(dest: StoreSpec) -> FolderDestination:
    """Return the folder that holds the ledger of a destination.

    A local folder holds its own. That of a remote one lies with the account's other records, by its address.

    Parameters
    ----------
    dest : StoreSpec
        The destination.
    """
    if is_folder(dest):
        return FolderDestination(Path(parse_address(dest.url).place))
    name = hashlib.sha256(dest.url.encode()).hexdigest()[:16]
    return FolderDestination(personal_path().parent / "destinations" / name)


def outlet(dest: StoreSpec, record: FolderDestination) -> Outlet:
    """Return a new outlet of a destination.

    Parameters
    ----------
    dest : StoreSpec
        The destination.
    record : FolderDestination
        The folder that holds its ledger.
    """
    return FolderOutlet(record.group()) if is_folder(dest) else StoreOutlet(open_store(dest))


def shelf(dest: StoreSpec, record: FolderDestination, *, few: bool = False) -> FolderDestination | Shelf | Asking:
    """Return who tells whether recorded outputs still are in place.

    Parameters
    ----------
    dest : StoreSpec
        The destination.
    record : FolderDestination
        The folder that holds its ledger.
    few : bool
        Ask a remote destination for each output, in place of listing it once.
    """
    if is_folder(dest):
        return record
    if few:
        return Asking(open_store(dest))
    objects = {}
    for page in open_store(dest).pages():
        for one in page.objects():
            objects[one.key] = (one.size, one.etag)
    return Shelf(objects)


def remove(dest: StoreSpec, record: FolderDestination, paths: Sequence[str]) -> None:
    """Remove outputs; those that are gone already are fine.

    Parameters
    ----------
    dest : StoreSpec
        The destination.
    record : FolderDestination
        The folder that holds its ledger.
    paths : sequence of str
        As they were written.
    """
    if is_folder(dest):
        for path in paths:
            (record.root / path).unlink(missing_ok=True)
        return
    store = open_store(dest)
    for path in paths:
        store.delete(path)
