"""Zips that are the same, byte for byte, whenever they are made of the same files."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time a zip can hold."""


@dataclass(frozen=True, slots=True)
class Zip:
    """A zip that was written.

    Parameters
    ----------
    path : Path
        Where.
    packed, size : int
        Bytes of the zip, and of what is in it.
    sha256 : str
        Of the zip, 64 hex digits.
    parts : tuple of str
        What is in it, as ``name version``.
    """

    path: Path
    packed: int
    size: int
    sha256: str
    parts: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {
            "kind": "zip",
            "path": str(self.path),
            "packed": self.packed,
            "size": self.size,
            "sha256": self.sha256,
            "parts": list(self.parts),
        }


def write_zip(path: Path, files: Iterable[tuple[str, bytes]], parts: tuple[str, ...]) -> Zip:
    """Write a zip under a temporary name, then rename it.

    Parameters
    ----------
    path : Path
        Where to.
    files : iterable of (str, bytes)
        Name and content; the names in order, none twice.
    parts : tuple of str
        What is in it, for the record.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    size = 0
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
            for name, data in files:
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3  # Unix: the rights below count
                info.external_attr = (0o100755 if _is_library(name) else 0o100644) << 16
                made.writestr(info, data)
                size += len(data)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Zip(path, path.stat().st_size, size, digest, parts)


def _is_library(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return last.endswith(".so") or ".so." in last
