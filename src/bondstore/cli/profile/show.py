"""``bondstore profile show``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output

EXAMPLES = ("bondstore profile show", "bondstore profile show lab --json")


def command(
    name: Annotated[
        str | None, typer.Argument(autocompletion=options.profile_names, help="The profile; else the one that holds.")
    ] = None,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Show the settings that hold here and now, and where each one comes from.

    A flag stands above the environment, that above bondstore.toml of the project, that above your own settings file.
    Secrets are shown as what refers to them, never as what they are.
    """
    from bondstore.config.settings import describe_profile

    output.display(
        describe_profile(name or profile),
        ("setting", "value", output.Column("source", "from")),
        json=json,
    )
