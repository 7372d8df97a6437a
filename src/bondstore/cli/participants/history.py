"""``bondstore participants history``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.participants import _shared

if TYPE_CHECKING:
    from bondstore.registry.service import Past

EXAMPLES = ("bondstore participants history 4242", "bondstore participants history --json")


@with_settings(order=("table", "database"))
def command(
    who: Annotated[
        str | None, typer.Argument(metavar="[WHO]", help="The user_id, or the value of the key's column; else all.")
    ] = None,
    *,
    reveal: _shared.Reveal = False,
    table: _shared.TableOptions,
    json: options.Json = False,
) -> None:
    """Show what became of a participant, oldest first.

    When, by which sync and which account, and which columns changed. With --json also the values before, covered as in
    the list until you add --reveal.
    """
    from bondstore.registry import service

    found = service.past(table.open(), who)
    columns = ("at", output.Column("user_id", "user_id", right=True), "action", "columns", "who", "run")
    output.display((_record(one, reveal=reveal) for one in found), columns, json=json, empty="Nothing has happened.")


def _record(one: Past, *, reveal: bool) -> dict[str, Any]:
    from bondstore.registry.masking import masked

    entry = one.entry
    return {
        "kind": "history",
        "at": entry.at,
        "user_id": entry.user_id,
        "version": entry.version,
        "action": entry.action,
        "columns": one.columns,
        "who": entry.who,
        "run": entry.run,
        "old": dict(entry.old) if reveal else masked(entry.old),
    }
