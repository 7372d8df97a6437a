"""Mail about news, from a command, a notebook or an event: who has not been told yet is told once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage

from bondstore.config.secrets import Secret
from bondstore.databases import Table
from bondstore.errors import BondstoreError, UsageError
from bondstore.release.notify.deliveries import CLAIMED, FAILED, SENT, Deliveries, Delivery, Rules
from bondstore.release.notify.message import Envelope, confirmation_message, news_message
from bondstore.release.notify.news import News, matches
from bondstore.release.notify.pictures import Pictures
from bondstore.release.notify.settings import Settings
from bondstore.release.notify.subscribers import CONFIRMED, Asked, Subscriber, Subscribers
from bondstore.release.notify.transport import Accepted, Answer, Declined, Transport
from bondstore.runs.tally import Count, Tally

_BUSY_TRIES = 4
_BUSY_PAUSE = 2.0


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
        """Whether nothing failed, or failed earlier and still waits."""
        return self.stopped is None and not {"failed", "refused", "waiting", "left"} & set(self.counts)

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be sent.

    Parameters
    ----------
    topics : tuple of str
        Only news of these topics; all when empty.
    again : bool
        Try at once what failed, also what was refused or given up.
    dry_run : bool
        Only say what would be sent.
    """

    topics: tuple[str, ...] = ()
    again: bool = False
    dry_run: bool = False


def notify(
    news: Sequence[News],
    plots: Callable[[str], bytes | None],
    subscribers: Table,
    deliveries: Table,
    transport: Transport,
    *,
    settings: Settings,
    secret: Secret,
    wanted: Wanted = Wanted(),
    clock: Clock = Clock(),
) -> Notified:
    """Tell every confirmed subscriber what they were not told yet, one message each.

    Parameters
    ----------
    news : sequence of News
        Oldest first.
    plots : callable
        Returns a plot's bytes by its key; None where it is none.
    subscribers, deliveries : Table
        Opened with `subscribers.KEY` and `deliveries.KEY` as their keys; made where they are missing.
    transport : Transport
        How messages leave. Left open.
    settings : Settings
        Who sends, and how fast.
    secret : Secret
        What the tokens are made with.
    wanted : Wanted
        What of it.
    clock : Clock
        The time.

    Returns
    -------
    Notified

    Raises
    ------
    ConfigurationError
        Settings or secret do not hold.
    """
    settings = settings.checked()
    people = Subscribers(subscribers, secret)
    rules = Rules(settings.attempts, settings.lease, settings.pause, wanted.again)
    book = Deliveries(deliveries, rules, clock.now)
    if not wanted.dry_run:
        people.create()
        book.create()
    if wanted.topics:
        news = [one for one in news if matches(one, wanted.topics, settings.vessels)]
    sender = _Sender(people, book, transport, settings=settings, pictures=Pictures(plots), clock=clock)
    outcomes: list[Outcome] = []
    already = 0
    known_book = book.exists()
    for person in people.confirmed() if people.exists() else ():
        mine = {one.digest: one for one in news if matches(one, person.topics, settings.vessels)}
        told = book.told([person.key], list(mine)) if mine and known_book else {}
        letters: dict[str, list[News]] = {}
        for digest, one in mine.items():
            letters.setdefault(told.get((person.key, digest), ""), []).append(one)
        for name, some in letters.items():
            known = book.get(name) if name else None
            if known is not None and known.state == SENT:
                already += len(some)
            elif sender.stopped is not None:
                outcomes.append(Outcome(person.key, "left", len(some), name))
            elif wanted.dry_run:
                outcomes.append(sender.plan(person, known, some))
            else:
                outcomes += sender.deliver(person, known, some)
    return Notified(tuple(outcomes), already, sender.stopped)


def ask_to_subscribe(
    address: str,
    topics: Sequence[str],
    subscribers: Table,
    transport: Transport,
    settings: Settings,
    *,
    secret: Secret,
    clock: Clock = Clock(),
) -> tuple[Subscriber, Answer | None]:
    """Note a wish to subscribe, and send the message that asks whether it was meant.

    Parameters
    ----------
    address : str
        Where mail shall go.
    topics : sequence of str
        What about; all when empty.
    subscribers, transport, settings, secret, clock
        As in `notify`.

    Returns
    -------
    tuple of (Subscriber, Accepted or Declined or None)
        None where no message was needed: nothing is left to confirm, or one went there within ten minutes.

    Raises
    ------
    UsageError
        The address or a topic is none.
    ConfigurationError
        Nothing can be sent.
    """
    settings = settings.checked()
    people = Subscribers(subscribers, secret)
    people.create()
    asked: Asked = people.subscribe(address, topics, now=clock.now())
    if asked.token is None:
        return asked.subscriber, None
    now = int(clock.now())
    envelope = Envelope(f"c{asked.subscriber.nonce}{now:x}", asked.subscriber.address, asked.token, now)
    topics = asked.subscriber.asked or asked.subscriber.topics
    answer = transport.send(confirmation_message(settings, envelope, topics), asked.subscriber.address)
    if isinstance(answer, Accepted):
        people.mailed(asked.subscriber.key, now=clock.now())
    return asked.subscriber, answer


def handle_confirm(token: str, subscribers: Table, secret: Secret, *, now: float | None = None) -> bool:
    """Confirm a subscription by the token from its message; what a web page or a Lambda calls, on POST only.

    Parameters
    ----------
    token : str
        From a link: anything may stand there.
    subscribers : Table
        The subscribers.
    secret : Secret
        What the tokens were made with.
    now : float, optional
        Seconds since 1970.

    Returns
    -------
    bool
        Whether it held. Nothing tells whom it was about.
    """
    try:
        Subscribers(subscribers, secret).confirm(token, now=time.time() if now is None else now)
    except UsageError:
        return False
    return True


def handle_unsubscribe(token: str, subscribers: Table, secret: Secret, *, now: float | None = None) -> bool:
    """End a subscription by the token from any message; what a web page or a Lambda calls, on POST only.

    Programs that look through mail follow its links: a page that is only looked at must change nothing (RFC 8058).
    Parameters and returns as `handle_confirm`. A token that was used before holds again.
    """
    try:
        Subscribers(subscribers, secret).unsubscribe(token, now=time.time() if now is None else now)
    except UsageError:
        return False
    return True


class _Sender:
    """Sends message after message, not faster than allowed."""

    def __init__(
        self,
        people: Subscribers,
        book: Deliveries,
        transport: Transport,
        *,
        settings: Settings,
        pictures: Pictures,
        clock: Clock,
    ) -> None:
        self._people, self._book, self._transport = people, book, transport
        self._settings, self._pictures, self._clock = settings, pictures, clock
        self._next = 0.0
        self.stopped: BondstoreError | None = None

    def plan(self, person: Subscriber, known: Delivery | None, news: Sequence[News]) -> Outcome:
        """Say what would be sent."""
        if known is not None and not self._book.is_due(known):
            return _outcome(known, len(news), tried=False)
        return Outcome(person.key, "planned", len(news), known.id if known else "", known.attempts if known else 0)

    def deliver(self, person: Subscriber, known: Delivery | None, news: Sequence[News]) -> Iterator[Outcome]:
        """Claim a message, send it, write down what became of it."""
        if known is not None:
            if not self._book.is_due(known):
                yield _outcome(known, len(news), tried=False)
                return
            mine = self._book.take_up(known)
        else:
            claimed = self._book.claim(person.key, [one.digest for one in news])
            mine, got = claimed if claimed else (None, [])
            news = [one for one in news if one.digest in set(got)]
        if mine is None:
            yield Outcome(person.key, "busy", len(news))
            return
        yield self._send(mine, news)

    def _send(self, mine: Delivery, news: Sequence[News]) -> Outcome:
        # looked at again: somebody may have unsubscribed since the run began
        person = self._people.get(mine.recipient)
        if person is None or person.state != CONFIRMED or not person.address:
            self._book.give_back(mine)
            return Outcome(mine.recipient, "unsubscribed", len(news), mine.id)
        try:
            limit = min(self._transport.limit(), self._settings.largest)
            envelope = Envelope(mine.id, person.address, self._people.token_for(person), mine.made)
            message = news_message(self._settings, envelope, news, self._pictures, limit)
            answer = self._hand_over(message, person.address)
        except BondstoreError as error:
            # settings, login, network: no other message would fare better, and none has failed by itself
            self.stopped = error
            self._book.give_back(mine)
            return Outcome(mine.recipient, "left", len(news), mine.id)
        done = self._book.settle(mine, answer)
        if done is None:
            return Outcome(mine.recipient, "busy", len(news), mine.id)
        return _outcome(done, len(news), tried=True)

    def _hand_over(self, message: EmailMessage, address: str) -> Answer:
        pause = _BUSY_PAUSE
        for _ in range(_BUSY_TRIES - 1):
            answer = self._paced(message, address)
            if not (isinstance(answer, Declined) and answer.busy):
                return answer
            self._clock.sleep(pause)
            pause *= 2
        return self._paced(message, address)

    def _paced(self, message: EmailMessage, address: str) -> Answer:
        self._wait()
        return self._transport.send(message, address)

    def _wait(self) -> None:
        now = self._clock.now()
        if now < self._next:
            self._clock.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self._settings.rate


def _outcome(one: Delivery, news: int, *, tried: bool) -> Outcome:
    state = one.state
    if state == FAILED and not one.due:
        state = "refused"
    elif state == FAILED and not tried:
        state = "waiting"
    elif state == CLAIMED:
        state = "busy"
    return Outcome(one.recipient, state, news, one.id, one.attempts, one.code, one.receipt)
