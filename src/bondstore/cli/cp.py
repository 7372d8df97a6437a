"""``bondstore cp``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options

EXAMPLES = (
    "bondstore cp s3://BUCKET/patients/1ab2cd3e az://CONTAINER/patients/1ab2cd3e --recursive --dry-run",
    "bondstore cp s3://VAULT/eeg file:///backup/eeg --recursive --yes",
    "bondstore cp s3://BUCKET/patients/1ab2cd3e/day1.edf here",
)


def command(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="An object; or with --recursive a store, a part of one, or a vault.")
    ],
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="The folder, store or part of one that objects are copied into.")
    ],
    *,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Copy all that is below SRC.")] = False,
    existing: Annotated[
        str,
        typer.Option(
            metavar="error|skip|refresh",
            help="What to do with objects that DEST has already, or in another version: refuse, leave, or replace.",
        ),
    ] = "error",
    storage_class: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="The storage class of the copies, such as GLACIER, DEEP_ARCHIVE or Archive.",
        ),
    ] = None,
    profile: options.Profile = None,
    dest_profile: options.DestProfile = None,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Copy objects from any store to any other, under the names they have.

    Objects are copied as they are: encrypted ones stay encrypted. A vault that is copied as a whole is a vault again,
    and what differs from its manifests is not copied, and named. Within one bucket the store copies by itself. Run
    again, only new and changed objects are copied; stopped at any moment, it goes on where it was. Nothing is deleted.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.config.resolve import resolve_dest
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination
    from bondstore.vault.cp import cp_job
    from bondstore.vault.jobs import executor

    job = cp_job(
        source,
        dest,
        recursive=recursive,
        existing=existing,
        storage_class=storage_class,
        profile=profile,
        dest_profile=dest_profile,
    )
    place = open_destination(resolve_dest(dest, dest_profile))
    ask = before_fetching(f"Copy {{}} into {place.shown}?", yes=yes)
    result = engine.execute(job, place, executor(jobs), progress=reporter(), confirm=ask, dry_run=dry_run)
    return show_result(result, place, json=json)
