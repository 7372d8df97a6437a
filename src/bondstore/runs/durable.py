"""Writing files so that what is recorded as done is really there: temporary name, one sync for many, then renamed."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.errors import BondstoreError, ConfigurationError, NoSpaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Written:
    """A file under its temporary name.

    Parameters
    ----------
    path : str
        Where it goes, relative to the root.
    temporary : Path
        Where it lies until the group is committed.
    sha256 : bytes
        Hash of its content.
    size : int
        In bytes.
    mtime_ns : int
        Its modification time.
    """

    path: str
    temporary: Path
    sha256: bytes
    size: int
    mtime_ns: int


class OutputGroup:
    """Files that become visible together, after one sync.

    Parameters
    ----------
    root : Path
        The folder the files go to.
    scratch : Path
        A folder of this group's own, on the same file system; it is made, and gone after `commit` or `discard`.
    """

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root = root
        self._scratch = scratch
        self._written: list[Written] = []
        self._made: set[Path] = set()

    def write(self, path: str, chunks: Iterable[Buffer]) -> Written:
        """Write one file under a temporary name.

        Parameters
        ----------
        path : str
            Where it will go, relative to the root; made by `safe_relpath` where it stems from a key.
        chunks : iterable of bytes-like
            Its content; taken one at a time.

        Raises
        ------
        NoSpaceError
            The disk is full.
        """
        temporary = self.reserve()
        digest = hashlib.sha256()
        with _explained(self._root):
            try:
                with temporary.open("xb", buffering=0) as file:
                    for chunk in chunks:
                        view = memoryview(chunk)
                        digest.update(view)
                        _write_all(file.write, view)
                    stat = os.fstat(file.fileno())
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return self._add(Written(path, temporary, digest.digest(), stat.st_size, stat.st_mtime_ns))

    def reserve(self) -> Path:
        """Return a temporary name that some other writer may fill; hand it back to `adopt`."""
        with _explained(self._root):
            if not self._made:
                self._scratch.mkdir(parents=True, exist_ok=True)
                self._made.add(self._scratch)
        return self._scratch / f"{len(self._written)}-{os.urandom(4).hex()}"

    def adopt(self, path: str, temporary: Path) -> Written:
        """Take over a file that was written under a name from `reserve`."""
        with _explained(self._root), temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            stat = os.fstat(file.fileno())
        return self._add(Written(path, temporary, digest, stat.st_size, stat.st_mtime_ns))

    def _add(self, written: Written) -> Written:
        self._written.append(written)
        return written

    def commit(self) -> list[Written]:
        """Make the files durable, then visible. Return them in the order they were written."""
        if not self._written:
            self.discard()
            return []
        with _explained(self._root):
            _sync([w.temporary for w in self._written])
            for written in self._written:
                target = self._root / written.path
                if target.parent not in self._made:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._made.add(target.parent)
                written.temporary.replace(target)
        done, self._written = self._written, []
        self.discard()
        return done

    def discard(self) -> None:
        """Remove whatever was not committed."""
        for written in self._written:
            written.temporary.unlink(missing_ok=True)
        self._written = []
        with suppress(OSError):  # another writer's leftovers are cleared when the next run starts
            self._scratch.rmdir()
        self._made.clear()


def _write_all(write: Callable[[memoryview], int | None], view: memoryview) -> None:
    view = view.cast("B") if view.format != "B" or view.ndim != 1 else view
    while view:
        view = view[write(view) or 0 :]


def _sync(files: list[Path]) -> None:
    syncfs = _syncfs()
    if syncfs is not None and len(files) > 1:
        descriptor = os.open(files[0].parent, os.O_RDONLY)
        try:
            if syncfs(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)
        return
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@cache
def _syncfs() -> Callable[[int], int] | None:
    """Linux can make a whole file system durable with one call: much cheaper than one for each small file."""
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return function if function is None else lambda descriptor: int(function(descriptor))


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    try:
        yield
    except BondstoreError:  # the chunks' own: many of ours are an OSError too
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpaceError(
                f"There is no space left in {root}.",
                hint="Free some space and run the same command again; it goes on where it stopped.",
            ) from error
        raise ConfigurationError(
            f"A file in {root} could not be written ({error.strerror}).", hint="Check the folder and its permissions."
        ) from error
