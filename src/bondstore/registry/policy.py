"""The least that one user needs to keep the participants' table, and nobody else."""

from __future__ import annotations

import re
from typing import Any

from bondstore.errors import UsageError
from bondstore.registry.settings import HISTORY

ROWS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
"""What the guide lets the one user do with the participants' table."""
ENTRIES = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan")
"""What the history takes: nothing is ever removed from it."""
LOOK = ("dynamodb:DescribeTable",)
_TABLE = re.compile(r"arn:(aws[a-z-]*):dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}", re.ASCII)
_USER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(user|role)/[\w+=,.@/-]{1,512}", re.ASCII)


def user_policy(table: str) -> dict[str, Any]:
    """Return the policy to attach to the one user (or the Lambda function's role)."""
    _check(table)
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement("Participants", (*ROWS, *LOOK), table),
            _statement("ParticipantsHistory", (*ENTRIES, *LOOK), table + HISTORY),
        ],
    }


def table_policy(table: str, user: str) -> dict[str, Any]:
    """Return the policy to attach to the table itself: its rows are for one user alone."""
    _check(table)
    if not _USER.fullmatch(user):
        raise UsageError("The user is no ARN.", hint="Write arn:aws:iam::123456789012:user/NAME.")
    others = {
        **_statement("NobodyElse", ROWS, table),
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": user}},
    }
    return {
        "Version": "2012-10-17",
        "Statement": [{**_statement("OneUser", ROWS, table), "Principal": {"AWS": user}}, others],
    }


def _statement(name: str, actions: tuple[str, ...], table: str) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": table}


def _check(table: str) -> None:
    if not _TABLE.fullmatch(table):
        raise UsageError(
            "The table is no ARN.",
            hint="Write arn:aws:dynamodb:REGION:123456789012:table/NAME; the AWS console shows it.",
        )
