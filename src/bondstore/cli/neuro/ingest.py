"""``bondstore neuro ingest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.neuro._shared import Annotations, Code, CrosswalkOptions, Dates, Faces, Names, Source

if TYPE_CHECKING:
    from bondstore.domains.neuro.stages import Stage
    from bondstore.runs.plan import Plan

EXAMPLES = (
    "bondstore neuro ingest ./export --to s3://edf-bucket --video-to s3://video-bucket --dry-run",
    "bondstore neuro ingest ./export --to s3://edf-bucket --seal-for anna --seal-for berta --names staff.txt",
    "bondstore neuro ingest ./export --to s3://edf-bucket --archive-to az://archive/eeg --archive-class Archive --yes",
)


@with_settings
def command(
    source: Source,
    *,
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The vault for recordings and notes.")],
    video_to: Annotated[
        str | None,
        typer.Option("--video-to", metavar="URL", help="The vault for videos. Without it videos are not uploaded."),
    ] = None,
    archive_to: Annotated[
        str | None,
        typer.Option("--archive-to", metavar="URL", help="Copy both vaults there too, below recordings/ and video/."),
    ] = None,
    archive_class: Annotated[
        str | None,
        typer.Option(
            "--archive-class", metavar="CLASS", help="The storage class there, such as DEEP_ARCHIVE or Archive."
        ),
    ] = None,
    seal_for: Annotated[
        list[str] | None,
        typer.Option(
            "--seal-for",
            metavar="KEY",
            help="For whom to encrypt: the name of a key, or the path of a .pub file; may be repeated. "
            "Without it for your own key.",
        ),
    ] = None,
    existing: Annotated[
        str,
        typer.Option(
            metavar="error|skip|refresh",
            help="What to do with files that a vault has in another version: refuse, leave them, or replace them.",
        ),
    ] = "error",
    code: Code = None,
    dates: Dates = "keep",
    names: Names = None,
    annotations: Annotations = "scrub",
    faces: Faces = "keep",
    crosswalk: CrosswalkOptions,
    jobs: options.Jobs = None,
    profile: options.Profile = None,
    dest_profile: options.DestProfile = None,
    archive_profile: Annotated[
        str | None,
        typer.Option(
            "--archive-profile",
            metavar="NAME",
            autocompletion=options.profile_names,
            help="Named settings to open the archive with; else those of --dest-profile.",
        ),
    ] = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Take identity out of hospital recordings and upload them encrypted, in one go.

    SRC has a folder for each patient. Each file is cleaned as by deidentify, looked at again as by audit, encrypted and
    sent, and nothing of it lies on a disk on its way (videos do, encrypted). A file in which the second look finds
    somebody, or that cannot be cleaned, is not uploaded, and the exit code is 5. Then each vault is held against its
    signed manifests; what differs is told with exit code 7. Originals are never changed.

    Stopped at any moment, the same command goes on where it was, also within a large file. Your key opens the
    crosswalk, and signs.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.domains.neuro.stages import carry_out, prepare_ingest, worst_of

    asked = prepare_ingest(
        source,
        to,
        video_to,
        archive_to,
        seal_for=seal_for or (),
        existing=existing,
        archive_class=archive_class,
        code=code,
        dates=dates,
        names=names,
        annotations=annotations,
        faces=faces,
        crosswalk=crosswalk.reference(),
        profile=profile,
        dest_profile=dest_profile,
        archive_profile=archive_profile,
    )
    who = asked.uploads[0].recipients
    if not json:
        output.note(f"Files are encrypted for {', '.join(who.names)}; signed by {who.key}.")

    def confirm(stage: Stage, plan: Plan) -> bool:
        question = f"Upload {{}} ({stage.what}) without identity to {stage.place.shown}?"
        return stage.does != "upload" or before_fetching(question, yes=yes, things="files")(plan)

    codes = []
    for stage, ended in carry_out(
        asked, jobs=jobs, progress=reporter(things="files"), confirm=confirm, dry_run=dry_run
    ):
        if json:
            output.display_one({"kind": "stage", "does": stage.does, "what": stage.what}, json=True)
        else:
            output.note("", f"{stage.does.capitalize()}: {stage.what}")
        codes.append(show_result(ended.result, stage.place, json=json))
    return worst_of(codes)
