"""``bondstore beiwe reconcile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.beiwe._shared import StudyOptions
from bondstore.cli.from_model import with_settings
from bondstore.cli.questions import before_fetching
from bondstore.text import number_text
from bondstore.timebounds import window_ms

if TYPE_CHECKING:
    from bondstore.domains.beiwe.reconcile.job import ReconcileJob
    from bondstore.findings import Finding
    from bondstore.runs.destination import Destination

EXAMPLES = (
    "bondstore beiwe reconcile --study STUDY",
    "bondstore beiwe reconcile --study STUDY --participant 1ab2cd3e --stream accelerometer --json",
    "bondstore beiwe reconcile --study STUDY --since 2024-03-27 --until 2026-02-18 --rebuild /data/rebuilt --yes",
)


@with_settings
def command(
    *,
    study: StudyOptions,
    participant: options.Participants = None,
    stream: options.Streams = None,
    since: options.Since = None,
    until: options.Until = None,
    tz: options.TimeZone = "UTC",
    rebuild: Annotated[
        str | None,
        typer.Option(
            "--rebuild", metavar="DEST", help="Write every hour that lacks rows, whole, into this folder or store."
        ),
    ] = None,
    dest_profile: options.DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    jobs: options.Jobs = None,
    json: options.Json = False,
) -> int:
    """Say which rows raw holds and chunked lacks; with --rebuild, write those hours anew from both.

    Raw rows are brought into the form in which the server chunks them, and held against the chunked objects by
    timestamp and values. Hours whose chunked object is damaged count as not comparable. Missing rows are no error: the
    exit code is 5 only when objects were damaged or could not be fetched.

    --rebuild writes DEST/chunked/PARTICIPANT/STREAM/HOUR.csv. Run again, it does only what is new or changed.
    """
    from bondstore.config.resolve import resolve_key
    from bondstore.domains.beiwe.reconcile.job import ReconcileJob
    from bondstore.domains.beiwe.selection import select
    from bondstore.runs.destinations import open_destination
    from bondstore.stores.address import dest_spec

    opened = study.open()
    selection = select(participant or (), stream or (), "both", *window_ms(since, until, tz))
    spec = opened.store.spec
    dest = None
    if rebuild is not None:
        dest = dest_spec(rebuild, dest_profile or opened.settings, group=group, follow_links=follow_links)
    job = ReconcileJob(spec, opened.id, opened.key or resolve_key(None, spec.profile), selection, dest)
    if dest is None:
        return _report(job, json=json)
    return _rebuild(job, open_destination(dest), jobs, dry_run=dry_run, yes=yes, json=json)


def _report(job: ReconcileJob, *, json: bool) -> int:
    """Compare; write nothing."""
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import exit_code, finding_record
    from bondstore.domains.beiwe.reconcile.report import GapReport

    def found(finding: Finding) -> None:
        if json:
            output.display_one(finding_record(finding), json=True)
        else:
            where = f" ({finding.where})" if finding.where else ""
            output.note(f"{finding.severity.value}: {finding.kind}: {finding.key}{where}: {finding.message}")

    report = GapReport(job, found, reporter())
    columns = (
        output.Column("participant"),
        output.Column("stream"),
        *(output.number(name) for name in ("raw_rows", "missing_rows", "hours", "hours_missing", "hours_incomplete")),
        output.number("hours_not_comparable", "not comparable"),
        output.time("first"),
        output.time("last"),
    )
    output.display(report.gaps(), columns, json=json, empty="No raw object that the server chunks is in the selection.")
    if json:
        output.display_one(report.tally, json=True)
    else:
        output.note_left_out(report.left_out)
        counts = ", ".join(f"{number_text(number)} {name}" for name, number in report.tally.objects().items())
        output.note(f"Objects: {counts}.")
    return exit_code(report.tally)


def _rebuild(job: ReconcileJob, place: Destination, jobs: int | None, *, dry_run: bool, yes: bool, json: bool) -> int:
    """Write the hours that lack rows."""
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import show_result
    from bondstore.domains.beiwe.reconcile.job import rebuilt
    from bondstore.runs.engine import execute
    from bondstore.runs.executors import default_executor

    executor = default_executor(jobs)
    ask = before_fetching("Read up to {} and write the hours that lack rows into " + f"{place.shown}?", yes=yes)
    result = execute(job, place, executor, progress=reporter(), confirm=ask, dry_run=dry_run)
    if result.state not in ("cancelled", "planned"):
        columns: list[str | output.Column] = ["participant", "stream"]
        columns += [output.number(name) for name in ("hours", "rows", "rows_added", "bytes")]
        with place.ledger(create=False) as ledger:
            output.display(rebuilt(ledger, job.name), columns, json=json, empty="No hour lacks rows; none was rebuilt.")
    return show_result(result, place, json=json)
