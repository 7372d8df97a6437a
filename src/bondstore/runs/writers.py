"""What takes the outputs of a shard: files in a folder, or objects in a store. Nothing is half-written in either."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bondstore.errors import ArchivedError, BondstoreError, NotFoundError
from bondstore.ledger import Output
from bondstore.modes import make_path
from bondstore.runs.durable import explaining
from bondstore.stores.background import Beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

    from bondstore.runs.durable import OutputGroup, Written
    from bondstore.stores import Store

_AT_ONCE = 16
HELD = 8 << 20
"""Small outputs of a store wait in memory until there are so many bytes, and are put side by side."""


class Sealed(NamedTuple):
    """What a writer made durable: records, and files that are still to be shown as (temporary name, path)."""

    outputs: list[Output]
    staged: list[tuple[str, str]]


class Writer(Protocol):
    """Takes outputs. Facts are columns of `Output`, such as ``kind`` and ``made_by``."""

    def write(
        self,
        path: str,
        chunks: Iterable[Buffer],
        *,
        last: bool = False,
        mtime_ns: int | None = None,
        storage_class: str = "",
        fresh: bool = False,
        **facts: Any,
    ) -> None:
        """Take one output. A list is a small one; any other iterable may be large and is taken chunk by chunk.

        What is written as `last` vouches for others of this writer: it is never seen before they are. A file gets the
        time of modification that is given; a store keeps its own, and may have storage classes. What is `fresh` was
        made with random numbers: nobody need look whether it is there already, and it may be put at once.
        """

    def read(self, path: str) -> bytes | None:
        """Return what was written to a path a moment ago; None where nothing was. It may be written anew."""

    def reserve(self) -> Path:
        """Return a temporary name that some other writer may fill; hand it back to `adopt`."""

    def adopt(self, path: str, temporary: Path, sha256: bytes | None = None, **facts: Any) -> None:
        """Take over a file that was written under a name from `reserve`, and its hash, where that is known."""

    def explaining(self) -> AbstractContextManager[None]:
        """Turn what a writer under a reserved name runs into, such as a full disk, into our own errors."""

    def seal(self) -> Sealed:
        """Make everything durable."""

    def discard(self) -> None:
        """Leave nothing of what was not sealed."""


class FolderWriter:
    """Files of a local folder, after one sync for all of them."""

    def __init__(self, group: OutputGroup) -> None:
        self._group = group
        self._facts: list[dict[str, Any]] = []
        self._last: set[str] = set()

    def write(
        self,
        path: str,
        chunks: Iterable[Buffer],
        *,
        last: bool = False,
        mtime_ns: int | None = None,
        storage_class: str = "",  # noqa: ARG002 - a folder has none
        fresh: bool = False,  # noqa: ARG002 - a file is always written
        **facts: Any,
    ) -> None:
        """Write it under a temporary name."""
        self._group.write(path, chunks, mtime_ns)
        self._facts.append(facts)
        if last:
            self._last.add(path)

    def read(self, path: str) -> bytes | None:
        """Read it under its temporary name."""
        written = next((one for one in reversed(self._group.waiting) if one.path == path), None)
        return None if written is None else Path(written.temporary).read_bytes()

    def reserve(self) -> Path:
        """Return a temporary name."""
        return self._group.reserve()

    def adopt(self, path: str, temporary: Path, sha256: bytes | None = None, **facts: Any) -> None:
        """Take over a file under a temporary name."""
        self._group.adopt(path, temporary, sha256)
        self._facts.append(facts)

    def explaining(self) -> AbstractContextManager[None]:
        """Turn errors of the system into our own."""
        return self._group.explaining()

    def seal(self) -> Sealed:
        """Sync."""
        written = self._group.seal()
        outputs = [_output(one, facts) for one, facts in zip(written, self._facts, strict=True)]
        staged = [(one.temporary, one.path) for one in written]
        if self._last:
            staged.sort(key=lambda pair: pair[1] in self._last)
        return Sealed(outputs, staged)

    def discard(self) -> None:
        """Remove what has no sealed record."""
        self._group.discard()
        self._facts.clear()
        self._last.clear()


class StoreWriter:
    """Objects of a store: each appears whole, and one that is there with the same content is left as it is."""

    def __init__(self, store: Store, scratch: Path) -> None:
        self._store, self._scratch = store, scratch
        self._held: list[tuple[str, bytes]] = []
        self._last: list[tuple[str, bytes]] = []
        self._waiting = 0
        self._outputs: dict[str, Output] = {}
        self._classes: dict[str, str] = {}
        self._sending = self._sender()
        self._sent: list[str] = []
        self._reserved = 0

    def _sender(self) -> Beside[tuple[str, bytes, str | None], str]:
        """Return what puts objects while others are made."""
        store = self._store
        return Beside(lambda one: store.put(one[0], one[1], storage_class=one[2]), _AT_ONCE)

    def write(
        self,
        path: str,
        chunks: Iterable[Buffer],
        *,
        last: bool = False,
        mtime_ns: int | None = None,  # noqa: ARG002 - see `Writer.write`
        storage_class: str = "",
        fresh: bool = False,
        **facts: Any,
    ) -> None:
        """Hold it in memory, or put a large one at once."""
        if storage_class:
            self._classes[path] = storage_class
        if last:
            data = b"".join(chunks)
            self._last.append((path, data))
            self._outputs[path] = Output(path, _sha256(data), len(data), 0, **facts)
        else:
            self._take(path, chunks, facts, fresh=fresh)

    def read(self, path: str) -> bytes | None:
        """Return it from memory, or from the store."""
        if path not in self._outputs:
            return None
        held = next((data for name, data in self._held if name == path), None)
        if held is None:
            self._await()
        return bytes(self._store.get(path).data) if held is None else held

    def _take(self, path: str, chunks: Iterable[Buffer], facts: dict[str, Any], *, fresh: bool) -> None:
        if not isinstance(chunks, list):
            self._put_large(path, chunks, facts)
            return
        data = b"".join(chunks)
        if path in self._outputs:  # two at once of one path would come in any order
            self._held = [one for one in self._held if one[0] != path]
            self._await()
        if fresh:
            self._sending.add((path, data, self._classes.pop(path, None)))
            self._sent.append(path)
        else:
            self._held.append((path, data))
        self._waiting += len(data)
        self._outputs[path] = Output(path, _sha256(data), len(data), 0, **facts)
        if self._waiting >= HELD:
            self._flush()

    def _await(self) -> None:
        """Wait for what is being put."""
        sent, self._sent = self._sent, []
        for path, etag in zip(sent, self._sending.results(), strict=True):
            if isinstance(etag, BondstoreError):
                raise etag
            self._tag(path, etag)

    def _put_large(self, path: str, chunks: Iterable[Buffer], facts: dict[str, Any]) -> None:
        hashed, size = hashlib.sha256(), 0

        def passing() -> Iterator[Buffer]:
            nonlocal size
            for chunk in chunks:
                hashed.update(chunk)
                size += memoryview(chunk).nbytes
                yield chunk

        etag = self._store.put_stream(path, passing(), storage_class=self._classes.pop(path, None))
        self._outputs[path] = Output(path, hashed.digest(), size, 0, etag=etag, **facts)

    def reserve(self) -> Path:
        """Return a temporary name on this machine."""
        with explaining(str(self._scratch)):
            make_path(str(self._scratch))
        self._reserved += 1
        return self._scratch / str(self._reserved)

    def adopt(self, path: str, temporary: Path, sha256: bytes | None = None, **facts: Any) -> None:  # noqa: ARG002
        """Put a file that was written under a temporary name; it is hashed as it goes."""
        self._put_large(path, _chunks(temporary), facts)
        temporary.unlink()

    def explaining(self) -> AbstractContextManager[None]:
        """Turn errors of the system into our own."""
        return explaining(str(self._scratch))

    def seal(self) -> Sealed:
        """Put what is still held."""
        self._flush()
        self._held, self._last = self._last, []
        self._flush()
        done = list(self._outputs.values())
        self.discard()
        return Sealed(done, [])

    def _flush(self) -> None:
        changed = []
        for (path, data), there in zip(self._held, self._store.get_many([path for path, _ in self._held]), strict=True):
            if isinstance(there, (NotFoundError, ArchivedError)):
                changed.append((path, data))
            elif isinstance(there, BondstoreError):
                raise there
            elif bytes(there.data) == data:
                self._tag(path, there.info.etag)
            else:
                changed.append((path, data))
        for (path, _), etag in zip(changed, self._store.put_many(changed, classes=self._classes), strict=True):
            if isinstance(etag, BondstoreError):
                raise etag
            self._tag(path, etag)
        self._await()
        self._held.clear()
        self._classes.clear()
        self._waiting = 0

    def _tag(self, path: str, etag: str) -> None:
        self._outputs[path] = replace(self._outputs[path], etag=etag)

    def discard(self) -> None:
        """Forget what is held, wait for what is being put, and remove what is on this machine."""
        self._sending.stop(wait=True)  # what came later could come after the next run's
        self._sending = self._sender()
        self._held.clear()
        self._sent.clear()
        self._last.clear()
        self._outputs.clear()
        self._waiting = 0
        for file in self._scratch.glob("*"):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # it was never made
            self._scratch.rmdir()


def _output(written: Written, facts: dict[str, Any]) -> Output:
    return Output(written.path, written.sha256, written.size, written.mtime_ns, **facts)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk
