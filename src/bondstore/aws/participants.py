"""A participants' CSV that changed: the object as it is now is brought into the table."""

from __future__ import annotations

from collections.abc import Sequence

from bondstore.aws.events import Events
from bondstore.aws.report import EventReport, Handled, ObjectOutcome
from bondstore.aws.settings import HandlerSettings
from bondstore.errors import BondstoreError, DamagedError, Interrupted, UsageError


def handle(events: Events, settings: HandlerSettings) -> EventReport:
    """Bring the participants' CSV into the table, once, if the event names it.

    Whatever the event says of versions, the object is read as it is now: events may come in any order.
    """
    place = settings.need("PARTICIPANTS")
    report = EventReport("participants", events)
    records: dict[str, None] = {}
    for one in events.arrivals:
        if f"s3://{one.bucket}/{one.key}" == place:
            records[one.record] = None
        else:
            report.items.append(Handled(one.bucket, one.key, ObjectOutcome.IGNORED, ("not-ours",), (one.record,)))
    if records:
        bucket, _, key = place.removeprefix("s3://").partition("/")
        outcome, kinds = _sync(report, settings)
        report.items.append(Handled(bucket, key, outcome, kinds, tuple(records)))
    return report


def look(url: str, settings: HandlerSettings, owed: Sequence[Handled] = ()) -> EventReport:  # noqa: ARG001
    """Refuse: the one object of interest is fetched when somebody asks."""
    raise UsageError("Only profiles can be watched for in a store.", hint="Run: bondstore participants sync")


def _sync(report: EventReport, settings: HandlerSettings) -> tuple[ObjectOutcome, tuple[str, ...]]:
    from bondstore.registry import SyncSettings, service

    participants = service.open_participants(settings.need("DATABASE"), settings.get("TABLE", service.TABLE))
    wanted = SyncSettings(settings.key_columns)
    try:
        result = service.sync(settings.need("PARTICIPANTS"), participants, wanted)
    except (DamagedError, UsageError) as error:  # it would be as damaged at the next try
        return ObjectOutcome.QUARANTINED, (getattr(error, "kind", type(error).__name__),)
    except Interrupted:
        raise
    except BondstoreError as error:
        return ObjectOutcome.FAILED, (type(error).__name__,)
    report.counts.update({f"rows_{name}": number for name, number in result.counts.items() if number})
    report.counts["changes_written"] += result.written
    return ObjectOutcome.DONE, tuple(sorted({one.kind for one in result.findings}))
