"""Asking the C library to hand freed memory back: long runs over large objects stay as small as what they hold.

What is set here is set for the process, once; where the C library is not glibc nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of mallopt(3)


@cache
def few_arenas() -> None:
    """Let threads share two arenas: by default each gets one of its own, which keeps what its busiest moment took."""
    _set(_ARENA_MAX, 2)


@cache
def large_blocks_apart() -> None:
    """Give blocks from 1 MiB on back as soon as they are free: dearer for small objects, needed for large ones."""
    _set(_MMAP_THRESHOLD, 1 << 20)
    _set(_TRIM_THRESHOLD, 32 << 20)


def _set(name: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(name, value)
