"""The exception tree of Bondstore, each class with the exit code a command ends with.

::

    BondstoreError                1   something unexpected
    ├── UsageError                2   the call's words are off            (also ValueError)
    ├── NotFoundError             3   no such object, run, profile        (also FileNotFoundError)
    │   └── NoPlaceError          3   no such bucket or container
    ├── ConfigurationError        4   settings are missing or wrong
    │   ├── CredentialsError      4   refused, or none found              (also PermissionError)
    │   ├── WrongKeyError         4   the decryption key opens nothing
    │   ├── UnreachableError      4   no answer from the endpoint         (also ConnectionError)
    │   ├── MissingExtraError     4   an optional part is not installed   (also ImportError)
    │   └── OutOfFilesError       4   no more files may be open at a time
    ├── PolicyError               6   refused by a rule the user set      (also PermissionError)
    │   └── ReadOnlyError         6   a write to a read-only store
    ├── IntegrityError            7   a hash, signature or chain is broken
    ├── StoreError                1   the store failed at one object
    │   ├── TransientStoreError   1   it may go through later
    │   ├── AlreadyExistsError    1   put-if-absent found an object       (also FileExistsError)
    │   ├── ArchivedError         1   it must be restored first
    │   ├── ChangedError          1   put-if-unchanged found another one
    │   └── ChecksumError         7   bytes that are not what the store's ETag says
    ├── NoSpaceError              1   the destination is full             (also OSError)
    ├── OutOfMemoryError          1   the machine's memory is used up     (also MemoryError)
    ├── DamagedError              5   an object's bytes are not what its name promises
    ├── WaitingError              8   not yet: a restore or a review
    └── Interrupted             130   stopped by the user, state kept

Exit code 0 is "all done"; 5 is also what a run ends with that has quarantined or failed items.

Every message is one or two sentences: what happened, to which object, and what to do next. It never holds a secret or a
value read from the data.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFIGURATION = 4
    INCOMPLETE = 5
    REFUSED = 6
    INTEGRITY = 7
    WAITING = 8
    INTERRUPTED = 130


class BondstoreError(Exception):
    """Base of all errors that Bondstore raises on purpose.

    Parameters
    ----------
    message : str
        What happened and to which object.
    hint : str, optional
        What to do next; shown on a line of its own.
    """

    exit_code: Exit = Exit.UNEXPECTED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[BondstoreError], message: str, hint: str | None) -> BondstoreError:
    """Unpickle with keyword-only arguments: workers send errors between processes."""
    return kind(message, hint=hint)


class UsageError(BondstoreError, ValueError):
    """The call's words are off: an unknown option, a value out of range."""

    exit_code = Exit.USAGE


class NotFoundError(BondstoreError, FileNotFoundError):
    """No such object, bucket, run or profile."""

    exit_code = Exit.NOT_FOUND


class NoPlaceError(NotFoundError):
    """No such bucket or container: this says nothing of an object, and no other object can be had either."""


class NothingThereError(NotFoundError):
    """The source is there, and holds nothing that was asked for."""


class ConfigurationError(BondstoreError):
    """Settings are missing, contradict each other or cannot be read."""

    exit_code = Exit.CONFIGURATION


class CredentialsError(ConfigurationError, PermissionError):
    """The store refused the credentials, or there are none."""


class WrongKeyError(ConfigurationError):
    """The decryption key opens none of the objects tried."""


class UnreachableError(ConfigurationError, ConnectionError):
    """The endpoint gives no answer at all."""


class MissingExtraError(ConfigurationError, ImportError):
    """An optional part is not installed; the hint is its install line."""


class OutOfFilesError(ConfigurationError):
    """No more files and connections may be open, in this process or on the whole machine."""


class PolicyError(BondstoreError, PermissionError):
    """Refused by a rule the user or the profile set."""

    exit_code = Exit.REFUSED


class ReadOnlyError(PolicyError):
    """A write was asked of a store that is opened read-only."""


class IntegrityError(BondstoreError):
    """A hash, a signature or the audit chain does not hold."""

    exit_code = Exit.INTEGRITY


class StoreError(BondstoreError):
    """The store failed at one object, for a reason that another try will not mend."""


class TransientStoreError(StoreError):
    """The store failed at one object after all retries; it may go through later."""


class AlreadyExistsError(StoreError, FileExistsError):
    """Put-if-absent found an object under this key."""


class ArchivedError(StoreError):
    """The object is archived: it can be neither read nor replaced before it is restored."""


class ChangedError(StoreError):
    """The object is no longer the version that was asked for."""


class ChecksumError(StoreError):
    """The bytes that came are not those of the store's own checksum, after a second try as well."""

    exit_code = Exit.INTEGRITY
    data: Any = b""  # as they came; lost where the error goes to another process


class NoSpaceError(BondstoreError, OSError):
    """The destination has no space left."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.errno = errno.ENOSPC


class OutOfMemoryError(BondstoreError, MemoryError):
    """The memory is used up, or what may be had of it."""


HOPELESS = (ConfigurationError, NoPlaceError, NoSpaceError, OutOfMemoryError)
"""What every other object will meet, too: the run ends with it."""

_FILES_OUT = re.compile(r"Too many open files|No file descriptors available|os error 2[34]\b")
_MEMORY_OUT = re.compile(
    r"can't start new thread|[Cc]annot allocate memory|failed to map segment|out of memory|os error 12\b"
)


def used_up(error: BaseException) -> BondstoreError | None:
    """Return the error for what the machine has no more of, where that is behind an error, under whatever name.

    Libraries wrap it: an import that fails, a connection that breaks, a database that cannot be opened.
    """
    for behind in chain_of(error):
        if isinstance(behind, OutOfFilesError | OutOfMemoryError):
            return behind
        number = getattr(behind, "errno", None)
        foreign = "" if isinstance(behind, BondstoreError) else str(behind)
        if number in (errno.EMFILE, errno.ENFILE) or _FILES_OUT.search(foreign):
            return out_of_files()
        if isinstance(behind, MemoryError) or number == errno.ENOMEM or _MEMORY_OUT.search(foreign):
            return out_of_memory()
    return None


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those behind it, each once: of a pool whose worker died, one may stand behind itself."""
    behind: BaseException | None = error
    seen: set[int] = set()
    while behind is not None and id(behind) not in seen:
        yield behind
        seen.add(id(behind))
        behind = behind.__cause__ or behind.__context__


def out_of_files() -> OutOfFilesError:
    """Return the error for too many open files."""
    return OutOfFilesError(
        "Too many files and connections are open: this process may not open any more.",
        hint="What was done is kept. Run the same command again after: ulimit -n 4096, or with fewer --jobs.",
    )


def out_of_memory() -> OutOfMemoryError:
    """Return the error for memory that is used up."""
    return OutOfMemoryError(
        "The memory is used up.", hint="What was done is kept. Run the same command again with fewer --jobs."
    )


class DamagedError(BondstoreError):
    """An object's bytes are not what its name promises.

    Parameters
    ----------
    message, hint : str
        As in `BondstoreError`.
    kind : str
        The finding kind this damage is recorded under, such as ``bad-zstd``.
    """

    exit_code = Exit.INCOMPLETE

    def __init__(self, message: str, *, kind: str = "damaged", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_damaged, (self.message, self.kind, self.hint))


def _rebuild_damaged(message: str, kind: str, hint: str | None) -> DamagedError:
    return DamagedError(message, kind=kind, hint=hint)


class WaitingError(BondstoreError):
    """Not yet: an archive restore or a review is still going on."""

    exit_code = Exit.WAITING


class Interrupted(BondstoreError):  # noqa: N818 - it is no fault
    """Stopped by the user; what was done is kept."""

    exit_code = Exit.INTERRUPTED
