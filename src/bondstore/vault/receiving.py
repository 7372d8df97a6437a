"""Large objects on their way out of a vault: fetched part by part, so that a killed download goes on.

The parts go into a partial file in the private corner of the folder, as they will be in the end: decrypted, or as they
are in the store. A part counts once the journal beside it has its number and checksum. Who goes on reads these parts
from the disk and compares them, and fetches the rest, of the same version of the object alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import Header
from bondstore.codecs.segments import SEALED_SEGMENT, SEGMENT
from bondstore.errors import ChangedError, DamagedError, TransientStoreError
from bondstore.modes import make_folder
from bondstore.runs.durable import explaining
from bondstore.runs.work import UnfetchedError, at_the_source
from bondstore.threads import ordered
from bondstore.vault.findings import NOT_PROVED
from bondstore.vault.manifest import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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

    def receive(self, states: Sequence[State]) -> None:
        """Fetch what is missing, and prove all of it.

        Parameters
        ----------
        states : sequence of State
            What the object may be.

        Raises
        ------
        DamagedError
            It is not what it should be. Nothing of it is left.
        UnfetchedError
            It cannot be had, or is another version by now.
        """
        with ExitStack() as stack:
            stack.enter_context(explaining(str(self.partial.parent)))
            make_folder(self.partial.parent)
            file, journal = (_opened(path, stack) for path in (self.partial, self.journal))
            try:
                self._fill(file, journal, states)
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
        """The file with the checksums of the parts."""
        return self.partial.with_suffix(".jsonl")

    def remove(self) -> None:
        """Leave nothing of it."""
        for path in (self.partial, self.journal):
            path.unlink(missing_ok=True)

    def _fill(self, file: int, journal: int, states: Sequence[State]) -> None:
        known, numbers = _known(journal), range(-(-self._size // (PART * SEALED_SEGMENT)))
        content, size, has_kept = hashlib.sha256(), 0, False
        for one in states:
            one.update(self.header)
        for number, (data, is_kept) in enumerate(ordered(lambda one: self._part(file, one, known), numbers, _AT_ONCE)):
            piece = data
            if not is_kept or self.envelope is None:
                for one in states:
                    one.update(data)
            if not is_kept:
                piece = data if self.envelope is None else self.envelope.segments.open(data)
                _write(file, piece, size)
                _write(journal, f"{json.dumps([number, hashlib.sha256(piece).hexdigest()])}\n".encode())
            has_kept = has_kept or (is_kept and self.envelope is not None)
            content.update(piece)
            size += memoryview(piece).nbytes
        if os.fstat(file).st_size != size:
            os.ftruncate(file, size)
        # what an earlier process decrypted no longer tells what it was in the store: then its content alone is proved
        seen = size, content.hexdigest()
        if not any(
            (has_kept or one.fits()) and (one.content is None or (one.content.size, one.content.sha256) == seen)
            for one in states
        ):
            raise DamagedError(f"{self.info.key} is not what the manifest says of it.", kind=NOT_PROVED.word)

    @property
    def _size(self) -> int:
        return self.info.size - len(self.header)

    def _part(self, file: int, number: int, known: Mapping[int, str]) -> tuple[Buffer, bool]:
        """Return a part as it is on the disk, where it is the one that was noted; else as it is in the store."""
        if number in known:
            kept = PART * (SEALED_SEGMENT if self.envelope is None else SEGMENT)
            data = os.pread(file, kept, number * kept)
            if digest(data) == known[number]:
                return data, True
        at = number * PART * SEALED_SEGMENT
        length = min(PART * SEALED_SEGMENT, self._size - at)
        with at_the_source():
            data = self.store.get_range(self.info.key, len(self.header) + at, length, self.info.etag)
            if len(data) != length:
                raise TransientStoreError(f"{self.store.url}/{self.info.key} is shorter than it said.")
        return data, False


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


def _known(journal: int) -> dict[int, str]:
    """Read the checksums of parts, and go on behind the last whole line."""
    text = os.pread(journal, os.fstat(journal).st_size, 0)
    whole = text.rfind(b"\n") + 1
    os.ftruncate(journal, whole)
    os.lseek(journal, whole, os.SEEK_SET)
    return dict(filter(None, map(_noted, text[:whole].splitlines())))


def _noted(line: bytes) -> tuple[int, str] | None:
    """Return number and checksum of a part; None where a power cut left something else."""
    try:
        number, checksum = json.loads(line)
        return int(number), str(checksum)
    except (ValueError, TypeError):
        return None


def _write(file: int, data: Buffer, at: int | None = None) -> None:
    view = memoryview(data).cast("B")
    if at is not None:
        os.lseek(file, at, os.SEEK_SET)
    while view:
        view = view[os.write(file, view) :]
