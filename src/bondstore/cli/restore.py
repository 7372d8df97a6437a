"""``bondstore restore``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm
from bondstore.text import bytes_text, counted, moment, number_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bondstore.runs.engine import RunResult
    from bondstore.runs.plan import Plan
    from bondstore.vault.restore import RestoreJob
    from bondstore.vault.restore_plan import RestorePlan

EXAMPLES = (
    "bondstore restore s3://BUCKET/patients --dry-run",
    "bondstore restore s3://BUCKET/patients/1ab2cd3e --tier standard --days 14 --yes",
    "bondstore restore 's3://VAULT/eeg#1ab2cd3e/day1' --yes",
    "bondstore restore az://CONTAINER/edf --json",
)


_NOTHING = "Nothing is archived: there is nothing to restore."


def command(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL[#PATH]", help="The store, or a part of it: s3://BUCKET/PREFIX; #PATH names a part of a vault."
        ),
    ],
    *,
    tier: Annotated[
        str | None,
        typer.Option(
            metavar="bulk|standard|expedited", help="How soon; the sooner, the dearer. Default: the cheapest."
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=36500, help="How long restored copies can be read. Default: 7 days."),
    ] = None,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: options.Profile = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Bring archived objects back, so that they can be read.

    The plan comes first: objects, bytes, waiting time and requests. Each archived object is asked for once. The command
    does not wait: it ends with exit code 8 while objects are on their way. Run the same command again to go on; each
    run costs one HEAD an object. An object that is archived again before it was fetched is asked for once more, and
    named. Objects that are not archived are counted and left as they are.

    With #PATH only what has the files below a path of a vault is asked for: of files in packs those packs, each by one
    request. That needs a key which decrypts their indexes.
    """
    from bondstore.cli.progress import reporter
    from bondstore.runs import engine
    from bondstore.runs.executors import Serial
    from bondstore.vault import restore
    from bondstore.vault.restore_plan import RestorePlan
    from bondstore.version import TOOL

    place, _, below = url.partition("#")
    job = restore.part_of(restore.prepare(place, profile, tier=tier, days=days), below, key, passphrase)
    destination = restore.destination_of(job)

    def ask(plan: Plan) -> bool:
        assert isinstance(plan, RestorePlan)
        if plan.asked.objects:
            if not json:
                output.note(*_forecast(plan, job))
            confirm(f"Ask for {counted(plan.asked.objects, 'object')}?", yes=yes)
        return True

    result = engine.execute(
        job,
        destination,
        Serial(),
        progress=reporter(),
        tool=TOOL,
        confirm=ask,
        dry_run=dry_run or not restore.has_archive(job),
    )
    return _show_plan(result, job, json=json) if result.state == "planned" else _show(result, job, json=json)


def _forecast(plan: RestorePlan, job: RestoreJob) -> Iterator[str]:
    """Yield what asking will take: time, requests and bytes; what they cost is in the store's price list."""
    from bondstore.stores.address import parse_address
    from bondstore.stores.archive import find_class, wait_text

    for name, count in sorted(plan.classes.items()):
        known = find_class(parse_address(job.store.url).kind, name)
        wait = f"readable {wait_text(known.waits[job.speed])} after the request" if known else "for a time not known"
        yield f"{name}: {counted(count.objects, 'object')} ({bytes_text(count.bytes)}), {wait}."
        if known and known.for_good:
            yield "  They come back for good: they leave this class."
        if known and known.for_good and known.stay:
            yield f"  {known.stay} days in it are billed at least."
    yield (
        f"Requests: {number_text(plan.asked.objects)} to restore ({job.speed}), billed by request and by GB "
        f"({bytes_text(plan.asked.bytes)}). Each later run costs one HEAD an object."
    )
    if job.days is not None:
        yield f"Copies can be read for {counted(job.days, 'day')}; they are billed besides the archived objects."


def _show_plan(result: RunResult, job: RestoreJob, *, json: bool) -> int:
    from bondstore.stores.address import parse_address

    plan = _plan(result)
    if json:
        output.display_one(plan.record(parse_address(job.store.url).kind, job.speed), json=True)
        return 0
    _show_rows({word: (count.objects, count.bytes) for word, count in plan.found.items()})
    if plan.asked.objects:
        output.note(*_forecast(plan, job), "Nothing was asked for.")
    elif plan.is_plain:
        output.note(_NOTHING)
    return 0


def _show(result: RunResult, job: RestoreJob, *, json: bool) -> int:
    from bondstore.cli import report
    from bondstore.vault import restore

    if result.state == "cancelled":
        return report.show_result(result, restore.destination_of(job), json=json)
    plan = _plan(result)
    counts = Counter(result.tally.inside) + Counter(plan.settled)
    with restore.destination_of(job).ledger(create=False) as ledger:
        if json:
            output.display(map(report.finding_record, ledger.findings.of_run(result.run)), (), json=True)
            about = {"kind": "restore", "store": job.store.url, "objects": dict(sorted(counts.items()))}
            output.display_one({**about, "until": moment(plan.until_ms)}, json=True)
            output.display_one(result.tally, json=True)
        else:
            _show_rows({word: (number, None) for word, number in counts.items()})
            report.show_findings(ledger, result.run)
            output.note(*_ending(result, job, plan))
    return report.exit_code(result.tally)


def _ending(result: RunResult, job: RestoreJob, plan: RestorePlan) -> Iterator[str]:
    from bondstore.cli.report import next_steps
    from bondstore.vault.restore import destination_of

    tally = result.tally
    if plan.until_ms is not None:
        yield f"The first of the restored copies can be read until {time_text(plan.until_ms)}."
    if tally.waiting:
        yield f"{counted(tally.waiting, 'object')} not there yet. Run the same command again later."
    if tally.complete:
        yield _NOTHING if plan.is_plain else "All objects can be read."
    elif not tally.only_waits:
        yield "Next:"
        yield from (f"  {line}" for line in next_steps(result.run, tally, destination_of(job)))


def _plan(result: RunResult) -> RestorePlan:
    from bondstore.vault.restore_plan import RestorePlan

    assert isinstance(result.plan, RestorePlan)
    return result.plan


def _show_rows(counts: Mapping[str, tuple[int, int | None]]) -> None:
    from bondstore.vault.restore_plan import MEANING

    columns = [output.Column("state"), output.number("objects")]
    if any(size is not None for _, size in counts.values()):
        columns.append(output.size("bytes"))
    rows = (
        {"state": word, "objects": number, "bytes": size, "meaning": MEANING.get(word, "")}
        for word, (number, size) in sorted(counts.items())
    )
    output.display(rows, [*columns, output.Column("meaning", "")])
