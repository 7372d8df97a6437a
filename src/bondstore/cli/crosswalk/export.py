"""``bondstore crosswalk export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.crosswalk import _shared
from bondstore.cli.from_model import with_settings
from bondstore.cli.questions import confirm
from bondstore.errors import UsageError

EXAMPLES = (
    "bondstore crosswalk export subjects.csv --dry-run",
    "bondstore crosswalk export subjects.csv --yes",
    "bondstore crosswalk export history.jsonl --history --yes",
)


@with_settings(order=("dest", "history"))
def command(
    dest: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, for you alone (mode 0600).")],
    *,
    history: Annotated[
        bool, typer.Option("--history", help="All that was ever changed, as JSON Lines; else a CSV of what holds.")
    ] = False,
    crosswalk: _shared.CrosswalkOptions,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Write the crosswalk to a file that anybody can read who gets it: codes with names, births, record numbers.

    The CSV has a line for each spelling of a name. You are asked first. Delete the file as soon as you do not need it.
    """
    from bondstore.deid.crosswalkfile import as_csv, as_lines
    from bondstore.modes import write_private

    opened = crosswalk.open()
    entries = opened.entries()
    content = as_lines(opened.history()) if history else as_csv(entries)
    if dest.exists() or dest.is_symlink():
        raise UsageError(f"There is a file {dest} already.", hint="Name a new one: nothing is overwritten.")
    record = {"kind": "export", "file": dest, "subjects": len(entries), "bytes": len(content)}
    if not dry_run:
        confirm(f"Write the names of {len(entries)} subjects, not encrypted, to {dest}?", yes=yes)
        write_private(dest, content)
    output.display_one(record | {"written": not dry_run}, json=json)
