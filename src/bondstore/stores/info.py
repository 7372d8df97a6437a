"""What a store says about its objects: value objects without behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import Bytes


def quoted(etag: str | None) -> str:
    """Return an etag in its quotes: Azure's listings leave them out, its headers do not."""
    if not etag or etag.endswith('"'):
        return etag or ""
    return f'"{etag}"'


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object's metadata.

    Parameters
    ----------
    key : str
        Its key, relative to the store.
    size : int
        Bytes.
    etag : str
        The store's tag of this content, in its quotes; empty where it gives none.
    version : str or None
        Version id, where the store keeps versions and says so.
    modified_ms : int
        Last change, in milliseconds since 1970 UTC.
    """

    key: str
    size: int
    etag: str
    version: str | None
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a flat listing, as four lists of one length: cheap at millions of keys.

    Parameters
    ----------
    keys : list of str
        Keys relative to the store, in the store's own order.
    sizes : list of int
        Bytes.
    etags : list of str
        As in `ObjectInfo`.
    modified_ms : list of int
        As in `ObjectInfo`.
    """

    keys: list[str]
    sizes: list[int]
    etags: list[str]
    modified_ms: list[int]

    def __len__(self) -> int:
        return len(self.keys)

    def objects(self) -> Iterator[ObjectInfo]:
        """Give the page's objects one by one."""
        for key, size, etag, modified in zip(self.keys, self.sizes, self.etags, self.modified_ms, strict=True):
            yield ObjectInfo(key, size, etag, None, modified)


@dataclass(frozen=True, slots=True)
class Dirs:
    """What lies directly under a prefix.

    Parameters
    ----------
    prefixes : list of str
        Sub-folders, sorted, each ending in ``/``, relative to the store.
    objects : list of ObjectInfo
        The objects between them.
    """

    prefixes: list[str]
    objects: list[ObjectInfo]


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object with its content.

    Parameters
    ----------
    info : ObjectInfo
        The metadata of exactly the version that was read.
    data : buffer
        The bytes; supports the buffer protocol and ``len``. `bytes(data)` copies them.
    """

    info: ObjectInfo
    data: Bytes | bytes
