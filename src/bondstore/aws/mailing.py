"""Mail on what was made, to those who subscribed; nobody is told the same thing twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.aws.report import Outcome
from bondstore.errors import TransientStoreError

if TYPE_CHECKING:
    from bondstore.aws.report import Report
    from bondstore.aws.settings import Settings
    from bondstore.release.notify.settings import Settings as MailSettings
    from bondstore.release.notify.transport import Transport

COMING_AGAIN = ("failed", "waiting", "left", "busy")
"""States of a message after which the event must come again: it is not sent yet."""


def mail(report: Report, settings: Settings) -> None:
    """Send what was made to those who wish to receive it.

    Parameters
    ----------
    report : Report
        What was made; messages are counted there by their state.
    settings : Settings
        How mail leaves, and where subscribers and deliveries are kept.

    Raises
    ------
    TransientStoreError
        Messages are left that can go later.
    BondstoreError
        Nothing can be sent at all.
    """
    files = sorted({item.path for item in report.items if item.outcome is Outcome.DONE and item.path})
    if not settings.get("TRANSPORT") or not files or settings.get("FORM") == "parquet":
        return
    from bondstore.aws.secretrefs import reference
    from bondstore.config.resolve import resolve_store
    from bondstore.databases import open_table
    from bondstore.release.notify import deliveries, subscribers
    from bondstore.release.notify.news import find_news, read_plot
    from bondstore.release.notify.service import notify
    from bondstore.stores import open_store

    store = open_store(resolve_store(settings.need("DEST")), read_only=True)
    news, _ = find_news(store, files)
    url = settings.need("DATABASE")
    transport = _transport(settings)
    try:
        done = notify(
            news,
            lambda key: read_plot(store, key),
            open_table(url, subscribers.TABLE, key=subscribers.KEY),
            open_table(url, deliveries.TABLE, key=deliveries.KEY),
            transport,
            _mail_settings(settings),
            secret=reference(settings.need("MAIL_SECRET")).resolve(),
        )
    finally:
        transport.close()
    for state, number in done.counts.items():
        report.counts[f"mail_{state}"] += number
    if done.stopped is not None:
        raise done.stopped
    if set(COMING_AGAIN) & set(done.counts):
        raise TransientStoreError("Messages could not be sent yet.", hint="Send the event again.")


def _mail_settings(settings: Settings) -> MailSettings:
    from bondstore.release.notify.settings import Settings as MailSettings

    path = settings.get("MAIL_SETTINGS")
    given = dict(MailSettings.load(Path(path))) if path else {}
    if settings.get("MAIL_FROM"):
        given["sender"] = settings.get("MAIL_FROM")
    for name, variable in (("unsubscribe_url", "UNSUBSCRIBE_URL"), ("unsubscribe_mail", "UNSUBSCRIBE_MAIL")):
        if settings.get(variable):
            given[name] = settings.get(variable)
    return MailSettings.of(given)


def _transport(settings: Settings) -> Transport:
    from bondstore.aws.secretrefs import reference
    from bondstore.release.notify.transport import open_transport

    password = settings.get("SMTP_PASSWORD")
    return open_transport(
        settings.need("TRANSPORT"),
        user=settings.get("SMTP_USER") or None,
        password=reference(password) if password else None,
    )
