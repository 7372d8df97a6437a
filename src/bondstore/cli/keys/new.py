"""``bondstore keys new``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output

EXAMPLES = ("bondstore keys new anna", "bondstore keys new lab --passphrase file:/etc/lab/passphrase")


def command(
    name: Annotated[str, typer.Argument(help="What to call the pair: letters, digits, - and _.")],
    *,
    passphrase: Annotated[
        str | None,
        typer.Option(
            "--passphrase",
            metavar="REF",
            help="Where the passphrase is kept: env:NAME, file:/path (mode 0600) or keyring:service/name. "
            "Default: asked for, twice.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Make a pair of keys: a private one, encrypted under a passphrase, and a public one to give to others.

    The files are those of Crypt4GH. Nobody can decrypt what was encrypted for a key that is lost: keep a copy of the
    private file, and of its passphrase, in two other places.
    """
    from bondstore.config.secrets import Secret, SecretRef
    from bondstore.errors import UsageError
    from bondstore.vault.keys import PRIVATE, SIGNING, new_pair

    def asked() -> Secret:
        first = SecretRef("prompt", f"New passphrase for {name} (not shown)").resolve()
        if SecretRef("prompt", "The same passphrase again").resolve() != first:
            raise UsageError("The two passphrases differ; nothing was written.", hint="Run the command again.")
        return first

    secret = asked() if passphrase is None else options.secret_reference(passphrase).resolve()
    made = new_pair(name, secret)
    private = made.file.with_name(f"{name}{PRIVATE}")
    signing = made.file.with_name(f"{name}{SIGNING}")
    record = {
        "kind": "key",
        "name": name,
        "fingerprint": made.fingerprint,
        "signs_as": made.signs_as,
        "public": made.file,
        "private": private,
    }
    output.display_one(record, json=json)
    output.note(
        f"Give others {made.file} to encrypt for you, and {signing} to check what you upload. "
        "Tell them both fingerprints yourself.",
        f"Keep copies of {private} and of its passphrase in two other places.",
    )
