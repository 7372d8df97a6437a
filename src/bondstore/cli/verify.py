"""``bondstore verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options
from bondstore.errors import UsageError

EXAMPLES = (
    "bondstore verify s3://VAULT/eeg",
    "bondstore verify s3://VAULT/eeg --deep --json",
    "bondstore verify s3://VAULT/eeg --sample 5 --unseal --passphrase file:/etc/lab/passphrase",
)


def command(
    url: Annotated[
        str, typer.Argument(metavar="URL[#PATH]", help="The vault; with #PATH only what is below a path of it.")
    ],
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Read every object and compare its checksum.")] = False,
    sample: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", min=0, max=100, help="Read so many of a hundred objects, chosen at random."),
    ] = None,
    unseal: Annotated[
        bool, typer.Option("--unseal", help="Decrypt what is read, and compare the checksum of its content too.")
    ] = False,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: options.Profile = None,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Hold a vault against its signed manifests.

    Every manifest, signature and link between manifests is proved. Of each object presence and size are compared; with
    --deep its checksum too, which needs no key. What was changed, what is missing, and what no manifest names is told,
    and the exit code is 7. Nothing is written to the vault. Stopped at any moment, it goes on with: bondstore run
    resume.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import show_result
    from bondstore.runs import engine
    from bondstore.vault.jobs import executor
    from bondstore.vault.verify import destination_of, verify_job

    if deep and sample is not None:
        raise UsageError("--deep reads all objects, --sample some.", hint="Leave one of them out.")
    job = verify_job(url, deep=deep, sample=sample, unseal=unseal, key=key, passphrase=passphrase, profile=profile)
    place = destination_of(job)
    result = engine.execute(job, place, executor(jobs), progress=reporter(), dry_run=dry_run)
    return show_result(result, place, json=json)
