"""``bondstore audit show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output, runs_shared
from bondstore.text import moment
from bondstore.timebounds import window_ms

if TYPE_CHECKING:
    from bondstore.ledger import AuditEntry

EXAMPLES = (
    "bondstore audit show",
    "bondstore audit show --dest /data/export --run last --limit 20",
    "bondstore audit show --dest /data/export --prefix CHUNKED_DATA/STUDY/PARTICIPANT/ --since 2024-01-31 --json",
)


def command(
    *,
    dest: runs_shared.Reads = None,
    dest_profile: runs_shared.DestProfile = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only what was read for this run.")] = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option("--prefix", metavar="PREFIX", help="Only objects whose key starts so; may be repeated."),
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    tz: options.TimeZone = "UTC",
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Only the newest so many.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was written and removed, and what became of each object.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show who read which object, when, and for which run; newest last.

    Without --dest: what this account read outside runs, on the terminal or in a notebook.
    """
    start_ms, end_ms = window_ms(since, until, tz)
    with runs_shared.audited(dest, dest_profile) as (ledger, destination):
        wanted = runs_shared.run_named(run, ledger, destination)
        entries = ledger.audit.entries(
            run=wanted, prefixes=prefix or (), since_ms=start_ms, until_ms=end_ms, last=limit, results=everything
        )
        shown = ("time", "who", "action", output.number("bytes"))
        output.display(
            map(_record if json else _line, entries),
            (*shown, *(() if destination is None or run else ("run",)), "key", "version"),
            json=json,
            empty="Nothing was read.",
        )


def _line(entry: AuditEntry) -> dict[str, Any]:
    """Leave out the hash of a run's tally, which says nothing to a person."""
    return _record(entry) | ({"version": ""} if entry.action.startswith("run.") else {})


def _record(entry: AuditEntry) -> dict[str, Any]:
    return {
        "kind": "audit",
        "seq": entry.seq,
        "time": moment(entry.at_ms),
        "who": entry.who,
        "action": entry.action,
        "key": entry.key,
        "version": entry.version,
        "bytes": entry.size,
        "run": entry.run,
        "hash": entry.hash.hex(),
    }
