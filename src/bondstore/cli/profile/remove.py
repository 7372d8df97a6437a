"""``bondstore profile remove``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm

EXAMPLES = ("bondstore profile remove lab --yes", "bondstore profile remove lab --dry-run")


def command(
    name: Annotated[str, typer.Argument(autocompletion=options.profile_names, help="The profile.")],
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Remove a profile from your own settings file. The secrets it refers to stay where they are."""
    from bondstore.config.settings import find_own, remove_profile

    path = find_own(name)
    if not dry_run:
        confirm(f"Remove the profile {name!r} from {path}?", yes=yes)
        remove_profile(name)
    output.display_one({"kind": "profile", "name": name, "file": path, "removed": not dry_run}, json=json)
