"""``bondstore profile add``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import Partly, with_settings
from bondstore.config.profiles import Profile

EXAMPLES = (
    "bondstore profile add lab --url s3://lab-study --access-key env:LAB_ID --secret-key env:LAB_SECRET",
    "bondstore profile add guide --url s3://bucket --key env:DECRYPTION_KEY_STRING --read-only",
    "bondstore profile add local --endpoint http://127.0.0.1:8333 --url s3://demo --proxy none",
)


@with_settings(order=("url", "endpoint", "region", "access_key", "secret_key", "session_token", "aws_profile"))
def command(
    name: Annotated[str, typer.Argument(help="What to call it: letters, digits, - and _.")],
    *,
    settings: Annotated[dict[str, Any], Partly(Profile)],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a profile of that name.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Keep what a profile of that name says besides.")] = False,
    default: Annotated[bool, typer.Option("--default", help="Use it when no profile is named.")] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Add a profile to your own settings file (mode 0600).

    Secrets are given by reference: env:NAME, file:/path (mode 0600), keyring:service/name or prompt: .
    """
    from bondstore.config.settings import DEFAULT, own_settings, save_profile

    if update:
        settings = own_settings(name) | settings
    profile = Profile(name=name, **settings)
    path = save_profile(profile, replace=replace or update, default=default, dry_run=dry_run)
    record = {"kind": "profile", "name": name, "file": path, "written": not dry_run}
    output.display_one(record | {key: str(value) for key, value in settings.items()}, json=json)
    if not dry_run:
        chosen = "" if name == DEFAULT or default else f" --profile {name}"
        output.note(f"Next: bondstore doctor{chosen}")
