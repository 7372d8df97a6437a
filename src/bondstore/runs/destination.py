"""Where the outputs of a run go: a folder or a store, each with a private corner ``.bondstore``."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, TextIO, cast

from bondstore.errors import (
    ConfigurationError,
    NotFoundError,
    PolicyError,
)
from bondstore.ledger import Ledger
from bondstore.modes import CORNER, make_folder, refuse_led_away, refuse_writable
from bondstore.runs.durable import explained
from bondstore.runs.paths import safe_relpath

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bondstore.ledger import Output
    from bondstore.runs.journal import RecordEntry
    from bondstore.runs.writers import Writer

PRIVATE = CORNER
SOON = 10_000
"""Folders, or objects, that are looked at for a destination inside a new one."""
QUARANTINE = f"{PRIVATE}/quarantine"
SEALED = "sealed"
"""The kind of outputs in quarantine: bytes as they came, of objects that could not be handled in full."""


class Head(NamedTuple):
    """Where an audit chain stood when a run ended."""

    seq: int
    hash: bytes
    run: str


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
    @abstractmethod
    def identity(self) -> str:
        """What the account's own record calls it: the same for the same place, however it was named."""

    @property
    def ledger_path(self) -> Path:
        """The SQLite file."""
        return self.corner / "ledger.sqlite"

    @property
    def scratch(self) -> Path:
        """Where files lie until they are complete."""
        return self.corner / "tmp"

    def ledger(self, *, create: bool = True) -> Ledger:
        """Open the ledger.

        Raises
        ------
        NotFoundError
            There is none, and `create` is false.
        PolicyError
            The private folder or the ledger is a link, or others can write to that folder.
        """
        if not create and not self.has_record():
            raise NotFoundError(
                f"No run is recorded in {self.shown}.",
                hint="Name the folder or the store that an earlier run wrote to.",
            )
        refuse_led_away(self.corner)
        return Ledger(self.ledger_path, create=create)

    def has_record(self) -> bool:
        """Whether there is a ledger. Raises `ConfigurationError` where only another account may look."""
        try:
            self.ledger_path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError as error:
            raise ConfigurationError(
                f"The record of {self.shown} is in {self.corner}, which only its owner can open.",
                hint="Ask who wrote the results. You need no record to read them, where their modes let you.",
            ) from error
        except OSError as error:  # a name that is too long, a disk that fails
            raise ConfigurationError(
                f"No record can be read in {self.shown} ({error.strerror}).", hint="Check the name and the disk."
            ) from error
        return True

    def prepare(self) -> None:
        """Make the private folder (mode 0700).

        Raises
        ------
        ConfigurationError
            It cannot be made or written.
        PolicyError
            Others can write to it, or a link leads out of it.
        """
        make_folder(self.corner)
        if not os.access(self.corner, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"The record of {self.shown} is kept in {self.corner}, which cannot be written.",
                hint="Check the folder and its permissions; XDG_STATE_HOME names another one for records of stores.",
            )
        refuse_led_away(self.corner, self.scratch, self.corner / "quarantine", self.ledger_path)
        refuse_writable(self.corner)

    def refuse_nested(self) -> None:
        """Refuse a new destination that lies in another one or holds one; nested ones that are recorded go on.

        Raises
        ------
        PolicyError
            Files of the one could take the place of files of the other, and each record would miss what is the other's.
        """
        if self._is_known():
            return
        if (outer := self._outer()) is not None:
            said = f"{self.shown} lies in {outer}, which is the destination of other runs."
        elif (inner := self._inner()) is not None:
            said = f"{self.shown} holds {inner}, which is the destination of other runs."
        else:
            return
        raise PolicyError(said, hint="Name a place beside it: results of the one could take the place of the other's.")

    @abstractmethod
    def _is_known(self) -> bool:
        """Whether a run wrote here before."""

    @abstractmethod
    def _outer(self) -> str | None:
        """Return a destination that this one lies in."""

    @abstractmethod
    def _inner(self) -> str | None:
        """Return a destination that lies in this one, as far as that can be seen soon."""

    @property
    def params(self) -> dict[str, Any]:
        """What a run records of how this destination was opened, besides what its job says."""
        return {}

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
        with open_lock(self.corner) as file:
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

    few_know_all = True
    """Whether a run about a few objects knows what all others did, so that it may make files of many objects."""
    at_once = False
    """Whether what a shard writes is to be seen before its receipt is recorded."""

    def check(self) -> None:  # noqa: B027 - a folder is locked
        """Refuse to go on where another run has taken over."""

    def refresh(self) -> None:  # noqa: B027 - the record of a folder lies in it
        """Bring the ledger here up to what other machines recorded."""

    def publish(self, entry: RecordEntry) -> str:  # noqa: ARG002
        """Tell other machines what is about to be recorded here; return the name of what they are told, if any."""
        return ""

    def was_written_to(self) -> bool:
        """Whether a run began here once."""
        return (self.corner / "lock").exists()

    @abstractmethod
    def has_outputs(self) -> bool:
        """Whether files lie here that a record should know."""

    def note_head(self, seq: int, digest: bytes, run: str) -> None:  # noqa: B027 - the ledger of a folder lies in it
        """Note beside the record of a store where the audit chain stood at the end of a run."""

    def noted_head(self) -> Head | None:
        """Return what was noted there last."""
        return None

    def busy(self) -> bool:
        """Whether a run is going on. Asks without waiting, and changes nothing."""
        try:
            file = (self.corner / "lock").open("rb")
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise explained(error, str(self.corner)) from error
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

    def set_aside(self, paths: Sequence[str]) -> None:  # noqa: B027 - in a store another run may be about to record them
        """Take files that nobody knows out of the quarantine, and say so."""

    def in_the_way(self, paths: Sequence[str]) -> list[str]:  # noqa: ARG002 - a store's own versions keep what it held
        """Return those of some paths at which something lies that may have to be kept."""
        return []

    def keep_aside(self, paths: Sequence[str]) -> None:  # noqa: B027 - in a store nothing is in the way
        """Move what somebody put in the place of outputs into the private corner, and say so."""

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
        """Add lines of JSON to the end of a file that no run knows; it is made where it is missing."""

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


def whole_lines(content: bytes) -> bytes:
    """Return lines of JSON, the last one with its end; what a kill left of a line goes."""
    rest = content[content.rfind(b"\n") + 1 :]
    try:
        json.loads(rest)
    except ValueError:
        return content[: len(content) - len(rest)]
    return content + b"\n"


def open_lock(corner: Path) -> TextIO:
    """Open the lock of a private folder, or say that it cannot be written. A link in its place is not followed."""
    try:
        return os.fdopen(os.open(corner / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+")
    except OSError as error:
        raise explained(error, str(corner)) from error


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
