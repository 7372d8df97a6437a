"""What handles an event."""

from __future__ import annotations

from bondstore.aws.events import Events
from bondstore.aws.report import EventReport
from bondstore.aws.settings import HandlerSettings


def handle(events: Events, settings: HandlerSettings) -> EventReport:
    report = EventReport("words", events)
    report.counts["texts_seen"] = len(events.arrivals)
    return report
