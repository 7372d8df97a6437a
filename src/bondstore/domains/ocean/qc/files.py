"""Files that suites name, such as tables of climatology: read once, and only with the content that the suite saw."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

from bondstore.errors import ConfigurationError

Content = TypeVar("Content")


class FileName(str):
    """A threshold that names a file: its absolute path, with the sha256 in hex of what it held for the suite.

    Suites state it relative to their own folder; the digest is empty where nobody looked.
    """

    __slots__ = ("sha256",)
    sha256: str

    def __new__(cls, path: str, sha256: str = "") -> Self:
        """Return the name, with what the file held."""
        made = super().__new__(cls, path)
        made.sha256 = sha256
        return made


def located(name: FileName, folder: Path | None) -> FileName:
    """Return a file that a suite names by its whole path, with what it holds."""
    path = Path(name) if folder is None else folder / name
    if not path.is_absolute():
        raise ConfigurationError(
            f"A suite names the file {name}, and nothing says in which folder.", hint="Name it by its whole path."
        )
    try:
        held = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "A file that a suite names is not there, or cannot be read.", hint=f"Looked for {name}."
        ) from error
    return FileName(str(path), hashlib.sha256(held).hexdigest())


def content_of(path: str, parse: Callable[[bytes, str], Content], what: str, advice: str) -> Content:
    """Return what a file holds, parsed; `what` it is begins the message where it cannot be read."""
    try:
        at = Path(path).stat()
    except OSError as error:
        raise ConfigurationError(f"{what} is not there.", hint=f"Looked for {path}.") from error
    found: Content = _parsed(path, (at.st_mtime_ns, at.st_size), getattr(path, "sha256", ""), parse, (what, advice))
    return found


@lru_cache(maxsize=16)
def _parsed(
    path: str, _state: tuple[int, int], sha256: str, parse: Callable[[bytes, str], Any], texts: tuple[str, str]
) -> Any:
    """Parse a file once for all batches; again when it has changed: then it must hold what the suite saw."""
    what, advice = texts
    try:
        held = Path(path).read_bytes()
        if sha256 and hashlib.sha256(held).hexdigest() != sha256:
            raise ConfigurationError(f"{what} is no longer what it was when the suite was read.", hint="Run it again.")
        return parse(held, path)
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise ConfigurationError(f"{what} cannot be read.", hint=advice) from error
