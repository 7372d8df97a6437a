"""Where a participants' CSV is read from: a file of this computer, or an object in a store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import check_named
from bondstore.config.resolve import resolve_store
from bondstore.errors import DamagedError, NotFoundError, UsageError
from bondstore.registry.sheet import LARGEST

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile


@dataclass(frozen=True, slots=True)
class SheetFile:
    """A CSV that was read."""

    name: str
    version: str  # the store's (etag); for a file the start of its SHA-256
    data: bytes = field(repr=False)


def read_source(place: str, profile: str | Profile | None = None) -> SheetFile:
    """Read a CSV of this computer or a store; not of the web: addresses of form tools hold the key to all answers."""
    scheme, separator, _ = check_named(place).partition("://")
    if not separator:
        return _file(Path(place).expanduser())
    if scheme.lower() not in ("s3", "az", "file", "memory"):
        raise UsageError(
            "A CSV is read from a file or a store, not from the web.",
            hint="Download it, or let the form tool put it into a bucket: s3://BUCKET/KEY.",
        )
    from bondstore.stores import open_store

    folder, _, key = place.rpartition("/")
    if not key or folder.endswith(":/"):
        raise UsageError("The address names no object.", hint="Write s3://BUCKET/KEY.")
    store = open_store(resolve_store(folder, profile), read_only=True)
    if store.head(key).size > LARGEST:
        raise _large()
    fetched = store.get(key)
    return SheetFile(place, fetched.info.etag or "", bytes(fetched.data))


def _file(path: Path) -> SheetFile:
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", hint="Check the path.")
    try:
        if path.stat().st_size > LARGEST:
            raise _large()
        data = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"The file {path} cannot be read ({error.strerror}).", hint="Check its rights.") from error
    return SheetFile(str(path), hashlib.sha256(data).hexdigest()[:16], data)


def _large() -> DamagedError:
    return DamagedError("The CSV is larger than 64 MiB.", kind="participants-csv", hint="Name the participants' CSV.")
