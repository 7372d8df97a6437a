"""Reading a folder, through the operating system itself: any name, any entry, and nothing that could hang.

obstore ends a whole listing at a link that leads back, at a folder it may not read and at a name with a control
character, leaves out what is neither file nor folder, and waits for ever at a pipe. Here each is told of by itself.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

from bondstore.errors import ChangedError, CredentialsError, NotFoundError, StoreError, used_up
from bondstore.stores.address import impossible
from bondstore.stores.info import Listing

_PAGE = 5_000
_SORTED = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STAGED = re.compile(r"\.bondstore#(?:\d+|p[0-9a-f]{16})$", re.ASCII)
"""The end of the name of what we have not finished writing: a number, or with a p an upload that can be resumed.

Nothing else is left out: it is somebody's file.
"""
_NO_TEXT = re.compile("[\udc80-\udcff]")  # a byte that is no UTF-8, as Python has it
_BYTE = re.compile("\ufffd=*([0-9a-f]{2})")

_Ident = tuple[int, int]
"""Device and inode."""


class Disk:
    """A client as obstore's stores are, for what lies in a folder; it only reads."""

    def __init__(self, root: str) -> None:
        self._root = root

    def head(self, path: str) -> dict[str, Any]:
        """Ask for a file's metadata."""
        try:
            found = Path(self._full(path)).stat()
        except OSError as raised:
            raise self._refusal(path, raised) from None
        return _meta(path, self._regular(path, found))

    def get(self, path: str, *, options: Mapping[str, Any] | None = None) -> _FileAnswer:
        """Open a file, of any version or a certain one; a pipe is opened without waiting for who writes into it."""
        try:
            handle = os.open(self._full(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as raised:
            raise self._refusal(path, raised) from None
        try:
            meta = _meta(path, self._regular(path, os.fstat(handle)))
        except BaseException:
            os.close(handle)
            raise
        got = _FileAnswer(handle, f"{self._root}/{path}", meta, (options or {}).get("range"))
        if (options or {}).get("if_match", meta["e_tag"]).strip('"') != meta["e_tag"]:
            raise ChangedError(f"The object {self._root}/{path} is not the version it was.")
        return got

    def list(self, prefix: str | None = None, *, offset: str | None = None, **_: Any) -> Iterator[Listing]:
        """List all files under a prefix, page by page, folder after folder."""
        entries = self._walk(prefix or "")
        if offset is not None:
            entries = ((key, found) for key, found in entries if key > offset)
        while part := list(islice(entries, _PAGE)):
            yield Listing(
                [key for key, _ in part],
                [found.st_size if found else 0 for _, found in part],
                [f'"{etag_of(found)}"' if found else "" for _, found in part],
                [found.st_mtime_ns // 1_000_000 if found else 0 for _, found in part],
                frozenset(key for key, found in part if found is None),
            )

    def list_with_delimiter(self, prefix: str | None = None) -> dict[str, Any]:
        """List what lies directly under a prefix."""
        prefixes: list[str] = []
        objects: list[dict[str, Any]] = []
        for entry in self._entries((prefix or "").rstrip("/")):
            key = f"{prefix or ''}{_text(entry)}"
            try:
                if entry.is_dir():
                    prefixes.append(key)
                elif not STAGED.search(entry.name):
                    objects.append(_meta(key, entry.stat()))
            except OSError as raised:
                _refuse_used_up(raised)
                if not isinstance(raised, FileNotFoundError) or entry.is_symlink():
                    nothing = {"size": 0, "e_tag": "", "version": None, "last_modified": _EPOCH}
                    objects.append({"path": key, **nothing, "barred": True})
        return {"common_prefixes": prefixes, "objects": objects}

    def _walk(self, prefix: str) -> Iterator[tuple[str, os.stat_result | None]]:
        """Yield files with their metadata, and without any the folders and links behind which nothing can be seen."""
        start = prefix.rstrip("/")
        try:
            above = self._chain(start)
            if above is None:
                return
        except OSError as raised:
            _refuse_used_up(raised)
            yield prefix, None
            return
        stack = [(start, above, self._sorted(start))]
        while stack:
            folder, inside, entries = stack[-1]
            try:
                for entry in entries:
                    key = f"{folder}/{_text(entry)}" if folder else _text(entry)
                    try:
                        if not entry.is_dir():
                            if not STAGED.search(entry.name):
                                yield key, entry.stat()
                            continue
                        ident = _ident(entry.stat())
                    except OSError as raised:
                        _refuse_used_up(raised)
                        if not isinstance(raised, FileNotFoundError) or entry.is_symlink():
                            yield key, None
                        continue  # it went while the folder was read
                    if ident in inside:
                        yield f"{key}/", None
                        continue
                    stack.append((key, (*inside, ident), self._sorted(key)))
                    break
                else:
                    stack.pop()
            except OSError as raised:
                _refuse_used_up(raised)
                if not folder:
                    raise
                yield f"{folder}/", None
                stack.pop()

    def _sorted(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of a folder by name, as far as they fit into memory at a time."""
        entries = self._entries(folder)
        while some := list(islice(entries, _SORTED)):
            yield from sorted(some, key=lambda entry: entry.name)

    def _chain(self, folder: str) -> tuple[_Ident, ...] | None:
        """Return what identifies a folder and all above it; None where there is none, an error where it leads back."""
        chain = [_ident(Path(self._root).stat())]
        full = self._root
        for name in folder.split("/") if folder else ():
            full = f"{full}/{self._name(full, name)}"
            try:
                found = Path(full).stat()
            except (FileNotFoundError, NotADirectoryError):
                if Path(full).is_symlink():
                    raise
                return None
            if not stat.S_ISDIR(found.st_mode):
                return None
            if _ident(found) in chain:
                raise _LeadsBackError(full)
            chain.append(_ident(found))
        return tuple(chain)

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self._full(folder) if folder else self._root) as entries:
                yield from entries
        except (FileNotFoundError, NotADirectoryError):
            if not folder:
                raise NotFoundError(f"There is no folder {self._root}.") from None
        except PermissionError:
            if not folder:
                raise CredentialsError(f"The folder {self._root} may not be read by this user.") from None
            raise

    def _full(self, path: str) -> str:
        """Return where a key's file is; refuses what would lead out of the folder."""
        closed = f"/{path.removesuffix('/')}/"
        if "//" in closed or "/./" in closed or "/../" in closed or "\0" in path:
            raise impossible(path)
        if "\ufffd" not in path:
            return f"{self._root}/{path}"
        full = self._root
        for name in path.split("/"):
            full = f"{full}/{self._name(full, name)}"
        return full

    @staticmethod
    def _name(folder: str, text: str) -> str:
        """Return the name on the disk that `_text` writes so."""
        if "\ufffd" not in text or os.path.lexists(f"{folder}/{text}"):
            return text
        return _BYTE.sub(lambda found: os.fsdecode(bytes.fromhex(found[1])), text)

    def _regular(self, path: str, found: os.stat_result) -> os.stat_result:
        if stat.S_ISREG(found.st_mode):
            return found
        if stat.S_ISDIR(found.st_mode):
            raise self._no_file(path)
        raise StoreError(
            f"{self._root}/{path} is a pipe, a socket or a device.", hint="Only files are read: move it elsewhere."
        )

    def _no_file(self, path: str) -> Exception:
        """Return the error for a folder, which is no object; one behind which nothing is seen is listed as such."""
        if not path.endswith("/"):
            return NotFoundError(f"There is no object {self._root}/{path}.")
        try:
            if self._chain(path.rstrip("/")) is not None:
                next(self._entries(path.rstrip("/")), None)
        except OSError as raised:
            return self._reason(path, raised)
        return impossible(path)

    def _refusal(self, path: str, raised: OSError) -> Exception:
        """Return an error of one object: others in the folder may well be read."""
        if isinstance(raised, FileNotFoundError) and path.endswith("/"):
            return self._no_file(path)
        is_told = isinstance(raised, PermissionError) or raised.errno == errno.ELOOP
        if is_told or (isinstance(raised, FileNotFoundError) and Path(self._full(path)).is_symlink()):
            return self._reason(path, raised)
        return raised

    def _reason(self, path: str, raised: OSError) -> StoreError:
        """Say why nothing can be seen behind a key."""
        _refuse_used_up(raised)
        what = f"{self._root}/{path}"
        if isinstance(raised, PermissionError):
            return StoreError(f"{what} may not be read by this user.", hint="Ask its owner for the permission.")
        if isinstance(raised, FileNotFoundError):
            return StoreError(f"{what} is a link to something that is not there.", hint="Mend or remove the link.")
        if raised.errno == errno.ELOOP:
            return StoreError(f"{what} is a link that leads to itself.", hint="Mend or remove the link.")
        if isinstance(raised, _LeadsBackError):
            return StoreError(
                f"The link {what} leads back to a folder that it lies in.",
                hint="Nothing is missing behind it: remove the link.",
            )
        return StoreError(f"The folder {what} cannot be read ({raised.strerror}).")


class _LeadsBackError(OSError):
    """A folder is one of those that it lies in."""


class _FileAnswer:
    """An answer to `get`, as obstore's are."""

    def __init__(self, handle: int, path: str, meta: dict[str, Any], wanted: tuple[int, int] | None) -> None:
        self.meta = meta
        self._handle, self._path = handle, path
        start, end = wanted or (0, meta["size"])
        self.range = (min(start, meta["size"]), min(end, meta["size"]))

    def __del__(self) -> None:
        os.close(self._handle)

    def stream(self, size: int) -> Iterator[bytes]:
        """Read it in pieces."""
        reached, end = self.range
        while reached < end:
            piece = os.pread(self._handle, min(size, end - reached), reached)
            if not piece:
                raise ChangedError(f"The object {self._path} became shorter while it was read.")
            reached += len(piece)
            yield piece

    def bytes(self) -> bytes:
        """Read it whole."""
        pieces = list(self.stream(max(1, self.range[1] - self.range[0])))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _text(entry: os.DirEntry[str]) -> str:
    """Write a name whose bytes are no UTF-8 as text: for each such byte U+FFFD and two digits.

    Where there is another entry that is really named so, with as many ``=`` in between as tell the two apart.
    """
    name = entry.name
    if name.isascii() or not _NO_TEXT.search(name):
        return name
    folder = entry.path[: -len(name)]
    for between in count():
        mark = "\ufffd" + "=" * between
        text = _NO_TEXT.sub(lambda found, mark=mark: f"{mark}{ord(found[0]) - 0xDC00:02x}", name)  # type: ignore[misc]
        if not os.path.lexists(f"{folder}{text}"):
            break
    return text


def _refuse_used_up(raised: OSError) -> None:
    """Raise where the machine has no more of something: that is no property of what was to be read."""
    # By its number alone: its text has the name of the file in it.
    if (exhausted := used_up(OSError(raised.errno, ""))) is not None:
        raise exhausted from None


def _ident(found: os.stat_result) -> _Ident:
    return found.st_dev, found.st_ino


def etag_of(found: os.stat_result) -> str:
    """Write the tag that obstore gives a file, so that what was recorded by it stays as it is."""
    return f"{found.st_ino:x}-{max(found.st_mtime_ns // 1000, 0):x}-{found.st_size:x}"


def _meta(path: str, found: os.stat_result) -> dict[str, Any]:
    return {
        "path": path,
        "size": found.st_size,
        "e_tag": etag_of(found),
        "version": None,
        "last_modified": _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1000),
    }
