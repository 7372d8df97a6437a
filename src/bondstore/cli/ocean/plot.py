"""``bondstore ocean plot``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.ocean._shared import Columns, DestProfile, ExclusionList
from bondstore.errors import Exit
from bondstore.text import counted, number_text, printable
from bondstore.timebounds import start_of

if TYPE_CHECKING:
    from bondstore.domains.ocean.plot import Picture, Plotted
    from bondstore.findings import Finding

EXAMPLES = (
    "bondstore ocean plot profile_qc.nc",
    "bondstore ocean plot s3://fishsoop-data-qc ./pictures --since 2024-05-01",
    "bondstore ocean plot ./csv ./pictures --format svg --tests qartod",
)


def command(
    source: Annotated[
        str,
        typer.Argument(metavar="SRC", help="A file, a folder or a store's URL: raw CSVs, or netCDF files of profiles."),
    ],
    dest: Annotated[
        str | None,
        typer.Argument(metavar="DEST", help="A folder or a store's URL; else beside a local SRC, or this folder."),
    ] = None,
    *,
    form: Annotated[str, typer.Option("--format", metavar="png|svg", help="What kind of pictures.")] = "png",
    tests: Annotated[
        str, typer.Option(metavar="SUITE|FILE", help="Whose flags are shown (see: bondstore ocean tests), or a TOML.")
    ] = "moana",
    since: options.Since = None,
    tz: options.TimeZone = "UTC",
    metadata: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Deployments: a map and a section for each of them, in place of each sensor."),
    ] = None,
    columns: Columns = None,
    exclusion_list: ExclusionList = None,
    profile: options.Profile = None,
    dest_profile: DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    json: options.Json = False,
) -> int:
    """Draw a picture of each profile, and a map and sections of each platform.

    With salinity there are a section of it and a temperature-salinity diagram too. Levels are marked by what the tests
    say of them, and those that are suspect or bad are labelled with the tests that failed. A float's cycles before are
    read along, as bondstore ocean qc does. The same data give the same
    bytes, so it can be run again at any time. A file that cannot be read is named, the others are drawn, and the exit
    code is 5. --since goes by when a file was written; maps and sections then show these files only. Of a
    single file they are drawn if it holds several profiles.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import finding_record
    from bondstore.domains.ocean import plot as service

    findings: list[dict[str, Any]] = []

    def tell(one: Picture | Finding) -> None:
        if isinstance(one, service.Picture):
            if json:
                output.display_one({"kind": "picture", **output.as_record(one)}, json=True)
        elif json:
            output.display_one(finding_record(one), json=True)
        else:
            findings.append(finding_record(one))

    done = service.plot(
        source,
        dest,
        form=form,
        tests=tests,
        since=start_of(since, tz),
        metadata=metadata,
        columns=columns,
        exclusion_list=exclusion_list,
        profile=profile,
        dest_profile=dest_profile,
        group=group,
        follow_links=follow_links,
        progress=reporter(things="files"),
        tell=tell,
    )
    if json:
        output.display_one(done.tally, json=True)
    else:
        _show(done, findings)
    return int(Exit.DONE if done.tally.complete and done.whole else Exit.INCOMPLETE)


def _show(done: Plotted, findings: list[dict[str, Any]]) -> None:
    from bondstore.cli.report import show_tally

    show_tally(done.tally.objects(), done.tally.sizes())
    if findings:
        output.display(findings, ("severity", "finding", "key", "message"))
    typer.echo(f"{counted(done.pictures, 'picture')} in {printable(done.dest)}")
    if done.kept:
        output.note(
            f"{counted(done.kept, 'picture')} of quality control stay as they are. To draw them anew, name another"
            " folder: bondstore ocean plot SRC DEST"
        )
    if done.left_out:
        output.note(f"Left out, as they are no profiles or older: {number_text(done.left_out)}")
