"""What became of each message: claimed before it is sent, sent only once the provider has taken it on.

Two kinds of rows lie in one table. ``m-…`` is a message to one recipient, and carries its state. ``n-…`` says which
message one piece of news went to one recipient with; it exists once, so nothing is told twice. No row has an address.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bondstore.databases import Change, Row, Table, Value
from bondstore.errors import BondstoreError, ChangedError
from bondstore.notify.transport import Accepted, Answer
from bondstore.runs.tally import Count, Tally

TABLE = "notify-deliveries"
KEY = "delivery"
CLAIMED, SENT, FAILED = "claimed", "sent", "failed"
_CHUNK = 90
_FEW = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to one recipient."""

    id: str  # its Message-ID is made of it
    recipient: str  # the subscriber's key
    state: str
    attempts: int
    doubts: int  # how often nobody knew whether it had been taken on, and it was sent again
    made: int  # when it was first claimed, seconds since 1970: the date it bears
    at: int  # when it came into this state
    due: int  # from when on it may be tried again; 0 for never
    code: str  # why it failed last
    receipt: str  # the provider's id of it
    version: int


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When a message is tried again; see `MailSettings`."""

    attempts: int
    lease: float
    pause: float
    again: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is in seconds since 1970, and how to wait."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


SYSTEM = Clock()


@dataclass(frozen=True, slots=True)
class MailOutcome:
    """What became of one message to one recipient."""

    recipient: str  # the subscriber's key; never the address
    state: str
    """``sent``; ``failed`` (tried again by a later run), ``rejected`` (never again unless asked), ``retry-later``
    (failed before and not due yet), ``in-progress`` (another is sending it), ``planned`` (dry run),
    ``not-attempted`` (the run stopped before), ``unsubscribed`` (meanwhile)."""
    news: int  # how many are in it
    message: str = ""
    attempts: int = 0
    code: str = ""
    receipt: str = ""

    @classmethod
    def of(cls, one: Delivery, news: int, *, tried: bool) -> MailOutcome:
        """Return the outcome of a message that was tried in this run, or was not."""
        state = one.state
        if state == FAILED and not one.due:
            state = "rejected"
        elif state == FAILED and not tried:
            state = "retry-later"
        elif state == CLAIMED:
            state = "in-progress"
        return cls(one.recipient, state, news, one.id, one.attempts, one.code, one.receipt)

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
    """How a run went, one outcome a message."""

    outcomes: tuple[MailOutcome, ...]
    already: int = 0  # pairs of news and recipient that were told by an earlier run
    stopped: BondstoreError | None = None  # why the run ended early: nothing could be sent at all

    @property
    def counts(self) -> dict[str, int]:
        """Messages by state."""
        return dict(Counter(one.state for one in self.outcomes))

    @property
    def complete(self) -> bool:
        """Whether everybody was told, by this run or before."""
        return self.settled and "rejected" not in self.counts

    @property
    def settled(self) -> bool:
        """Whether nothing is left for a later run: what an event handler goes by, as who is refused stays refused.

        What another run is sending is left, too: nobody knows yet whether that one gets to its end.
        """
        return self.stopped is None and not {"failed", "retry-later", "not-attempted", "in-progress"} & set(self.counts)

    @property
    def tally(self) -> Tally:
        """Messages as a tally: what failed is tried again, what is refused is not; ``already`` counts news."""
        counts = Counter(_TALLIED[one.state] for one in self.outcomes)
        tally = Tally.of({outcome: Count(number) for outcome, number in counts.items()})
        return replace(tally, inside={"already": self.already})


_TALLIED = {
    "sent": "done",
    "in-progress": "skipped",
    "planned": "skipped",
    "unsubscribed": "skipped",
    "rejected": "quarantined",
    "failed": "failed",
    "retry-later": "failed",
    "not-attempted": "failed",
}


class Deliveries:
    """A table of deliveries, with `KEY` as its key."""

    def __init__(self, table: Table, rules: RetryRules, clock: Callable[[], float]) -> None:
        self._table, self._rules, self._clock = table, rules, clock
        self._known: dict[str, str] | None = None

    def create(self) -> None:
        """Make the table unless it is there."""
        self._table.create()

    def exists(self) -> bool:
        """Tell whether the table is there."""
        return self._table.exists()

    def read_ahead(self, pairs: int) -> None:
        """Read the whole table once where so many questions of `messages_about` will come that this is cheaper."""
        if pairs > _FEW:
            rows = (row for row in self._table.scan() if str(row.key).startswith("n-"))
            self._known = {str(row.key): str(row.fields.get("message", "")) for row in rows}

    def messages_about(self, recipient: str, news: Sequence[str]) -> dict[str, str]:
        """Return by news' digest the message it went to a recipient with; what is new to them is left out."""
        found = {}
        for one in news:
            key = _news_key(recipient, one)
            if self._known is not None:
                if key in self._known:
                    found[one] = self._known[key]
            elif (row := self._table.get(key)) is not None:
                found[one] = str(row.fields.get("message", ""))
        return found

    def get(self, message: str) -> Delivery | None:
        """Return a message as it is now."""
        row = self._table.get(f"m-{message}")
        return _delivery(row) if row is not None else None

    def is_due(self, one: Delivery) -> bool:
        """Tell whether a message may be tried now."""
        now = self._clock()
        if one.state == CLAIMED:
            return now >= one.at + self._rules.lease
        if one.state == FAILED:
            return self._rules.again or (0 < one.due <= now and one.attempts < self._rules.attempts)
        return False

    def claim(self, recipient: str, news: Sequence[str]) -> tuple[Delivery, list[str]] | None:
        """Claim news, by their digests, for a new message to one recipient.

        Returns the message with the news that are in it: those that nobody else claimed meanwhile. None when that is
        none. Message and links go in one change where the database has that many in one (`_CHUNK`); who is stopped
        between two changes leaves a message whose news are claimed in part, which `_claim_known` takes up.
        """
        now = int(self._clock())
        name = message_id(recipient, news)
        first: dict[str, Value] = {
            "state": CLAIMED, "recipient": recipient, "attempts": 1, "doubts": 0, "made": now, "at": now, "due": 0,
            "news": len(news),
        }  # fmt: skip
        head = Change(f"m-{name}", None, first)
        try:
            [row, *_] = self._table.apply([head, *self._links(recipient, news[:_CHUNK], name)])
            got = list(news[:_CHUNK])
        except ChangedError:
            try:
                [row] = self._table.apply([head])
            except ChangedError:
                return self._claim_known(name, recipient, news)
            got = self._link_each(recipient, news[:_CHUNK], name)
        for start in range(_CHUNK, len(news), _CHUNK):
            chunk = news[start : start + _CHUNK]
            try:
                self._table.apply(self._links(recipient, chunk, name))
                got += chunk
            except ChangedError:
                got += self._link_each(recipient, chunk, name)
        if row is None or not got:
            self._table.apply([Change(head.key, 1, None)])
            return None
        return _delivery(row), got

    def _claim_known(self, name: str, recipient: str, news: Sequence[str]) -> tuple[Delivery, list[str]] | None:
        """Go on with a message that is there, though not all of its news say so: its sender was stopped in between."""
        known = self.get(name)
        if known is None or not (known.state == SENT or self.is_due(known)):
            return None  # the very same message is being sent by another
        taken = self.take_up(known) if known.state != SENT else None
        if taken is None and known.state != SENT:
            return None
        got = self._link_each(recipient, news, name)
        return (taken, got) if taken is not None and got else None

    def take_up(self, one: Delivery) -> Delivery | None:
        """Claim a message again that failed, or whose sender never reported; None if somebody else did."""
        doubt = one.state == CLAIMED
        return self._write(
            one, state=CLAIMED, attempts=one.attempts + 1, doubts=one.doubts + doubt, at=int(self._clock()), due=0
        )

    def settle(self, one: Delivery, answer: Answer) -> Delivery | None:
        """Write down what became of a claimed message; None if another took it up meanwhile."""
        now = int(self._clock())
        if isinstance(answer, Accepted):
            return self._write(one, state=SENT, at=now, receipt=answer.receipt, code=None, due=0)
        final = not answer.again or one.attempts >= self._rules.attempts
        pause = int(self._rules.pause * 4 ** (one.attempts - 1))
        due = 0 if final else now + max(pause, 1)
        return self._write(one, state=FAILED, at=now, code=answer.code, due=due, doubts=one.doubts + answer.doubt)

    def give_back(self, one: Delivery) -> None:
        """Undo a claim of a message that was not handed to any provider; it is due at once."""
        self._write(one, state=FAILED, at=int(self._clock()), attempts=one.attempts - 1, due=1, code="not-tried")

    def _write(self, one: Delivery, **changes: Value) -> Delivery | None:
        row = self._table.get(f"m-{one.id}")
        if row is None or row.version != one.version:
            return None
        try:
            [done] = self._table.apply([Change(row.key, one.version, {**row.fields, **changes})])
        except ChangedError:
            return None
        return _delivery(done) if done is not None else None

    def _links(self, recipient: str, news: Sequence[str], message: str) -> list[Change]:
        return [Change(_news_key(recipient, one), None, {"message": message, "recipient": recipient}) for one in news]

    def _link_each(self, recipient: str, news: Sequence[str], message: str) -> list[str]:
        got = []
        for one in news:
            try:
                self._table.apply(self._links(recipient, [one], message))
            except ChangedError:
                continue
            got.append(one)
        return got


def messages(table: Table) -> Iterator[Delivery]:
    """Yield all messages of a table."""
    return (_delivery(row) for row in table.scan() if str(row.key).startswith("m-"))


def message_id(recipient: str, news: Iterable[str]) -> str:
    """Return the name of a message: it follows from recipient and news alone."""
    return hashlib.sha256("\0".join([recipient, *sorted(news)]).encode()).hexdigest()[:32]


def _news_key(recipient: str, news: str) -> str:
    return "n-" + hashlib.sha256(f"{recipient}\0{news}".encode()).hexdigest()[:32]


def _delivery(row: Row) -> Delivery:
    fields = row.fields
    numbers = {name: int(fields.get(name) or 0) for name in ("attempts", "doubts", "made", "at", "due")}
    texts = {name: str(fields.get(name) or "") for name in ("recipient", "state", "code", "receipt")}
    return Delivery(id=str(row.key)[2:], version=row.version, **numbers, **texts)  # type: ignore[arg-type]
