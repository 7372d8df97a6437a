"""Waiting for what another process or thread does: no test decides by how long something took on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0


def wait_until(reached: Callable[[], bool], pause: float = 0.01) -> None:
    """Ask again and again; fail when it takes so long that it will never be."""
    give_up = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < give_up, "this did not happen within a minute"
        time.sleep(pause)
