"""A store as a destination: its record lies in it, and one run at a time writes."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import logging
import os
import shutil
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from bondstore.config.profiles import StoreSpec
from bondstore.errors import (
    AlreadyExistsError,
    BondstoreError,
    ChangedError,
    CredentialsError,
    IntegrityError,
    NotFoundError,
)
from bondstore.ledger.personal import personal_path
from bondstore.modes import make_folder
from bondstore.runs.destination import PRIVATE, SOON, Destination, Head, Holder, open_lock, whole_lines
from bondstore.runs.lease import Lease
from bondstore.runs.ram_disk import candidates, ram_folder
from bondstore.runs.store_record import ENTRIES, POINTER, StoreRecord
from bondstore.runs.writers import StoreWriter
from bondstore.stores import open_store
from bondstore.stores.address import parse_address
from bondstore.stores.rangefile import RangeFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.ledger import Output
    from bondstore.runs.journal import RecordEntry
    from bondstore.stores import Store


T = TypeVar("T")
_RECORD, _ENTRIES = f"{PRIVATE}/{POINTER}", f"{PRIVATE}/{ENTRIES}"
_HEAD = f"{PRIVATE}/head.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreDestination(Destination):
    """A store. What is put there appears whole; its record lies in it, and a copy with the account's own."""

    spec: StoreSpec
    few_know_all = False
    at_once = True

    @property
    def corner(self) -> Path:
        """A folder of the account."""
        return _corner(self._name)

    @property
    def identity(self) -> str:
        """Its address, and whose: the same address at another server is another store."""
        profile = self.spec.profile
        return " ".join(filter(None, (self.spec.url, profile.endpoint, profile.account)))

    @property
    def _name(self) -> str:
        return _name_of(self.identity)

    def prepare(self) -> None:
        """Make the private folder; one of an earlier version, which told stores apart by their address alone, moves."""
        earlier = _corner(_name_of(self.spec.url))
        if earlier.exists() and not self.corner.exists() and not (earlier / "snapshot").exists():
            make_folder(self.corner.parent)
            earlier.rename(self.corner)
        Destination.prepare(self)

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

    def _is_known(self) -> bool:
        return _is_recorded(self.store)

    def _outer(self) -> str | None:
        place = parse_address(self.spec.url)
        steps = place.prefix.split("/") if place.prefix else []
        for number in reversed(range(len(steps))):
            outer = replace(place, prefix="/".join(steps[:number])).url
            if _is_recorded(open_store(replace(self.spec, url=outer))):
                return outer
        return None

    def _inner(self) -> str | None:
        keys = (key for page in self.store.pages() for key in page.keys)
        signs = (f"/{_RECORD}", f"/{_ENTRIES}")
        places = (key.partition(sign)[0] for key in islice(keys, SOON) for sign in signs if sign in key)
        found = next(places, None)
        return found and f"{self.spec.url.rstrip('/')}/{found}"

    @property
    def _lease(self) -> Lease:
        return Lease(self.store, f"{PRIVATE}/lease.json", self.corner / "lease")

    @contextmanager
    def locked(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the store, on whatever machine, and the copy of its record here."""
        with Destination.locked(self), self._memory_cleared():
            record = self._record
            if shared:
                record.stray()
                _held[self.spec] = record, None
                try:
                    yield
                finally:
                    del _held[self.spec]
                return
            lease = self._lease
            lease.take()
            try:
                record.refresh()
                record.begin()
                _held[self.spec] = record, lease
                yield
                self._fold(record, lease)
            finally:
                _held.pop(self.spec, None)
                lease.give_back()

    def _fold(self, record: StoreRecord, lease: Lease) -> None:
        """Fold the record, unless that fails: all is recorded by now, only not in one piece."""
        try:
            record.fold(lease.check)
        except BondstoreError as error:
            _log.warning("The record of %s was not put together; the next run does it. %s", self.shown, error.message)

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

    def check(self) -> None:
        """Refuse to go on where another run has taken over."""
        _, lease = _held[self.spec]
        if lease is not None:
            lease.check()

    def refresh(self) -> None:
        """Take over what is recorded in the store, unless a run here is at it."""
        self.prepare()
        with open_lock(self.corner) as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # the copy of the run that is at it is the newest there is
            self._record.refresh()

    def publish(self, entry: RecordEntry) -> str:
        """Put an entry into the record of the store."""
        record, lease = _held[self.spec]
        if lease is None:
            return record.append_what_matters(entry)
        lease.check()
        if record.is_full:
            record.fold(lease.check)
        return record.append(entry)

    def was_written_to(self) -> bool:
        """Say no: who only looks holds the lock here as well. What a run left elsewhere tells."""
        return False

    def has_outputs(self) -> bool:
        """Whether any object lies here that is no part of the record."""
        return any(not key.startswith(f"{PRIVATE}/") for page in self.store.pages() for key in page.keys)

    def note_head(self, seq: int, digest: bytes, run: str) -> None:
        """Put it beside the entries."""
        said = {"seq": seq, "hash": digest.hex(), "run": run}
        self.store.put(_HEAD, json.dumps(said).encode())

    def noted_head(self) -> Head | None:
        """Get it."""
        try:
            said = json.loads(bytes(self.store.get(_HEAD).data))
            head = Head(int(said["seq"]), bytes.fromhex(said["hash"]), str(said["run"]))
        except NotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{self.store.url}/{_HEAD} is not what was put there.", hint="Find out who changed it."
            ) from error
        return head if head.seq else None  # a new record was accepted, and no run has ended since

    def busy(self) -> bool:
        """Whether a run is going on, here or elsewhere."""
        if Destination.busy(self):
            return True
        return self._lease.is_held()

    def writer(self, *, in_memory: bool = False) -> StoreWriter:
        """Return what puts a shard's outputs side by side."""
        in_memory = in_memory or self.spec.profile.plaintext == "forbidden"
        scratch = ram_folder(self._name) if in_memory else self.scratch
        return StoreWriter(self.store, scratch / os.urandom(8).hex())

    def show(self, staged: Sequence[tuple[str, str]]) -> None:
        """Do nothing: what was put is to be seen."""

    def holder(self, *, few: bool = False) -> Holder:
        """List all there is once, as soon as somebody asks, or ask for each."""
        return _Asking(self) if few else _Listed(self)

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
                    self.store.put_if_unchanged(path, whole_lines(bytes(there.data)) + data, there.info.etag)
                return

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the keys below a folder."""
        for page in self.store.pages(folder):
            yield from page.keys


_held: dict[StoreSpec, tuple[StoreRecord, Lease | None]] = {}
"""Stores that runs of this process write to."""


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


@dataclass(frozen=True)
class _Listed(_InStore):
    """A store as it was listed when it was first asked for."""

    destination: StoreDestination

    @cached_property
    def objects(self) -> Mapping[str, tuple[int, str]]:
        pages = self.destination.store.pages()
        return {one.key: (one.size, one.etag) for page in pages for one in page.objects()}

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


def _is_recorded(store: Store) -> bool:
    with suppress(CredentialsError):  # above a prefix that is one's own, one may not look
        try:
            store.head(_RECORD)
        except NotFoundError:
            return any(page.keys for page in store.pages(_ENTRIES))
        return True
    return False


def _name_of(place: str) -> str:
    return f"bondstore-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def _corner(name: str) -> Path:
    return personal_path().parent / "destinations" / name.removeprefix("bondstore-") / PRIVATE


def _raised(answer: T | BondstoreError) -> T:
    if isinstance(answer, BondstoreError):
        raise answer
    return answer
