"""``bondstore unseal-legacy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options
from bondstore.config.secrets import SecretRef
from bondstore.errors import Exit
from bondstore.findings import Severity

if TYPE_CHECKING:
    from bondstore.runs.destination import Destination
    from bondstore.runs.engine import RunResult

EXAMPLES = (
    "bondstore unseal-legacy P001.tar.gz.enc /data/opened",
    "bondstore unseal-legacy az://old-container /data/opened --passphrase file:/home/me/2016 --passphrase prompt:",
    "bondstore unseal-legacy s3://lab/old s3://lab-secure/opened --passphrase env:OLD_PASSPHRASE --yes",
    "bondstore unseal-legacy az://old-container s3://VAULT/old --seal-for anna --passphrase env:OLD_PASSPHRASE --yes",
)


def command(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="An archive, or a folder or store of archives.")],
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where results go: a folder, or a store's URL.")],
    *,
    passphrase: Annotated[
        list[SecretRef] | None,
        typer.Option(
            "--passphrase",
            metavar="REF",
            parser=options.secret_reference,
            help="Where a passphrase is: env:NAME, file:/path, keyring:service/name; repeatable. Else you are asked.",
        ),
    ] = None,
    seal_for: Annotated[
        list[str] | None,
        typer.Option(
            "--seal-for",
            metavar="KEY",
            help="Encrypt what comes out, lists too, before it is written: for the name of a key, or the path of a "
            ".pub file; may be repeated.",
        ),
    ] = None,
    iterations: Annotated[
        int | None, typer.Option("--iterations", metavar="N", min=1, help="Rounds of -pbkdf2, if not 10,000.")
    ] = None,
    keep_tar: Annotated[bool, typer.Option("--keep-tar", help="Do not unpack tars.")] = False,
    accept_unknown: Annotated[
        bool, typer.Option("--accept-unknown", help="Also write what cannot be proved; the exit code is 5.")
    ] = False,
    profile: options.Profile = None,
    dest_profile: options.DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Decrypt archives that openssl enc encrypted with a passphrase, and unpack their tars.

    Cipher (DES, triple DES, AES), digest and padding are found by trying. Nothing is written before the content proves
    that the passphrase is right and the end is there: gzip by its checksum, tar, zip, AVI, MP4, EDF and BDF by their
    structure. An archive NAME becomes DEST/NAME without .enc, and a list of its files with checksums. With --seal-for
    all of these are encrypted (Crypt4GH) before they are written. An archive that fails does not stop the others. Exit
    codes: 4 when no passphrase opens any, 7 when one is damaged, else 5.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import before_fetching
    from bondstore.cli.report import show_result
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination
    from bondstore.vault.jobs import executor
    from bondstore.vault.keys import find_recipient
    from bondstore.vault.legacy.job import prepare
    from bondstore.vault.legacy.unseal import ASK, Asked
    from bondstore.version import TOOL

    recipients = tuple(find_recipient(one).public.hex() for one in seal_for or ())
    asked = Asked(tuple(passphrase or (ASK,)), iterations, keep_tar, accept_unknown, recipients)
    job = prepare(
        source, dest, asked, profile=profile, dest_profile=dest_profile, group=group, follow_links=follow_links
    )
    place = open_destination(job.dest)
    result = engine.execute(
        job,
        place,
        executor(jobs),
        progress=reporter(),
        confirm=before_fetching(f"Decrypt {{}} into {place.shown}?", yes=yes, things="archives"),
        dry_run=dry_run,
        tool=TOOL,
    )
    code = show_result(result, place, json=json)
    return _worst(result, place) if code == Exit.INCOMPLETE else code


def _worst(result: RunResult, destination: Destination) -> int:
    """Return the exit code of a run that is not complete, by what it found."""
    from bondstore.vault.legacy.findings import UNOPENED

    with destination.ledger(create=False) as ledger:
        kinds = {one.kind for one in ledger.findings.of_run(result.run) if one.severity is Severity.ERROR}
    if "content-damaged" in kinds:
        return int(Exit.INTEGRITY)
    opened = result.tally.done.objects + result.tally.skipped.objects
    return int(Exit.CONFIGURATION if kinds == {UNOPENED} and not opened else Exit.INCOMPLETE)
