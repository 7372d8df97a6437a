"""``bondstore aws invoke``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options, output

EXAMPLES = (
    "bondstore aws invoke event.json",
    "bondstore aws invoke event.json --handler participants --json",
)


def command(
    event: Annotated[Path, typer.Argument(metavar="EVENT.json", help="An event of S3, SQS, SNS or EventBridge.")],
    *,
    handler: Annotated[
        str, typer.Option(metavar="profile|participants", help="Who handles it: profiles, or the participants' CSV.")
    ] = "profile",
    json: options.Json = False,
) -> int:
    """Run a handler here, with a real event and the settings of the environment.

    It reads and writes the very stores that BONDSTORE_DEST and the other variables name, just as the Lambda function
    would. The same event twice changes nothing. Damaged objects are named and settled; the exit code is 5 when items
    failed that would have to come again.
    """
    from bondstore.aws.handlers import invoke
    from bondstore.errors import Exit

    report = invoke(event, handler)
    output.display(report.items, ("outcome", "bucket", "key", "findings", "path"), json=json, empty="Nothing of ours.")
    output.display_one(
        {"kind": "invocation", **report.summary(), "failed": report.failed, "response": report.answer()}, json=json
    )
    return int(Exit.INCOMPLETE if report.failed else Exit.DONE)
