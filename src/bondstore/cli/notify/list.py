"""``bondstore notify list``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import Without, with_settings
from bondstore.cli.notify import _shared

EXAMPLES = ("bondstore notify list", "bondstore notify list --sent --json")


@with_settings
def command(
    *,
    sent: Annotated[bool, typer.Option("--sent", help="List the messages and what became of each.")] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show whole addresses; noted in the record of reads.")
    ] = False,
    mail: Annotated[_shared.MailOptions, Without("transport", "sender", "secret")],
    json: options.Json = False,
) -> None:
    """List subscribers, or with --sent the messages and what became of each.

    Of an address the first sign and the domain are shown. Messages name their recipient by the subscriber's key.
    """
    opened = mail.open()
    if sent:
        columns = ("at", "recipient", "state", output.Column("attempts", right=True), "code", "message")
        found = (_shared.delivery_record(one) for one in opened.messages())
        output.display(found, columns, json=json, empty="No message was sent yet.")
        return
    people = (_shared.subscriber_record(one, reveal=reveal) for one in opened.people(reveal=reveal))
    output.display(people, ("subscriber", "state", "address", "topics", "since"), json=json, empty="Nobody subscribed.")
