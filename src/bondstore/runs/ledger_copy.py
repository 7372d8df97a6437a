"""The copy on this machine of the ledger in a store: with which snapshot it began, how it is packed and replaced."""

from __future__ import annotations

import hashlib
import logging
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.ledger import Ledger
from bondstore.modes import open_private
from bondstore.runs.durable import explaining

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CHUNK = 1 << 20
_STRAY, _FROM_THE_START = "stray", "none"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which snapshot a copy began with: the last entry that it holds, by its place, and the head of its audit chain."""

    snapshot: str = ""
    place: int = 0
    head: str = ""


class LedgerCopy:
    """A ledger, and beside it the mark of the snapshot that it began with. `of` is what it is a copy of, for people."""

    def __init__(self, ledger: Path, of: str) -> None:
        self.path, self._of = ledger, of
        self._mark = ledger.with_name("snapshot")

    @property
    def is_there(self) -> bool:
        """Whether there is one."""
        return self.path.exists()

    def open(self) -> Ledger:
        """Open it; it is made where it is missing."""
        return Ledger(self.path)

    def known(self) -> Mark:
        """Return what it began with; nothing where that was no snapshot."""
        words = self._mark.read_text().split() if self._mark.exists() else [_FROM_THE_START]
        if words == [_FROM_THE_START]:
            return Mark()
        return Mark(words[0], int(words[1]), words[2]) if len(words) == 3 else Mark("".join(words))

    def note(self, snapshot: str) -> None:
        """Note that it is what a snapshot holds."""
        with self.open() as ledger:
            self._write(f"{snapshot} {ledger.received.last()} {ledger.audit.head()[1].hex()}")

    def begin(self) -> None:
        """Note that it will hold nothing but what is recorded from the start, unless it holds something already."""
        if not self._mark.exists() and not self.is_there:
            self._write(_FROM_THE_START)

    def stray(self) -> None:
        """Note that it will hold what the record does not, or not in its order: it belongs to no snapshot any more."""
        if self._mark.exists():
            self._write(_STRAY)

    def clear(self) -> None:
        """Make room for one that is made anew. One that may say more than the record does is kept beside it."""
        if self.is_there:
            self._settle()
            if self._mark.exists():
                self.path.unlink()
            else:
                self.path.rename(self._aside())

    @contextmanager
    def packed(self) -> Iterator[Iterator[bytes]]:
        """Yield it as it is at this moment, compressed, chunk by chunk."""
        import zstandard

        whole = self.path.with_name("snapshot.sqlite")
        whole.unlink(missing_ok=True)
        try:
            with explaining(str(whole)), closing(sqlite3.connect(self.path)) as source:
                open_private(whole).close()  # SQLite fills a file that is there and empty, and keeps its mode
                source.execute("VACUUM INTO ?", (str(whole),))
            with whole.open("rb") as file:
                yield iter(zstandard.ZstdCompressor(level=3).read_to_iter(file, read_size=CHUNK))
        finally:
            whole.unlink(missing_ok=True)

    def replace(self, snapshot: str, chunks: Iterable[bytes], sha256: str) -> bool:
        """Put a packed one in its place; false, and nothing is changed, where that has another hash.

        One that was there and is no part of it is kept beside it, and that is said.
        """
        import zstandard

        fetched, packed = self.path.with_name("fetched.sqlite"), self.path.with_name("fetched.zst")
        try:
            with explaining(str(fetched)):
                hashed = hashlib.sha256()
                with open_private(packed) as out:
                    for chunk in chunks:
                        hashed.update(chunk)
                        out.write(chunk)
                if hashed.hexdigest() != sha256:
                    return False
                with packed.open("rb") as source, open_private(fetched) as out:
                    zstandard.ZstdDecompressor().copy_stream(source, out)
            with Ledger(fetched, create=False) as theirs:  # it is a ledger, of a version that can be read
                head = self.known().head
                continues = not head or theirs.audit.position(bytes.fromhex(head)) is not None
            self._keep(continues=continues)
            fetched.replace(self.path)
        finally:
            fetched.unlink(missing_ok=True)
            packed.unlink(missing_ok=True)
            _remove_journals(fetched)
        self.note(snapshot)
        return True

    def _keep(self, *, continues: bool) -> None:
        if not self.is_there:
            return
        self._settle()
        if self._mark.exists() and continues:
            return
        aside = self._aside()
        shutil.copy2(self.path, aside)
        if not continues:
            said = "The record of %s does not go on from the one that was known here; that one is kept as %s."
            _log.warning(said, self._of, aside)

    def _settle(self) -> None:
        """Put what is still in its journal into its file."""
        with self.open():
            pass
        _remove_journals(self.path)

    def _write(self, mark: str) -> None:
        half = self._mark.with_name("snapshot.new")
        with open_private(half) as out:
            out.write(mark.encode())
        half.replace(self._mark)

    def _aside(self) -> Path:
        return self.path.with_name(f"ledger-before-{int(time.time())}.sqlite")


def _remove_journals(ledger: Path) -> None:
    """Remove the files that SQLite keeps beside a ledger, and no other that has a similar name."""
    for end in ("-wal", "-shm", "-journal"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)
