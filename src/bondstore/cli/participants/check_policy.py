"""``bondstore participants check-policy``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.participants import _shared
from bondstore.errors import Exit

EXAMPLES = (
    "bondstore participants check-policy --user arn:aws:iam::123456789012:user/NAME --database dynamodb://ap-southeast-2",
)


@with_settings(order=("user", "table", "database"))
def command(
    *,
    user: Annotated[
        str, typer.Option("--user", metavar="ARN", help="The one user or role that is meant to read the table.")
    ],
    table: _shared.TableOptions,
    json: options.Json = False,
) -> int:
    """Say who besides one user could read the participants' table in DynamoDB.

    Reads the policies that are attached to the table, its history and their streams, and asks IAM whose own policies
    let them in. Changes nothing. Ends with 4 when somebody else could read.
    """
    from bondstore.registry import service

    found = service.guards(table.open(), user, table.profile)
    output.display((one.record() for one in found), ("place", "policy", "state", "others"), json=json)
    if any("*" in one.others for one in found):
        output.note("Who is behind * is not known: IAM refused iam:GetAccountAuthorizationDetails.")
    if all(one.is_shut for one in found):
        output.note(
            "Nobody else can read. Whoever may change these policies (dynamodb:PutResourcePolicy) can open them."
        )
        return int(Exit.DONE)
    output.note("What is open is shut by the policy that this prints: bondstore participants policy PLACE --user ARN")
    return int(Exit.CONFIGURATION)
