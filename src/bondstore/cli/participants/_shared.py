"""What the commands about participants share: the options that name the table, and how one is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options
from bondstore.cli.from_model import Bundle

if TYPE_CHECKING:
    from bondstore.registry.service import Participant
    from bondstore.registry.sync import Participants

TABLE = "participant-information"


@dataclass(frozen=True, slots=True)
class TableOptions(Bundle):
    """Which table is meant, and how its database is opened."""

    table: Annotated[str, typer.Option(metavar="NAME", help="The table's name.")] = TABLE
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="dynamodb://REGION, postgresql://USER@HOST/NAME (password by PGPASSWORD or PGPASSFILE) or "
            "sqlite:///FILE. Else a SQLite file of your own.",
        ),
    ] = None
    profile: options.Profile = None

    def open(self) -> Participants:
        """Open the table."""
        from bondstore.registry.service import open_participants

        return open_participants(self.database, self.table, self.profile)


Reveal = Annotated[bool, typer.Option("--reveal", help="Also show names, numbers and whatever else is covered by ***.")]


def record_of(one: Participant, *, reveal: bool) -> dict[str, Any]:
    """Return a participant as a record, covered unless told otherwise."""
    from bondstore.registry.masking import masked

    fields = dict(one.fields) if reveal else masked(one.fields)
    return {
        "kind": "participant",
        "user_id": one.user_id,
        "inactive": one.gone or None,
        "version": one.version,
        "fields": fields,
    }
