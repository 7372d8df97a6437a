"""``bondstore audit verify``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output, report, runs_shared
from bondstore.errors import IntegrityError, UsageError
from bondstore.text import number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.ledger import Ledger
    from bondstore.runs.destination import Destination
    from bondstore.runs.proof import ChainProof

EXAMPLES = (
    "bondstore audit verify --dest /data/export",
    "bondstore audit verify --dest /data/export --files",
    "bondstore audit verify --dest /data/export --expect "
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)
_HASH = re.compile(r"[0-9a-fA-F]{64}")


def head_hash(text: str) -> bytes:
    """Read a head hash as `audit verify` shows it."""
    if not isinstance(text, str) or not _HASH.fullmatch(text.strip()):
        raise typer.BadParameter("Give the hash in full: 64 digits 0-9 and a-f, as audit verify showed it.")
    return bytes.fromhex(text.strip())


def command(
    *,
    dest: runs_shared.Reads = None,
    dest_profile: runs_shared.DestProfile = None,
    expect: Annotated[
        bytes | None,
        typer.Option(
            "--expect", metavar="HEAD", parser=head_hash, help="A head hash written down earlier: it must be there."
        ),
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Also hash every file again and name those that changed or are gone.")
    ] = False,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept-new-chain",
            help="Take what is there as a new record from now on: for one that is lost for good. The old one is kept.",
        ),
    ] = False,
    json: options.Json = False,
) -> None:
    """Prove that the record is unbroken: no entry changed, none missing, none cut off. Ends with 7 when it is broken.

    What the record says of files, objects and findings is held against its entries. Each run also notes elsewhere
    where the record stood at its end: one that is lost, empty or put back in an older state is found.

    Write the head hash down elsewhere: given to --expect later, it proves that nothing up to it was cut off or
    written anew.
    """
    from bondstore.runs import anchors
    from bondstore.runs.proof import prove_chain
    from bondstore.runs.renamed import refuse_renamed

    if files and dest is None:
        raise UsageError("There are files only where there is a folder.", hint="Add --dest FOLDER.")
    if accept:
        if dest is None:
            raise UsageError("There is a new record only where runs write to.", hint="Add --dest FOLDER.")
        anchors.accept(runs_shared.destination_at(dest, dest_profile))
    with runs_shared.audited(dest, dest_profile, held=False) as (ledger, destination):
        proof = prove_chain(ledger, expect)
        if destination is not None:
            anchors.hold(destination, ledger)
            if files:
                refuse_renamed(destination.corner, destination.shown)
        if not json:
            _show(proof, ledger)
        changed, unknown = _show_changed(ledger, destination, json=json) if files and destination else (0, 0)
        if json:
            counts = {"files_changed": changed, "files_unknown": unknown} if files else {}
            output.display_one(_record(proof, ledger) | counts, json=True)
    if changed:
        raise IntegrityError(
            f"{number_text(changed)} of the files are not what the runs wrote.",
            hint="Copy the changed ones if they are yours, then run the same command again: it makes them anew."
            if destination and destination.at_once
            else "Run the same command again: it makes them anew, and keeps the changed ones in .bondstore.",
        )


def _record(proof: ChainProof, ledger: Ledger) -> dict[str, object]:
    found = {} if proof.expected_at is None else {"expected_at": proof.expected_at}
    return {"kind": "chain", "ledger": ledger.path, "entries": proof.entries, "head": proof.head.hex(), **found}


def _show(proof: ChainProof, ledger: Ledger) -> None:
    output.display_one(_record(proof, ledger), hide=("kind", "expected_at"))
    number = number_text(proof.entries)
    output.note(f"The record is unbroken: {number} entries, each bound to all before it.")
    if proof.expected_at is not None:
        since = number_text(proof.entries - proof.expected_at)
        output.note(f"The hash you expected is there, as entry {proof.expected_at:,}; {since} came after it.")
    output.note("Write the head down elsewhere: --expect HEAD proves later that nothing was cut off.")


def _show_changed(ledger: Ledger, destination: Destination, *, json: bool) -> tuple[int, int]:
    from bondstore.cli.progress import reporter
    from bondstore.runs.proof import changed_files, unknown_files

    changed = unknown = 0

    def found() -> Iterator[dict[str, Any]]:
        nonlocal changed, unknown
        for one in changed_files(ledger, destination, reporter()):
            changed += 1
            yield report.finding_record(one)
        for one in unknown_files(ledger, destination):
            unknown += 1
            yield report.finding_record(one)

    columns = (output.Column("finding", "file is"), output.Column("key", "file"), "message")
    whole = f"All {number_text(ledger.outputs.total()[0])} files are what the runs wrote."
    output.display(found(), columns, json=json, empty=whole)
    if unknown and not changed and not json:
        output.note(whole)
    return changed, unknown
