"""The journal of one upload in parts: a line of JSON for each, durable before it counts."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bondstore.errors import ConfigurationError, UsageError
from bondstore.modes import make_folder
from bondstore.stores.failures import understand
from bondstore.stores.uploads import Part

_FORMAT = 1
_MARK = "bondstore-upload"


class Journal:
    """A journal, opened for one process at a time.

    Its first line says which object it is about. The others give what is known in their order: a mark from before the
    upload, its id, its parts, and that all parts are there. A line that cannot be read counts for nothing, and what it
    told is done again.

    Parameters
    ----------
    path : pathlib.Path
        Its file, which is made for the user's eyes only.
    about : mapping
        What it is about: store, endpoint and key.
    storage_class : str
        The class of a new upload.
    """

    def __init__(self, path: Path, about: Mapping[str, str], storage_class: str) -> None:
        self._path = path
        self._head = {_MARK: _FORMAT, **about}
        self._wanted = storage_class
        self._lock = threading.Lock()
        make_folder(path.parent)
        self._file: int | None = _open_locked(path)
        try:
            lines = self._read()
            self._check(lines)
        except BaseException:
            self.close()
            raise
        if lines:
            self._take(lines)
        else:
            self.restart()

    def _read(self) -> list[dict[str, Any]]:
        """Read what is whole, and cut off what was being written when its writer was killed."""
        assert self._file is not None
        text = os.pread(self._file, os.fstat(self._file).st_size, 0)
        start = f'{{"{_MARK}": '.encode()
        if text[: len(start)] != start[: len(text)]:
            raise _no_journal(self._path)
        whole = text.rfind(b"\n") + 1
        os.ftruncate(self._file, whole)
        return list(map(_parsed, text[:whole].splitlines()))

    def _check(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        if _MARK not in lines[0]:
            raise _no_journal(self._path)
        if lines[0][_MARK] != _FORMAT:
            raise UsageError(
                f"The journal {self._path} was written by another version of Bondstore.",
                hint="Finish that upload with the version that began it, or name another journal.",
            )
        if any(lines[0].get(name) != value for name, value in self._head.items()):
            where = f"{lines[0].get('store')}/{lines[0].get('key')}"
            at = f" at {lines[0]['endpoint']}" if lines[0].get("endpoint") else ""
            raise UsageError(
                f"The journal {self._path} belongs to another upload: {where}{at}.",
                hint="Finish or abort that upload first, or name another journal.",
            )

    def _take(self, lines: list[dict[str, Any]]) -> None:
        self.storage_class = str(lines[0].get("class", ""))
        self.mark = _last(lines, "mark")
        self.upload = _last(lines, "upload")
        parts = [part for line in lines if (part := _part(line)) is not None]
        self.parts = {part.number: part for part in parts}
        self.is_finishing = any(line.get("finishing") is True for line in lines)

    def restart(self) -> None:
        """Forget the upload, once it is aborted or gone."""
        assert self._file is not None
        os.ftruncate(self._file, 0)
        self._take([{}])
        self.storage_class = self._wanted
        self.write({**self._head, "class": self._wanted})

    def set_mark(self, mark: str) -> None:
        """Note the moment before an upload is begun."""
        self.mark = mark
        self.write({"mark": mark})

    def set_upload(self, upload: str) -> None:
        """Note the id of the upload."""
        self.upload = upload
        self.write({"upload": upload})

    def add(self, part: Part) -> None:
        """Note a part that arrived."""
        self.write({"part": asdict(part)})
        self.parts[part.number] = part

    def set_finishing(self) -> None:
        """Note that the object is about to be made of the parts."""
        self.is_finishing = True
        self.write({"finishing": True})

    def write(self, line: Mapping[str, Any]) -> None:
        """Write a line and make it durable; nothing once the journal is closed."""
        with self._lock:
            if self._file is None:
                return
            data = f"{json.dumps(line, ensure_ascii=True)}\n".encode()
            try:
                while data:
                    data = data[os.write(self._file, data) :]
                os.fsync(self._file)
            except OSError as raised:
                raise understand(raised, str(self._path)).error from None

    @property
    def is_closed(self) -> bool:
        """Whether nothing is written any more."""
        return self._file is None

    def remove(self) -> None:
        """Remove it: the upload is complete or aborted."""
        with self._lock:
            if self._file is not None:
                self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let other processes have it."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = None


def upload_of(path: Path) -> str:
    """Return the id of a journal's upload, without opening it; empty where there is none."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return ""
    return _last(list(map(_parsed, lines)), "upload")


def _open_locked(path: Path) -> int:
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as raised:
            raise ConfigurationError(
                f"The journal {path} cannot be written ({raised.strerror}).", hint="Name a file that you may write."
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise UsageError(
                f"The journal {path} is in use: its object is being sent already.",
                hint="Wait for that upload to end, then run this one again.",
            ) from None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(path.lstat(), os.fstat(file)):
                sync_folder(path.parent)
                return file
        os.close(file)  # its upload was finished in the moment before it was locked


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parsed(line: bytes) -> dict[str, Any]:
    """Read a line; an empty dictionary for a damaged one."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _last(lines: list[dict[str, Any]], name: str) -> str:
    return next((str(line[name]) for line in reversed(lines) if name in line), "")


def _part(line: Mapping[str, Any]) -> Part | None:
    """Return the part of a line; None for any other."""
    try:
        part = Part(**line["part"])
        is_sound = min(part.number - 1, part.offset, part.size) >= 0
    except (KeyError, TypeError):
        return None
    return part if is_sound and all(isinstance(text, str) for text in (part.sha256, part.etag, part.note)) else None


def _no_journal(path: Path) -> UsageError:
    return UsageError(f"{path} is not the journal of an upload.", hint="Name another file for the journal.")
