"""``bondstore keys show``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output

EXAMPLES = ("bondstore keys show", "bondstore keys show --json", "bondstore keys show anna")


def command(
    name: Annotated[str | None, typer.Argument(help="One key, by its name or the path of a .pub file.")] = None,
    *,
    json: options.Json = False,
) -> None:
    """List your own keys and those of others that you trust, with the fingerprints to compare with their owners."""
    from bondstore.vault.keys import find_recipient, recipients

    found = recipients() if name is None else iter([find_recipient(name)])
    records = (
        {
            "kind": "key",
            "name": one.name,
            "yours": one.is_own,
            "fingerprint": one.fingerprint,
            "signs_as": one.signs_as,
            "file": one.file,
        }
        for one in found
    )
    output.display(
        records,
        ("name", "yours", "fingerprint", "signs_as", "file"),
        json=json,
        empty="There is no key yet. Make one: bondstore keys new NAME",
    )
