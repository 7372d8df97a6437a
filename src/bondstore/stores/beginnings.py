"""Another beginning for an object of S3: all that follows it is copied within the store.

S3 takes no part under 5 MiB but the last, and a beginning is far shorter. So it is put once, behind 5 MiB of zeros;
those and what follows the beginning become an object of two parts, and of that all but the zeros is copied, as the
first part of the object that is wanted. No byte of what follows passes through here, however short it is. Source:
UploadPartCopy in the API reference of S3; its limits are in "Amazon S3 multipart upload limits".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.stores.uploads import Sent, Source

if TYPE_CHECKING:
    from bondstore.stores.info import ObjectInfo
    from bondstore.stores.parts import Upload
    from bondstore.stores.store import Store

LEAST = 5 * 1024 * 1024
_LARGEST = 1 << 30  # copied at a time; S3 would take five times as much


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Beginnings for some objects of a store, put into it behind zeros.

    Parameters
    ----------
    store : Store
        A store whose kind `copies_parts`.
    folder : str
        Where in the store it puts what goes again.
    journals : pathlib.Path
        The folder of journals of uploads, by which what a kill left is found: see `Store.open_upload`.
    beginnings : mapping
        By the keys of their objects.
    """

    store: Store
    folder: str
    journals: Path
    beginnings: Mapping[str, bytes]

    @contextmanager
    def put(self) -> Iterator[Source]:
        """Put them, and remove them at the end."""
        content = bytes(LEAST) + b"".join(self.beginnings.values())
        key = f"{self.folder}/{sha256(content).hexdigest()[:40]}"
        try:
            yield Source(key, self.store.put(key, content), 0)
        finally:
            self.store.delete(key)

    def replace(self, old: ObjectInfo, length: int, storage_class: str, put: Source) -> Sent:
        """Give an object its beginning in the place of its first `length` bytes, in one step.

        Raises
        ------
        ChangedError
            It is another version than `old`: it stays.
        """
        ends = dict(zip(self.beginnings, accumulate(map(len, self.beginnings.values())), strict=True))
        new, first = len(self.beginnings[old.key]), min(LEAST, old.size - length)
        joined = f"{self.folder}/{sha256(old.key.encode()).hexdigest()[:40]}"
        try:
            with self._upload(joined, "STANDARD") as upload:
                upload.copy(Source(put.key, put.etag, ends[old.key]), LEAST)
                upload.copy(Source(old.key, old.etag, length), first)
                etag = upload.finish().etag
            with self._upload(old.key, storage_class) as upload:
                upload.copy(Source(joined, etag, LEAST - new), new + first)
                for start in range(length + first, old.size, _LARGEST):
                    upload.copy(Source(old.key, old.etag, start), min(_LARGEST, old.size - start))
                return upload.finish()
        finally:
            self.store.delete(joined)

    @contextmanager
    def _upload(self, key: str, storage_class: str) -> Iterator[Upload]:
        journal = self.journals / f"{sha256(key.encode()).hexdigest()[:40]}.jsonl"
        if journal.exists():  # killed: what was copied then is as old as the beginning was
            with self.store.open_upload(key, journal) as left:
                left.abort()
        with self.store.open_upload(key, journal, storage_class=storage_class) as upload:
            try:
                yield upload
            except BaseException:
                upload.abort()
                raise
