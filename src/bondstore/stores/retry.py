"""How long, and in which rhythm, a request that failed for a passing reason is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile

_PATIENCE_PER_RETRY = 15.0


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Bounds on trying again, in seconds."""

    patience: float = 75.0  # without any progress; zero: one try only
    first_contact: float = 6.0  # the same, for the first connection: a wrong address is told soon
    first_wait: float = 0.1
    longest_wait: float = 8.0
    connect_timeout: float = 10.0  # for one attempt
    stall_timeout: float = 30.0  # without a byte in one attempt; never a limit for the whole body

    @classmethod
    def of(cls, profile: Profile) -> RetryRule:
        """Derive the rule from a profile: five retries, its default, are 75 s of patience."""
        patience = _PATIENCE_PER_RETRY * profile.retries
        return cls(
            patience=patience,
            first_contact=min(cls().first_contact, patience),
            connect_timeout=profile.connect_timeout,
            stall_timeout=profile.stall_timeout,
        )

    def waits(self) -> Iterator[float]:
        """Draw the waits between attempts without end: at random, so that many workers do not come back at once."""
        bound = self.first_wait
        while True:
            yield random.uniform(bound / 2, bound)  # noqa: S311 - no secret hangs on it
            bound = min(bound * 2, self.longest_wait)

    def inside(self, patience: float) -> dict[str, Any]:
        """Return obstore's own retry configuration for a given patience in seconds."""
        from datetime import timedelta

        return {
            "max_retries": 0 if patience <= 0 else 100,
            "retry_timeout": timedelta(seconds=patience),
            "backoff": {
                "init_backoff": timedelta(seconds=self.first_wait),
                "max_backoff": timedelta(seconds=self.longest_wait),
                "base": 2,
            },
        }
