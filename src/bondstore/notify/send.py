"""Mail about news, from a command, a notebook or an event: who has not been told yet is told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from bondstore.config.secrets import Secret
from bondstore.databases import Table
from bondstore.errors import BondstoreError
from bondstore.notify.deliveries import SENT, SYSTEM, Clock, Deliveries, Delivery, MailOutcome, Notified, RetryRules
from bondstore.notify.message import Envelope, PlotReader, confirmation_message, news_message
from bondstore.notify.news import News, known_topics, matches
from bondstore.notify.settings import MailSettings
from bondstore.notify.subscriptions import CONFIRMED, Subscriber, Subscribers
from bondstore.notify.transport import Accepted, Answer, Declined, Transport

_BUSY_TRIES = 4
_BUSY_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What shall be sent."""

    topics: tuple[str, ...] = ()  # only news of these; all when empty
    again: bool = False  # try at once what failed, also what was refused or given up
    dry_run: bool = False


def ask_to_subscribe(
    address: str,
    topics: Sequence[str],
    subscribers: Table,
    transport: Transport,
    settings: MailSettings,
    *,
    secret: Secret,
    clock: Clock = SYSTEM,
) -> tuple[Subscriber, Answer | None]:
    """Note a wish to subscribe (to all topics when none is named), and send the message that asks whether it was meant.

    No answer means that no message was needed: nothing is left to confirm, or one went there within ten minutes.
    `UsageError` where address or topic is none, or nothing is known of the vessel; `ConfigurationError` where nothing
    can be sent.
    """
    topics = known_topics(topics, settings.vessels)
    people = Subscribers(subscribers, secret)
    people.create()
    asked = people.subscribe(address, topics, now=clock.now())
    one = asked.subscriber
    if asked.token is None:
        return one, None
    now = int(clock.now())
    envelope = Envelope(f"c{one.nonce}{now:x}", one.address, asked.token, now)
    answer = transport.send(confirmation_message(settings, envelope, one.asked or one.topics), one.address)
    if isinstance(answer, Accepted):
        people.mailed(one.key, now=clock.now())
    return one, answer


def notify(
    news: Sequence[News],
    plots: Callable[[str], bytes | None],
    subscribers: Table,
    deliveries: Table,
    transport: Transport,
    *,
    settings: MailSettings,
    secret: Secret,
    options: SendOptions = SendOptions(),
    clock: Clock = SYSTEM,
) -> Notified:
    """Tell every confirmed subscriber what they were not told yet, one message each; `news` come oldest first.

    `plots` returns a plot's bytes by its key, None where it is none. The tables are made where they are missing; the
    transport is left open. `UsageError` where a topic is none.
    """
    only = known_topics(options.topics, settings.vessels) if options.topics else ()
    people = Subscribers(subscribers, secret)
    book = Deliveries(
        deliveries, RetryRules(settings.attempts, settings.lease, settings.pause, options.again), clock.now
    )
    if not options.dry_run:
        people.create()
        book.create()
    if only:
        news = [one for one in news if matches(one, only, settings.vessels)]
    sender = _Sender(people, book, transport, settings=settings, plots=PlotReader(plots), clock=clock)
    outcomes: list[MailOutcome] = []
    already = 0
    persons = people.confirmed() if people.exists() else []
    begun = book.exists()
    if begun:
        book.read_ahead(len(persons) * len(news))
    for person in persons:
        mine = {one.digest: one for one in news if matches(one, person.topics, settings.vessels)}
        messages = book.messages_about(person.key, list(mine)) if begun else {}
        letters: dict[str, list[News]] = {}
        for digest, one in mine.items():
            letters.setdefault(messages.get(digest, ""), []).append(one)
        for name, some in letters.items():
            known = book.get(name) if name else None
            if known is not None and known.state == SENT:
                already += len(some)
            elif sender.stopped is not None:
                outcomes.append(MailOutcome(person.key, "not-attempted", len(some), name))
            elif options.dry_run:
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
        settings: MailSettings,
        plots: PlotReader,
        clock: Clock,
    ) -> None:
        self._people, self._book, self._transport = people, book, transport
        self._settings, self._plots, self._clock = settings, plots, clock
        self._next = 0.0
        self.stopped: BondstoreError | None = None

    def plan(self, person: Subscriber, known: Delivery | None, news: Sequence[News]) -> MailOutcome:
        """Say what would be sent."""
        if known is not None and not self._book.is_due(known):
            return MailOutcome.of(known, len(news), tried=False)
        return MailOutcome(person.key, "planned", len(news), known.id if known else "", known.attempts if known else 0)

    def deliver(self, person: Subscriber, known: Delivery | None, news: Sequence[News]) -> Iterator[MailOutcome]:
        """Claim a message, send it, write down what became of it."""
        if known is not None:
            if not self._book.is_due(known):
                yield MailOutcome.of(known, len(news), tried=False)
                return
            self._wait()
            mine = self._book.take_up(known)
        else:
            self._wait()
            claimed = self._book.claim(person.key, [one.digest for one in news])
            mine, got = claimed if claimed else (None, [])
            news = [one for one in news if one.digest in set(got)]
        if mine is None:
            yield MailOutcome(person.key, "in-progress", len(news))
            return
        yield self._send(mine, news)

    def _send(self, mine: Delivery, news: Sequence[News]) -> MailOutcome:
        # looked at again: somebody may have unsubscribed since the run began
        person = self._people.get(mine.recipient)
        if person is None or person.state != CONFIRMED or not person.address:
            self._book.give_back(mine)
            return MailOutcome(mine.recipient, "unsubscribed", len(news), mine.id)
        try:
            limit = min(self._transport.limit(), self._settings.largest)
            envelope = Envelope(mine.id, person.address, self._people.token_for(person), mine.made)
            message = news_message(self._settings, envelope, news, self._plots, limit)
            answer = self._hand_over(message, person.address)
        except BondstoreError as error:
            # settings, login, network: no other message would fare better, and none has failed by itself
            self.stopped = error
            self._book.give_back(mine)
            return MailOutcome(mine.recipient, "not-attempted", len(news), mine.id)
        done = self._book.settle(mine, answer)
        if done is None:
            return MailOutcome(mine.recipient, "in-progress", len(news), mine.id)
        return MailOutcome.of(done, len(news), tried=True)

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
