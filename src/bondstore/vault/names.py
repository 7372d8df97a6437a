"""Names of files on their way into a vault and back: every one is kept, and none leads out of its folder."""

from __future__ import annotations

import re

from bondstore.modes import in_corner
from bondstore.runs.paths import is_odd_name, safe_relpath

_LONGEST_KEY, _LONGEST_NAME = 1024, 255
"""Bytes of a store's key, and of a name in a folder."""
_ENCODED = re.compile(r"%[0-9A-F]{2}|[\x00-\x1f\x7f\\]")  # servers take a backslash for a slash


def stored_name(path: str) -> str:
    """Return the name that a file has in a vault: its own, unless a store cannot have that.

    Signs that no key can have, or not on every server, are written as ``%0A``. Names that hold such a thing already are
    written so that two files never get one name.
    """
    return safe_relpath(path) if _ENCODED.search(path) else path


def name_in_folder(path: str) -> str:
    """Return the name that a file of a vault gets in a folder: its own, unless that leads out, or into our record."""
    parts = path.split("/")
    if in_corner(path) or any(part in ("", ".", "..") or "\0" in part for part in parts):
        return safe_relpath(path)
    return path


def name_in_store(path: str) -> str:
    """Return the name that a file of a vault gets in another store."""
    return safe_relpath(path) if in_corner(path) or any(map(is_odd_name, path.split("/"))) else stored_name(path)


def is_short_enough(path: str, *, in_store: bool) -> bool:
    """Whether a store, or else a folder, takes a name as long as this."""
    if in_store:
        return _size(path) <= _LONGEST_KEY
    return all(_size(part) <= _LONGEST_NAME for part in path.split("/"))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
