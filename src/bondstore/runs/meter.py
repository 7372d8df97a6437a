"""How far a run is, in words: what every way of showing it stands on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from bondstore.runs import pulse
from bondstore.runs.progress import NOTHING
from bondstore.runs.tally import Count
from bondstore.text import bytes_text, duration_text, number_text, rate_text

_NEARLY = 0.99
"""What workers count says no more than this: an object is done when its receipt is recorded."""


class Meter:
    """How far a run is; computes, and prints nothing."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        things: str = "objects",
        *,
        inside: str = "",
        guess: Callable[[Count], float] | None = None,
    ) -> None:
        self._clock, self._things = clock, things
        self.within = inside  # what workers count while an object is not done yet, as `pulse` has it
        self._guess = guess  # seconds that so much may take: what is said while nothing is done yet
        self._began = clock()
        self.total: Count | None = None
        self.done = Count()
        self._inside: Mapping[str, int] = {}

    def begin(self, total: Count) -> None:
        """Start the clock: so much is to be done."""
        self._began = self._clock()
        self.total, self.done = total, Count()

    def advance(self, step: Count, inside: Mapping[str, int] = NOTHING) -> None:
        """Add what is done."""
        self.done += step
        self._inside = Counter(self._inside) + Counter(inside)

    @property
    def fraction(self) -> float:
        """The share that is done, 0 to 1: of objects or bytes, whichever is further behind."""
        if self.total is None:
            return 0.0
        shares = [
            done / total
            for done, total in ((self.done.objects, self.total.objects), (self.done.bytes, self.total.bytes))
            if total
        ]
        share = min(1.0, *shares) if shares else 1.0
        if self.within and self.total.bytes and share < 1:
            share = max(share, min(_NEARLY, pulse.seen()[1] / self.total.bytes))
        return share

    def left(self) -> float | None:
        """Return the seconds left at the rate so far, before that by a guess, or ``None`` while nothing can be said."""
        share, passed = self.fraction, self._clock() - self._began
        if not share and self._guess and self.within and self.total is not None:
            return max(1.0, self._guess(self.total) - passed)
        return passed * (1 - share) / share if share else None

    def text(self) -> str:
        """Return the state in words."""
        if self.total is None:
            return f"listing: {number_text(self.done.objects)} {self._things}, {bytes_text(self.done.bytes)}"
        passed = max(self._clock() - self._began, 1e-9)
        parts = [
            f"{number_text(self.done.objects)} of {number_text(self.total.objects)} {self._things}",
            f"{bytes_text(self.done.bytes)} of {bytes_text(self.total.bytes)}",
        ]
        if waits := pulse.waits():
            return ", ".join([*parts, waits])
        parts += [
            f"{rate_text(self.done.objects / passed)} {self._things}/s",
            f"{bytes_text(self.done.bytes / passed)}/s",
        ]
        inside = dict(self._inside)
        if self.within:
            inside[self.within] = max(inside.get(self.within, 0), pulse.seen()[0])
        for what, number in inside.items():
            parts.append(f"{number_text(number)} {what} ({rate_text(number / passed)}/s)")
        left = self.left()
        if left is not None and self.fraction < 1:
            parts.append(f"{'' if self.fraction else 'about '}{duration_text(left)} left")
        return ", ".join(parts)
