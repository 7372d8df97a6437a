"""Writing into a folder: each file whole or not at all, and what a killed writer left is told from work under way.

A file is written as ``name.bondstore#1``, which nobody lists, under a lock, and renamed. Where nobody holds the lock
the writer is dead: the next one for this name takes its place, and `clear_unfinished` removes it.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bondstore.errors import AlreadyExistsError
from bondstore.stores.address import impossible
from bondstore.stores.kinds.file.disk import STAGED, etag_of

# Before, obstore and we wrote to "name#1". Such a file may be anybody's: it goes only where a whole place is ours, and
# none is written under such a name, as it would be taken for a leftover there.
_LEFT = re.compile(r"(?:\.bondstore)?#\d+$", re.ASCII)
_LONGEST = 255  # bytes of a name on every common file system
_COPIED = 1 << 20


class DiskWriter:
    """A client as obstore's stores are, for writing into a folder, which it makes."""

    def __init__(self, root: str) -> None:
        self._root = root
        Path(root).mkdir(parents=True, exist_ok=True)

    def put(self, path: str, data: Any, *, mode: str = "overwrite", **_: Any) -> dict[str, Any]:
        """Write a file from bytes or from pieces as they come; with the mode ``create`` only where there is none."""
        target = self._target(path)
        with _staged(target) as (handle, temporary):
            for piece in [data] if _is_buffer(data) else data:
                _write(handle, piece)
            found = os.fstat(handle)
            if mode == "create":
                try:
                    os.link(temporary, target)
                except FileExistsError:
                    raise AlreadyExistsError(f"There is an object {target} already.") from None
            else:
                Path(temporary).replace(target)
        return {"e_tag": etag_of(found), "version": None}

    def copy(self, source: str, target: str) -> None:
        """Copy a file."""
        with Path(self._target(source)).open("rb") as file:
            self.put(target, iter(lambda: file.read(_COPIED), b""))

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, in one step."""
        goal = Path(self._target(target))
        goal.parent.mkdir(parents=True, exist_ok=True)
        Path(self._target(source)).replace(goal)

    def delete(self, path: str) -> None:
        """Remove a file."""
        Path(self._target(path)).unlink()

    def _target(self, path: str) -> str:
        return target_of(self._root, path)


def target_of(root: str, path: str) -> str:
    """Return where a key's file is written; refuses names that are ours while a file is written."""
    if _LEFT.search(path) or STAGED.search(path):
        raise impossible(path)
    return f"{root}/{path}"


def clear_unfinished(root: str, is_ours: Callable[[str], bool]) -> list[str]:
    """Remove what dead writers left of files that `is_ours` names; returns what it was. No link is followed."""
    cleared = []
    for folder, _, names in os.walk(root):
        for name in filter(_LEFT.search, names):
            path = f"{folder}/{name}"
            key = _LEFT.sub("", os.path.relpath(path, root))
            if is_ours(key) and _remove_dead(path):
                cleared.append(key)
    return sorted(cleared)


@contextmanager
def _staged(target: str) -> Iterator[tuple[int, str]]:
    """Open the file that is to become `target`, under a lock; nothing of it is left where an error comes in between."""
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = _begin(target)
    try:
        yield handle, temporary
    finally:
        if _is_still(handle, temporary):  # else it was renamed, and the name may be another writer's now
            Path(temporary).unlink()
        os.close(handle)


def _begin(target: str) -> tuple[int, str]:
    number = 1
    while True:
        temporary = staged_name(target, str(number))
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            number += 0 if _remove_dead(temporary) else 1
            continue
        if _lock(handle) and _is_still(handle, temporary):
            return handle, temporary
        os.close(handle)  # somebody took it for a dead writer's in the moment before it was locked


def staged_name(target: str, tag: str) -> str:
    """Return the name of a file while it is written, which matches `STAGED`."""
    folder, _, name = target.rpartition("/")
    ending = f".bondstore#{tag}"
    while len(os.fsencode(name)) + len(ending) > _LONGEST:
        name = name[:-1]  # what then has the same name is told apart by the lock, as two writers of one file are
    return f"{folder}/{name}{ending}"


def _remove_dead(temporary: str) -> bool:
    """Remove a file that no writer holds; says whether it did."""
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # gone, a link, a folder, or not ours to write
        return False
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or not _lock(handle) or not _is_still(handle, temporary):
            return False
        Path(temporary).unlink()
    finally:
        os.close(handle)
    return True


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(handle: int, path: str) -> bool:
    try:
        there = Path(path).lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(handle))


def _is_buffer(data: Any) -> bool:
    try:
        memoryview(data).release()
    except TypeError:
        return False
    return True


def _write(handle: int, piece: Any) -> None:
    view = memoryview(piece).cast("B")
    while view:
        view = view[os.write(handle, view) :]
