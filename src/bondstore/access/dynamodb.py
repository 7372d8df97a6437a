"""The least that one user needs to keep the participants' table, and nobody else."""

from __future__ import annotations

import re
from typing import Any

from bondstore.errors import UsageError

HISTORY = "-history"
"""What the name of a table's history ends with."""
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
CHANGES = ("dynamodb:GetRecords", "dynamodb:GetShardIterator")
"""What reads a table's stream, which holds its rows as well."""
MANAGE = (
    "dynamodb:DeleteResourcePolicy",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeStream",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
    "dynamodb:PutResourcePolicy",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "dynamodb:UpdateContinuousBackups",
)
"""What others keep, so that nobody is locked out for good: none of it gives a row or takes one away. To change a table
(`UpdateTable`) is not among them, as a replica in another region holds the rows under no policy."""
_TABLE = re.compile(r"arn:(aws[a-z-]*):dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}", re.ASCII)
_STREAM = re.compile(rf"{_TABLE.pattern}/stream/[0-9T:.-]+", re.ASCII)
_USER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(user|role)/[\w+=,.@/-]{1,512}", re.ASCII)


def user_policy(table: str) -> dict[str, Any]:
    """Return the policy to attach to the one user (or the Lambda function's role)."""
    _check(table)
    if table.endswith(HISTORY):
        raise UsageError(
            "The ARN is that of a table's history.",
            hint=f"Name the table itself, without {HISTORY}: the policy opens its history too.",
        )
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement("Participants", (*ROWS, *LOOK), table),
            _statement("ParticipantsHistory", (*ENTRIES, *LOOK), table + HISTORY),
        ],
    }


def table_policy(place: str, user: str) -> dict[str, Any]:
    """Return the policy to attach to a table (its own, or that of its history) or to its stream: for one user alone.

    All of `dynamodb:*` is denied to others but `MANAGE`: a list of what is denied would leave open what it lacks, such
    as PartiQL, exports and backups. DynamoDB takes one policy for each table with its indexes, and one for a stream.
    """
    if not _STREAM.fullmatch(place):
        _check(place)
    check_user(user)
    if place.split(":")[1] != user.split(":")[1]:  # nobody at all would be let in
        raise UsageError(
            f"The table is in the partition {place.split(':')[1]}, and the user in {user.split(':')[1]}.",
            hint="Write the ARN of a user or role of the table's partition.",
        )
    mine = CHANGES if _STREAM.fullmatch(place) else ENTRIES if place.endswith(HISTORY) else ROWS
    others = {
        "Sid": "NobodyElse",
        "Effect": "Deny",
        "Principal": "*",
        "NotAction": list(MANAGE),
        "Resource": place if _STREAM.fullmatch(place) else [place, f"{place}/index/*"],
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": user}},
    }
    return {
        "Version": "2012-10-17",
        "Statement": [{**_statement("OneUser", mine, place), "Principal": {"AWS": user}}, others],
    }


def _statement(name: str, actions: tuple[str, ...], table: str) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": table}


def check_user(user: str) -> None:
    """Refuse what is not the ARN of a user or a role."""
    if not _USER.fullmatch(user):
        raise UsageError(
            "The user is not the ARN of a user or a role.", hint="Write arn:aws:iam::123456789012:user/NAME."
        )


def _check(table: str) -> None:
    if not _TABLE.fullmatch(table):
        raise UsageError(
            "The table is not the ARN of a table.",
            hint="Write arn:aws:dynamodb:REGION:123456789012:table/NAME; the AWS console shows it.",
        )
