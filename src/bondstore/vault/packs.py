"""Packs: many small files in one tar, encrypted as one object, and the index that says where in it each file is.

A pack is a tar with PAX headers. The same files in the same versions give the same bytes, so a killed upload of one
goes on. Its index is the list of its content: first what the tar is as a whole, then each file's path, first byte, size
and SHA-256. So one file comes back by one range, and is proved by itself.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from bisect import bisect
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from bondstore.errors import BondstoreError, ChangedError, UsageError
from bondstore.ledger import Item, Read
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import made_of
from bondstore.stores.background import side_by_side
from bondstore.text import bytes_text
from bondstore.vault.manifest import Content, object_path, write_list
from bondstore.vault.names import name_in_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo

PACKS = "packs"
"""The folder of a vault's payload that has them; their names are checksums, which no file has by chance."""
SMALLEST, LARGEST = 128_000_000, 1_000_000_000
_LARGE = 8 << 20  # bytes from which on a file is read in ranges, not whole
_NUMBER, _BYTES = 256, 24 << 20  # of files that are in memory at a time
_LATEST = 8**11 - 1  # seconds, in the field of a tar's header
_MOST = 100_000  # files of a pack
_END = bytes(2 * tarfile.BLOCKSIZE)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([MG])i?B?", re.IGNORECASE | re.ASCII)


class PackedFile(NamedTuple):
    """A file of a pack, and where in the tar its content is."""

    path: str
    offset: int
    size: int
    sha256: str


class UnreadFileError(Exception):
    """A file of a pack cannot be had, or not as it was listed: the pack must do without it."""

    def __init__(self, item: Item, error: BondstoreError) -> None:
        super().__init__(error.message)
        self.item, self.error = item, error


def read_size(text: str) -> int:
    """Read how large a pack becomes at most, such as ``512MB``."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * {"M": 1_000_000, "G": LARGEST}[found[2].upper()]) if found else 0
    if not SMALLEST <= size <= LARGEST:
        raise UsageError(
            f"{text!r} is not a size for packs.",
            hint=f"Write a size from {bytes_text(SMALLEST)} to {bytes_text(LARGEST)}, such as 512MB.",
        )
    return size


def room_of(item: Item) -> int:
    """Return how many bytes of a tar a file takes, with its header."""
    return len(_head(item, 0)) + _blocks(item.size)


@dataclass(frozen=True)
class Pack:
    """Files that become one tar, in this order."""

    items: Sequence[Item]

    @cached_property  # each of its files asks for it, and it is made of all of them
    def name(self) -> str:
        """Tells it from a pack of other files, or other versions of them."""
        return made_of("pack", self.items)[:32]

    @property
    def path(self) -> str:
        """Its name among the files of the vault."""
        return f"{PACKS}/{self.name}.tar"

    @property
    def object(self) -> str:
        """Its object."""
        return object_path(self.path, encrypted=True)

    @property
    def item(self) -> Item:
        """The tar, as if it were one file."""
        return Item(self.path, self.name, sum(map(room_of, self.items)) + len(_END), self.object)

    def chunks(self, work: Work, files: list[PackedFile]) -> Iterator[Buffer]:
        """Yield the tar, and note its files. Raises `UnreadFileError` for one that is not as it was listed."""
        at = 0
        for item, info, content in _contents(work, self.items):
            head = _head(item, info.modified_ms // 1000)
            yield head
            at += len(head)
            hashed, size = hashlib.sha256(), 0
            try:
                for chunk in content:
                    hashed.update(chunk)
                    size += memoryview(chunk).nbytes
                    yield chunk
                if size != item.size:
                    raise _changed()
            except BondstoreError as error:
                raise UnreadFileError(item, error) from error
            files.append(PackedFile(item.key, at, size, hashed.hexdigest()))
            yield bytes(_blocks(size) - size)
            at += _blocks(size)
        yield _END


def packs_of(items: Iterable[Item], size: int, ends: Sequence[str]) -> Iterator[list[Item]]:
    """Part small files, in the order of their keys, into packs of a size at most; a pack does not reach over an end."""
    for _, some in groupby(items, lambda item: bisect(ends, item.key)):
        yield from grouped(some, room_of, number=_MOST, weight=size - len(_END))


def pack_all(items: Sequence[Item], work: Work, send: Callable[[Pack], None]) -> None:
    """Send one pack of some files; one that changed meanwhile is told, and the others are packed without it."""
    while items:
        pack = Pack(items)
        try:
            send(pack)
        except UnreadFileError as unread:
            work.not_fetched(unread.item, unread.error)
            items = _still_listed(work, [item for item in items if item != unread.item])
        else:
            for item in items:
                work.receipt.done(replace(item, output=pack.object), item.version)
            return


def write_index(name: str, content: Content, files: Iterable[PackedFile]) -> bytes:
    """Return the index of a pack, by its object."""
    lines = (
        json.dumps({"file": one.path, "offset": one.offset, "size": one.size, "sha256": one.sha256}) for one in files
    )
    return write_list({name: content}) + "".join(f"{line}\n" for line in lines).encode()


def read_index(plain: bytes) -> tuple[PackedFile, ...]:
    """Read the files of a pack from its index."""
    rows = map(json.loads, plain.decode().splitlines())
    return tuple(PackedFile(one["file"], one["offset"], one["size"], one["sha256"]) for one in rows if "file" in one)


def _still_listed(work: Work, items: Sequence[Item]) -> list[Item]:
    """Return the files that are as they were listed; note the others as failed."""
    found = []
    for item, answer in zip(items, side_by_side(work.store.head, [item.key for item in items], 16), strict=True):
        if isinstance(answer, BondstoreError):
            work.not_fetched(item, answer)
        elif answer.etag != item.version:
            work.not_fetched(item, _changed())
        else:
            found.append(item)
    return found


def _contents(work: Work, items: Sequence[Item]) -> Iterator[tuple[Item, ObjectInfo, Iterable[Buffer]]]:
    """Yield files with their content, a few of them in memory at a time."""
    for batch in grouped(items, lambda item: item.size, number=_NUMBER, weight=_BYTES):
        small = [item for item in batch if item.size <= _LARGE]
        fetched = dict(zip((item.key for item in small), work.store.get_many([one.key for one in small]), strict=True))
        for item in batch:
            answer = fetched.get(item.key)
            try:
                if isinstance(answer, BondstoreError):
                    raise answer
                info = work.store.head(item.key) if answer is None else answer.info
                if info.etag != item.version:
                    raise _changed()
            except BondstoreError as error:
                raise UnreadFileError(item, error) from error
            work.receipt.reads.append(Read(item.key, info.etag, info.size))
            yield item, info, work.store.open_ranges(info) if answer is None else [answer.data]


def _head(item: Item, seconds: int) -> bytes:
    """Return a file's header. It says nothing of this machine: no owner, and rights that are the same for all."""
    info = tarfile.TarInfo(name_in_folder(item.key))
    info.size, info.mtime = item.size, min(max(seconds, 0), _LATEST)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _blocks(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _changed() -> ChangedError:
    return ChangedError("The file changed since it was listed.", hint="Run the same command again: it takes it up.")
