"""``bondstore beiwe export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options
from bondstore.cli.beiwe._shared import open_study
from bondstore.cli.questions import before_fetching
from bondstore.text import milliseconds

EXAMPLES = (
    "bondstore beiwe export /data/export --study STUDY",
    "bondstore beiwe export /data/tables --study STUDY --form parquet --stream gps --since 2024-01-01",
    "bondstore beiwe export /data/forest --study STUDY --form forest --participant 1ab2cd3e --yes --json",
)


def command(
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="The folder to write to.")],
    *,
    store: options.Store = None,
    profile: options.Profile = None,
    study: options.Study = None,
    key: options.Key = None,
    participant: options.Participants = None,
    stream: options.Streams = None,
    source: options.SourceOrNone = None,
    since: options.Since = None,
    until: options.Until = None,
    form: Annotated[
        str,
        typer.Option(
            metavar="original|forest|csv|parquet",
            help="Exact files, files as forest reads them, or one table per participant and stream.",
        ),
    ] = "original",
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    jobs: options.Jobs = None,
    json: options.Json = False,
) -> int:
    """Decrypt a study, or a part of it, into a folder.

    Run again, it does only what is new, changed or missing; stopped at any moment, it goes on where it was. Damaged
    objects are named in the findings, their sealed bytes kept in DEST/.bondstore/quarantine; everything else comes out,
    and the exit code is 5. Nothing in DEST is deleted, so without a terminal no question is asked.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import show_result
    from bondstore.runs.destination import FolderDestination

    opened = open_study(store, profile, study, key)
    place = FolderDestination(dest.expanduser().absolute())
    result = opened.export(
        place.root,
        participant=participant,
        stream=stream,
        since=milliseconds(since),
        until=milliseconds(until),
        form=form,
        source=source,
        jobs=jobs,
        progress=reporter(),
        confirm=before_fetching(f"Decrypt {{}} into {place.root}?", yes=yes),
        dry_run=dry_run,
    )
    return show_result(result, place, json=json)
