"""``bondstore beiwe export``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options
from bondstore.cli.beiwe._shared import StudyOptions
from bondstore.cli.from_model import with_settings
from bondstore.cli.questions import before_fetching
from bondstore.timebounds import window

EXAMPLES = (
    "bondstore beiwe export /data/export --study STUDY",
    "bondstore beiwe export /data/tables --study STUDY --format parquet --stream gps --since 2024-01-01",
    "bondstore beiwe export /data/forest --study STUDY --format forest --source both -p 1ab2cd3e --yes --json",
)


@with_settings
def command(
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where results go: a folder, or a store's URL.")],
    *,
    study: StudyOptions,
    participant: options.Participants = None,
    stream: options.Streams = None,
    survey: options.Surveys = None,
    source: options.SourceOrNone = None,
    since: options.Since = None,
    until: options.Until = None,
    tz: options.TableZone = "UTC",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="original|forest|csv|parquet",
            help="Exact files, files as forest reads them, or one table per participant and stream.",
        ),
    ] = "original",
    dest_profile: options.DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    jobs: options.Jobs = None,
    json: options.Json = False,
) -> int:
    """Decrypt a study, or a part of it, into a folder or a store.

    Run again, it does only what is new, changed or missing; stopped at any moment, it goes on where it was. Damaged
    objects are named in the findings, their sealed bytes kept in DEST/.bondstore/quarantine; everything else comes out,
    and the exit code is 5. Nothing in DEST is deleted, so without a terminal no question is asked.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import show_result
    from bondstore.runs.destinations import open_destination
    from bondstore.stores.address import dest_spec

    start, end = window(since, until, tz)
    opened = study.open()
    place = open_destination(dest_spec(dest, dest_profile or opened.settings, group=group, follow_links=follow_links))
    result = opened.export(
        dest,
        participant=participant,
        stream=stream,
        since=start,
        until=end,
        form=form,
        source=source,
        jobs=jobs,
        progress=reporter(),
        confirm=before_fetching(f"Decrypt {{}} into {place.shown}?", yes=yes),
        dry_run=dry_run,
        dest_profile=dest_profile,
        group=group,
        follow_links=follow_links,
        tz=tz,
        survey=survey,
    )
    return show_result(result, place, json=json)
