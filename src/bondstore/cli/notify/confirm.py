"""``bondstore notify confirm``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.notify import _shared

EXAMPLES = ("bondstore notify confirm TOKEN", "bondstore notify confirm - --json")


def command(
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="From the message that asked; - reads it from standard input.")
    ],
    *,
    settings: _shared.SettingsFile = None,
    secret: _shared.Reference = None,
    database: _shared.Database = None,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Confirm a subscription by the token from its message. From then on mail is sent."""
    from bondstore.notify.open import open_mail
    from bondstore.notify.subscriptions import Subscribers

    mail = open_mail(settings, profile, secret=secret, database=database)
    one = Subscribers(mail.subscribers, mail.secret()).confirm(_shared.given(token), now=time.time())
    output.display_one(_shared.subscriber_record(one), json=json)
