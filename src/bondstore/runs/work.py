"""The work of one shard while it goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from bondstore.errors import (
    HOPELESS,
    ArchivedError,
    BondstoreError,
    ChangedError,
    ChecksumError,
    CredentialsError,
    NotFoundError,
    StoreError,
)
from bondstore.findings import GONE, NOT_FETCHED, NOT_WRITTEN, WRONG_CHECKSUM
from bondstore.ledger import Item, Read
from bondstore.runs.batches import grouped
from bondstore.runs.destination import SEALED
from bondstore.runs.receipt import Receipt
from bondstore.stores import Fetched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from typing_extensions import Buffer

    from bondstore.runs.context import RunContext

T = TypeVar("T")
AGAIN, AGAIN_BYTES = 512, 16 << 20
"""Objects, and about how many bytes of them, that are in memory while a product reads them once more."""


class UnreadError(StoreError):
    """An object of a product cannot be had any more, and another try would not help: what stands there is left."""


class UnfetchedError(BondstoreError):
    """An error of the source, told from those of the destination while both are at work."""

    def __init__(self, error: BondstoreError) -> None:
        super().__init__(error.message, hint=error.hint)
        self.error = error


@contextmanager
def at_the_source() -> Iterator[None]:
    """Tell what goes wrong meanwhile as the source's."""
    try:
        yield
    except BondstoreError as error:
        raise UnfetchedError(error) from error


def from_source(chunks: Iterable[T]) -> Iterator[T]:
    """Pass an object's bytes on; what goes wrong with them is the source's."""
    with at_the_source():
        yield from chunks


class Work:
    """The work of one shard while it goes on: what it reads and writes, and what it has to say."""

    def __init__(self, context: RunContext) -> None:
        self.context, self.store, self.dest = context, context.store, context.dest
        self.receipt = Receipt()
        self.writer = context.dest.writer(in_memory=context.source.profile.plaintext == "forbidden")
        self.written: set[str] = set()
        self.read_again = False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Leave nothing behind of what was not sealed."""
        try:
            yield
        finally:
            self.writer.discard()

    def seal(self) -> Receipt:
        """Make everything durable; return the receipt."""
        outputs, staged = self.writer.seal()
        self.receipt.outputs += outputs
        self.receipt.staged += staged
        return self.receipt

    def fetch(self, items: Sequence[Item], *, sealed: bool = False) -> list[tuple[Item, Fetched]]:
        """Fetch objects side by side. Those that cannot be had are noted as such."""
        return list(self.fetch_each(items, sealed=sealed))

    def fetch_each(self, items: Sequence[Item], *, sealed: bool = False) -> Iterator[tuple[Item, Fetched]]:
        """Fetch objects side by side as `fetch` does; yield each in its turn, while those behind it are fetched."""
        for item, answer in zip(items, self.store.get_each([item.key for item in items]), strict=True):
            if isinstance(answer, BondstoreError):
                self.not_fetched(item, answer, sealed=sealed)
            else:
                self.receipt.reads.append(Read(item.key, answer.info.etag, len(answer.data)))
                yield item, answer

    def not_fetched(self, item: Item, error: BondstoreError, *, sealed: bool = False) -> None:
        """Note an object that could not be had; an error that every other object will meet is raised.

        One that came damaged goes into quarantine, with its bytes where they are `sealed`.
        """
        error = self.store.alone(error)
        if isinstance(error, HOPELESS):
            raise error
        if isinstance(error, ChecksumError):  # it came, and was not itself: fetching it in every run would not help
            self.receipt.reads.append(Read(item.key, item.version, len(error.data) or item.size))
            self.receipt.findings.append(WRONG_CHECKSUM.about(item.key))
            self.quarantine(item, item.version, WRONG_CHECKSUM.word, [error.data] if sealed and error.data else None)
            return
        kind, message = NOT_FETCHED, error.message
        if isinstance(error, NotFoundError):
            kind = GONE
            if self.store.ends_in_slash(item.key):
                kind, message = NOT_FETCHED, "The object's key ends in '/': no data are read from such a one."
        self.receipt.failed(item, kind.about(item.key, message=message))

    def not_written(self, item: Item, error: BondstoreError) -> None:
        """Note an object whose file the destination did not take; an error that every other will meet is raised."""
        is_refused_alone = isinstance(error, CredentialsError) and bool(self.written)
        if not is_refused_alone and (isinstance(error, HOPELESS) or not isinstance(error, StoreError | NotFoundError)):
            raise error
        self.receipt.failed(item, NOT_WRITTEN.about(item.key, message=error.message))

    def again(self, items: Sequence[Item]) -> Iterator[list[tuple[Item, Fetched]]]:
        """Fetch objects once more, batch by batch, in the version that is recorded.

        Those that are gone are noted: should they come back, they are taken up again.

        Raises
        ------
        ChangedError
            One was replaced meanwhile.
        ChecksumError
            One has become damaged.
        UnreadError
            One is refused, or archived by now.
        """
        self.read_again = True
        for batch in grouped(items, lambda item: item.size, number=AGAIN, weight=AGAIN_BYTES):
            fetched = []
            for item, answer in zip(batch, self.store.get_many([item.key for item in batch]), strict=True):
                if isinstance(answer, NotFoundError):
                    self.not_fetched(item, answer)
                elif isinstance(answer, BondstoreError):
                    raise self.unread(answer)
                elif answer.info.etag != item.version:
                    raise ChangedError(
                        f"{item.key} was replaced while what it belongs to was put together.",
                        hint="Run the same command again: it takes up what is there now.",
                    )
                else:
                    self.receipt.reads.append(Read(item.key, item.version, len(answer.data)))
                    fetched.append((item, answer))
            if fetched:
                yield fetched

    @staticmethod
    def unread(error: BondstoreError) -> BondstoreError:
        """Return why an object of a product could not be read once more, told from what else may be wrong."""
        final = type(error) in (StoreError, ArchivedError)
        return UnreadError(error.message, hint=error.hint) if final else error

    def write(self, path: str, chunks: Iterable[Buffer], **facts: Any) -> None:
        """Write an output; facts are columns of `Output`, such as ``kind`` and ``made_by``."""
        self.writer.write(path, chunks, **facts)
        self.written.add(path)

    def adopt(self, path: str, temporary: Path, sha256: bytes | None = None, **facts: Any) -> None:
        """Take over an output that was written under a name of the writer's; the other facts are as in `write`."""
        self.writer.adopt(path, temporary, sha256, **facts)
        self.written.add(path)

    def drop(self) -> None:
        """Let go of all that was written so far: what it was made of broke off. That it was read stays noted."""
        self.writer.discard()
        self.written.clear()

    def quarantine(self, item: Item, version: str, reason: str, sealed: Iterable[Buffer] | None = None) -> None:
        """Put an object into quarantine, with its bytes as they came where they are to be kept."""
        if sealed is not None:
            self.writer.write(self.dest.quarantine_path(item.key), sealed, kind=SEALED, source=item.key)
        self.receipt.quarantined(item, version, reason)
