"""``bondstore verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output, report
from bondstore.errors import Exit, UsageError
from bondstore.text import counted

if TYPE_CHECKING:
    from bondstore.vault.fetched import Fetched

EXAMPLES = (
    "bondstore verify s3://VAULT/eeg",
    "bondstore verify s3://VAULT/eeg --deep --json",
    "bondstore verify recordings-back --deep",
    "bondstore verify s3://VAULT/eeg --sample 5 --unseal --passphrase file:/etc/lab/passphrase",
)


def command(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL[#PATH]|DEST",
            help="The vault; with #PATH only what is below a path of it. Or a place that bondstore get wrote to.",
        ),
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

    A folder or a store that bondstore get wrote to is held against the record of its runs instead: presence and size of
    every file, or with --deep its checksum. What has yet to arrive is counted; then the exit code is 8.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.report import show_result
    from bondstore.config.resolve import resolve_dest
    from bondstore.runs import engine
    from bondstore.vault.fetched import fetched_at
    from bondstore.vault.jobs import executor
    from bondstore.vault.verify import destination_of, verify_job

    if deep and sample is not None:
        raise UsageError("--deep reads all objects, --sample some.", hint="Leave one of them out.")
    if not unseal and "#" not in url:
        fetched = fetched_at(resolve_dest(url, profile), 1.0 if deep else (sample or 0.0) / 100)
        if fetched is not None:
            return _show(fetched, json=json)
    job = verify_job(url, deep=deep, sample=sample, unseal=unseal, key=key, passphrase=passphrase, profile=profile)
    place = destination_of(job)
    result = engine.execute(job, place, executor(jobs), progress=reporter(), dry_run=dry_run)
    return show_result(result, place, json=json)


def _show(fetched: Fetched, *, json: bool) -> int:
    """Show how files that a run wrote compare with its record."""
    columns = (output.Column("finding", "file is"), output.Column("key", "file"), "message")
    output.display(map(report.finding_record, fetched.findings()), columns, json=json)
    counts = {name: getattr(fetched, name) for name in ("files", "bytes", "wrong", "waiting", "failed")}
    output.display_one({"kind": "fetched", **counts}, json=json, hide=("kind",))
    if fetched.wrong:
        return Exit.INTEGRITY
    if fetched.failed:
        output.note(f"{counted(fetched.failed, 'object')} could not be fetched in full.")
        return Exit.INCOMPLETE
    if fetched.waiting:
        output.note(f"{counted(fetched.waiting, 'object')} have yet to be fetched: the run goes on, or was stopped.")
        return Exit.WAITING
    return Exit.DONE
