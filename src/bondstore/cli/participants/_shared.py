"""What the commands about participants share: the options that name the table, and how one is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bondstore.registry.service import Participant

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="dynamodb://REGION, postgresql://USER@HOST/NAME (password by PGPASSWORD or PGPASSFILE) or "
        "sqlite:///FILE. Else a SQLite file of your own.",
    ),
]
Table = Annotated[str, typer.Option("--table", metavar="NAME", help="The table's name.")]
TABLE = "participant-information"
Reveal = Annotated[bool, typer.Option("--reveal", help="Also show names, numbers and whatever else is covered by ***.")]


def record_of(one: Participant, *, reveal: bool) -> dict[str, Any]:
    """Return a participant as a record, covered unless told otherwise."""
    from bondstore.registry.masking import masked

    fields = dict(one.fields) if reveal else masked(one.fields)
    return {
        "kind": "participant",
        "user_id": one.user_id,
        "gone": one.gone or None,
        "version": one.version,
        "fields": fields,
    }
