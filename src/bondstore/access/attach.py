"""Policies of a plan, attached to a user, a role or a group: planned first, the same when it is done twice.

What is made lies under the path ``/bondstore/`` and has the plan's name in its description. Nothing else is ever
changed or removed.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bondstore.access import limits
from bondstore.access.check import check_all, read_policies
from bondstore.access.document import parse
from bondstore.access.iam import Grantee, IamAccount, ListedPolicy
from bondstore.access.plan import whole_plan
from bondstore.errors import ConfigurationError, PolicyError, UsageError
from bondstore.text import counted

PATH = "/bondstore/"
_MADE = "Bondstore plan: "
_REFUSED = ("too-large", "name", "character", "no-policy", "no-resource", "resource", "principal", "statement-name")
"""Defects that IAM itself refuses."""


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The policies that are to be attached, by name."""

    name: str
    contents: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IamCall:
    """One call that changes something."""

    operation: str
    """As IAM calls it, such as ``CreatePolicy``."""
    policy: str
    to: str = ""
    version: str = ""
    content: Any = None

    def record(self) -> dict[str, str]:
        """Return it as a record to show."""
        return {"kind": "call", "call": self.operation, "policy": self.policy, "version": self.version, "to": self.to}


@dataclass(frozen=True, slots=True)
class AttachPlan:
    """What is to be done, and what stays although it is of no use any more."""

    grantee: Grantee
    plan: str
    calls: tuple[IamCall, ...]
    arns: Mapping[str, str]
    attached: int
    """How many policies are attached afterwards."""
    kept: tuple[str, ...] = ()
    """Policies of the plan before that somebody else still has."""
    others: tuple[str, ...] = ()
    """What is attached besides, and stays."""


def read_set(folder: Path) -> PolicySet:
    """Read the policies of a plan; one file alone is a plan of one policy.

    Raises
    ------
    ConfigurationError
        IAM would refuse one of them, or the folder has others than its plan says.
    """
    plan = whole_plan(folder) if folder.is_dir() else None
    policies = read_policies([folder])
    refused = [one for one in check_all(policies) if one.kind in _REFUSED]
    if refused:
        first = refused[0]
        told = first.message if first.kind == "no-policy" else f"{first.file}: {first.message}"
        raise ConfigurationError(told, hint=f"See all: bondstore policy check {shlex.quote(str(folder))}")
    contents = {path.stem: parse(data, str(path)).content for path, data in policies}
    return PolicySet(plan.name if plan else folder.resolve().stem, contents)


def plan_attach(
    account: IamAccount,
    who: Grantee,
    policies: PolicySet,
    *,
    quota: int | None = None,
    shared: bool = False,
    account_quota: int = limits.POLICIES,
) -> AttachPlan:
    """Say what is to be called so that somebody has the policies of a plan, and no others of that plan.

    Raises
    ------
    NotFoundError
        There is nobody of this name.
    PolicyError
        A policy of the same name is somebody else's, or others have it; or there would be too many.
    """
    if quota is not None and who.kind == "group":
        raise UsageError("A group takes 10 policies: AWS raises no quota for it.", hint="Leave out --quota.")
    account.details(who)
    there, attached = account.policies(), account.attached(who)
    changes = list(_changes(account, there, attached, policies, shared=shared))
    leaving = list(_leaving(account, there, attached, policies))
    moves = _moves(account, who, policies.contents, (attached, [one.name for one in leaving]), quota or limits.ATTACHED)
    created = sum(one.operation == "CreatePolicy" for one in changes)
    if created and len(there) + created > account_quota:
        raise PolicyError(
            f"The account has {len(there):,} policies, and {created} more are over its {account_quota:,}.",
            hint="Remove some that are no longer used, or ask AWS to raise the quota.",
        )
    removed = [one for one in leaving if one.uses <= (one.name in attached)]
    ends = [call for one in removed for call in _removal(account, one)]
    arns = {name: one.arn for name, one in there.items()}
    kept = tuple(one.name for one in leaving if one not in removed)
    others = tuple(sorted(attached.keys() - policies.contents.keys() - {one.name for one in leaving}))
    number = len(policies.contents) + len(others)
    return AttachPlan(who, policies.name, (*changes, *moves, *ends), arns, number, kept, others)


def _changes(
    account: IamAccount,
    there: Mapping[str, ListedPolicy],
    attached: Mapping[str, str],
    policies: PolicySet,
    *,
    shared: bool,
) -> Iterator[IamCall]:
    """Yield what makes the policies, or gives them a new text."""
    for name, content in policies.contents.items():
        if name in there:
            yield from _changed(account, there[name], content, policies.name, attached, shared=shared)
        else:
            yield IamCall("CreatePolicy", name, content=content)


def _moves(
    account: IamAccount, who: Grantee, wanted: Iterable[str], now: tuple[Collection[str], Collection[str]], most: int
) -> list[IamCall]:
    """Return what attaches and detaches policies; refuse more than there may be."""
    attached, leaving = now
    adding = [name for name in wanted if name not in attached]
    taking = [name for name in leaving if name in attached]
    after = len(attached) + len(adding) - len(taking)
    if after > most and adding:
        raise _too_many(account, who, after, most)
    steps = [("Attach", adding), ("Detach", taking)]
    if len(attached) + len(adding) > most:
        steps.reverse()  # else nobody is without access in between
    return [IamCall(f"{verb}{who.kind.capitalize()}Policy", one, str(who)) for verb, names in steps for one in names]


def carry_out(account: IamAccount, plan: AttachPlan) -> None:
    """Do what is planned, call by call. Killed anywhere and planned again, it ends the same."""
    arns = dict(plan.arns)
    for one in plan.calls:
        arguments: dict[str, Any] = {} if one.operation == "CreatePolicy" else {"PolicyArn": arns[one.policy]}
        if one.content is not None:
            arguments["PolicyDocument"] = json.dumps(one.content, separators=(",", ":"), ensure_ascii=False)
        if one.operation == "CreatePolicy":
            arguments |= {"PolicyName": one.policy, "Path": PATH, "Description": f"{_MADE}{plan.plan}"}
        elif one.operation == "CreatePolicyVersion":
            arguments["SetAsDefault"] = True
        elif one.version:
            arguments["VersionId"] = one.version
        elif one.to:
            arguments |= plan.grantee.argument
        answer = account.call(_snake(one.operation), one.policy, **arguments)
        if one.operation == "CreatePolicy":
            arns[one.policy] = answer["Policy"]["Arn"]


def _changed(
    account: IamAccount,
    there: ListedPolicy,
    content: Any,
    plan: str,
    attached: Mapping[str, str],
    *,
    shared: bool,
) -> Iterator[IamCall]:
    """Yield what gives a policy that is there a new text; one that has it stays, whoever made it."""
    found = account.policy(there.arn)
    wanted = _meaning(content)
    if _meaning(account.content(there.arn, found["DefaultVersionId"])) == wanted:
        return
    if not _is_ours(there, found, plan):
        raise _not_ours(there)
    others = there.uses - (there.name in attached)
    if others and not shared:
        raise PolicyError(
            f"{there.name} would change, and {counted(others, 'other')} (users, roles, groups) have it too.",
            hint="Add --shared to change it for all of them, or give this plan another name.",
        )
    versions = account.versions(there.arn)
    spare = [version for version, holds in versions if not holds]
    for version in spare:
        if _meaning(account.content(there.arn, version)) == wanted:
            yield IamCall("SetDefaultPolicyVersion", there.name, version=version)
            return
    if len(versions) >= limits.VERSIONS:
        yield IamCall("DeletePolicyVersion", there.name, version=spare[0])
    yield IamCall("CreatePolicyVersion", there.name, content=content)


def _leaving(
    account: IamAccount, there: Mapping[str, ListedPolicy], attached: Mapping[str, str], policies: PolicySet
) -> Iterator[ListedPolicy]:
    """Yield what this plan made before and has no more: attached here, or nowhere."""
    for name, one in there.items():
        near = attached.get(name) == one.arn or not one.uses
        made = one.path == PATH and near and name not in policies.contents
        if made and _is_ours(one, account.policy(one.arn), policies.name):
            yield one


def _meaning(content: Any) -> Any:
    """Return what a policy says, for comparison: a server may write a list of one as its one text."""
    if isinstance(content, list) and len(content) == 1:
        return _meaning(content[0])
    if isinstance(content, list):
        return [_meaning(one) for one in content]
    return {key: _meaning(one) for key, one in content.items()} if isinstance(content, dict) else content


def _is_ours(there: ListedPolicy, found: Mapping[str, Any], plan: str) -> bool:
    return there.path == PATH and found.get("Description") == f"{_MADE}{plan}"


def _not_ours(there: ListedPolicy) -> PolicyError:
    if there.arn.startswith("arn:aws:iam:::"):  # without an account: SeaweedFS, which has no path and no description
        return PolicyError(
            f"There is a policy {there.name} already with other content, and this server does not record who made it.",
            hint="If this plan made it, change it there: aws iam create-policy-version --set-as-default "
            f"--policy-arn {there.arn} --policy-document file://{there.name}.json",
        )
    return PolicyError(
        f"There is a policy {there.name} already, which this plan did not make.",
        hint="Give the plan another name, or remove that policy if nobody needs it.",
    )


def _removal(account: IamAccount, one: ListedPolicy) -> Iterator[IamCall]:
    for version, holds in account.versions(one.arn):
        if not holds:
            yield IamCall("DeletePolicyVersion", one.name, version=version)
    yield IamCall("DeletePolicy", one.name)


def _too_many(account: IamAccount, who: Grantee, after: int, most: int) -> PolicyError:
    more = ""
    if who.kind == "user":
        needed = -(-(after - most) // limits.ATTACHED)
        more = (
            f" {after - most} of them could come by {counted(needed, 'group')}; "
            f"{who} is in {len(account.groups(who))} of at most {limits.GROUPS}."
        )
    return PolicyError(
        f"{who} would have {after} policies, and may have {most}.{more}",
        hint="Attach a part of them to a group, or give the quota that AWS raised: --quota 20"
        if who.kind != "group"
        else "Attach them to several groups.",
    )


def _snake(operation: str) -> str:
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in operation).lstrip("_")
