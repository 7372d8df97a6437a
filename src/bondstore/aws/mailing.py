"""Mail on what was made, to those who subscribed; nobody is told the same thing twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.aws.report import ObjectOutcome
from bondstore.aws.settings import reference
from bondstore.errors import TransientStoreError

if TYPE_CHECKING:
    from bondstore.aws.report import EventReport
    from bondstore.aws.settings import HandlerSettings
    from bondstore.notify.open import Mail

_SAID = {
    "transport": "TRANSPORT",
    "sender": "MAIL_FROM",
    "user": "SMTP_USER",
    "unsubscribe_url": "UNSUBSCRIBE_URL",
    "unsubscribe_mail": "UNSUBSCRIBE_MAIL",
}
_SECRETS = {"password": "SMTP_PASSWORD", "secret": "MAIL_SECRET"}
COMING_AGAIN = ("failed", "waiting", "left", "busy")
"""States of a message after which the event must come again: it is not sent yet."""


def mail(report: EventReport, settings: HandlerSettings) -> None:
    """Send what was made to those who subscribed, and count the messages in the report by their state.

    `TransientStoreError` means that messages are left which can go later.
    """
    files = sorted({item.path for item in report.items if item.outcome is ObjectOutcome.DONE and item.path})
    if not settings.get("TRANSPORT") or not files or settings.get("FORM") == "parquet":
        return
    from bondstore.config.resolve import resolve_store
    from bondstore.notify.news import find_news, read_plot
    from bondstore.notify.send import notify
    from bondstore.stores import open_store

    store = open_store(resolve_store(settings.need("DEST")), read_only=True)
    news, _ = find_news(store, files)
    opened = _opened(settings)
    transport = opened.transport()
    try:
        done = notify(
            news,
            lambda key: read_plot(store, key),
            opened.subscribers,
            opened.deliveries,
            transport,
            settings=opened.settings,
            secret=opened.secret(),
        )
    finally:
        transport.close()
    for state, number in done.counts.items():
        report.counts[f"mail_{state}"] += number
    if done.stopped is not None:
        raise done.stopped
    if set(COMING_AGAIN) & set(done.counts):
        raise TransientStoreError("Messages could not be sent yet.", hint="Send the event again.")


def _opened(settings: HandlerSettings) -> Mail:
    from bondstore.notify.open import open_mail

    said: dict[str, Any] = {name: settings.get(variable) or None for name, variable in _SAID.items()}
    for name, variable in _SECRETS.items():
        said[name] = reference(settings.get(variable)) if settings.get(variable) else None
    file = settings.get("NOTIFY")
    return open_mail(Path(file) if file else None, database=settings.need("DATABASE"), **said)
