"""Writing files so that what is recorded as done is really there: temporary name, one sync for many, then renamed."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import re
import sqlite3
import sys
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.errors import BondstoreError, ConfigurationError, NoSpaceError, used_up
from bondstore.modes import Folders, make_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

_NUMBER = re.compile(r"\(os error (\d+)\)")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Written:
    """A file under its temporary name.

    Parameters
    ----------
    path : str
        Where it goes, relative to the root.
    temporary : str
        Where it lies until the group is committed.
    sha256 : bytes
        Hash of its content.
    size : int
        In bytes.
    mtime_ns : int
        Its modification time.
    """

    path: str
    temporary: str
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
    folders : Folders, optional
        Makes the folders of the files, and knows their modes; by default they are for the owner alone.
    """

    # Plain strings and system calls: path objects cost a small file more time than its content does.

    def __init__(self, root: Path, scratch: Path, folders: Folders | None = None) -> None:
        self._root = str(root)
        self._folders = folders or Folders(self._root)
        self._scratch = str(scratch)
        self._written: list[Written] = []
        self._is_made = False
        self._names = 0

    def write(self, path: str, chunks: Iterable[Buffer], mtime_ns: int | None = None) -> Written:
        """Write one file under a temporary name.

        Parameters
        ----------
        path : str
            Where it will go, relative to the root; made by `safe_relpath` where it stems from a key.
        chunks : iterable of bytes-like
            Its content; taken one at a time.
        mtime_ns : int, optional
            Its time of modification, in ns since 1970 UTC; now, when not given.

        Raises
        ------
        NoSpaceError
            The disk is full.
        """
        digest = hashlib.sha256()
        try:
            temporary = self._reserve()
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                self._folders.modes_of(path).fit_file(descriptor, temporary)
                for chunk in chunks:
                    digest.update(chunk)
                    _write_all(descriptor, chunk)
                if mtime_ns is not None:
                    os.utime(descriptor, ns=(mtime_ns, mtime_ns))
                stat = os.fstat(descriptor)
            except BaseException:
                Path(temporary).unlink()
                raise
            finally:
                os.close(descriptor)
        except BondstoreError:
            raise  # where the chunks come from
        except OSError as error:
            raise explained(error, self._root) from error
        return self._add(Written(path, temporary, digest.digest(), stat.st_size, stat.st_mtime_ns))

    def reserve(self) -> Path:
        """Return a temporary name that some other writer may fill; hand it back to `adopt`."""
        try:
            return Path(self._reserve())
        except OSError as error:
            raise explained(error, self._root) from error

    def _reserve(self) -> str:
        if not self._is_made:
            make_path(self._scratch)
            self._is_made = True
        self._names += 1
        return f"{self._scratch}/{self._names}"

    def adopt(self, path: str, temporary: Path, sha256: bytes | None = None) -> Written:
        """Take over a file that was written under a name from `reserve`; it is read only for a hash not known."""
        try:
            with temporary.open("rb") as file:
                self._folders.modes_of(path).fit_foreign(file.fileno(), str(temporary))
                digest = sha256 or hashlib.file_digest(file, "sha256").digest()
                stat = os.fstat(file.fileno())
        except OSError as error:
            raise explained(error, self._root) from error
        return self._add(Written(path, str(temporary), digest, stat.st_size, stat.st_mtime_ns))

    def explaining(self) -> AbstractContextManager[None]:
        """Turn what a writer under a reserved name runs into, such as a full disk, into our own errors."""
        return explaining(self._root)

    @property
    def waiting(self) -> tuple[Written, ...]:
        """The files that `commit` will make visible."""
        return tuple(self._written)

    def _add(self, written: Written) -> Written:
        self._written.append(written)
        return written

    def seal(self) -> list[Written]:
        """Make the files durable under their temporary names, for somebody else to show; return them in their order."""
        try:
            if self._written:
                _sync([written.temporary for written in self._written])
        except OSError as error:
            raise explained(error, self._root) from error
        done, self._written = self._written, []
        return done

    def commit(self) -> list[Written]:
        """Make the files durable, then visible. Return them in the order they were written."""
        done = self.seal()
        try:
            for written in done:
                self._make_visible(written)
        except BaseException as error:
            self._written = done  # what is not visible yet is to be discarded
            if isinstance(error, OSError) and not isinstance(error, BondstoreError):
                raise explained(error, self._root) from error
            raise
        self.discard()
        return done

    def _make_visible(self, written: Written) -> None:
        target = f"{self._root}/{written.path}"
        self._folders.need(target.rpartition("/")[0])
        os.replace(written.temporary, target)  # noqa: PTH105 - see the class

    def discard(self) -> None:
        """Remove whatever was not committed."""
        for written in self._written:
            Path(written.temporary).unlink(missing_ok=True)
        self._written = []
        with suppress(OSError):  # another writer's leftovers are cleared when the next run starts
            Path(self._scratch).rmdir()
        self._is_made = False
        self._folders.forget()


def _write_all(descriptor: int, chunk: Buffer) -> None:
    size = os.write(descriptor, chunk)
    view = memoryview(chunk).cast("B")
    while size < len(view):
        size += os.write(descriptor, view[size:])


def _sync(files: list[str]) -> None:
    if _syncfs() is not None and len(files) > 1:
        sync_all(os.path.dirname(files[0]))  # noqa: PTH120
        return
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_all(folder: str) -> None:
    """Make all that was done below a folder durable: renamed files, too."""
    syncfs = _syncfs()
    if syncfs is None:
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def rename_new(old: str, new: str) -> None:
    """Rename a file or a folder; raises FileExistsError where the new name is taken, and never replaces what has it."""
    function = _renameat2()
    if function is not None:
        if function(old, new) == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(number, os.strerror(number))
    # a file system, or a system, that cannot refuse by itself
    if os.path.lexists(new):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(old, new)  # noqa: PTH104 - see OutputGroup


@cache
def _renameat2() -> Callable[[str, str], int] | None:
    """Return the call of Linux that renames without replacing; None where there is none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, no_replace = -100, 1  # AT_FDCWD, RENAME_NOREPLACE
    if function is None:
        return None
    return lambda old, new: int(function(here, os.fsencode(old), here, os.fsencode(new), no_replace))


@cache
def _syncfs() -> Callable[[int], int] | None:
    """Linux can make a whole file system durable with one call: much cheaper than one for each small file."""
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return function if function is None else lambda descriptor: int(function(descriptor))


@contextmanager
def explaining(root: str) -> Iterator[None]:
    """Turn what a writer below a folder runs into into our own errors."""
    try:
        yield
    except BondstoreError:
        raise
    except OSError as error:
        raise explained(error, root) from error
    except sqlite3.OperationalError as error:
        # a database has codes of its own, without the system's number
        full = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
        raise explained(OSError(errno.ENOSPC if full else errno.EIO, ""), root) from error


def explained(error: OSError, root: str) -> BondstoreError:
    """Return the error that says what to do."""
    if (exhausted := used_up(error)) is not None:
        return exhausted
    told = _NUMBER.search(str(error))  # libraries written in Rust put the number into the text alone
    number = error.errno or (int(told[1]) if told else 0)
    if number in _FULL:
        return NoSpaceError(
            f"There is no space left in {root}.",
            hint="Free some space and run the same command again; it goes on where it stopped.",
        )
    return ConfigurationError(
        f"A file in {root} could not be written ({os.strerror(number)}).", hint="Check the folder and its permissions."
    )
