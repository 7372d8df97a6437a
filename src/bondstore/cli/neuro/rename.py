"""``bondstore neuro rename``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.neuro._shared import CrosswalkOptions
from bondstore.cli.questions import confirm
from bondstore.errors import Exit
from bondstore.text import counted

if TYPE_CHECKING:
    from bondstore.domains.neuro.renaming import Renaming

EXAMPLES = (
    "bondstore neuro rename ./clean --to names --dry-run",
    "bondstore neuro rename ./clean --to names",
    "bondstore neuro rename ./clean --to codes --yes",
)


@with_settings
def command(
    dest: Annotated[str, typer.Argument(metavar="DEST", help="The folder that bondstore neuro deidentify wrote to.")],
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="names|codes", help="Call files by people's names, or by their codes again.")
    ],
    show_names: Annotated[bool, typer.Option("--show-names", help="Also show the names.")] = False,
    crosswalk: CrosswalkOptions,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Name files and folders after people, as a hospital's viewer needs it, and back after their codes.

    Names are those of the crosswalk, and its key is needed. Only names of files and folders change: contents,
    records/ and recordings.csv keep the codes. While files have names, no run writes to DEST, and put and cp refuse it:
    rename it back first. Nothing is overwritten. Stopped at any moment, the same command, or one in the other
    direction, continues. Files that are gone are counted, and the exit code is 5.
    """
    from bondstore.cli.progress import reporter
    from bondstore.domains.neuro.renaming import rename

    def ask(planned: Renaming) -> None:
        confirm(f"Give {_amount(planned)} in {dest} {_KINDS[planned.to]}?", yes=yes)

    done = rename(
        dest,
        to,  # type: ignore[arg-type]
        crosswalk=crosswalk.reference(),
        confirm=ask,
        progress=reporter(things="files"),
        dry_run=dry_run,
    )
    columns: list[str | output.Column] = ["code", output.number("files"), output.number("missing")]
    records = (
        {"kind": "subject", "code": one.code, "files": one.files, "missing": one.missing, "renamed": done.is_done}
        | ({"name": one.name} if show_names else {})
        for one in done.subjects
    )
    output.display(records, [*columns, "name"] if show_names else columns, json=json)
    _note(done, dest)
    return Exit.INCOMPLETE if done.missing else Exit.DONE


_KINDS = {"names": "people's names", "codes": "their codes again"}


def _amount(done: Renaming) -> str:
    return f"{counted(done.files, 'file')} and {counted(done.folders, 'folder')}"


def _note(done: Renaming, dest: str) -> None:
    if not done.files + done.folders:
        output.note(f"Up to date: the files in {dest} have {done.to} already.")
    elif not done.is_done:
        output.note(f"Nothing was changed. {_amount(done)} would get {_KINDS[done.to]}.")
    else:
        output.note(f"Finished. {_amount(done)} have {_KINDS[done.to]}.")
        if done.to == "names":
            output.note(
                f"Rename them back before the next run and before they leave: "
                f"bondstore neuro rename {shlex.quote(dest)} --to codes"
            )
    if done.missing:
        output.note(f"Missing: {counted(done.missing, 'file')}. bondstore neuro deidentify writes what is missing.")
