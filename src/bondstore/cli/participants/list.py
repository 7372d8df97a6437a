"""``bondstore participants list``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.participants import _shared
from bondstore.text import printable

EXAMPLES = ("bondstore participants list", "bondstore participants list --database dynamodb://ap-southeast-2 --json")


@with_settings(order=("table", "database"))
def command(
    *,
    gone: Annotated[bool, typer.Option("--gone", help="Only those that are marked as gone.")] = False,
    reveal: _shared.Reveal = False,
    table: _shared.TableOptions,
    json: options.Json = False,
) -> None:
    """List the participants, by number.

    Vessel and port are shown; names, telephone numbers and all other columns are covered until you add --reveal. Each
    list is noted in the record of your reads: bondstore audit show.
    """
    from bondstore.registry import service

    found = service.members(table.open())
    records = [_shared.record_of(one, reveal=reveal) for one in found if one.gone or not gone]
    if json:
        output.display(records, (), json=True)
        return
    names = list(dict.fromkeys(name for record in records for name in record["fields"]))
    # columns by their place: a column of the CSV may be called as one of ours
    rows = (
        {
            "user_id": one["user_id"],
            "inactive": one["inactive"],
            **{str(i): one["fields"].get(n) for i, n in enumerate(names)},
        }
        for one in records
    )
    shown = [output.Column(str(i), printable(name)) for i, name in enumerate(names)]
    output.display(
        rows, [output.Column("user_id", "user_id", right=True), "inactive", *shown], empty="There are no participants."
    )
