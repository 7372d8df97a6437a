"""The folder a run writes to, with its private corner ``.bondstore``."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.errors import ConfigurationError, PolicyError
from bondstore.ledger import Ledger
from bondstore.runs.durable import OutputGroup
from bondstore.runs.paths import safe_relpath

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bondstore.ledger import Output

PRIVATE = ".bondstore"
QUARANTINE = f"{PRIVATE}/quarantine"


@dataclass(frozen=True, slots=True)
class Destination:
    """A local folder that holds outputs, their ledger and the quarantine.

    Parameters
    ----------
    root : Path
        Absolute path of the folder.
    """

    root: Path

    @property
    def ledger_path(self) -> Path:
        """The SQLite file."""
        return self.root / PRIVATE / "ledger.sqlite"

    @property
    def scratch(self) -> Path:
        """Where files lie until they are complete."""
        return self.root / PRIVATE / "tmp"

    def ledger(self, *, create: bool = True) -> Ledger:
        """Open the ledger for the calling thread."""
        return Ledger(self.ledger_path, create=create)

    def group(self) -> OutputGroup:
        """Return a new group of files that become visible together."""
        return OutputGroup(self.root, self.scratch / os.urandom(8).hex())

    def quarantine_path(self, key: str) -> str:
        """Return where the sealed bytes of a key are kept, relative to the root."""
        return f"{QUARANTINE}/{safe_relpath(key)}"

    def prepare(self) -> None:
        """Make the folder and its private corner (mode 0700)."""
        self.prepare_root()
        self._make(self.root / PRIVATE, 0o700)

    def prepare_root(self) -> None:
        """Make the folder alone.

        Raises
        ------
        ConfigurationError
            It cannot be made.
        """
        self._make(self.root, 0o777)

    def _make(self, folder: Path, mode: int) -> None:
        try:
            folder.mkdir(mode=mode, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The folder {self.root} could not be made ({error.strerror}).",
                hint="Name a folder you may write to.",
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run; clear what a killed one left half-written.

        Raises
        ------
        PolicyError
            Another run holds it.
        """
        self.prepare()
        with (self.root / PRIVATE / "lock").open("w") as file:
            try:
                _take(file.fileno())
            except OSError as error:
                raise PolicyError(
                    f"Another run is writing to {self.root}.",
                    hint="Wait for it to end, or name another destination.",
                ) from error
            shutil.rmtree(self.scratch, ignore_errors=True)
            try:
                yield
            finally:
                shutil.rmtree(self.scratch, ignore_errors=True)

    def busy(self) -> bool:
        """Whether a run is going on. Asks without waiting, and changes nothing."""
        try:
            file = (self.root / PRIVATE / "lock").open("rb")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def sweep_quarantine(self, ledger: Ledger) -> None:
        """Remove sealed bytes of objects that are in quarantine no more: they were mended, or replaced."""
        folder = self.root / QUARANTINE
        if not folder.exists():
            return
        kept = {self.quarantine_path(key) for key in ledger.items.quarantined_keys()}
        for file in folder.rglob("*"):
            if file.is_file() and file.relative_to(self.root).as_posix() not in kept:
                file.unlink()

    def holds(self, output: Output) -> bool:
        """Whether the file still is what was recorded.

        Size and modification time unchanged are taken for the content unchanged; where only the time differs, the
        content is hashed again. An output without a hash says that nothing came of its objects: no file is missing.
        """
        if not output.sha256:
            return True
        path = self.root / output.path
        try:
            stat = path.stat()
            if stat.st_size != output.size:
                return False
            if stat.st_mtime_ns == output.mtime_ns:
                return True
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest() == output.sha256
        except (FileNotFoundError, NotADirectoryError):
            return False


def _take(lock: int) -> None:
    """Lock a file; try again for a moment, as `Destination.busy` may be looking just now."""
    for pause in (0.01, 0.1):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
