"""``bondstore vault migrate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm
from bondstore.cli.vault._rounds import Wait, rounds
from bondstore.errors import Exit
from bondstore.text import bytes_text, counted, number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.runs.destination import Destination
    from bondstore.runs.engine import RunResult
    from bondstore.runs.plan import Plan
    from bondstore.vault.glacier.migrate import MigrateJob, MigratePlan

EXAMPLES = (
    "bondstore vault migrate lab-eeg s3://VAULT/eeg --seal-for anna --dry-run",
    "bondstore vault migrate lab-eeg s3://VAULT/eeg --seal-for anna --tier standard --yes",
    "bondstore vault migrate lab-eeg /nas/eeg --at-once 100 --yes",
)
_MEANING = {
    "fetched": "fetched and proved by this run",
    "asked": "asked for by this run, not there yet",
    "waiting": "asked for before, not there yet",
    "later": "not asked for yet",
    "ghost": "not in the old vault any more",
    "wrong": "do not have their tree hash; not written",
    "here": "in the new vault already",
    "quarantine": "named by an earlier run; see run retry",
    "failed": "could not be brought back; see the findings",
}


def command(
    vault: Annotated[str, typer.Argument(metavar="VAULT", help="The name of the old vault.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="The vault it becomes: s3://BUCKET/PREFIX, a folder.")],
    *,
    seal_for: Annotated[
        list[str] | None,
        typer.Option(
            "--seal-for",
            metavar="KEY",
            help="For whom to encrypt: the name of a key, or the path of a .pub file; may be repeated. "
            "Without it archives are kept as they are.",
        ),
    ] = None,
    tier: Annotated[
        str, typer.Option(metavar="bulk|standard|expedited", help="How soon; the sooner, the dearer.")
    ] = "bulk",
    at_once: Annotated[
        int, typer.Option("--at-once", metavar="N", min=1, help="How many archives are asked for at a time.")
    ] = 500,
    storage_class: Annotated[
        str | None,
        typer.Option("--class", metavar="CLASS", help="The storage class of the files, such as DEEP_ARCHIVE."),
    ] = None,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: options.Profile = None,
    dest_profile: options.DestProfile = None,
    wait: Wait = False,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Move the archives of an old Glacier vault into a vault here, as bondstore put makes it.

    The plan comes first: archives, bytes, waiting time and requests, by the inventory that is kept here. Each archive
    is asked for once, and fetched by a later run: the command ends with exit code 8 while any is on its way. Run the
    same command again to go on, within a day after archives are ready; --wait does so until all are there. What expired
    is asked for again, and said. Each range and each archive is held against its tree hash, and written only if that is
    right; exit code 7 if not. An archive that was deleted since the inventory is named, and does not stop the others.
    Nothing is deleted.
    """
    from bondstore.cli.progress import reporter
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination
    from bondstore.stores.archive import speed_of
    from bondstore.vault.glacier.migrate import MigratePlan, migrate_job
    from bondstore.vault.jobs import executor
    from bondstore.vault.put import kept_in

    speed = speed_of(tier)
    job = migrate_job(
        vault,
        url,
        seal_for=seal_for or (),
        key=key,
        passphrase=passphrase,
        profile=profile,
        dest_profile=dest_profile,
    )
    job = replace(job, put=kept_in(job.put, storage_class), speed=speed, at_once=at_once)
    place = open_destination(job.dest)

    def ask(plan: Plan) -> bool:
        assert isinstance(plan, MigratePlan)
        if plan.asks.objects:
            if not json:
                output.note(*_forecast(plan, job))
            confirm(f"Ask for {counted(plan.asks.objects, 'archive')}?", yes=yes)
        return True

    def run() -> RunResult:
        watch = reporter(things="archives")
        return engine.execute(job, place, executor(jobs), progress=watch, confirm=ask, dry_run=dry_run)

    result = rounds(run, wait=wait)
    if result.state == "planned":
        return _show_plan(result, job, json=json)
    return _show(result, job, place, json=json)


def _forecast(plan: MigratePlan, job: MigrateJob) -> Iterator[str]:
    """Yield what asking will take: time, requests and bytes; what they cost is in the service's price list."""
    from bondstore.stores.archive import find_class, wait_text
    from bondstore.vault.glacier.migrate import LATER

    known = find_class("s3", "GLACIER")  # the service's tiers are the same
    assert known is not None
    yield (
        f"Requests: {number_text(plan.asks.objects)} to bring archives back ({job.speed}), billed by request and by GB "
        f"({bytes_text(plan.asks.bytes)}); ready {wait_text(known.waits[job.speed])} after that, for about a day."
    )
    later = plan.stages.get(LATER)
    if later is not None:
        yield (
            f"{counted(later.objects, 'archive')} more ({bytes_text(later.bytes)}) in later runs: "
            f"{number_text(job.at_once)} at a time (--at-once)."
        )


def _show_plan(result: RunResult, job: MigrateJob, *, json: bool) -> int:
    from bondstore.vault.glacier.migrate import MEANING, MigratePlan

    plan = result.plan
    assert isinstance(plan, MigratePlan)
    counts = {word: (count.objects, count.bytes) for word, count in plan.stages.items()}
    if json:
        stages = {word: {"archives": number, "bytes": size} for word, (number, size) in sorted(counts.items())}
        about = {"kind": "migrate-plan", "vault": job.vault.name, "tier": job.speed.value, "stages": stages}
        here = {"here": plan.skipped.objects, "quarantined": plan.quarantined.objects}
        output.display_one({**about, **here, "requests": plan.asks.objects}, json=True)
        return int(Exit.DONE)
    for word, count in (("here", plan.skipped), ("quarantine", plan.quarantined)):
        if count.objects:
            counts[word] = (count.objects, count.bytes)
    meaning = {**MEANING, **_MEANING}
    rows = (
        {"state": word, "archives": number, "bytes": size, "meaning": meaning[word]}
        for word, (number, size) in sorted(counts.items())
    )
    columns = (output.Column("state"), output.number("archives"), output.size("bytes"), output.Column("meaning", ""))
    output.display(rows, columns)
    if plan.asks.objects:
        output.note(*_forecast(plan, job))
    output.note("Nothing was asked for, and nothing was written.")
    return int(Exit.DONE)


def _show(result: RunResult, job: MigrateJob, place: Destination, *, json: bool) -> int:
    from bondstore.cli import report

    tally = result.tally
    counts = {word: number for word, number in tally.inside.items() if number}
    about = {"kind": "migrate", "vault": job.vault.name, "archives": counts}
    if result.state == "cancelled" or not tally.waiting:
        return report.show_result(result, place, json=json, about=about)
    with place.ledger(create=False) as ledger:
        code = report.exit_code_of(result.run, tally, ledger)
        if json:
            output.display(map(report.finding_record, ledger.findings.of_run(result.run)), (), json=True)
            output.display_one(about, json=True)
            output.display_one(tally, json=True)
        else:
            counts |= {"here": tally.skipped.objects} if tally.skipped.objects else {}
            rows = (
                {"state": word, "archives": number, "meaning": _MEANING[word]}
                for word, number in sorted(counts.items())
            )
            output.display(rows, (output.Column("state"), output.number("archives"), output.Column("meaning", "")))
            report.show_findings(ledger, result.run)
            waiting = counted(tally.waiting, "archive")
            output.note(
                f"{waiting} not there yet. Run the same command again later, within a day after they are ready."
            )
    return code if code == Exit.INTEGRITY else int(Exit.WAITING)
