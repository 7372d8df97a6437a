"""The template, put together: plain data, the same text each time."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bondstore.aws.package import ARCHITECTURES, PYTHONS
from bondstore.aws.templates.buckets import buckets
from bondstore.aws.templates.functions import functions
from bondstore.aws.templates.intrinsics import Node, arn, ref
from bondstore.aws.templates.parameters import parameters
from bondstore.aws.templates.queues import queues
from bondstore.aws.templates.tables import tables
from bondstore.errors import UsageError

FORMS = ("cloudformation",)


@dataclass(frozen=True, slots=True)
class Stack:
    """What the template is for.

    Parameters
    ----------
    python, architecture : str
        As the zips were made for.
    layers : int
        How many layers ``bondstore aws package`` made for the profile handler.
    """

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


def template(stack: Stack) -> Node:
    """Return the template as data."""
    stack.checked()
    name = f"py{stack.python}-{stack.architecture}"
    zips = [f"bondstore-profile-{name}-layer-{number}.zip" for number in range(1, stack.layers + 1)]
    handlers = [f"bondstore-{word}-{name}.zip" for word in ("profile", "participants")]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Ocean profiles from a private bucket through quality control; participants kept as a table.",
        "Parameters": parameters(zips, handlers),
        "Conditions": {"Mails": {"Fn::Not": [{"Fn::Equals": [ref("MailFrom"), ""]}]}},
        "Resources": {
            **buckets(),
            **queues(),
            **tables(),
            **functions(stack.layers, stack.python, stack.architecture),
        },
        "Outputs": {
            "ProfileQueueUrl": {"Description": "For bondstore watch.", "Value": ref("ProfileQueue")},
            "ParticipantsQueueUrl": {"Description": "For bondstore watch.", "Value": ref("ParticipantsQueue")},
            "ProfileFailures": {"Description": "Look here for what failed.", "Value": arn("ProfileDeadLetters")},
            "ParticipantsFailures": {
                "Description": "Look here for what failed.",
                "Value": arn("ParticipantsDeadLetters"),
            },
        },
    }


def template_text(stack: Stack, form: str = "cloudformation") -> str:
    """Return the template as JSON, which CloudFormation takes as it takes YAML.

    Raises
    ------
    UsageError
        The form or something of the stack is unknown.
    """
    if form not in FORMS:
        raise UsageError(f"There is no form {form!r}.", hint=f"Choose one of: {', '.join(FORMS)}.")
    return json.dumps(template(stack), indent=2) + "\n"
