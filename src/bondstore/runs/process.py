"""What a process has once: open stores, the account's name, and how the C library keeps memory."""

from __future__ import annotations

import ctypes
import getpass
import socket
import sys
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.config.profiles import StoreSpec
    from bondstore.stores import Store

_stores: dict[StoreSpec, Store] = {}
_guard = threading.Lock()


def shared_store(spec: StoreSpec) -> Store:
    """Return this process's open store of an address: its connections serve all shards."""
    with _guard:
        if spec not in _stores:
            _stores[spec] = open_store(spec)
        return _stores[spec]


@contextmanager
def closing_stores() -> Iterator[None]:
    """Let go of what was opened in this process, once something is through: the next one may have other credentials."""
    try:
        yield
    finally:
        with _guard:
            _stores.clear()


@cache
def whoami() -> str:
    """Return ``account@machine``, as the audit names who reads."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        account = "unknown"
    return f"{account}@{socket.gethostname()}"


# Long runs over large objects stay as small as what they hold only when the C library hands freed memory back. What
# is set here is set for the process, once; nothing is done where it is not glibc. The numbers are of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


@cache
def few_arenas() -> None:
    """Let threads share two arenas: by default each gets one of its own, which keeps what its busiest moment took."""
    _mallopt(_ARENA_MAX, 2)


@cache
def large_blocks_apart() -> None:
    """Give blocks from 1 MiB on back as soon as they are free: dearer for small objects, needed for large ones."""
    _mallopt(_MMAP_THRESHOLD, 1 << 20)
    _mallopt(_TRIM_THRESHOLD, 32 << 20)


def _mallopt(name: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(name, value)
