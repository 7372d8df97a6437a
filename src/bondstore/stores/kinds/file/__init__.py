"""Folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bondstore.errors import ChangedError, NotFoundError, UsageError
from bondstore.modes import Folders
from bondstore.stores.address import Address, Client, Role, StoreKind, register
from bondstore.stores.kinds.file.disk import Disk
from bondstore.stores.kinds.file.parts import StagedUploads
from bondstore.stores.kinds.file.writing import DiskWriter, clear_unfinished

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.retry import RetryRule


class FileKind(StoreKind):
    """``file:///folder``."""

    schemes = ("file",)
    example = "file:///folder"
    rank = 3
    is_remote = False
    renames = True
    has_odd_keys = True
    has_parts = True
    is_exact = True

    def parse(self, url: str) -> Address:
        """Decode the path: only a whole URI was percent-encoded by its writer, ``?`` and ``#`` included."""
        parts = urlsplit(url)
        if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
            raise UsageError(f"{url!r} names no local folder.", hint="Write three slashes: file:///folder.")
        return Address(self.name, str(Path(unquote(parts.path))))

    def url(self, address: Address) -> str:
        """Write the path as a URI."""
        return Path(address.place).as_uri()

    def folder(self, address: Address) -> Path:
        """Return the folder itself."""
        return Path(address.place)

    def parts(self, address: Address) -> tuple[str, ...]:
        """Go by what a folder is, not by its name: links are followed."""
        return Path(address.place).resolve().parts

    def client(self, address: Address, profile: Profile, rule: RetryRule, role: Role) -> Client:  # noqa: ARG002
        """Open the folder; who writes makes it, who reads must find it."""
        if role == "parts":
            return StagedUploads(address.place.rstrip("/"))
        if role in {"write", "once"}:
            return DiskWriter(address.place.rstrip("/"))
        if not Path(address.place).is_dir():
            if Path(address.place).exists():
                raise NotFoundError(f"{address.place} is no folder.", hint="Name the folder that it is in.")
            raise NotFoundError(
                f"There is no folder {address.place}.", hint="Check its name; a bucket is written s3://BUCKET."
            )
        return Disk(address.place.rstrip("/"))

    def check_way(self, address: Address, key: str) -> None:
        """Raise `PolicyError` where a folder on the way is a link."""
        Folders(address.place).check(f"{address.place}/{key}".rpartition("/")[0])

    def clear_unfinished(self, address: Address, is_ours: Callable[[str], bool]) -> list[str]:
        """Remove what a killed writer left beside the name of its file."""
        return clear_unfinished(address.place.rstrip("/"), is_ours)

    def replacing(self, address: Address) -> AbstractContextManager[None]:
        """Lock the folder: a file system has no conditional replacement."""
        return _folder_lock(Path(address.place))


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    import fcntl
    import os

    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        raise ChangedError(f"The folder {folder} is gone.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


register(FileKind())
