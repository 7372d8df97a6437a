"""``bondstore vault inventory``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm
from bondstore.cli.vault._rounds import Wait, rounds
from bondstore.errors import Exit
from bondstore.text import bytes_text, counted, number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bondstore.runs.engine import RunResult
    from bondstore.runs.plan import Plan
    from bondstore.vault.glacier.archives import Archive
    from bondstore.vault.glacier.inventory import InventoryJob

EXAMPLES = (
    "bondstore vault inventory lab-eeg --dry-run",
    "bondstore vault inventory lab-eeg --yes",
    "bondstore vault inventory lab-eeg --json > archives.jsonl",
)
_SHOWN = 10


def command(
    vault: Annotated[str, typer.Argument(metavar="VAULT", help="The name of the old vault.")],
    *,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask for a new inventory, although one is kept here.")
    ] = False,
    wait: Wait = False,
    profile: options.Profile = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Ask an old Glacier vault for the list of its archives, and keep it as a table.

    The service takes 3 to 5 hours. The command asks once and ends with exit code 8; run it again to go on. An inventory
    that is ready is kept for a day: one that expired is asked for again. An inventory is up to a day old, so archives
    that were deleted since are in it. Names of files are made out in the descriptions that FastGlacier, CloudBerry and
    mt-aws-glacier write. Nothing in the vault is changed.
    """
    from bondstore.runs import engine
    from bondstore.runs.executors import Serial
    from bondstore.vault.glacier.inventory import inventory_job

    job = inventory_job(vault, profile, refresh=refresh)

    def run() -> RunResult:
        ask = _asking(yes=yes, json=json)
        return engine.execute(job, job.vault.record, Serial(), confirm=ask, dry_run=dry_run)

    return _show(rounds(run, wait=wait), job, json=json)


def _asking(*, yes: bool, json: bool) -> Callable[[Plan], bool]:
    from bondstore.vault.glacier.inventory import TO_ASK, TO_ASK_AGAIN, InventoryPlan

    def ask(plan: Plan) -> bool:
        assert isinstance(plan, InventoryPlan)
        if plan.stage in (TO_ASK, TO_ASK_AGAIN):
            if not json:
                output.note(_forecast())
            confirm("Ask for the inventory?", yes=yes)
        return True

    return ask


def _forecast() -> str:
    from bondstore.stores.archive import wait_text
    from bondstore.vault.glacier.inventory import wait

    return f"Requests: 1 for an inventory, billed as one; ready {wait_text(wait())} after it."


def _show(result: RunResult, job: InventoryJob, *, json: bool) -> int:
    from bondstore.cli import report
    from bondstore.vault.glacier.inventory import InventoryPlan

    if result.state == "cancelled":
        return report.show_result(result, job.vault.record, json=json)
    if result.state == "planned":
        assert isinstance(result.plan, InventoryPlan)
        _show_plan(result.plan.stage, json=json)
        return int(Exit.DONE)
    with job.vault.record.ledger(create=False) as ledger:
        found = list(ledger.findings.of_run(result.run))
        code = report.exit_code_of(result.run, result.tally, ledger)
        if json:
            output.display(map(report.finding_record, found), (), json=True)
        elif found:
            report.show_findings(ledger, result.run)
    if result.tally.complete:
        _show_archives(job, json=json)
    if json:
        output.display_one(result.tally, json=True)
    return code


def _show_plan(stage: str, *, json: bool) -> None:
    from bondstore.vault.glacier.inventory import READY, TO_ASK, TO_ASK_AGAIN, WAITING

    meaning = {
        "": "The inventory is here already; --refresh asks for a new one.",
        TO_ASK: _forecast(),
        TO_ASK_AGAIN: f"The inventory expired before it was fetched. {_forecast()}",
        WAITING: "The inventory was asked for, and is not there yet.",
        READY: "The inventory is ready, and would be fetched.",
    }
    if json:
        output.display_one({"kind": "inventory-plan", "stage": stage or "here", "message": meaning[stage]}, json=True)
    else:
        output.note(meaning[stage], "Nothing was asked for.")


def _show_archives(job: InventoryJob, *, json: bool) -> None:
    from bondstore.vault.glacier.inventory import TABLE, head_of, read_inventory

    total = {"archives": 0, "bytes": 0}
    records = _counting(read_inventory(job.vault), total)
    if json:
        output.display(records, (), json=True)
    else:
        output.display(islice(records, _SHOWN), ("created", output.size("bytes"), "name"))
        for _ in records:
            pass
    about = {"kind": "inventory", "vault": job.vault.name, "date": head_of(job.vault).get("InventoryDate"), **total}
    table = job.vault.folder / TABLE
    if json:
        output.display_one({**about, "table": str(table)}, json=True)
        return
    if total["archives"] > _SHOWN:
        output.note(f"… and {number_text(total['archives'] - _SHOWN)} more.")
    output.note(
        f"{counted(total['archives'], 'archive')}, {bytes_text(total['bytes'])}, as of {about['date']}.",
        f"The whole table, with ids and tree hashes: {table}",
        "Next:",
        f"  bondstore vault migrate {job.vault.name} URL --dry-run",
    )


def _counting(archives: Iterable[Archive], total: dict[str, int]) -> Iterator[dict[str, Any]]:
    for one in archives:
        total["archives"] += 1
        total["bytes"] += one.size
        yield {
            "kind": "archive",
            "archive": one.id,
            "name": one.name,
            "bytes": one.size,
            "created": one.created,
            "tree_hash": one.tree_hash,
            "description": one.description,
        }
