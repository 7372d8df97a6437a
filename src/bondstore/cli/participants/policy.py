"""``bondstore participants policy``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bondstore.cli import options, output

ARN = "arn:aws:dynamodb:ap-southeast-2:123456789012:table/participant-information"
EXAMPLES = (
    f"bondstore participants policy {ARN}",
    f"bondstore participants policy {ARN} --user arn:aws:iam::123456789012:user/NAME",
)


def command(
    table: Annotated[str, typer.Argument(metavar="ARN", help="The table's ARN, as the AWS console shows it.")],
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="ARN", help="Print the table's own policy, which lets in this user alone."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Print the least-privilege policy for the participants' table in DynamoDB.

    Without --user: the policy to attach to the one user or role that keeps the table. With --user: the policy to attach
    to the table; its history (ARN-history) and its stream, where it has one, need one each: name their ARNs. Nothing is
    sent anywhere.
    """
    import json as jsonlib

    from bondstore.access.dynamodb import table_policy, user_policy

    policy = table_policy(table, user) if user else user_policy(table)
    if json:
        output.display_one(policy, json=True)
        return
    sys.stdout.write(jsonlib.dumps(policy, indent=2) + "\n")
