"""Uploads of large objects in parts, with a journal of the parts that arrived: one that was killed goes on.

Nobody sees the object before it is whole. A part counts once its store has confirmed it and the journal has it on disk;
such a part is not sent again, whatever happens. Uploads that are not in the journal are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bondstore.errors import (
    BondstoreError,
    ChangedError,
    ChecksumError,
    Interrupted,
    StoreError,
    TransientStoreError,
    UsageError,
)
from bondstore.stores.archive import name_of_class
from bondstore.stores.background import Workers
from bondstore.stores.journal import Journal, upload_of
from bondstore.stores.remote import PART
from bondstore.stores.uploads import MOST_PARTS, GoneError, Part, PartsClient, Sent, Source, Unfinished

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from typing_extensions import Buffer

    from bondstore.stores.connection import Connection

T = TypeVar("T")
_AT_ONCE = 4
_LARGEST = 5 * 1024**3  # of a part at S3
_NOTE = 200


def part_size(total: int, multiple: int = 1) -> int:
    """Return how many bytes of an object of `total` bytes go into a part: a multiple of `multiple`, at least 8 MiB."""
    wanted = max(PART, -(-total // MOST_PARTS))
    size = -(-wanted // multiple) * multiple
    if size > _LARGEST:
        raise UsageError(
            f"An object of {total} bytes is too large: it would need parts of more than 5 GiB.",
            hint="Split it into several objects.",
        )
    return size


def open_upload(connection: Connection, key: str, journal: Path, storage_class: str | None) -> Upload:
    """Begin an upload, or go on with the one of a journal; see `Store.open_upload`."""
    _parts_client(connection)
    name = name_of_class(connection, storage_class)
    address = connection.address
    about = {"store": address.url, "endpoint": address.endpoint(connection.spec.profile), "key": key}
    opened = Journal(journal, about, name)
    try:
        return Upload(connection, key, opened, name)
    except BaseException:
        opened.close()
        raise


def list_unfinished(connection: Connection, prefix: str, journals: Iterable[Path]) -> Iterator[Unfinished]:
    """List uploads that are neither complete nor aborted; see `Store.unfinished`."""
    _parts_client(connection)
    ours = {upload_of(path) for path in journals} - {""}
    below = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
    found: list[Unfinished] = connection.persist("parts", lambda client: list(client.unfinished(below)))
    for one in found:
        yield replace(one, ours=one.id in ours)


def _parts_client(connection: Connection) -> PartsClient:
    if not connection.kind.has_parts:
        raise StoreError(f"{connection.address.url} is of a kind whose uploads cannot be resumed.")
    client: PartsClient = connection.client("parts")
    return client


class Upload:
    """An upload under way, which is opened by `Store.open_upload`; a context manager that stops it.

    Attributes
    ----------
    proved : dict of int to Part
        The parts that are known to be in the store, by their numbers.
    sent : Sent or None
        The object, once it is whole; set from the start where an earlier run had come so far.
    restarted : str
        Why an upload that was begun earlier starts over, for people; empty where it does not.
    """

    def __init__(self, connection: Connection, key: str, journal: Journal, storage_class: str) -> None:
        self.key = key
        self.proved: dict[int, Part] = {}
        self.sent: Sent | None = None
        self.restarted = ""
        self._connection = connection
        self._journal = journal
        self._workers = Workers(_AT_ONCE)
        self._next, self._offset, self._before = 1, 0, 0
        self._what = f"{connection.address.url}/{key}"
        self._take_up(storage_class)
        if not journal.upload and self.sent is None:
            self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _take_up(self, storage_class: str) -> None:
        journal = self._journal
        if not journal.upload:
            if journal.mark:
                self._persist(lambda client: client.sweep(self.key, journal.mark))
            return
        parts = [journal.parts[number] for number in sorted(journal.parts)]
        try:
            there = self._persist(lambda client: client.proved(self.key, journal.upload, parts))
        except GoneError:
            if journal.is_finishing:
                self.sent = self._persist(lambda client: client.find(self.key, journal.upload, parts))
            if self.sent is None:
                self._restart("its parts are no longer in the store")
                return
            there = set(journal.parts)
        if self.sent is None and journal.storage_class != storage_class:
            self._persist(lambda client: client.abort(self.key, journal.upload))
            self._restart("it is to have another storage class")
            return
        self.proved = {part.number: part for part in parts if part.number in there}

    def _restart(self, why: str) -> None:
        if self._journal.parts:
            self.restarted = f"The upload of {self._what} starts over: {why}."
        self._journal.restart()

    def _begin(self) -> None:
        mark = self._persist(lambda client: client.mark(self.key))
        self._journal.set_mark(mark)
        tries = 0

        def begin(client: PartsClient) -> str:
            nonlocal tries
            tries += 1
            if tries > 1:
                client.sweep(self.key, mark)
            return client.begin(self.key, mark, self._journal.storage_class or None)

        self._journal.set_upload(self._persist(begin))

    def send(self, number: int, data: Buffer, note: str = "") -> None:
        """Send the next part, or skip it where it is proved already; returns as soon as there is room for another one.

        The data must stay as they are. Each part but the last has at least 5 MiB, where the store wants that. Raises
        what an earlier part failed with, and `ChangedError` for a part that was sent before with other bytes.
        """
        self._workers.check()
        view = memoryview(data).cast("B")
        self._check(number, note)
        part = self._placed(number, len(view), note)
        known = self.proved.get(number)
        if known is None and self.sent is None:
            self._workers.submit(partial(self._send, part, view))
        elif known is None or (known.offset, known.sha256) != (part.offset, sha256(view).hexdigest()):
            self._refuse(f"Part {number} of {self._what} is not the one that was sent before.")

    def copy(self, source: Source, size: int) -> None:
        """Take the next part from an object of the store, the one that is replaced for instance: within the store.

        What was copied before is copied again. `finish` raises `ChangedError` where the source has another etag.
        """
        part = self._placed(self._next, size)
        self._workers.submit(partial(self._copy, part, source))

    def _copy(self, part: Part, source: Source) -> None:
        part = self._persist(lambda client: client.copy(self.key, self._journal.upload, part, source))
        self._journal.add(part)
        self.proved[part.number] = part

    def _placed(self, number: int, size: int, note: str = "") -> Part:
        part = Part(number, self._offset, size, "", note=note)
        self._next, self._offset, self._before = number + 1, self._offset + size, size
        return part

    def _check(self, number: int, note: str) -> None:
        if number != self._next:
            raise UsageError(f"Part {number} of {self._what} is out of order: part {self._next} comes next.")
        if number > MOST_PARTS:
            raise UsageError(f"{self._what} has more than {MOST_PARTS} parts.", hint="Make the parts larger.")
        least = _parts_client(self._connection).least
        if number > 1 and number not in self.proved and self._before < least and self.sent is None:
            raise UsageError(
                f"Part {number - 1} of {self._what} has {self._before} bytes; all but the last need {least}."
            )
        if len(note) > _NOTE:
            raise UsageError(f"The note of a part has more than {_NOTE} characters.")

    def _refuse(self, message: str) -> None:
        hint = "The file changed since the upload began: abort this upload, then start again."
        self._workers.fail(ChangedError(message, hint=hint))
        self._workers.check()

    def _send(self, part: Part, view: memoryview) -> None:
        part = replace(part, sha256=sha256(view).hexdigest())
        try:
            part = replace(part, etag=self._send_twice(part, view))
        except GoneError:
            raise self._removed() from None
        self._journal.add(part)
        self.proved[part.number] = part

    def _send_twice(self, part: Part, view: memoryview) -> str:
        def act(client: PartsClient) -> str:
            if self._workers.stop.is_set():
                raise self._stopped()
            return client.send(self.key, self._journal.upload, part, view)

        try:
            return self._persist(act)
        except ChecksumError:
            return self._persist(act)

    def finish(self, *, keep_journal: bool = False) -> Sent:
        """Wait for all parts, make the object of them and check it. Harmless when done again.

        The journal goes, or is kept for a caller who has yet to note that the object is whole: `abort` removes it then.
        """
        if self.sent is not None and self._journal.is_closed:
            return self.sent
        self._workers.join()
        parts = [self.proved[number] for number in range(1, self._next)]
        if not parts:
            raise UsageError(f"No part of {self._what} was sent.")
        if len(parts) < len(self.proved):
            self._refuse(f"{self._what} has fewer parts than were sent before.")
        if self.sent is None:
            self._journal.set_finishing()
            self.sent = self._complete(parts)
        if not keep_journal:
            self._journal.remove()
        return self.sent

    def _complete(self, parts: list[Part]) -> Sent:
        journal = self._journal
        try:
            return self._persist(
                lambda client: client.complete(self.key, journal.upload, parts, journal.storage_class or None)
            )
        except (GoneError, StoreError) as raised:  # where an answer was lost, it may be done
            found = self._persist(lambda client: client.find(self.key, journal.upload, parts))
            if found is not None:
                return found
            raise (raised if isinstance(raised, BondstoreError) else self._removed()) from None

    def abort(self) -> None:
        """Remove what was sent, and the journal; an object that is whole already stays."""
        self._workers.close(grace=None)  # a part that arrives later would stay
        if self.sent is None:
            self._persist(lambda client: client.abort(self.key, self._journal.upload))
        self._journal.remove()

    def close(self) -> None:
        """Stop sending; parts and journal stay, so that the next run goes on."""
        self._workers.fail(self._stopped())
        self._workers.close()
        self._journal.close()

    def _persist(self, act: Callable[[PartsClient], T]) -> T:
        return self._connection.persist("parts", act, self.key)

    def _stopped(self) -> Interrupted:
        return Interrupted(f"The upload of {self._what} was stopped.", hint="What arrived is kept for the next run.")

    def _removed(self) -> TransientStoreError:
        return TransientStoreError(
            f"The unfinished upload of {self._what} is no longer in the store: it was aborted, or removed by a rule.",
            hint="Run the same command again: it starts over. Ask the bucket's owner for a later deadline.",
        )
