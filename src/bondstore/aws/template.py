"""The CloudFormation template of all that the handlers stand on: ``templates/stack.json``, filled in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bondstore.errors import UsageError

if TYPE_CHECKING:
    from bondstore.aws.options import Stack

FORMS = ("cloudformation",)
_EXISTING = {
    "DataBucket": "DataBucket is",
    "ResultBucket": "ResultBucket is",
    "ParticipationBucket": "ParticipationBucket is",
    "PublicBucket": "PublicBucket is",
    "ParticipantsTable": "the table of participants and its history are",
    "MailTables": "the tables of subscribers and deliveries are",
}
"""What a stack can adopt, by the parameter that says so."""


def template(stack: Stack) -> dict[str, Any]:
    """Return the template as data."""
    from bondstore.access.dynamodb import ENTRIES, HISTORY, LOOK, ROWS
    from bondstore.access.grants import ACTIONS, Rights
    from bondstore.notify import deliveries, subscriptions
    from bondstore.pages import render
    from bondstore.registry import service
    from bondstore.registry.settings import HISTORY_KEY, KEY

    stack.checked()
    # what it takes to read subscribers and to keep the record of what they were sent
    keep = [f"dynamodb:{verb}Item" for verb in ("Delete", "Get", "Put")] + ["dynamodb:Scan", "dynamodb:UpdateItem"]
    made_for = f"py{stack.python}-{stack.architecture}"
    filled: dict[str, Any] = json.loads(
        render(
            "bondstore.aws/stack.json",
            python=stack.python,
            architecture=stack.architecture,
            made_for=made_for,
            layers=[f"bondstore-profile-{made_for}-layer-{number}.zip" for number in range(1, stack.layers + 1)],
            tables={
                "participants": service.TABLE,
                "subscribers": subscriptions.TABLE,
                "deliveries": deliveries.TABLE,
            },
            keys={
                "participants": KEY,
                "history": HISTORY_KEY,
                "subscribers": subscriptions.KEY,
                "deliveries": deliveries.KEY,
            },
            history=HISTORY,
            suffixes=(".csv", ".nc") if "netcdf" in stack.extras else (".csv",),
            existing=_EXISTING,
            actions={
                "told": ("dynamodb:BatchGetItem", *keep, *LOOK),
                "rows": (*ROWS, *LOOK),
                "entries": (*ENTRIES, *LOOK),
                "read": ACTIONS[Rights.READ],
                "write": ACTIONS[Rights.WRITE],
            },
        )
    )
    return filled


def template_text(stack: Stack, form: str = "cloudformation") -> str:
    """Return the template as JSON, which CloudFormation takes as it takes YAML."""
    if form not in FORMS:
        raise UsageError(f"There is no form {form!r}.", hint=f"Choose one of: {', '.join(FORMS)}.")
    return json.dumps(template(stack), indent=2) + "\n"
