"""``bondstore keys trust``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm

EXAMPLES = (
    "bondstore keys trust berta berta.pub --signing berta.sign.pub",
    "bondstore keys trust berta berta.pub --fingerprint SHA256:… --yes",
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
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Keep somebody's public key under a name, to encrypt for them or to check what they signed.

    Compare the fingerprint with its owner, over the telephone or face to face: who gives you another key reads what you
    encrypt for it.
    """
    from bondstore.errors import IntegrityError
    from bondstore.vault.keys import read_recipient, trust

    found = read_recipient(public, signing)
    if expected is not None and expected.strip() != found.fingerprint:
        raise IntegrityError(
            f"The fingerprint of {public} is {found.fingerprint}, not the one that you gave.",
            hint="Ask the owner for the file again, and compare both.",
        )
    record = {"kind": "key", "name": name, "fingerprint": found.fingerprint, "signs": found.signing is not None}
    if not dry_run:
        if expected is None:
            confirm(f"Did the owner tell you this fingerprint: {found.fingerprint}?", yes=yes)
        record |= {"file": trust(name, public, signing).file}
    output.display_one(record | {"trusted": not dry_run}, json=json)
