"""Uploads into a folder that can be resumed: a file beside its name, which nobody lists before it is whole.

It is named after the upload, and not by a number as a file that is written in one go: what a killed writer left of that
is cleared, while this waits for its journal.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from secrets import token_hex

from bondstore.stores.info import quoted
from bondstore.stores.journal import sync_folder
from bondstore.stores.kinds.file.disk import STAGED, etag_of
from bondstore.stores.kinds.file.writing import staged_name, target_of
from bondstore.stores.uploads import GoneError, Part, Sent, Unfinished, are_bytes_of, size_of


class StagedUploads:
    """A client of the role ``parts`` for a folder; see `uploads.PartsClient`."""

    least = 0

    def __init__(self, root: str) -> None:
        self._root = root

    def mark(self, key: str) -> str:  # noqa: ARG002 - a bucket looks for its uploads
        """Make up the id of an upload."""
        return token_hex(8)

    def sweep(self, key: str, mark: str) -> None:
        """Remove the file of an upload."""
        self.abort(key, mark)

    def begin(self, key: str, mark: str, storage_class: str | None) -> str:  # noqa: ARG002
        """Make the file, and the folders on its way."""
        path = self._path(key, mark)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        sync_folder(path.parent)
        return mark

    def send(self, key: str, upload: str, part: Part, data: memoryview) -> str:
        """Write a part in its place, durably."""
        handle = self._open(key, upload)
        try:
            at = 0
            while at < len(data):
                at += os.pwrite(handle, data[at:], part.offset + at)
            os.fsync(handle)
        finally:
            os.close(handle)
        return ""

    def proved(self, key: str, upload: str, parts: Iterable[Part]) -> set[int]:
        """Return the parts that are in the file."""
        handle = self._open(key, upload)
        try:
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        return {part.number for part in parts if part.offset + part.size <= size}

    def complete(self, key: str, upload: str, parts: Sequence[Part], storage_class: str | None) -> Sent:  # noqa: ARG002
        """Give the file its name."""
        handle = self._open(key, upload)
        try:
            os.ftruncate(handle, size_of(parts))
            os.fsync(handle)
            found = os.fstat(handle)
            target = self._path(key)
            self._path(key, upload).replace(target)
        finally:
            os.close(handle)
        sync_folder(target.parent)
        return Sent(quoted(etag_of(found)), found.st_size)

    def find(self, key: str, upload: str, parts: Sequence[Part]) -> Sent | None:  # noqa: ARG002 - by its bytes
        """Compare a file with the parts."""
        path = self._path(key)
        if not path.is_file():
            return None
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            return Sent(quoted(etag_of(found)), found.st_size) if are_bytes_of(parts, file.read) else None

    def abort(self, key: str, upload: str) -> None:
        """Remove the file."""
        self._path(key, upload).unlink(missing_ok=True)

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """Look for the files of uploads; of a very long name only its start is told."""
        for folder, _, names in os.walk(f"{self._root}/{prefix}"):
            for name in names:
                ending = STAGED.search(name)
                if ending is not None and "#p" in ending[0]:
                    path = Path(folder, name)
                    key = os.path.relpath(path, self._root)[: -len(ending[0])]
                    yield Unfinished(key, ending[0].rpartition("#p")[2], path.lstat().st_mtime_ns // 1_000_000)

    def _path(self, key: str, upload: str = "") -> Path:
        target = target_of(self._root, key)
        return Path(staged_name(target, f"p{upload}") if upload else target)

    def _open(self, key: str, upload: str) -> int:
        try:
            return os.open(self._path(key, upload), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise GoneError from None
