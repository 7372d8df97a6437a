"""``bondstore run show``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import typer

from bondstore.cli import options, output, report, runs_shared
from bondstore.text import duration_text, number_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.ledger import Item, Ledger, RunRecord
    from bondstore.runs.destination import Destination
    from bondstore.runs.history import Standing

EXAMPLES = (
    "bondstore run show last",
    "bondstore run show 20240131T0915 --dest /data/export",
    "bondstore run show last --json",
)
SHOWN = 20
"""Quarantined and failed objects that text names; JSON names all."""


def command(
    run: runs_shared.Run,
    dest: runs_shared.Dest = runs_shared.HERE,
    dest_profile: runs_shared.DestProfile = None,
    json: options.Json = False,
) -> None:
    """Show one run: what it was to do, its tally, its findings, and what it left in quarantine or failed.

    With --json: the run, its findings, the objects it left, and the tally as the last line.
    """
    from bondstore.runs.history import find_run, standing

    destination = runs_shared.recorded_at(dest, dest_profile)
    with destination.ledger(create=False) as ledger:
        record = find_run(destination, ledger, run)
        stands = standing(ledger, record)
        if json:
            output.display(_records(ledger, record, stands), (), json=True)
            output.display_one(stands.tally, json=True)
            return
        output.display_one(_fields(record))
        typer.echo("")
        report.show_tally(stands.tally.objects(), stands.tally.sizes())
        for number, what in ((stands.left, "objects"), (stands.left_files, "tables")):
            if number:
                typer.echo(f"Still to be done: {number_text(number)} {what}")
        report.show_findings(ledger, record.id)
        if _is_idle(ledger, record, stands):
            report.show_standing(ledger, record.job)
        _show_items(ledger, record, destination)
        others = report.left_by_others(ledger, record.job, record.id)
        report.show_others(others, destination, _met(ledger, record, stands))
        _show_next(record, destination)


def _met(ledger: Ledger, record: RunRecord, stands: Standing) -> int | None:
    """Return how many objects that others left the run met again; None where later runs may have left others since."""
    if ledger.runs.newest_first()[0].id != record.id or record.ended_ms is None:
        return None
    own = ledger.items.unsettled_by_run(record.job).get(record.id, 0)
    return stands.tally.quarantined.objects + stands.tally.failed.objects - own


def _is_idle(ledger: Ledger, record: RunRecord, stands: Standing) -> bool:
    """Whether a run is over, looked at nothing anew and found nothing: then what earlier runs found still stands."""
    looked = stands.tally.done.objects + stands.tally.failed.objects
    own = next(ledger.findings.of_run(record.id), None) is not None
    return record.ended_ms is not None and not looked and not stands.left and not own


def _records(ledger: Ledger, record: RunRecord, stands: Standing) -> Iterator[dict[str, Any]]:
    others = report.left_by_others(ledger, record.job, record.id)
    yield runs_shared.run_record(record) | {
        "left": stands.left,
        "left_tables": stands.left_files,
        "left_by_others": others,
    }
    idle = _is_idle(ledger, record, stands)
    found = ledger.findings.walk(record.job) if idle else ledger.findings.of_run(record.id)
    yield from map(report.finding_record, found)
    yield from map(_item, ledger.items.unsettled(record.job, record.id))


def _item(item: Item) -> dict[str, Any]:
    return {"kind": "item", "state": item.state, "reason": item.reason, "key": item.key, "bytes": item.size}


def _fields(record: RunRecord) -> dict[str, Any]:
    fields = runs_shared.run_record(record)
    shown = {"run": record.id, **{name: fields[name] for name in ("job", "state", "started", "ended")}}
    if fields["seconds"] is not None:
        shown["took"] = duration_text(fields["seconds"])
    return shown | {"who": record.who, "tool": record.tool} | _params(record.params)


def _params(params: Any) -> dict[str, Any]:
    """Return what was asked for, one line each, without what was not said."""
    shown: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, dict):
            shown |= _params(value)
        elif name.endswith("_ms") and value is not None:
            shown[name.removesuffix("_ms")] = time_text(value)
        elif value not in (None, "", []) and name != "job":
            shown[name] = value
    return shown


def _show_items(ledger: Ledger, record: RunRecord, destination: Destination) -> None:
    number = ledger.items.unsettled_by_run(record.job).get(record.id, 0)
    if not number:
        return
    typer.echo("")
    output.display(
        map(_item, islice(ledger.items.unsettled(record.job, record.id), SHOWN)),
        ("state", "reason", output.size("bytes"), "key"),
    )
    if number > SHOWN:
        typer.echo(f"… and {number_text(number - SHOWN)} more; --json names all")
    report.show_quarantine(destination, number, report.things_of(record))


def _show_next(record: RunRecord, destination: Destination) -> None:
    verb = {"interrupted": "run resume", "failed": "run resume", "cancelled": "run resume", "incomplete": "run retry"}
    if record.state in verb:
        output.note("Next:", f"  {report.words(verb[record.state], record.id, destination)}")
