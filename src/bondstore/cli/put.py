"""``bondstore put``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.runs.plan import Plan
    from bondstore.vault.put import PutJob

EXAMPLES = (
    "bondstore put recordings s3://VAULT/eeg --seal-for anna --seal-for berta --dry-run",
    "bondstore put recordings s3://VAULT/eeg --seal-for anna --class DEEP_ARCHIVE --pack 512MB --dry-run",
    "bondstore put /nas/video s3://VAULT/video --seal-for anna --passphrase file:/etc/lab/passphrase --yes",
)


def command(
    source: Annotated[str, typer.Argument(metavar="SRC", help="The folder, or the store, whose files are uploaded.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="The vault: s3://BUCKET/PREFIX, az://CONTAINER, a folder.")],
    *,
    seal_for: Annotated[
        list[str] | None,
        typer.Option(
            "--seal-for",
            metavar="KEY",
            help="For whom to encrypt: the name of a key, or the path of a .pub file; may be repeated. "
            "Without it files are kept as they are.",
        ),
    ] = None,
    existing: Annotated[
        str,
        typer.Option(
            metavar="error|skip|refresh",
            help="What to do with files that the vault has in another version: refuse, leave them, or replace them.",
        ),
    ] = "error",
    storage_class: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="The storage class of the files, such as GLACIER, DEEP_ARCHIVE or Archive. "
            "Manifests stay where they can be read at once.",
        ),
    ] = None,
    pack: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Put small files together into tars of up to this size, from 128MB to 1GB. "
            "Each file can still be fetched by itself.",
        ),
    ] = None,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            autocompletion=options.profile_names,
            help="Named settings to open the vault with; see: bondstore profile list.",
        ),
    ] = None,
    from_profile: Annotated[
        str | None,
        typer.Option(
            "--from-profile",
            metavar="NAME",
            autocompletion=options.profile_names,
            help="Named settings to open SRC with, where it is a store.",
        ),
    ] = None,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Encrypt files for their recipients and keep them in a vault, with a signed manifest.

    Each file becomes one object, below data/ and under its own name; with --pack many small ones become one. The
    manifest says what was uploaded, by size and checksum, and names the manifest before it. Run again, only new and
    changed files are uploaded; stopped at any moment, it goes on where it was. Nothing is deleted, here or there.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination
    from bondstore.vault.jobs import executor
    from bondstore.vault.put import kept_in, put_job

    job = put_job(
        source,
        url,
        seal_for=seal_for or (),
        key=key,
        passphrase=passphrase,
        existing=existing,
        profile=profile,
        from_profile=from_profile,
    )
    job = kept_in(job, storage_class, pack)
    place = open_destination(job.dest)
    if not json:
        output.note(*_said(job.recipients.names, job.recipients.key))
    asked = before_fetching(f"Upload {{}} to {place.shown}?", yes=yes, things="files")

    def ask(plan: Plan) -> bool:
        if plan.todo.objects and not json:
            output.note(*_told(job, plan))
        return asked(plan)

    result = engine.execute(job, place, executor(jobs), progress=reporter(things="files"), confirm=ask, dry_run=dry_run)
    if dry_run and not json:
        output.note(*_told(job, result.plan))
    costs = job.costs(result.plan)
    return show_result(result, place, json=json, about=costs.record() if costs is not None else {})


def _told(job: PutJob, plan: Plan) -> Iterator[str]:
    """Yield what a plan takes, where files go into a storage class."""
    costs = job.costs(plan)
    if costs is not None:
        yield from costs.lines()


def _said(names: tuple[str, ...], key: str) -> list[str]:
    if not names:
        return ["New files are not encrypted: no --seal-for was given."]
    said = [f"New files are encrypted for {', '.join(names)}; signed by {key}."]
    if key not in names:
        said.append(f"You will not be able to decrypt them with your key {key}. Add --seal-for {key} if you should.")
    return said
