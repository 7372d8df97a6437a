"""``bondstore watch``."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from bondstore.cli import options, output

EXAMPLES = (
    "bondstore watch https://sqs.ap-southeast-2.amazonaws.com/123456789012/profiles",
    "bondstore watch https://sqs.ap-southeast-2.amazonaws.com/123456789012/participants --handler participants --once",
    "bondstore watch s3://fishsoop-data/raw --every 60s",
)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str | float) -> float:
    """Read a time such as ``60s``, ``5m`` or ``1h``."""
    found = re.fullmatch(r"(\d{1,6})\s*([smh]?)", text.strip()) if isinstance(text, str) else None
    if found is None or not int(found.group(1)):
        if isinstance(text, (int, float)):
            return float(text)
        raise typer.BadParameter("Write a time as 60s, 5m or 1h.")
    return float(int(found.group(1)) * _UNITS[found.group(2)])


def command(
    place: Annotated[
        str, typer.Argument(metavar="QUEUE-URL|STORE-URL", help="A queue of SQS; or a store without notifications.")
    ],
    *,
    handler: Annotated[
        str, typer.Option(metavar="profile|participants", help="Who handles the events of a queue.")
    ] = "profile",
    every: Annotated[
        float | None,
        typer.Option("--every", metavar="TIME", parser=seconds, help="How often to look into a store: 60s, 5m, 1h."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when nothing more is waiting.")] = False,
    json: options.Json = False,
) -> int:
    """Handle what arrives, on a plain server: the same handlers as in AWS Lambda, with the same settings.

    A message is deleted from the queue only when its work is done; what fails comes again later. Ctrl-C and SIGTERM
    end it cleanly: messages in work go back to the queue. Settings are the variables BONDSTORE_DEST and so on, as for
    the Lambda functions.
    """
    from bondstore.aws.watching import watch
    from bondstore.errors import Exit

    done = watch(place, handler, every=every, once=once)
    output.display_one(done, json=json)
    return int(Exit.INCOMPLETE if done.failed else Exit.DONE)
