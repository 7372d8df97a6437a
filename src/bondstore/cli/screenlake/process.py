"""``bondstore screenlake process``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import lazy, options, output
from bondstore.cli.screenlake._shared import StoreUrl, describe, place_record, space
from bondstore.errors import UsageError

if TYPE_CHECKING:
    from bondstore.runs.plan import Plan

EXAMPLES = (
    "bondstore screenlake process s3://screenlake-zip-prod /data/phones --since 2024-01-01 --until 2024-03-31",
    "bondstore screenlake process s3://BUCKET/academia /data/phones --by captured --tz Europe/Berlin --text patterns",
    "bondstore screenlake process s3://BUCKET s3://RESULTS/phones --since 2024-01-01 --panelist HASH --dry-run",
)


def command(
    store: StoreUrl,
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where results go: a folder, or a store's URL.")],
    *,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="First day, inclusive: 2024-01-31. Else from the start.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Last day, inclusive: 2024-03-31. Else to the end.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="uploaded|captured",
            help="Days of the upload to the store, or days on which a screenshot or row was made (reads more zips).",
        ),
    ] = "uploaded",
    tz: options.TimeZone = "UTC",
    panelist: Annotated[
        list[str] | None,
        typer.Option("--panelist", "-p", metavar="HASH", help="Only this panelist; may be repeated."),
    ] = None,
    redact: Annotated[
        str,
        typer.Option(
            metavar="fill|blur|none",
            help="Cover faces by solid boxes; or by blur, which can be undone in part; or do not look for them.",
        ),
    ] = "fill",
    fast: Annotated[bool, typer.Option("--fast", help="Look for faces less hard: quicker, and misses more.")] = False,
    careful: Annotated[bool, typer.Option("--careful", help="Look harder: slower, misses less, covers more.")] = False,
    model: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Look for faces with another ONNX model (YuNet).")
    ] = None,
    text: Annotated[
        str,
        typer.Option(
            metavar="keep|patterns|drop",
            help="On-screen text in the tables: keep it, take e-mail addresses, phone and card numbers and the like "
            "out of it, or drop it.",
        ),
    ] = "keep",
    ocr: Annotated[
        bool, typer.Option("--ocr", help="Find such addresses and numbers in the images too, and cover them (slow).")
    ] = False,
    form: Annotated[
        str, typer.Option("--format", metavar="csv|parquet", help="Tables as CSV, or as Parquet besides.")
    ] = "csv",
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Most zips that are taken up together.")
    ] = 25,
    jobs: options.Jobs = None,
    query_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Name of the results' folder; else it follows from store, days and panelists."),
    ] = None,
    profile: options.Profile = None,
    dest_profile: options.DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Turn zips of phones into images with faces covered, and whole tables, for every panelist.

    Both days are included; they are days of UTC unless --tz names a zone. Results go to
    DEST/QUERY-ID/combined/panelists/PANELIST/metadata and images, with report.html and redactions.jsonl beside them.

    Run again, it does only what is new, changed or missing; stopped at any moment, it goes on where it was. What cannot
    be handled is named in the findings and stays in the store as it is; everything else comes out, and the exit code
    is 5. No image is written to DEST before its faces are covered.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.domains.screenlake import service

    job = service.prepare(
        store,
        dest,
        since=since,
        until=until,
        by=by,
        zone=tz,
        panelists=panelist,
        redact=redact,
        effort=_effort(fast=fast, careful=careful),
        model=model,
        text=text,
        ocr=ocr,
        parquet=_parquet(form),
        batch=batch,
        query_id=query_id,
        profile=profile,
        dest_profile=dest_profile,
        group=group,
        follow_links=follow_links,
    )
    place = service.place_of(job)
    if not json:
        output.note(*describe(job, place))
    ask = before_fetching(f"Process {{}} into {place.shown}?", yes=yes, things="zips")

    def told_first(plan: Plan) -> bool:
        if not json and lazy.at_terminal():
            output.note(*space(plan, place))
        return ask(plan)

    result = service.run(
        job,
        jobs=jobs,
        progress=reporter(things="zips", inside="images", guess=service.guess_of(job, jobs)),
        confirm=told_first,
        dry_run=dry_run,
    )
    if dry_run and not json:
        output.note(*space(result.plan, place))
    return show_result(result, place, json=json, about=place_record(job, place, result.plan))


def _effort(*, fast: bool, careful: bool) -> str:
    if fast and careful:
        raise UsageError("--fast and --careful contradict each other.", hint="Leave one of them out.")
    return "fast" if fast else "careful" if careful else "default"


def _parquet(form: str) -> bool:
    if form not in ("csv", "parquet"):
        raise UsageError(f"The format {form!r} is unknown.", hint="Choose one of: csv, parquet.")
    return form == "parquet"
