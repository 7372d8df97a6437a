"""``bondstore notify unsubscribe``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.notify import _shared

EXAMPLES = ("bondstore notify unsubscribe TOKEN", "bondstore notify unsubscribe anna@example.org")


def command(
    who: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN|ADDRESS", help="The token from any message, or the address; - reads it from standard input."
        ),
    ],
    *,
    settings: _shared.SettingsFile = None,
    secret: _shared.Reference = None,
    database: _shared.Database = None,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """End a subscription. The address is removed; nothing is sent there any more."""
    from bondstore.notify.open import open_mail
    from bondstore.notify.subscriptions import Subscribers

    mail = open_mail(settings, profile, secret=secret, database=database)
    people = Subscribers(mail.subscribers, mail.secret())
    word = _shared.given(who)
    end = people.unsubscribe_address if "@" in word else people.unsubscribe
    end(word, now=time.time())
    output.display_one({"kind": "unsubscribed", "state": "unsubscribed"}, json=json)
