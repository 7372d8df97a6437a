"""Asking the C library to hand freed memory back: long runs over large objects stay as small as what they hold."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of mallopt(3)


@cache
def tune_allocator() -> None:
    """Set glibc's allocator for a run, once a process; elsewhere nothing is done.

    By default every thread gets an arena of its own, which keeps what one large object once took, and blocks of many
    megabytes go into arenas as soon as one was freed. Two arenas, and blocks from 1 MiB on by themselves, lower the
    peak of an export of large objects by a third.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, 1 << 20)
        mallopt(_TRIM_THRESHOLD, 32 << 20)
