"""Large objects on their way out of a vault: fetched part by part, so that a killed download goes on.

The parts go into a partial file in the private corner of the folder, as they will be in the end: decrypted, or as they
are in the store. A part counts once the journal beside it has its number. Who goes on takes these parts from the disk,
and fetches the rest, of the same version of the object alone; whether all is as the manifest says is seen at the end.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import Header
from bondstore.codecs.segments import SEALED_SEGMENT, SEGMENT, plain_size
from bondstore.errors import ChangedError, DamagedError, TransientStoreError
from bondstore.modes import make_folder
from bondstore.runs.durable import explaining
from bondstore.runs.work import UnfetchedError, at_the_source
from bondstore.threads import ordered
from bondstore.vault.findings import NOT_PROVED
from bondstore.vault.manifest import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from typing_extensions import Buffer

    from bondstore.codecs.crypt4gh import Envelope
    from bondstore.ledger import Item
    from bondstore.stores import ObjectInfo, Store
    from bondstore.vault.proofs import State

DOWNLOADS = "downloads"
"""The folder of partial files in the private corner of a destination."""
PART = 64
"""Segments that are fetched at a time: 4 MiB."""
_AT_ONCE = 4
_FIRST = 64 << 10  # bytes of an object in which its header is looked for


def partial_name(item: Item, *, decrypted: bool) -> str:
    """Return the name of the partial file of an object: another one for another version of it."""
    return digest(repr([item.key, item.version, item.output, decrypted]).encode())[:40]


def header_of(store: Store, info: ObjectInfo) -> tuple[bytes, Header]:
    """Fetch an object's header. Raises DamagedError where it has none."""
    wanted = _FIRST
    while True:
        with at_the_source():
            start = store.get_range(info.key, 0, min(wanted, info.size), info.etag)
        if (found := Header.parse(start)) is not None:
            return start[: found.size], found
        if wanted >= info.size:
            raise DamagedError("The encrypted file ends inside its header.", kind="cut-short")
        wanted *= 2


@dataclass(frozen=True)
class Receiving:
    """A large object, and the partial file that it becomes."""

    store: Store
    info: ObjectInfo
    partial: Path
    header: bytes = b""
    envelope: Envelope | None = None
    """What decrypts what is behind the header; None: all is kept as it is."""

    def receive(self, states: Sequence[State]) -> bytes:
        """Fetch what is missing, and prove all of it.

        Parameters
        ----------
        states : sequence of State
            What the object may be.

        Returns
        -------
        bytes
            The SHA-256 of the partial file, which is whole now.

        Raises
        ------
        DamagedError
            It is not what it should be, or what an earlier process left of it is not. Nothing of it is left.
        UnfetchedError
            It cannot be had, or is another version by now.
        """
        with ExitStack() as stack:
            stack.enter_context(explaining(str(self.partial.parent)))
            make_folder(self.partial.parent)
            file, journal = (_opened(path, stack) for path in (self.partial, self.journal))
            try:
                return self._fill(file, journal, states)
            except DamagedError:
                self.remove()
                raise
            except UnfetchedError as failure:
                if isinstance(failure.error, ChangedError):
                    self.remove()
                raise

    @property
    def is_edited(self) -> bool:
        """Whether parts of the body are left out of the content: then no part of it is on its own."""
        return self.envelope is not None and self.envelope.edits is not None

    @property
    def journal(self) -> Path:
        """The file with the numbers of the parts that are there."""
        return self.partial.with_suffix(".parts")

    def remove(self) -> None:
        """Leave nothing of it."""
        for path in (self.partial, self.journal):
            path.unlink(missing_ok=True)

    def _fill(self, file: int, journal: int, states: Sequence[State]) -> bytes:
        known, numbers = _known(journal), range(-(-self._size // (PART * SEALED_SEGMENT)))
        content, size, has_kept = hashlib.sha256(), 0, False
        for one in states:
            one.update(self.header)
        for number, (data, piece) in enumerate(ordered(lambda one: self._part(file, one, known), numbers, _AT_ONCE)):
            if data is None:
                has_kept = True
            else:
                for one in states:
                    one.update(data)
            content.update(piece)
            size += memoryview(piece).nbytes
            if number not in known:
                _write(journal, b"%d\n" % number)
        if os.fstat(file).st_size != size:
            os.ftruncate(file, size)
        # what an earlier process decrypted no longer tells what it was in the store: then its content alone is proved
        seen = size, content.hexdigest()
        if not any(
            (has_kept or one.fits()) and (one.content is None or (one.content.size, one.content.sha256) == seen)
            for one in states
        ):
            raise DamagedError(f"{self.info.key} is not what the manifest says of it.", kind=NOT_PROVED.word)
        return content.digest()

    @property
    def _size(self) -> int:
        return self.info.size - len(self.header)

    def _part(self, file: int, number: int, known: AbstractSet[int]) -> tuple[Buffer | None, Buffer]:
        """Return a part as it is in the store, and as it is on the disk now.

        Of one that was decrypted earlier nobody knows what it was in the store: None.
        """
        at = number * PART * SEALED_SEGMENT
        length = min(PART * SEALED_SEGMENT, self._size - at)
        place, kept = (at, length) if self.envelope is None else (number * PART * SEGMENT, plain_size(length))
        if number in known and len(piece := os.pread(file, kept, place)) == kept:
            return piece if self.envelope is None else None, piece
        with at_the_source():
            data = self.store.get_range(self.info.key, len(self.header) + at, length, self.info.etag)
            if len(data) != length:
                raise TransientStoreError(f"{self.store.url}/{self.info.key} is shorter than it said.")
        opened = data if self.envelope is None else self.envelope.segments.open(data)
        _write(file, opened, place)
        return data, opened


def clear(folder: Path, wanted: set[str]) -> None:
    """Remove all partial files but the wanted ones."""
    for path in folder.glob("*"):
        if path.stem not in wanted:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # there is none, or something is left in it
        folder.rmdir()


def _opened(path: Path, stack: ExitStack) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    stack.callback(os.close, file)
    return file


def _known(journal: int) -> set[int]:
    """Read the numbers of parts, and go on behind the last whole line; what a power cut left of others is no number."""
    text = os.pread(journal, os.fstat(journal).st_size, 0)
    whole = text.rfind(b"\n") + 1
    os.ftruncate(journal, whole)
    os.lseek(journal, whole, os.SEEK_SET)
    return {int(line) for line in text[:whole].splitlines() if line.isdigit()}


def _write(file: int, data: Buffer, at: int | None = None) -> None:
    view, done = memoryview(data).cast("B"), 0
    while done < len(view):
        rest = view[done:]
        done += os.write(file, rest) if at is None else os.pwrite(file, rest, at + done)
