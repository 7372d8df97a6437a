"""``bondstore participants show``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.participants import _shared

EXAMPLES = ("bondstore participants show 4242", 'bondstore participants show "VN 1234" --reveal')


@with_settings(order=("table", "database"))
def command(
    who: Annotated[str, typer.Argument(metavar="WHO", help="The user_id, or the value of the key's column.")],
    *,
    reveal: _shared.Reveal = False,
    table: _shared.TableOptions,
    json: options.Json = False,
) -> None:
    """Show one participant.

    Covered as in the list until you add --reveal; noted in the record of your reads.
    """
    from bondstore.registry import service

    record = _shared.record_of(service.member(table.open(), who), reveal=reveal)
    if json:
        output.display_one(record, json=True)
        return
    fields = record.pop("fields")
    output.display_one(record)
    output.display_one(fields, hide=())
