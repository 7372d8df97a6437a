"""``bondstore notify subscribe``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.notify import _shared
from bondstore.errors import Exit

EXAMPLES = (
    "bondstore notify subscribe anna@example.org --settings notify.toml",
    "bondstore notify subscribe - --topic platform:0012 --topic vessel:'Blue Fin'",
)


@with_settings
def command(
    address: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS", help="Where mail shall go; - reads it from standard input, out of sight of others."
        ),
    ],
    *,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            "--topic", metavar="TOPIC", help="all, platform:SERIAL or vessel:NAME; may be repeated. Else all."
        ),
    ] = None,
    mail: _shared.MailOptions,
    json: options.Json = False,
) -> int:
    """Send a message that asks whether an address wishes to subscribe.

    Nothing else goes there until the token in it comes back: bondstore notify confirm. The same command within ten
    minutes sends no second one.
    """
    from bondstore.notify import ask_to_subscribe
    from bondstore.notify.transport import Declined

    opened = mail.open()
    way = opened.transport()
    try:
        one, answer = ask_to_subscribe(
            _shared.given(address), topic or [], opened.subscribers, way, opened.settings, secret=opened.secret()
        )
    finally:
        way.close()
    said = "none needed" if answer is None else answer.code if isinstance(answer, Declined) else "sent"
    output.display_one({**_shared.subscriber_record(one), "confirmation": said}, json=json)
    if isinstance(answer, Declined):
        output.note("The confirmation was not taken on. Run the same command again.")
        return int(Exit.INCOMPLETE)
    return int(Exit.DONE)
