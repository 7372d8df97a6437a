"""What a store says about its objects: value objects without behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import Bytes


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Return a time as milliseconds since 1970, rounded down as Arrow does."""
    age = moment - _EPOCH
    return (age.days * 86_400 + age.seconds) * 1000 + age.microseconds // 1000


def quoted(etag: str | None) -> str:
    """Return an etag in its quotes: Azure's listings leave them out, its headers do not."""
    if not etag or etag.endswith('"'):
        return etag or ""
    return f'"{etag}"'


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object's metadata."""

    key: str  # relative to the store
    size: int
    etag: str  # the store's tag of this content, in its quotes; empty where it gives none
    version: str | None  # where the store keeps versions and says so
    modified_ms: int  # milliseconds since 1970 UTC
    barred: bool = False  # see `Listing.barred`


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a flat listing in the store's own order, as four lists of one length: cheap at millions of keys."""

    keys: list[str]
    sizes: list[int]
    etags: list[str]
    modified_ms: list[int]
    barred: frozenset[str] = frozenset()
    """Keys behind which nothing can be seen, whatever it is: a folder that this user may not read (it ends in ``/``),
    a link that leads back or nowhere. Who reads one is told why."""
    marks: tuple[str, ...] = ()
    """Keys of empty objects that mark folders, each with its closing ``/``: they are left out of the others."""

    def __len__(self) -> int:
        return len(self.keys)

    def objects(self) -> Iterator[ObjectInfo]:
        """Give the page's objects one by one."""
        for key, size, etag, modified in zip(self.keys, self.sizes, self.etags, self.modified_ms, strict=True):
            yield ObjectInfo(key, size, etag, None, modified, key in self.barred)


@dataclass(frozen=True, slots=True)
class Dirs:
    """What is directly under a prefix."""

    prefixes: list[str]  # sub-folders, sorted, each ending in /, relative to the store
    objects: list[ObjectInfo]


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object with its content."""

    info: ObjectInfo  # of exactly the version that was read
    data: Bytes | bytes  # a buffer; bytes(data) copies it
