"""The plots of one run: each is read once, as long as memory allows."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_KEPT = 64 << 20


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot.

    Parameters
    ----------
    key : str
        Where it lies.
    data : bytes
        A PNG; empty where it is something else that a mail can only link to.
    digest : str
        SHA-256 of its bytes.
    """

    key: str
    data: bytes
    digest: str


class Pictures:
    """Reads plots and keeps the last ones.

    Parameters
    ----------
    read : callable
        Returns a plot's bytes by its key; None where it is none.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._kept: OrderedDict[str, Picture | None] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> Picture | None:
        """Return a plot; None where there is none."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        data = self._read(key)
        made = None
        if data is not None:
            made = Picture(key, data if data.startswith(_PNG) else b"", hashlib.sha256(data).hexdigest())
        self._kept[key] = made
        self._bytes += len(made.data) if made else 0
        while self._bytes > _KEPT and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.data) if gone else 0
        return made
