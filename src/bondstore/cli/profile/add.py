"""``bondstore profile add``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.config.secrets import SecretRef

EXAMPLES = (
    "bondstore profile add lab --url s3://lab-study --access-key env:LAB_ID --secret-key env:LAB_SECRET",
    "bondstore profile add guide --url s3://bucket --key env:DECRYPTION_KEY_STRING --read-only",
    "bondstore profile add local --endpoint http://127.0.0.1:8333 --url s3://demo --proxy none",
)


def _ref(text: str) -> Any:
    return typer.Option(metavar="REF", parser=options.secret_reference, help=text)


def command(
    name: Annotated[str, typer.Argument(help="What to call it: letters, digits, - and _.")],
    *,
    url: Annotated[str | None, typer.Option("--url", "--store", metavar="URL", help="The store to open.")] = None,
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="The address of a service of your own.")] = None,
    region: Annotated[str | None, typer.Option(help="The S3 region.")] = None,
    access_key: Annotated[SecretRef | None, _ref("Where the access key's id is kept.")] = None,
    secret_key: Annotated[SecretRef | None, _ref("Where the secret access key is kept.")] = None,
    session_token: Annotated[SecretRef | None, _ref("Where the session token is kept.")] = None,
    aws_profile: Annotated[str | None, typer.Option(help="Take keys and region from this profile of ~/.aws.")] = None,
    anonymous: Annotated[bool | None, typer.Option("--anonymous", help="Send unsigned requests.")] = None,
    path_style: Annotated[
        bool | None,
        typer.Option("--path-style/--virtual-host", help="Where the bucket's name goes; else decided by the endpoint."),
    ] = None,
    proxy: Annotated[str | None, typer.Option(metavar="environment|none", help="Follow proxy variables?")] = None,
    checksums: Annotated[str | None, typer.Option(metavar="auto|when_required|always", help="On uploads.")] = None,
    read_only: Annotated[bool | None, typer.Option("--read-only", help="Refuse every write.")] = None,
    plaintext: Annotated[
        str | None, typer.Option(metavar="allowed|forbidden", help="May decrypted data be written to a disk?")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The Azure storage account.")] = None,
    account_key: Annotated[SecretRef | None, _ref("Where the Azure account's key is kept.")] = None,
    sas: Annotated[SecretRef | None, _ref("Where the Azure shared access signature is kept.")] = None,
    key: options.Key = None,
    study: options.Study = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a profile of that name.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Keep what a profile of that name says besides.")] = False,
    default: Annotated[bool, typer.Option("--default", help="Use it when no profile is named.")] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Add a profile to your own settings file (mode 0600).

    Secrets are given by reference: env:NAME, file:/path (mode 0600), keyring:service/name or prompt: .
    """
    from bondstore.config.profiles import Profile
    from bondstore.config.settings import DEFAULT, check_profile_settings, own_settings, save_profile

    given: dict[str, Any] = {
        "url": url, "endpoint": endpoint, "region": region, "access_key": access_key, "secret_key": secret_key,
        "session_token": session_token, "aws_profile": aws_profile, "anonymous": anonymous, "path_style": path_style,
        "proxy": proxy, "checksums": checksums, "read_only": read_only, "plaintext": plaintext, "account": account,
        "account_key": account_key, "sas": sas, "decryption_key": key, "study": study,
    }  # fmt: skip
    settings = check_profile_settings({name: value for name, value in given.items() if value is not None})
    if update:
        settings = own_settings(name) | settings
    profile = Profile(name=name, **settings)
    path = save_profile(profile, replace=replace or update, default=default, dry_run=dry_run)
    record = {"kind": "profile", "name": name, "file": path, "written": not dry_run}
    output.display_one(record | {key: str(value) for key, value in settings.items()}, json=json)
    if not dry_run:
        chosen = "" if name == DEFAULT or default else f" --profile {name}"
        output.note(f"Next: bondstore doctor{chosen}")
