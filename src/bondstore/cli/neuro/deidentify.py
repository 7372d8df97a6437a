"""``bondstore neuro deidentify``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options
from bondstore.cli.from_model import with_settings
from bondstore.cli.neuro._shared import Annotations, Code, CrosswalkOptions, Dates, Faces, Names, Source

EXAMPLES = (
    "bondstore neuro deidentify ./export ./clean --dry-run",
    "bondstore neuro deidentify ./export ./clean --names staff.txt --dates shift",
    "bondstore neuro deidentify ./export ./clean --faces fill",
    "bondstore neuro deidentify ./export s3://edf-bucket --annotations drop --yes",
    "bondstore neuro deidentify ./export s3://vault --allow erd --allow vt2 --dest-profile hospital",
)


@with_settings
def command(
    source: Source,
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where results go: a folder, or a store's URL.")],
    *,
    code: Code = None,
    dates: Dates = "keep",
    names: Names = None,
    annotations: Annotations = "scrub",
    faces: Faces = "keep",
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXT",
            help="Encrypt files with this ending where they cannot be cleaned, for who can read the crosswalk; may be "
            "repeated. The profile of DEST must say identified = true.",
        ),
    ] = None,
    crosswalk: CrosswalkOptions,
    jobs: options.Jobs = None,
    profile: options.Profile = None,
    dest_profile: options.DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Write hospital recordings under subject codes, without identity.

    SRC has a folder for each patient. Recordings (EDF, BDF) become CODE_edf/CODE_1.edf and so on by their start; text
    notes (SNC, VTC) go beside the recording that they begin with. Headers are written again, and names are blanked in
    annotations, labels and notes; videos lose all but pictures and sound. With --faces fill, faces in them are covered
    as far as they are found. Samples stay equal, and originals are never changed. Codes come from the crosswalk.

    Files that cannot be cleaned are listed with the reason and not copied, and the exit code is 5; with --allow they
    are kept encrypted, and each is listed. Where a patient may be in the crosswalk under another spelling, nothing is
    copied, and the exit code is 8. Files are told by aliases: no name is written to results, records or logs.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.domains.neuro import service
    from bondstore.runs.destinations import open_destination

    job = service.prepare(
        source,
        dest,
        code=code,
        dates=dates,
        names=names,
        annotations=annotations,
        faces=faces,
        allow=allow or (),
        crosswalk=crosswalk.reference(),
        profile=profile,
        dest_profile=dest_profile,
        group=group,
        follow_links=follow_links,
    )
    result = service.run(
        job,
        jobs=jobs,
        progress=reporter(things="files"),
        confirm=before_fetching(f"Write {{}} without identity into {job.dest.url}?", yes=yes, things="files"),
        dry_run=dry_run,
    )
    return show_result(result, open_destination(job.dest), json=json)
