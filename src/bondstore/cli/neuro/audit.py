"""``bondstore neuro audit``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.neuro._shared import CrosswalkOptions
from bondstore.text import bytes_text, counted, number_text

EXAMPLES = (
    "bondstore neuro audit ./clean",
    "bondstore neuro audit ./clean --names patients.txt",
    "bondstore neuro audit s3://edf-bucket --crosswalk crosswalk.c4gh --json",
)


@with_settings
def command(
    dest: Annotated[str, typer.Argument(metavar="DEST", help="A folder, a store's URL, or a vault.")],
    *,
    names: Annotated[
        str | None, typer.Option(metavar="FILE", help="People to look for, one a line, as in a crosswalk.")
    ] = None,
    crosswalk: CrosswalkOptions,
    profile: options.Profile = None,
    json: options.Json = False,
) -> int:
    """Look for people in everything that left. It shares no search with deidentify, and changes nothing.

    People come from --names, from the crosswalk that you name, or, without either, from your own. All bytes are
    searched: names in UTF-8, Latin-1, the code page of DOS and UTF-16; header fields; annotations, put together where a
    record ends within a name; notes; tags of video; names of files and folders. A finding says where and what kind, and
    never the text. Ends with 6 when anything is left or a file could not be looked into, and with 8 when only common
    words are left that may be names. Encrypted files are read with --key.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import finding_record
    from bondstore.domains.neuro.audit.service import audit

    reference = crosswalk.reference() if crosswalk.is_given else None
    done = audit(dest, names=names, crosswalk=reference, profile=profile, progress=reporter(things="files"))
    columns: list[str | output.Column] = [
        output.Column("key", "file"),
        "where",
        "finding",
        output.number("count"),
        "message",
    ]
    output.display(map(finding_record, done.findings), columns, json=json)
    looked = f"{counted(done.people, 'person', 'people')} looked for in {counted(done.files, 'file')}"
    output.note(
        f"{looked}, {bytes_text(done.size)}. Something is left in {number_text(done.left)}; "
        f"{number_text(done.unseen)} could not be looked into; {number_text(done.doubtful)} to review."
    )
    return done.exit_code
