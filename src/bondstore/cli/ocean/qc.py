"""``bondstore ocean qc``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options
from bondstore.cli.ocean._shared import Columns, DestProfile, ExclusionList, Metadata
from bondstore.errors import UsageError
from bondstore.timebounds import start_of

EXAMPLES = (
    "bondstore ocean qc s3://fishsoop-data/raw s3://fishsoop-data-qc --tests moana",
    "bondstore ocean qc ./csv ./qc --format both --metadata deployments.csv --attributes about.toml",
    "bondstore ocean qc ./argo ./qc --tests argo --exclusion-list ar_greylist.txt --dry-run",
)


def command(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Where the files lie: a store's URL, or a folder.")],
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where results go: a store's URL, or a folder.")],
    *,
    tests: Annotated[
        str, typer.Option(metavar="SUITE|FILE", help="A suite of tests (see: bondstore ocean tests), or your own TOML.")
    ] = "moana",
    compat: Annotated[
        str | None, typer.Option(metavar="moana-2024", help="Flags as an older chain sets them, to compare with it.")
    ] = None,
    since: options.Since = None,
    tz: options.TimeZone = "UTC",
    form: Annotated[
        str,
        typer.Option("--format", metavar="netcdf|parquet|both", help="NetCDF files, Parquet tables by month, or both."),
    ] = "netcdf",
    names: Annotated[
        str, typer.Option(metavar="plain|aodn", help="How files are named: after their source, or as AODN asks for.")
    ] = "plain",
    per: Annotated[
        str, typer.Option(metavar="profile|deployment", help="A netCDF file for each object, or for each deployment.")
    ] = "profile",
    plots: Annotated[bool, typer.Option("--plots", help="Draw each profile beside its file.")] = False,
    metadata: Metadata = None,
    exclusion_list: ExclusionList = None,
    attributes: Annotated[
        Path | None, typer.Option(metavar="TOML", help="Licence, creator, institution … for the files.")
    ] = None,
    columns: Columns = None,
    jobs: options.Jobs = None,
    profile: options.Profile = None,
    dest_profile: DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Test profiles by a standard's rules, and write them as files that can be released.

    Each object becomes a netCDF file with the flags of every test, and a record beside it that says what it was made
    of and how it did. Run again, only what is new or changed is done; stopped at any moment, it goes on where it was.
    What cannot be read is named in the findings, and the exit code is 5. A test that could not be evaluated never
    counts as passed.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.domains.ocean import service
    from bondstore.runs.destinations import open_destination

    if compat is not None and compat != "moana-2024":
        raise UsageError(f"There is no older chain named {compat!r}.", hint="It is: --compat moana-2024")
    if compat is not None and tests != "moana":
        raise UsageError("--tests and --compat contradict each other.", hint="Leave one of them out.")
    asked = service.Asked(compat or tests, form, names, plots, metadata, attributes, columns, per, exclusion_list)
    job = service.prepare(
        source,
        dest,
        asked,
        since=start_of(since, tz),
        profile=profile,
        dest_profile=dest_profile,
        group=group,
        follow_links=follow_links,
    )
    result = service.run(
        job,
        jobs=jobs,
        progress=reporter(),
        confirm=before_fetching(f"Test {{}} into {job.dest.url}?", yes=yes),
        dry_run=dry_run,
    )
    return show_result(result, open_destination(job.dest), json=json)
