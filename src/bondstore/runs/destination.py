"""Where the outputs of a run go: a folder or a store, each with a private corner ``.bondstore``."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import shutil
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar, cast

from bondstore.config.profiles import StoreSpec
from bondstore.errors import (
    AlreadyExistsError,
    BondstoreError,
    ChangedError,
    ConfigurationError,
    NotFoundError,
    PolicyError,
)
from bondstore.ledger import Ledger
from bondstore.ledger.personal import personal_path
from bondstore.runs.durable import OutputGroup, explained
from bondstore.runs.journal import Entry
from bondstore.runs.lease import PATIENCE, Lease
from bondstore.runs.paths import safe_relpath
from bondstore.runs.ram_disk import candidates, ram_folder
from bondstore.runs.store_record import StoreRecord
from bondstore.runs.writers import FolderWriter, StoreWriter
from bondstore.stores.address import parse_address
from bondstore.stores.rangefile import RangeFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.ledger import Output
    from bondstore.runs.receipt import Receipt
    from bondstore.runs.writers import Writer
    from bondstore.stores import Store

T = TypeVar("T")
PRIVATE = ".bondstore"
QUARANTINE = f"{PRIVATE}/quarantine"


class Holder(Protocol):
    """Tells whether outputs are in place."""

    def holds(self, output: Output) -> bool:
        """Whether an output still is what was recorded; one without a hash has no file to be missing."""

    def stands(self, output: Output, path: str) -> bool:
        """Whether what lies at a path is what was recorded, there or elsewhere."""


class Destination(ABC):
    """A place for outputs, with the folder that keeps their ledger. It may be sent to any worker."""

    @property
    @abstractmethod
    def corner(self) -> Path:
        """The private folder that holds the ledger."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """What a person calls it; ``--dest`` takes it."""

    @property
    def ledger_path(self) -> Path:
        """The SQLite file."""
        return self.corner / "ledger.sqlite"

    @property
    def scratch(self) -> Path:
        """Where files lie until they are complete."""
        return self.corner / "tmp"

    def ledger(self, *, create: bool = True) -> Ledger:
        """Open the ledger."""
        return Ledger(self.ledger_path, create=create)

    def prepare(self) -> None:
        """Make the private folder (mode 0700)."""
        make_folder(self.corner, 0o700)

    @contextmanager
    def locked(self, *, shared: bool = False) -> Iterator[None]:  # noqa: ARG002
        """Hold the destination for one run, and clear what a killed one left half-written.

        With `shared` runs on other machines may write at the same time: each is about a few objects of its own.

        Raises
        ------
        PolicyError
            Another run holds it.
        """
        self.prepare()
        with (self.corner / "lock").open("w") as file:
            try:
                _take(file.fileno())
            except OSError as error:
                raise PolicyError(
                    f"Another run is writing to {self.shown}.",
                    hint="Wait for it to end, or name another destination.",
                ) from error
            shutil.rmtree(self.scratch, ignore_errors=True)
            try:
                yield
            finally:
                shutil.rmtree(self.scratch, ignore_errors=True)

    def refresh(self) -> None:  # noqa: B027 - the record of a folder lies in it
        """Bring the ledger here up to what other machines recorded."""

    def publish(
        self,
        job: str,  # noqa: ARG002
        run: str,  # noqa: ARG002
        who: str,  # noqa: ARG002
        receipts: Sequence[Receipt] = (),  # noqa: ARG002
        *,
        begun: Mapping[str, Any] | None = None,  # noqa: ARG002
        ended: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> str:
        """Tell other machines what is about to be recorded here; return the name of what they are told, if any."""
        return ""

    def busy(self) -> bool:
        """Whether a run is going on. Asks without waiting, and changes nothing."""
        try:
            file = (self.corner / "lock").open("rb")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @staticmethod
    def quarantine_path(key: str) -> str:
        """Return where the sealed bytes of a key are kept."""
        return f"{QUARANTINE}/{safe_relpath(key)}"

    def sweep_quarantine(self, ledger: Ledger) -> None:
        """Remove sealed bytes of objects that are in quarantine no more: they were fixed, or replaced."""
        kept: set[str] | None = None
        stale = []
        for path in self.walk(QUARANTINE):
            if kept is None:
                kept = {self.quarantine_path(key) for key in ledger.items.quarantined_keys()}
            if path not in kept:
                stale.append(path)
        self.remove(stale)

    @abstractmethod
    def writer(self, *, in_memory: bool = False) -> Writer:
        """Return what takes a shard's outputs; with `in_memory` nothing touches this machine's disk on its way."""

    @abstractmethod
    def show(self, staged: Sequence[tuple[str, str]]) -> None:
        """Give files under temporary names the paths they were written for."""

    @abstractmethod
    def holder(self, *, few: bool = False) -> Holder:
        """Return who tells whether outputs are in place; `few` asks for each by itself where a listing is dearer."""

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """Open an output for reading, at any place in it.

        Raises
        ------
        NotFoundError
            It is gone.
        """

    @abstractmethod
    def remove(self, paths: Sequence[str]) -> None:
        """Remove outputs; those that are gone already are fine."""

    @abstractmethod
    def move(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Rename outputs, replacing what is at their new paths; return the new paths of those that are gone."""

    def tags(self, folder: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yield paths below a folder with the store's own tags of their content: a copy may have another one."""
        return iter(())

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether there is a file at a path."""

    @abstractmethod
    def folders(self, folder: str = "") -> list[str]:
        """Return the names of the folders in a folder, in order; none where it is missing."""

    @abstractmethod
    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write one file that no run knows, even while one is going on; it appears whole."""

    @abstractmethod
    def append(self, path: str, data: bytes) -> None:
        """Add to the end of a file that no run knows; it is made where it is missing."""

    @abstractmethod
    def walk(self, folder: str) -> Iterator[str]:
        """Yield the paths of all files below a folder; none where it is missing."""

    def read(self, path: str) -> bytes:
        """Return the content of an output."""
        with self.open(path) as file:
            return file.read()

    def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Return the content of some outputs; None for those that are not there."""
        found: list[bytes | None] = []
        for path in paths:
            try:
                found.append(self.read(path))
            except NotFoundError:
                found.append(None)
        return found

    def sha256(self, path: str) -> bytes:
        """Return the hash of an output as it is now."""
        with self.open(path) as file:
            return hashlib.file_digest(cast("Any", file), "sha256").digest()


@dataclass(frozen=True, slots=True)
class FolderDestination(Destination):
    """A local folder, by its absolute path."""

    root: Path

    @property
    def corner(self) -> Path:
        """The private folder inside."""
        return self.root / PRIVATE

    @property
    def shown(self) -> str:
        """Its path."""
        return str(self.root)

    def prepare(self) -> None:
        """Make the folder and its private corner."""
        self.prepare_root()
        make_folder(self.corner, 0o700)

    def prepare_root(self) -> None:
        """Make the folder alone."""
        make_folder(self.root, 0o777)

    def group(self) -> OutputGroup:
        """Return a new group of files that become visible together."""
        return OutputGroup(self.root, self.scratch / os.urandom(8).hex())

    def writer(self, *, in_memory: bool = False) -> FolderWriter:  # noqa: ARG002 - jobs refuse folders then
        """Return what takes a shard's files: durable under temporary names when sealed."""
        return FolderWriter(self.group())

    def show(self, staged: Sequence[tuple[str, str]]) -> None:
        """Rename files."""
        made: set[str] = set()
        try:
            for temporary, path in staged:
                target = f"{self.root}/{path}"
                folder = target.rpartition("/")[0]
                if folder not in made:
                    os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - path objects cost more than the call
                    made.add(folder)
                os.replace(temporary, target)  # noqa: PTH105
        except OSError as error:
            raise explained(error, str(self.root)) from error
        for folder in {temporary.rpartition("/")[0] for temporary, _ in staged}:
            with suppress(OSError):  # another file of it may still be waiting
                os.rmdir(folder)  # noqa: PTH106

    def holder(self, *, few: bool = False) -> FolderDestination:  # noqa: ARG002
        """Return itself: a look at a file costs nothing."""
        return self

    def holds(self, output: Output) -> bool:
        """Whether the file still is what was recorded.

        Size and modification time unchanged are taken for the content unchanged; where only the time differs, the
        content is hashed again.
        """
        return not output.sha256 or self.stands(output, output.path)

    def stands(self, output: Output, path: str) -> bool:
        """Whether the file at a path is the one that was recorded, there or elsewhere."""
        file = f"{self.root}/{path}"
        try:
            stat = os.stat(file)  # noqa: PTH116 - millions of them: path objects cost more than the question does
            if stat.st_size != output.size:
                return False
            if stat.st_mtime_ns == output.mtime_ns:
                return True
            with open(file, "rb") as content:  # noqa: PTH123
                return hashlib.file_digest(content, "sha256").digest() == output.sha256
        except (FileNotFoundError, NotADirectoryError):
            return False

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        try:
            return (self.root / path).open("rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError(f"The file {path} is gone.", hint="Run the same command again.") from error

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files."""
        for path in paths:
            (self.root / path).unlink(missing_ok=True)

    def move(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Rename files."""
        gone, made = [], set()
        for source, target in pairs:
            folder = f"{self.root}/{target}".rpartition("/")[0]
            if folder not in made:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - millions of them
                made.add(folder)
            try:
                os.replace(f"{self.root}/{source}", f"{self.root}/{target}")  # noqa: PTH105
            except FileNotFoundError:
                gone.append(target)
        return gone

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return (self.root / path).is_file()

    def folders(self, folder: str = "") -> list[str]:
        """List a folder."""
        try:
            return sorted(one.name for one in (self.root / folder).iterdir() if one.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file, in a group beside it: the group of a run is cleared when that ends."""
        target = self.root / path
        group = OutputGroup(self.root, target.parent / f".{target.stem}-{os.urandom(4).hex()}")
        try:
            group.write(path, chunks)
            group.commit()
        finally:
            group.discard()

    def append(self, path: str, data: bytes) -> None:
        """Add to the end of a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        with (self.root / path).open("ab") as file:
            file.write(data)

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the files below a folder."""
        for base, _, names in os.walk(self.root / folder):
            for name in names:
                yield os.path.relpath(os.path.join(base, name), self.root)  # noqa: PTH118


@dataclass(frozen=True, slots=True)
class StoreDestination(Destination):
    """A store. What is put there appears whole; its record lies in it, and a copy with the account's own."""

    spec: StoreSpec

    @property
    def corner(self) -> Path:
        """A folder of the account."""
        return personal_path().parent / "destinations" / self._name.removeprefix("bondstore-") / PRIVATE

    @property
    def _name(self) -> str:
        return f"bondstore-{hashlib.sha256(self.spec.url.encode()).hexdigest()[:16]}"

    @property
    def shown(self) -> str:
        """Its address."""
        return self.spec.url

    @property
    def store(self) -> Store:
        """The store, opened once in a process."""
        from bondstore.runs.process import shared_store

        return shared_store(self.spec)

    @property
    def _record(self) -> StoreRecord:
        return StoreRecord(self.store, PRIVATE, self.ledger_path)

    @contextmanager
    def locked(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the store, on whatever machine, and the copy of its record here."""
        with Destination.locked(self), self._memory_cleared():
            if shared:
                _held[self.spec] = self._record, None
                try:
                    yield
                finally:
                    del _held[self.spec]
                return
            lease = Lease(self.store, f"{PRIVATE}/lease.json", self.corner / "lease")
            lease.take()
            try:
                record = self._record
                record.refresh()
                _held[self.spec] = record, lease
                yield
                record.fold()
            finally:
                _held.pop(self.spec, None)
                lease.give_back()

    @contextmanager
    def _memory_cleared(self) -> Iterator[None]:
        """Clear what a killed run left in memory, and what this one leaves."""
        for folder in candidates():
            shutil.rmtree(folder / f"{self._name}-{os.getuid()}", ignore_errors=True)
        try:
            yield
        finally:
            for folder in candidates():
                shutil.rmtree(folder / f"{self._name}-{os.getuid()}", ignore_errors=True)

    def refresh(self) -> None:
        """Take over what is recorded in the store, unless a run here is at it."""
        self.prepare()
        with (self.corner / "lock").open("w") as file, suppress(BlockingIOError):
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._record.refresh()

    def publish(
        self,
        job: str,
        run: str,
        who: str,
        receipts: Sequence[Receipt] = (),
        *,
        begun: Mapping[str, Any] | None = None,
        ended: Mapping[str, Any] | None = None,
    ) -> str:
        """Put an entry into the record of the store."""
        record, lease = _held[self.spec]
        if lease is not None:
            lease.check()
        entry = Entry(int(time.time() * 1000), job, run, who, tuple(receipts), begun, ended)
        return record.append(entry) if lease is not None else record.append_what_matters(entry)

    def busy(self) -> bool:
        """Whether a run is going on, here or elsewhere."""
        if Destination.busy(self):
            return True
        try:
            lease = self.store.head(f"{PRIVATE}/lease.json")
        except NotFoundError:
            return False
        return time.time() * 1000 - lease.modified_ms < 2 * PATIENCE * 1000

    def writer(self, *, in_memory: bool = False) -> StoreWriter:
        """Return what puts a shard's outputs side by side."""
        in_memory = in_memory or self.spec.profile.plaintext == "forbidden"
        scratch = ram_folder(self._name) if in_memory else self.scratch
        return StoreWriter(self.store, scratch / os.urandom(8).hex())

    def show(self, staged: Sequence[tuple[str, str]]) -> None:
        """Do nothing: what was put is to be seen."""

    def holder(self, *, few: bool = False) -> Holder:
        """List all there is once, or ask for each."""
        if few:
            return _Asking(self)
        return _Listed(self, {one.key: (one.size, one.etag) for page in self.store.pages() for one in page.objects()})

    def open(self, path: str) -> BinaryIO:
        """Read an object in ranges."""
        return cast("BinaryIO", io.BufferedReader(RangeFile(self.store, self.store.head(path)), 1 << 20))

    def read(self, path: str) -> bytes:
        """Return the content of an object."""
        return bytes(self.store.get(path).data)

    def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Return the content of some objects, fetched side by side; None for those that are not there."""
        answers = self.store.get_many(paths)
        return [None if isinstance(one, NotFoundError) else bytes(_raised(one).data) for one in answers]

    def remove(self, paths: Sequence[str]) -> None:
        """Remove objects side by side."""
        for answer in self.store.delete_many(paths):
            _raised(answer)

    def move(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Rename objects, by copy and removal where the store knows no better."""
        gone = []
        for (_, target), answer in zip(pairs, self.store.move_many(pairs), strict=True):
            if isinstance(answer, NotFoundError):
                gone.append(target)
            else:
                _raised(answer)
        return gone

    def tags(self, folder: str) -> Iterator[tuple[str, str]]:
        """List objects."""
        for page in self.store.pages(folder):
            for one in page.objects():
                yield one.key, one.etag

    def exists(self, path: str) -> bool:
        """Ask for an object."""
        try:
            self.store.head(path)
        except NotFoundError:
            return False
        return True

    def folders(self, folder: str = "") -> list[str]:
        """List what keys have in common."""
        return sorted(one.rstrip("/").rpartition("/")[2] for one in self.store.dirs(folder).prefixes)

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Put an object."""
        self.store.put_stream(path, chunks)

    def append(self, path: str, data: bytes) -> None:
        """Put an object anew with more at its end, unless another did so meanwhile: then on what that one put."""
        while True:
            try:
                there = self.store.get(path)
            except NotFoundError:
                there = None
            with suppress(AlreadyExistsError, ChangedError):
                if there is None:
                    self.store.put_if_absent(path, data)
                else:
                    self.store.put_if_unchanged(path, bytes(there.data) + data, there.info.etag)
                return

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the keys below a folder."""
        for page in self.store.pages(folder):
            yield from page.keys


_held: dict[StoreSpec, tuple[StoreRecord, Lease | None]] = {}
"""Stores that runs of this process write to."""


def open_destination(spec: StoreSpec) -> Destination:
    """Return the destination at an address."""
    address = parse_address(spec.url)
    return FolderDestination(Path(address.place)) if address.kind == "file" else StoreDestination(spec)


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder and those above it, or say that it cannot be made."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} could not be made ({error.strerror}).", hint="Name a folder you may write to."
        ) from error


class _InStore(ABC):
    """Holds records against a store, by size and the store's own tag of the content.

    Where only the tag differs, the content is hashed again: a copy may have another one.
    """

    __slots__ = ()
    destination: StoreDestination

    @abstractmethod
    def look(self, path: str) -> tuple[int, str] | None:
        """Return size and tag of what lies at a path."""

    def holds(self, output: Output) -> bool:
        """Whether an object still is what was recorded."""
        return not output.sha256 or self.stands(output, output.path)

    def stands(self, output: Output, path: str) -> bool:
        """Whether what lies at a path is what was recorded, there or elsewhere."""
        there = self.look(path)
        if there is None or there[0] != output.size:
            return False
        return there[1] == output.etag or self.destination.sha256(path) == output.sha256


@dataclass(frozen=True, slots=True)
class _Listed(_InStore):
    """A store as it was listed."""

    destination: StoreDestination
    objects: Mapping[str, tuple[int, str]]

    def look(self, path: str) -> tuple[int, str] | None:
        return self.objects.get(path)


@dataclass(frozen=True, slots=True)
class _Asking(_InStore):
    """A store that is asked for each output by itself."""

    destination: StoreDestination

    def look(self, path: str) -> tuple[int, str] | None:
        try:
            there = self.destination.store.head(path)
        except NotFoundError:
            return None
        return there.size, there.etag


def _raised(answer: T | BondstoreError) -> T:
    if isinstance(answer, BondstoreError):
        raise answer
    return answer


def _take(lock: int) -> None:
    """Lock a file; try again for a moment, as `Destination.busy` may be looking just now."""
    for pause in (0.01, 0.1):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
