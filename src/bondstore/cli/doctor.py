"""``bondstore doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.errors import BondstoreError, Exit, UsageError
from bondstore.text import printable

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.doctor import Check

EXAMPLES = (
    "bondstore doctor",
    "bondstore doctor --profile lab --study STUDY --key env:STUDY_KEY",
    "bondstore doctor --store s3://BUCKET --to /data/export --json",
    "bondstore doctor --store s3://BUCKET --expect private",
)
_SIGNS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL", "not-checked": "?   "}


def command(
    *,
    store: options.Store = None,
    profile: options.Profile = None,
    study: options.Study = None,
    participant: options.Participants = None,
    key: options.Key = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where outputs would go; else here.")
    ] = None,
    try_write: Annotated[
        bool, typer.Option("--try-write", help="Also write an object to the store and delete it again.")
    ] = False,
    expect: Annotated[
        str | None,
        typer.Option(
            metavar="public|private", help="Fail unless everybody, or nobody without credentials, can read it."
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Say what is wrong, and the command that mends it.

    Looks at credentials, clock, endpoint, addressing style, proxy, checksums, mix-ups, permissions, free space, RAM
    disk, at who can read the store, and at the study and its key when they are named. Writes nothing to the store
    unless --try-write is given.
    Ends with 4 when a check fails or could not be made.
    """
    if expect not in (None, "public", "private"):
        raise UsageError(f"The expectation {expect!r} is unknown.", hint="Choose one of: public, private.")
    counts = dict.fromkeys(_SIGNS, 0)
    asked = {"folder": to or Path.cwd(), "try_write": try_write, "expected": expect or ""}
    for check in _checks(store, profile, (study, key, participant or []), asked):
        counts[check.status.value] += 1
        _show(check, json=json)
    summary: dict[str, Any] = {"kind": "summary", **{name.replace("-", "_"): n for name, n in counts.items()}}
    bad = counts["fail"] + counts["not-checked"]
    if json:
        output.display_one(summary, json=True)
    elif bad:
        output.note(f"{counts['fail']} to mend, {counts['not-checked']} could not be looked at.")
    else:
        output.note("All is well." if not counts["warn"] else f"All works; {counts['warn']} to know of.")
    return int(Exit.CONFIGURATION if bad else Exit.DONE)


def _checks(
    store: str | None, profile: str | None, meant: tuple[str | None, SecretRef | None, list[str]], asked: dict[str, Any]
) -> Any:
    from bondstore.config.resolve import resolve_store
    from bondstore.doctor import Case, Check, CheckStatus, examine

    try:
        spec = resolve_store(store, profile)
    except BondstoreError as error:
        yield Check("settings", CheckStatus.FAIL, error.message, error.hint or "")
        return
    yield from examine(Case(spec, **asked, **_of_domains(spec, *meant)))


def _of_domains(spec: StoreSpec, study: str | None, key: SecretRef | None, participants: list[str]) -> dict[str, Any]:
    """Add what the domains know of this case."""
    from bondstore.domains import all_domains
    from bondstore.runs.domain import load

    found: dict[str, Any] = {}
    extras: list[Any] = []
    for domain in all_domains().values():
        if domain.checks:
            added = dict(load(domain.checks)(spec, study, key, participants))
            extras += added.pop("extras", ())
            found |= added
    return {**found, "extras": extras}


def _show(check: Check, *, json: bool) -> None:
    if json:
        output.display_one(check, json=True)
        return
    typer.echo(printable(f"{_SIGNS[check.status.value]}  {check.name:<12}  {check.message}"))
    if check.mend:
        typer.echo(printable(f"      {'':<12}  -> {check.mend}"))
