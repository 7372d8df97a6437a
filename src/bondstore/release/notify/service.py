"""Mail about news, from a command, a notebook or an event: who has not been told yet is told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from bondstore.config.secrets import Secret
from bondstore.databases import Table
from bondstore.errors import BondstoreError
from bondstore.release.notify.deliveries import SENT, Deliveries, Delivery, Rules
from bondstore.release.notify.message import Envelope, news_message
from bondstore.release.notify.news import News, known_topics, matches
from bondstore.release.notify.outcomes import SYSTEM, Clock, Notified, Outcome, outcome_of
from bondstore.release.notify.pictures import Pictures
from bondstore.release.notify.settings import Settings
from bondstore.release.notify.subscribers import CONFIRMED, Subscriber, Subscribers
from bondstore.release.notify.transport import Answer, Declined, Transport

_BUSY_TRIES = 4
_BUSY_PAUSE = 2.0


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
    clock: Clock = SYSTEM,
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
    UsageError
        A topic is none.
    """
    settings = settings.checked()
    only = known_topics(wanted.topics, settings.vessels) if wanted.topics else ()
    people = Subscribers(subscribers, secret)
    rules = Rules(settings.attempts, settings.lease, settings.pause, wanted.again)
    book = Deliveries(deliveries, rules, clock.now)
    if not wanted.dry_run:
        people.create()
        book.create()
    if only:
        news = [one for one in news if matches(one, only, settings.vessels)]
    sender = _Sender(people, book, transport, settings=settings, pictures=Pictures(plots), clock=clock)
    outcomes: list[Outcome] = []
    already = 0
    persons = people.confirmed() if people.exists() else []
    begun = book.exists()
    if begun:
        book.look(len(persons) * len(news))
    for person in persons:
        mine = {one.digest: one for one in news if matches(one, person.topics, settings.vessels)}
        told = book.told(person.key, list(mine)) if begun else {}
        letters: dict[str, list[News]] = {}
        for digest, one in mine.items():
            letters.setdefault(told.get(digest, ""), []).append(one)
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
            return outcome_of(known, len(news), tried=False)
        return Outcome(person.key, "planned", len(news), known.id if known else "", known.attempts if known else 0)

    def deliver(self, person: Subscriber, known: Delivery | None, news: Sequence[News]) -> Iterator[Outcome]:
        """Claim a message, send it, write down what became of it."""
        if known is not None:
            if not self._book.is_due(known):
                yield outcome_of(known, len(news), tried=False)
                return
            self._wait()
            mine = self._book.take_up(known)
        else:
            self._wait()
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
        return outcome_of(done, len(news), tried=True)

    def _hand_over(self, message: EmailMessage, address: str) -> Answer:
        pause = _BUSY_PAUSE
        answer = self._transport.send(message, address)
        for _ in range(_BUSY_TRIES - 1):
            if not (isinstance(answer, Declined) and answer.busy):
                break
            self._clock.sleep(pause)
            pause *= 2
            answer = self._transport.send(message, address)
        return answer

    def _wait(self) -> None:
        """Keep the rate; before a claim, which lasts only so long."""
        now = self._clock.now()
        if now < self._next:
            self._clock.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self._settings.rate
