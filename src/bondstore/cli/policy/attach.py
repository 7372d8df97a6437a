"""``bondstore policy attach``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.text import counted

EXAMPLES = (
    "bondstore policy attach plan/ --to user/ada --dry-run",
    "bondstore policy attach plan/ --to group/readers --yes",
    "bondstore policy attach plan/ --to role/export --quota 20",
)


def command(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A plan of policies, or one policy.")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="user/NAME|role/NAME|group/NAME", help="Who gets them.")],
    quota: Annotated[
        int | None,
        typer.Option("--quota", metavar="N", min=1, max=100, help="How many policies may be attached; else 10."),
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Change policies that others have too; else that is refused.")
    ] = False,
    profile: options.Profile = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Attach the policies of a plan to a user, a role or a group.

    Shows the calls first, and asks. What changed gets a new version, and what the plan no longer has is taken away. The
    same again calls nothing. Only policies under the path /bondstore/ that this plan made are ever changed or removed.
    """
    from bondstore.access.attach import carry_out, plan_attach, read_set
    from bondstore.access.iam import IamAccount, grantee_of
    from bondstore.cli.questions import confirm
    from bondstore.config.settings import load_profile

    who = grantee_of(to)
    policies = read_set(Path(folder))
    account = IamAccount(load_profile(profile))
    plan = plan_attach(account, who, policies, quota=quota, shared=shared)
    calls = counted(len(plan.calls), "call")
    if plan.calls or json:
        output.display(plan.calls, ("call", "policy", "version", "to"), json=json)
    for name in plan.kept:
        output.note(f"{name} is no longer part of the plan. It is detached from {who}; others still have it.")
    if plan.others:
        output.note(f"{who} also has {', '.join(plan.others)}, not part of this plan and not changed.")
    if json and not plan.calls:
        output.display_one({"kind": "up-to-date", "to": str(who), "policies": len(policies.contents)}, json=True)
    if not plan.calls:
        output.note(f"Up to date: {who} has {counted(len(policies.contents), 'policy', 'policies')} of this plan.")
    elif dry_run:
        output.note(f"Nothing was called. It would be {calls}; {who} would have {plan.attached} attached.")
    else:
        confirm(f"Make {calls} to IAM for {who}?", yes=yes)
        carry_out(account, plan)
        output.note(f"{calls} made. {who} has {counted(plan.attached, 'policy', 'policies')} attached.")
