"""Files of packs on their way out: each by a range of its pack, and proved by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from bondstore.codecs.crypt4gh import Header
from bondstore.codecs.segments import SEGMENT, sealed_range
from bondstore.errors import DamagedError
from bondstore.vault.findings import NOT_PROVED
from bondstore.vault.keys import unlocked
from bondstore.vault.manifest import header_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bondstore.codecs.crypt4gh import Envelope
    from bondstore.ledger import Item
    from bondstore.vault.manifest import Entry, Manifest
    from bondstore.vault.packs import PackedFile
    from bondstore.vault.proofs import Reader

T = TypeVar("T")
_MARK = "#"
"""Between the object of a pack and the path of a file in it."""
_PIECE = 128 * SEGMENT
_GAP = SEGMENT
"""Bytes between two files that are fetched along with them, as another request would take longer."""


def key_of(pack: str, path: str) -> str:
    """Return what a file of a pack is called among the objects of a vault."""
    return f"{pack}{_MARK}{path}"


def pack_of(key: str, entries: Mapping[str, tuple[Entry, Manifest]]) -> str:
    """Return the pack that a key names a file of; empty for an object."""
    pack = key.partition(_MARK)[0]
    return pack if key not in entries and pack in entries and entries[pack][0].files else ""


def objects_of(items: Iterable[Item], entries: Mapping[str, tuple[Entry, Manifest]]) -> list[Item]:
    """Return for each item the object that it is read from."""
    return [replace(item, key=pack_of(item.key, entries) or item.key) for item in items]


def spans_of(files: Iterable[tuple[PackedFile, T]]) -> Iterator[list[tuple[PackedFile, T]]]:
    """Part files, each with something that belongs to it, into spans that are fetched in one go."""
    span: list[tuple[PackedFile, T]] = []
    end = 0
    for file, other in sorted(files, key=lambda one: one[0].offset):
        if span and file.offset > end + _GAP:
            yield span
            span = []
        span.append((file, other))
        end = file.offset + file.size
    if span:
        yield span


@dataclass(frozen=True, slots=True)
class OpenPack:
    """A pack whose header was decrypted."""

    fetch: Callable[[int, int], bytes]
    """Returns the bytes of the object from one up to another; what lies beyond its end is left out."""
    envelope: Envelope
    body: int

    def read(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes of the tar from `start` up to `end`. Raises DamagedError where a segment is not intact."""
        for at in range(start // SEGMENT * SEGMENT, end, _PIECE):
            first, last = sealed_range(at, min(at + _PIECE, end))
            plain = self.envelope.segments.open(self.fetch(self.body + first, self.body + last))
            yield memoryview(plain)[max(start - at, 0) : end - at]


def open_pack(entry: Entry, manifest: Manifest, reader: Reader, fetch: Callable[[int, int], bytes]) -> OpenPack:
    """Decrypt the header of a pack.

    Raises
    ------
    WrongKeyError
        It was encrypted for others.
    DamagedError
        It has no whole header.
    """
    size = header_size(len(manifest.recipients))
    while (found := Header.parse(start := fetch(0, size))) is None:
        if len(start) < size:
            raise DamagedError(f"{entry.object} ends inside its header.", kind=NOT_PROVED.word)
        size *= 2
    return OpenPack(fetch, found.open(unlocked(reader.key, reader.passphrase).private), found.size)
