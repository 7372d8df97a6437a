"""How people come and go: the message that asks, and what the pages behind its links call."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bondstore.config.secrets import Secret
from bondstore.databases import Table
from bondstore.errors import UsageError
from bondstore.release.notify.message import Envelope, confirmation_message
from bondstore.release.notify.news import known_topics
from bondstore.release.notify.outcomes import SYSTEM, Clock
from bondstore.release.notify.settings import Settings
from bondstore.release.notify.subscribers import Subscriber, Subscribers
from bondstore.release.notify.transport import Accepted, Answer, Transport


def ask_to_subscribe(
    address: str,
    topics: Sequence[str],
    subscribers: Table,
    transport: Transport,
    settings: Settings,
    *,
    secret: Secret,
    clock: Clock = SYSTEM,
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
        The address or a topic is none, or nothing is known of the vessel.
    ConfigurationError
        Nothing can be sent.
    """
    settings = settings.checked()
    topics = known_topics(topics, settings.vessels)
    people = Subscribers(subscribers, secret)
    people.create()
    asked = people.subscribe(address, topics, now=clock.now())
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
