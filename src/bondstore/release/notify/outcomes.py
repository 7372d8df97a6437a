"""What became of the messages of a run; and what time it is, for all that send."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bondstore.errors import BondstoreError
from bondstore.release.notify.deliveries import CLAIMED, FAILED, Delivery
from bondstore.runs.tally import Count, Tally


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is, and how to wait.

    Parameters
    ----------
    now : callable
        Returns seconds since 1970.
    sleep : callable
        Waits for seconds.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


SYSTEM = Clock()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message to one recipient.

    Parameters
    ----------
    recipient : str
        The subscriber's key; never the address.
    state : str
        ``sent``; ``failed`` (tried again by a later run), ``refused`` (never again unless asked), ``waiting`` (failed
        before and not due yet), ``busy`` (another is sending it), ``planned`` (dry run), ``left`` (the run stopped
        before), ``unsubscribed`` (meanwhile).
    news : int
        How many news are in it.
    message : str
        Its name.
    attempts : int
        How often it was tried.
    code : str
        Why it failed.
    receipt : str
        The provider's id.
    """

    recipient: str
    state: str
    news: int
    message: str = ""
    attempts: int = 0
    code: str = ""
    receipt: str = ""

    def record(self) -> dict[str, object]:
        """Return the fields for output."""
        return {
            "kind": "delivery",
            "recipient": self.recipient[:12],
            "state": self.state,
            "news": self.news,
            "attempts": self.attempts,
            "code": self.code,
            "receipt": self.receipt,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Notified:
    """How it went.

    Parameters
    ----------
    outcomes : tuple of Outcome
        One a message.
    already : int
        Pairs of news and recipient that were told by an earlier run.
    stopped : BondstoreError or None
        Why the run ended early: nothing could be sent at all.
    """

    outcomes: tuple[Outcome, ...]
    already: int = 0
    stopped: BondstoreError | None = field(default=None)

    @property
    def counts(self) -> dict[str, int]:
        """Messages by state."""
        return dict(Counter(one.state for one in self.outcomes))

    @property
    def complete(self) -> bool:
        """Whether everybody was told, by this run or before."""
        return self.settled and "refused" not in self.counts

    @property
    def settled(self) -> bool:
        """Whether nothing is left for a later run: what an event handler goes by, as who is refused stays refused.

        What another run is sending is left, too: nobody knows yet whether that one gets to its end.
        """
        return self.stopped is None and not {"failed", "waiting", "left", "busy"} & set(self.counts)

    @property
    def tally(self) -> Tally:
        """Messages as a tally: what failed is tried again, what is refused is not; ``already`` counts news."""
        counts = self.counts
        return Tally(
            done=Count(counts.get("sent", 0)),
            skipped=Count(sum(counts.get(name, 0) for name in ("busy", "planned", "unsubscribed"))),
            quarantined=Count(counts.get("refused", 0)),
            failed=Count(sum(counts.get(name, 0) for name in ("failed", "waiting", "left"))),
            inside={"already": self.already},
        )


def outcome_of(one: Delivery, news: int, *, tried: bool) -> Outcome:
    """Return the outcome of a message that was tried in this run, or was not."""
    state = one.state
    if state == FAILED and not one.due:
        state = "refused"
    elif state == FAILED and not tried:
        state = "waiting"
    elif state == CLAIMED:
        state = "busy"
    return Outcome(one.recipient, state, news, one.id, one.attempts, one.code, one.receipt)
