"""``bondstore ls``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.errors import Exit
from bondstore.text import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bondstore.vault.listing import ListedObject

EXAMPLES = (
    "bondstore ls s3://BUCKET/patients",
    "bondstore ls s3://BUCKET/patients --recursive --standing",
    "bondstore ls 's3://VAULT/eeg#1ab2cd3e' --recursive --json",
)


_PROOFS = {
    "missing": "missing: a signed manifest names it, and the vault does not have it",
    "changed": "changed: its size is not the one in the signed manifest",
    "unproved": "unproved: no manifest names it, as of an upload that is not finished",
}
"""What is said besides of some files."""


def command(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL[#PATH]",
            help="A store, a part of one, an object, a folder; or a vault, with #PATH a part of it.",
        ),
    ],
    *,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="List all objects below it, and not only what is directly there.")
    ] = False,
    standing: Annotated[
        bool,
        typer.Option(
            "--standing",
            "-l",
            help="Show storage class, and whether an object is archived or until when it can be read: one HEAD each.",
        ),
    ] = False,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: options.Profile = None,
    json: options.Json = False,
) -> int:
    """List what a store, a part of one, or a vault has: names, sizes and times.

    Of a vault the files are listed by their own names and sizes, as its signed manifests say, and whether each is
    still there. No key is needed, but for the names of files in packs: those take --key or --passphrase. Objects
    themselves are listed below VAULT/data. Ends with 7 when a file is missing or has another size, with 5 when a part
    cannot be read.
    """
    from bondstore.vault.listing import list_objects

    contents = list_objects(
        url, recursive=recursive, standing=standing, key=key, passphrase=passphrase, profile=profile
    )
    totals = _Totals(has_key=key is not None or passphrase is not None)
    columns: list[str | output.Column] = ["name", output.number("size"), output.time("modified")]
    if standing:
        columns += ["class", "standing", output.time("until")]
    if contents.is_vault:
        columns += ["encrypted", "proof"]
    output.display(totals.counting(contents.rows), columns, json=json)
    output.note(*totals.lines(contents.is_vault))
    return int(totals.exit_code)


class _Totals:
    """What went by."""

    def __init__(self, *, has_key: bool) -> None:
        self._has_key = has_key
        self._kinds: Counter[str] = Counter()
        self._proofs: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._barred = 0

    def counting(self, rows: Iterable[ListedObject]) -> Iterator[ListedObject]:
        for one in rows:
            self._kinds[one.kind] += 1
            self._proofs[one.proof] += 1
            self._bytes[one.kind] += one.size or 0
            self._barred += one.barred
            yield one

    def lines(self, is_vault: bool) -> Iterator[str]:
        things = "file" if is_vault else "object"
        said = f"{counted(self._kinds[things], things)} ({bytes_text(self._bytes[things])})"
        if folders := self._kinds["folder"]:
            said += f", {counted(folders, 'folder')}"
        yield f"{said}."
        if packs := self._kinds["pack"]:
            advice = "this key does not list them" if self._has_key else "add --key NAME to list them"
            yield f"{counted(packs, 'pack')} of files ({bytes_text(self._bytes['pack'])}): {advice}."
        for proof, what in _PROOFS.items():
            if number := self._proofs[proof]:
                yield f"{counted(number, 'file is', 'files are')} {what}."
        if self._barred:
            yield f"{counted(self._barred, 'name')} cannot be read. Check permissions, and links that lead nowhere."

    @property
    def exit_code(self) -> Exit:
        if self._proofs["missing"] or self._proofs["changed"]:
            return Exit.INTEGRITY
        return Exit.INCOMPLETE if self._barred else Exit.DONE
