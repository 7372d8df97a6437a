"""``bondstore keys trust``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm

EXAMPLES = (
    "bondstore keys trust berta berta.pub --signing berta.sign.pub",
    "bondstore keys trust berta berta.pub --fingerprint SHA256:…",
)


def command(
    name: Annotated[str, typer.Argument(help="What to call the key's owner: letters, digits, - and _.")],
    public: Annotated[Path, typer.Argument(metavar="FILE.pub", help="Their public key, as Crypt4GH writes it.")],
    *,
    signing: Annotated[
        Path | None,
        typer.Option("--signing", metavar="FILE", help="Their public key for signatures (NAME.sign.pub)."),
    ] = None,
    expected: Annotated[
        str | None,
        typer.Option("--fingerprint", metavar="SHA256:…", help="What the owner says that the fingerprint is."),
    ] = None,
    expected_signing: Annotated[
        str | None,
        typer.Option(
            "--signing-fingerprint", metavar="SHA256:…", help="What the owner says of the key for signatures."
        ),
    ] = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Keep somebody's public key under a name, to encrypt for them or to check what they signed.

    Compare the fingerprints with their owner, over the telephone or face to face: who gives you another key reads what
    you encrypt for it, and who gives you another key for signatures changes what they uploaded. What you give as the
    owner's word is compared; you are asked for the rest.
    """
    from bondstore.vault.keys import read_recipient, trust

    found = read_recipient(public, signing)
    asked = [found.fingerprint] if not _told(public, found.fingerprint, expected) else []
    if signing is not None and not _told(signing, found.signs_as, expected_signing):
        asked.append(f"{found.signs_as} for signatures")
    record: dict[str, Any] = {"kind": "key", "name": name, "fingerprint": found.fingerprint, "signs_as": found.signs_as}
    if not dry_run:
        if asked:
            confirm(f"Did the owner tell you this: {' and '.join(asked)}?", yes=yes)
        record |= {"file": trust(name, found).file}
    output.display_one(record | {"trusted": not dry_run}, json=json)


def _told(file: Path, fingerprint: str, expected: str | None) -> bool:
    from bondstore.errors import IntegrityError

    if expected is not None and expected.strip() != fingerprint:
        raise IntegrityError(
            f"The fingerprint of {file} is {fingerprint}, not the one that you gave.",
            hint="Ask the owner for the file again, and compare both.",
        )
    return expected is not None
