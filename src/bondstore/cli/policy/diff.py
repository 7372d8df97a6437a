"""``bondstore policy diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.text import counted

EXAMPLES = (
    "bondstore policy diff old.json new.json",
    "bondstore policy diff plan-of-may/ plan-of-june/ --json",
)


def command(
    old: Annotated[str, typer.Argument(metavar="OLD-FILE", help="A policy, or a folder that holds a plan.")],
    new: Annotated[str, typer.Argument(metavar="NEW-FILE", help="Another one.")],
    *,
    json: options.Json = False,
) -> None:
    """Say what two policies, or two plans, allow and deny otherwise.

    They are compared by meaning: order, capitals in actions and how all is shared out to statements and policies do
    not matter. What is covered is written on one side only, while the other side has something wider. Ends with 0 also
    where they differ. Nothing is sent anywhere.
    """
    from bondstore.access.check import read_documents
    from bondstore.access.diff import compare

    before, after = (read_documents([Path(one)]) for one in (old, new))
    found = compare(before, after)
    shown = ("state", "effect", "actions", "resource", "prefix", "principals", "conditions")
    together = len(before) > 1 or len(after) > 1
    if json:
        output.display(found.records(), (), json=True)
        states = ({"kind": "policy", "policy": name, "state": state} for name, state in found.policies.items())
        output.display(states, (), json=True)
        summary: dict[str, Any] = {"kind": "policy-diff", **found.counts(), "policies": len(found.policies)}
        output.display_one({**summary, "policies_changed": found.changed}, json=True)
        return
    records = list(found.records())
    used = [one for one in shown if any(record[one] for record in records)]
    output.display(records, used, empty="They say the same.")
    if together:
        for state in ("new", "gone", "changed", "rewritten"):
            if names := [name for name, one in found.policies.items() if one == state]:
                output.note(f"{state}: {', '.join(names)}")
        output.note(f"{found.changed} of {counted(len(found.policies), 'policy', 'policies')} changed.")
    output.note(f"{found.summary()}.")
