"""Store addresses: ``s3://bucket/prefix``, ``az://container/prefix``, ``file:///folder``, ``memory://name``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from bondstore.errors import UsageError

Kind = Literal["s3", "az", "file", "memory"]
_NAME = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]*", re.ASCII)  # old buckets have capitals and _; $ is Azure's $web
_HINT = "Write s3://bucket/prefix, az://container/prefix, file:///folder or memory://name."


@dataclass(frozen=True, slots=True)
class Address:
    """A store's address, taken apart.

    Parameters
    ----------
    kind : {"s3", "az", "file", "memory"}
        Which sort of store.
    place : str
        Bucket, container, absolute folder or name.
    prefix : str
        What all its keys start with; without slashes at its ends.
    """

    kind: Kind
    place: str
    prefix: str = ""

    @property
    def url(self) -> str:
        """The address written in one way only."""
        if self.kind == "file":
            return Path(self.place).as_uri()
        return f"{self.kind}://{self.place}" + (f"/{self.prefix}" if self.prefix else "")


def parse_address(url: str) -> Address:
    """Take a store address apart.

    Parameters
    ----------
    url : str
        The address. A prefix of ``s3`` and ``az`` is taken as it stands: nothing in it is percent-decoded.

    Raises
    ------
    UsageError
        When it is no store address.
    """
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise UsageError(f"{url!r} is no store address.", hint=_HINT)
    if scheme == "file":
        return _folder(url)
    place, _, prefix = rest.partition("/")
    if scheme == "memory":
        return Address("memory", rest.strip("/") or "default")
    if scheme in {"s3", "s3a", "az"}:
        if not _NAME.fullmatch(place):
            raise UsageError(f"{scheme}:// needs a {'container' if scheme == 'az' else 'bucket'} name.", hint=_HINT)
        return Address("az" if scheme == "az" else "s3", place, _checked_prefix(prefix.strip("/")))
    raise UsageError(f"Stores of kind {scheme}:// are not known.", hint=_HINT)


def _folder(url: str) -> Address:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise UsageError(f"{url!r} names no local folder.", hint="Write three slashes: file:///folder.")
    # Only a whole URI was percent-encoded by its writer; '?' and '#' in a folder name come through that way.
    return Address("file", str(Path(unquote(parts.path))))


def _checked_prefix(prefix: str) -> str:
    if any(part in {"", ".", ".."} for part in prefix.split("/")) and prefix:
        raise UsageError("A store's prefix has an empty, '.' or '..' part.", hint=_HINT)
    return prefix
