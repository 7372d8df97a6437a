"""The CloudFormation template of all that the handlers stand on: ``templates/stack.json``, filled in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bondstore.aws.package import ARCHITECTURES, PYTHONS
from bondstore.errors import UsageError
from bondstore.notify import deliveries, subscriptions
from bondstore.pages import render
from bondstore.registry import service
from bondstore.registry.policy import ENTRIES, LOOK, ROWS
from bondstore.registry.settings import HISTORY, HISTORY_KEY, KEY

FORMS = ("cloudformation",)
_KEEP = ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem")
_TOLD = ("dynamodb:BatchGetItem", *_KEEP, *LOOK)
"""What it takes to read subscribers and to keep the record of what they were sent."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What the zips were made for, and how many layers ``bondstore aws package`` made for the profile handler."""

    python: str = "3.13"
    architecture: str = "x86_64"
    layers: int = 2

    def checked(self) -> Stack:
        """Return it, or raise `UsageError`."""
        if self.python not in PYTHONS:
            raise UsageError(f"There is no Python {self.python!r}.", hint=f"Choose one of: {', '.join(PYTHONS)}.")
        if self.architecture not in ARCHITECTURES:
            raise UsageError("There is no such architecture.", hint=f"Choose one of: {', '.join(ARCHITECTURES)}.")
        if not 1 <= self.layers <= 5:
            raise UsageError("A function has one to five layers.", hint="Count the zips with layer in their names.")
        return self


def template(stack: Stack) -> dict[str, Any]:
    """Return the template as data."""
    stack.checked()
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
            actions={"told": _TOLD, "rows": (*ROWS, *LOOK), "entries": (*ENTRIES, *LOOK)},
        )
    )
    return filled


def template_text(stack: Stack, form: str = "cloudformation") -> str:
    """Return the template as JSON, which CloudFormation takes as it takes YAML."""
    if form not in FORMS:
        raise UsageError(f"There is no form {form!r}.", hint=f"Choose one of: {', '.join(FORMS)}.")
    return json.dumps(template(stack), indent=2) + "\n"
