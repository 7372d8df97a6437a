"""Mail about what was released: subscribers, messages, and what became of each."""

from bondstore.release.notify.joining import ask_to_subscribe, handle_confirm, handle_unsubscribe
from bondstore.release.notify.news import News, find_news, of_entry, of_record, read_plot
from bondstore.release.notify.outcomes import Clock, Notified, Outcome
from bondstore.release.notify.service import Wanted, notify
from bondstore.release.notify.settings import Settings
from bondstore.release.notify.transport import open_transport

__all__ = [
    "Clock",
    "News",
    "Notified",
    "Outcome",
    "Settings",
    "Wanted",
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
