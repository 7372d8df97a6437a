"""``bondstore notify confirm``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import Without, with_settings
from bondstore.cli.notify import _shared

EXAMPLES = ("bondstore notify confirm TOKEN", "bondstore notify confirm - --json")


@with_settings
def command(
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="From the message that asked; - reads it from standard input.")
    ],
    *,
    mail: Annotated[_shared.MailOptions, Without("transport", "sender")],
    json: options.Json = False,
) -> None:
    """Confirm a subscription by the token from its message. From then on mail is sent."""
    from bondstore.notify.subscriptions import Subscribers

    opened = mail.open()
    one = Subscribers(opened.subscribers, opened.secret()).confirm(_shared.given(token), now=time.time())
    output.display_one(_shared.subscriber_record(one), json=json)
