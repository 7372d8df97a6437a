"""``bondstore participants sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.participants import _shared
from bondstore.registry.settings import SyncSettings
from bondstore.text import counted

if TYPE_CHECKING:
    from bondstore.registry import SyncResult

EXAMPLES = (
    'bondstore participants sync form.csv --key-column "Vessel number" --dry-run',
    "bondstore participants sync s3://BUCKET/form.csv --database dynamodb://ap-southeast-2 --yes",
)


@with_settings(order=("table", "key", "database"))
def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="CSV|URL", help="The form tool's export: a file, or s3://BUCKET/KEY, az://CONTAINER/KEY."
        ),
    ],
    *,
    settings: SyncSettings,
    table: _shared.TableOptions,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Bring a form tool's CSV into the table of participants.

    Rows are told apart by key columns, in any order. New, changed and returned participants are written, those missing
    in the CSV are marked as gone and kept, and every change is kept in the history, all in one go. A damaged row
    leaves its participant as it was. The same CSV again changes nothing.
    """
    from bondstore.cli.questions import confirm
    from bondstore.errors import Exit
    from bondstore.registry import service

    participants = table.open()

    def agree(planned: SyncResult) -> None:
        # asked only where something would change
        names = ("new", "changed", "reactivated", "inactive")
        parts = [f"{planned.counts[name]} {name}" for name in names if planned.counts[name]]
        confirm(f"Write to {participants.place}: {', '.join(parts)}?", yes=yes)

    result = service.sync(source, participants, settings, profile=table.profile, dry_run=dry_run, agree=agree)
    _show(result, participants.place, dry_run=dry_run, json=json)
    return int(Exit.DONE if result.tally.complete else Exit.INCOMPLETE)


def _show(result: SyncResult, place: str, *, dry_run: bool, json: bool) -> None:
    record: dict[str, Any] = {
        "kind": "plan" if dry_run else "sync",
        "run": result.run,
        "place": place,
        "key": list(result.key),
        **result.counts,
        "written": result.written,
        "sha256": result.sha256,
    }
    if json:
        from bondstore.cli.report import finding_record

        output.display(map(finding_record, result.findings), (), json=True)
        output.display_one(record, json=True)
        return
    told = {name: count for name, count in result.counts.items() if count}
    output.display_one({**told, "active": result.taking_part})
    for one in result.findings:
        where = f"{one.where}: " if one.where else f"{one.count}: " if one.count > 1 else ""
        output.note(f"{where}{one.message}")
    if dry_run:
        output.note(f"Nothing was written. It would go to {place}")
    else:
        what = f"{counted(result.written, 'change')} {'was' if result.written == 1 else 'were'}"
        output.note(f"{what} written to {place}" if result.written else "Nothing has changed.")
