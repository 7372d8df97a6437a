"""``bondstore get``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output

EXAMPLES = (
    "bondstore get s3://VAULT/eeg recordings --unseal",
    "bondstore get 's3://VAULT/eeg#1ab2cd3e/day1' day1 --unseal --passphrase file:/etc/lab/passphrase",
    "bondstore get s3://VAULT/eeg copy --yes",
)


def command(
    url: Annotated[
        str, typer.Argument(metavar="URL[#PATH]", help="The vault; with #PATH only what is below a path of it.")
    ],
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where to: a folder, or a store.")],
    *,
    unseal: Annotated[bool, typer.Option("--unseal", help="Decrypt; otherwise objects stay encrypted.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for archived objects that bondstore restore asked for.")
    ] = False,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: options.Profile = None,
    dest_profile: options.DestProfile = None,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Fetch files of a vault; each is shown only once all of it is proved.

    Every object is held against the signed manifests of the vault, and with --unseal every content too. What differs,
    what is missing, and what no manifest names is told, and the exit code is 7; the rest comes out. Run again, only
    what is new or missing is fetched.

    Archived objects are named, and the exit code is 8: ask for them with bondstore restore. With --wait the command
    waits until they can be read, which may take days; Ctrl-C stops it, and bondstore run resume goes on.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.config.resolve import resolve_dest
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination
    from bondstore.vault.get import get_job
    from bondstore.vault.jobs import executor

    job = get_job(
        url,
        dest,
        unseal=unseal,
        key=key,
        passphrase=passphrase,
        profile=profile,
        dest_profile=dest_profile,
        wait=wait,
    )
    place = open_destination(resolve_dest(dest, dest_profile))
    ask = before_fetching(f"Fetch {{}} into {place.shown}?", yes=yes)
    result = engine.execute(job, place, executor(jobs), progress=reporter(), confirm=ask, dry_run=dry_run)
    code = show_result(result, place, json=json)
    if result.tally.waiting:
        output.note(
            f"Archived objects: ask for them with bondstore restore {job.store.url}, then get them with --wait."
        )
    return code
