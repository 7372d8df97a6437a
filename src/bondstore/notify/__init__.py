"""Mail about what was released: subscribers, messages, and what became of each."""

from bondstore.notify.deliveries import Clock, MailOutcome, Notified
from bondstore.notify.news import News, find_news, of_entry, of_record, read_plot
from bondstore.notify.open import open_transport
from bondstore.notify.send import SendOptions, ask_to_subscribe, notify
from bondstore.notify.settings import MailSettings
from bondstore.notify.subscriptions import handle_confirm, handle_unsubscribe

__all__ = [
    "Clock",
    "MailOutcome",
    "MailSettings",
    "News",
    "Notified",
    "SendOptions",
    "ask_to_subscribe",
    "find_news",
    "handle_confirm",
    "handle_unsubscribe",
    "notify",
    "of_entry",
    "of_record",
    "open_transport",
    "read_plot",
]
