"""What an upload in parts is made of, and what each kind of store does for one: see `bondstore.stores.parts`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

MOST_PARTS = 10_000
"""Parts of one object that S3 takes at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an object."""

    number: int  # from 1
    offset: int  # of its first byte in the object
    size: int
    sha256: str
    etag: str = ""  # the store's own, where it gives parts some
    note: str = ""  # a public text of who sends it


@dataclass(frozen=True, slots=True)
class Source:
    """Where a part is copied from: an object of the same store, in one version, from a byte on."""

    key: str
    etag: str
    start: int


@dataclass(frozen=True, slots=True)
class Sent:
    """An object that was sent in parts and is whole in its store."""

    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload that is neither complete nor aborted."""

    key: str
    id: str
    started_ms: int  # milliseconds since 1970 UTC; 0 where the store does not say
    ours: bool = False  # by one of the journals that were named


class GoneError(Exception):
    """The store has no such upload: it was completed, aborted, or removed by a rule of the store's owner."""


class PartsClient(Protocol):
    """A client of the role ``parts``. It tries once, and raises what `failures` understands."""

    least: int
    """Bytes in each part but the last."""

    def mark(self, key: str) -> str:
        """Return what tells, together with the key, an upload that begins now from those before."""

    def sweep(self, key: str, mark: str) -> None:
        """Remove uploads that began right after a mark and got no part: the answer with their id was lost."""

    def begin(self, key: str, mark: str, storage_class: str | None) -> str:
        """Begin an upload and return its id."""

    def send(self, key: str, upload: str, part: Part, data: memoryview) -> str:
        """Send a part and return its etag; raises `ChecksumError` where other bytes arrived."""

    def copy(self, key: str, upload: str, part: Part, source: Source) -> Part:
        """Take a part from another object, or the one of this key; return it with what the store says of it.

        For stores whose kind `copies_parts` alone.
        """

    def proved(self, key: str, upload: str, parts: Iterable[Part]) -> set[int]:
        """Return the numbers of those parts that are there as they were sent."""

    def complete(self, key: str, upload: str, parts: Sequence[Part], storage_class: str | None) -> Sent:
        """Make the object of its parts, and check it; raises `ChecksumError` where it is another one."""

    def find(self, key: str, upload: str, parts: Sequence[Part]) -> Sent | None:
        """Return the object where it is certain that it was made of these parts."""

    def abort(self, key: str, upload: str) -> None:
        """Remove all parts; one that is gone already is fine."""

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """List the uploads under a prefix, which is empty or ends in ``/``."""


def size_of(parts: Iterable[Part]) -> int:
    """Return the size of an object of these parts."""
    return sum(part.size for part in parts)


def are_bytes_of(parts: Iterable[Part], read: Callable[[int], bytes]) -> bool:
    """Say whether an object has the bytes of these parts; `read` gives its next bytes."""
    return all(sha256(read(part.size)).hexdigest() == part.sha256 for part in parts) and not read(1)
