"""``bondstore notify unsubscribe``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import Without, with_settings
from bondstore.cli.notify import _shared

EXAMPLES = ("bondstore notify unsubscribe TOKEN", "bondstore notify unsubscribe anna@example.org")


@with_settings
def command(
    who: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN|ADDRESS", help="The token from any message, or the address; - reads it from standard input."
        ),
    ],
    *,
    mail: Annotated[_shared.MailOptions, Without("transport", "sender")],
    json: options.Json = False,
) -> None:
    """End a subscription. The address is removed; nothing is sent there any more."""
    from bondstore.notify.subscriptions import Subscribers

    opened = mail.open()
    people = Subscribers(opened.subscribers, opened.secret())
    word = _shared.given(who)
    end = people.unsubscribe_address if "@" in word else people.unsubscribe
    end(word, now=time.time())
    output.display_one({"kind": "unsubscribed", "state": "unsubscribed"}, json=json)
