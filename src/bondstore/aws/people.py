"""A participants' CSV that changed: the object as it is now is brought into the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.aws.report import Handled, Outcome, Report
from bondstore.errors import BondstoreError, DamagedError, Interrupted, UsageError

if TYPE_CHECKING:
    from bondstore.aws.events import Events
    from bondstore.aws.settings import Settings


def handle_participants(events: Events, settings: Settings) -> Report:
    """Bring the participants' CSV into the table, once, if the event tells of it.

    Parameters
    ----------
    events : Events
        What arrived. Whatever it says of versions: the object is read as it is now, so that events may come in any
        order.
    settings : Settings
        Which object, which table.

    Returns
    -------
    Report

    Raises
    ------
    ConfigurationError
        The settings do not hold.
    """
    place = settings.need("PARTICIPANTS")
    report = Report("participants", events)
    records: dict[str, None] = {}
    for one in events.arrivals:
        if f"s3://{one.bucket}/{one.key}" == place:
            records[one.record] = None
        else:
            report.items.append(Handled(one.bucket, one.key, Outcome.IGNORED, ("not-ours",), (one.record,)))
    if records:
        bucket, _, key = place.removeprefix("s3://").partition("/")
        outcome, kinds = sync_now(report, settings)
        report.items.append(Handled(bucket, key, outcome, kinds, tuple(records)))
    return report


def sync_now(report: Report, settings: Settings) -> tuple[Outcome, tuple[str, ...]]:
    """Read the CSV and bring it into the table; what is damaged would be as damaged at the next try."""
    from bondstore.registry import SyncSettings, service

    participants = service.open_participants(settings.need("DATABASE"), settings.get("TABLE", service.TABLE))
    wanted = SyncSettings(settings.key_columns)
    try:
        result = service.sync(settings.need("PARTICIPANTS"), participants, wanted)
    except (DamagedError, UsageError) as error:
        return Outcome.QUARANTINED, (getattr(error, "kind", type(error).__name__),)
    except Interrupted:
        raise
    except BondstoreError as error:
        return Outcome.FAILED, (type(error).__name__,)
    report.counts.update({f"rows_{name}": number for name, number in result.counts.items() if number})
    report.counts["changes_written"] += result.written
    return Outcome.DONE, tuple(sorted({one.kind for one in result.findings}))
