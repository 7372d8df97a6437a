"""``bondstore rekey``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.runs.plan import Plan
    from bondstore.vault.rekey import RekeyJob

EXAMPLES = (
    "bondstore rekey s3://VAULT/eeg --for carla --dry-run",
    "bondstore rekey s3://VAULT/eeg --for carla --drop berta --passphrase file:/etc/lab/passphrase --yes",
    "bondstore rekey 's3://VAULT/eeg#1ab2cd3e' --for carla",
)


def command(
    url: Annotated[
        str, typer.Argument(metavar="URL[#PATH]", help="The vault; with #PATH only what is below a path of it.")
    ],
    *,
    add: Annotated[
        list[str],
        typer.Option(
            "--for",
            metavar="KEY",
            help="Who is to decrypt from now on: the name of a key, or the path of a .pub file; may be repeated.",
        ),
    ],
    drop: Annotated[
        list[str] | None,
        typer.Option(
            "--drop",
            metavar="KEY",
            help="Who is not to decrypt any more: a name, a .pub file, or a fingerprint; may be repeated. "
            "Without it all recipients stay.",
        ),
    ] = None,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: options.Profile = None,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Change who can decrypt a vault; contents are not encrypted again.

    Each object gets a new header, and a new signed manifest says so. Your key must decrypt the objects. A bucket copies
    what is behind the headers; how many bytes are read and written here is told before. Stopped at any moment, each
    object can be decrypted by the old recipients or by the new ones; run it again to go on.

    Who is dropped keeps what they have: copies that they fetched, and keys that they took from the headers.
    """
    from bondstore.cli.progress import reporter
    from bondstore.cli.questions import agreed
    from bondstore.cli.report import show_result
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination
    from bondstore.text import bytes_text, counted
    from bondstore.vault.jobs import executor
    from bondstore.vault.rekey import RekeyPlan, rekey_job

    job = rekey_job(url, add=add, drop=drop or (), key=key, passphrase=passphrase, profile=profile)
    place = open_destination(job.store)

    def ask(plan: Plan) -> bool:
        if not plan.todo.objects:
            return True
        if not json:
            output.note(*_said(plan, job))
        size = bytes_text(plan.todo.bytes)
        return agreed(f"Give {counted(plan.todo.objects, 'object')} ({size}) new headers?", yes=yes)

    result = engine.execute(job, place, executor(jobs), progress=reporter(), confirm=ask, dry_run=dry_run)
    planned = result.state == "planned"
    assert isinstance(result.plan, RekeyPlan)
    if planned and not json:
        output.note(*_said(result.plan, job))
    about = {"kind": "rekey-plan", "moved": result.plan.moved} if planned else {}
    return show_result(result, place, json=json, about=about)


def _said(plan: Plan, job: RekeyJob) -> Iterator[str]:
    """Yield who is added and dropped, and what has to be read and written here for that."""
    from bondstore.stores.address import parse_address
    from bondstore.text import bytes_text
    from bondstore.vault.keys import recipients
    from bondstore.vault.rekey import RekeyPlan
    from bondstore.vault.rekeying import SMALL

    assert isinstance(plan, RekeyPlan)
    known = {one.fingerprint: one.name for one in recipients()}
    dropped = ", ".join(known.get(one, one) for one in job.change.dropped)
    said = f"Dropped: {dropped}." if dropped else "All recipients so far stay."
    yield f"Added: {', '.join(name for name, _ in job.change.added)}. {said}"
    if job.reader.key in (known.get(one) for one in job.change.dropped):
        yield f"You will not be able to decrypt them with your key {job.reader.key} any more."
    moved = bytes_text(plan.moved)
    if job.copies:
        small = f"Objects up to {bytes_text(SMALL)} are read and written"
        yield f"The store copies what is behind the headers. {small}: {moved}."
    elif parse_address(job.store.url).is_remote:
        yield f"This kind of store cannot copy what is behind a header. All objects are read and written: {moved}."
    else:
        yield f"All files are read and written again: {moved}."
