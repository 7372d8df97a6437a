"""How often a test kills what it tests: a quarter of the times in the suite, all with ``EVERY_KILL=1``."""

from __future__ import annotations

import os

EVERY_KILL = "EVERY_KILL" in os.environ


def kills_of(number: int) -> int:
    """Return how many of so many kills a test makes now."""
    return number if EVERY_KILL else -(-number // 4)
