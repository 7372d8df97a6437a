"""Who could read the participants' table: what its policies leave open, and whom the account's own policies let in.

Nobody is left out by a guess: a statement whose condition is not understood denies nobody and may allow anybody.
The rules are AWS's "Policy evaluation logic" (IAM User Guide): what is denied anywhere is denied; else one Allow does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from bondstore.errors import ConfigurationError

Statement = Mapping[str, Any]

OF_TABLES = (
    "BatchGetItem",
    "ConditionCheckItem",
    "CreateBackup",
    "CreateTableReplica",
    "DeleteItem",
    "EnableKinesisStreamingDestination",
    "ExportTableToPointInTime",
    "GetItem",
    "PartiQLDelete",
    "PartiQLSelect",
    "PartiQLUpdate",
    "PutItem",
    "Query",
    "RestoreTableToPointInTime",
    "Scan",
    "StartAwsBackupJob",
    "UpdateGlobalTable",
    "UpdateItem",
    "UpdateTable",
)
"""All that gives rows away, or lets them be had elsewhere: a change may answer with the row as it was."""
OF_STREAMS = ("GetRecords", "GetShardIterator")
_AN_INDEX = "/index/(any)"
"""Stands for all indexes that no policy names: no index can have this name."""
_EVERYBODY = ("*",)
_UNKNOWN = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
"""Stands for a policy whose text IAM did not give: it may allow anything."""
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_UNLESS = frozenset({"arnnotequals", "arnnotlike", "stringnotequals", "stringnotlike"})
_WHO = "aws:principalarn"


@dataclass(frozen=True, slots=True)
class Opening:
    """What of one place others could do, and who they are."""

    place: str  # the ARN of a table, an index or a stream
    actions: tuple[str, ...]
    who: tuple[str, ...]  # ARNs; ``*``: whoever is let in by a policy of their own


@dataclass(frozen=True, slots=True)
class Guard:
    """What guards one place, and what it leaves open."""

    place: str
    has_policy: bool
    openings: tuple[Opening, ...]
    strangers: tuple[str, ...]  # whom the place's own policy names besides the user
    let_in: tuple[str, ...] | None  # who comes in by a policy of their own; None: IAM could not be asked

    @property
    def is_shut(self) -> bool:
        """Whether the user is the only one who can read."""
        return not self.openings

    @property
    def others(self) -> tuple[str, ...]:
        """All who could read, by ARN as far as they are known; ``*``: whoever a policy of their own lets in."""
        named = [name for one in self.openings for name in one.who]
        if self.let_in is not None:
            named = [*(name for name in named if name != "*"), *self.let_in]
        return tuple(dict.fromkeys([*named, *self.strangers]))

    def record(self) -> dict[str, Any]:
        """Return it as a record to show."""
        return {
            "kind": "guard",
            "place": self.place,
            "policy": "attached" if self.has_policy else "none",
            "state": "shut" if self.is_shut else "open",
            "others": list(self.others),
            "open": [{"place": one.place, "actions": list(one.actions), "who": list(one.who)} for one in self.openings],
        }


def guard_of(place: str, policy: str | None, user: str, details: Mapping[str, Any] | None) -> Guard:
    """Say what a place's policy leaves open, and to whom; `details` as in `let_in`, None where nobody could say."""
    left = tuple(openings(place, policy, user))
    is_open_to_all = any("*" in one.who for one in left)
    inside = () if not is_open_to_all else None if details is None else tuple(let_in(details, place, user))
    return Guard(place, policy is not None, left, tuple(strangers(policy, place, user)) if left else (), inside)


def openings(place: str, policy: str | None, user: str) -> list[Opening]:
    """Return what a place's own policy leaves open to others than one user."""
    statements = _statements(policy)
    left: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for resource, action in _readings(place):
        others = tuple(one for one in _not_denied(statements, f"dynamodb:{action}", resource) if one != user)
        if others:
            left.setdefault((resource.replace(_AN_INDEX, "/index/*"), others), []).append(action)
    return [Opening(shown, tuple(actions), who) for (shown, who), actions in left.items()]


def strangers(policy: str | None, place: str, user: str) -> list[str]:
    """Return whom a place's own policy allows something by name, of this account or another, besides the user."""
    named: dict[str, None] = {}
    for statement in _statements(policy):
        if statement.get("Effect") != "Allow" or not _gives(statement, place):
            continue
        listed = ("everybody but some",) if "NotPrincipal" in statement else _principals(statement.get("Principal"))
        named.update(dict.fromkeys(one for one in listed if one != user))
    return list(named)


def let_in(details: Mapping[str, Any], place: str, user: str) -> list[str]:
    """Return the users and roles whose own policies allow reading a place, the one user aside.

    `details` is IAM's answer to GetAccountAuthorizationDetails. The organisation's policies can only take away; they
    are not looked at, so somebody may be named whom they stop.
    """
    managed: dict[str, Any] = {
        one["Arn"]: next((v["Document"] for v in one["PolicyVersionList"] if v["IsDefaultVersion"]), _UNKNOWN)
        for one in details["Policies"]
    }
    groups = {one["GroupName"]: list(_documents(one, "GroupPolicyList", managed)) for one in details["GroupDetailList"]}
    found: list[str] = []
    for kind, inline in (("UserDetailList", "UserPolicyList"), ("RoleDetailList", "RolePolicyList")):
        for one in details[kind]:
            documents = [*_documents(one, inline, managed)]
            documents += [held for group in one.get("GroupList", ()) for held in groups.get(group, ())]
            statements = [statement for document in documents for statement in _statements(document)]
            boundary = one.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
            limit = _statements(managed.get(boundary, _UNKNOWN) if boundary else _UNKNOWN)
            if one["Arn"] != user and _may(statements, place) and _may(limit, place):
                found.append(one["Arn"])
    return sorted(found)


def _documents(holder: Mapping[str, Any], inline: str, managed: Mapping[str, Any]) -> Iterator[Any]:
    yield from (one["PolicyDocument"] for one in holder.get(inline, ()))
    yield from (managed.get(one["PolicyArn"], _UNKNOWN) for one in holder.get("AttachedManagedPolicies", ()))


def _readings(place: str, allowing: Sequence[Statement] = ()) -> Iterator[tuple[str, str]]:
    """Yield every resource of a place, also the indexes that are allowed by name, with every action that reads it."""
    if "/stream/" in place:
        yield from ((place, action) for action in OF_STREAMS)
        return
    named = [one for statement in allowing for one in _listed(statement.get("Resource", ()))]
    indexes = [one for one in named if one.startswith(f"{place}/index/")]
    yield from ((resource, action) for resource in (place, place + _AN_INDEX, *indexes) for action in OF_TABLES)


def _may(statements: Sequence[Statement], place: str) -> bool:
    allowing = [one for one in statements if one.get("Effect") == "Allow"]
    denying = [one for one in statements if one.get("Effect") == "Deny" and not one.get("Condition")]
    return any(
        any(_covers(one, f"dynamodb:{action}", resource) for one in allowing)
        and not any(_covers(one, f"dynamodb:{action}", resource) for one in denying)
        for resource, action in _readings(place, allowing)
    )


def _not_denied(statements: Sequence[Statement], action: str, resource: str) -> tuple[str, ...]:
    """Return the principals that no statement denies an action: all, or those that every such statement spares."""
    left: tuple[str, ...] = _EVERYBODY
    for statement in statements:
        spared = _spared(statement)
        if spared is not None and _covers(statement, action, resource):
            both = [one for one in spared if _among(one, left)] + [one for one in left if _among(one, spared)]
            left = tuple(dict.fromkeys(both))
    return left


def _spared(statement: Statement) -> tuple[str, ...] | None:
    """Return whom a statement does not deny; None where it denies nobody for sure."""
    if statement.get("Effect") != "Deny":
        return None
    if "NotPrincipal" in statement:
        return None if statement.get("Condition") else _principals(statement["NotPrincipal"])
    if _principals(statement.get("Principal")) != _EVERYBODY:
        return None
    spared: list[str] = []
    for operator, pairs in (statement.get("Condition") or {}).items():
        if operator.lower() not in _UNLESS or any(name.lower() != _WHO for name in pairs):
            return None
        spared += [one for value in pairs.values() for one in _listed(value)]
    return None if any("${" in one for one in spared) else tuple(spared)


def _among(one: str, patterns: Sequence[str]) -> bool:
    return any(_pattern(pattern).fullmatch(one) for pattern in patterns)


def _gives(statement: Statement, place: str) -> bool:
    readings = _readings(place, [statement])
    return any(_covers(statement, f"dynamodb:{action}", resource) for resource, action in readings)


def _covers(statement: Statement, action: str, resource: str) -> bool:
    """Whether a statement is about an action on a resource; actions know no capitals, resources do.

    A variable (``${aws:PrincipalTag/team}``) may stand for any text: what is allowed counts it in, what is denied out.
    """
    if "NotAction" in statement:
        acts = not _among(action.lower(), [one.lower() for one in _listed(statement["NotAction"])])
    else:
        acts = _among(action.lower(), [one.lower() for one in _listed(statement.get("Action", ()))])
    is_allowed = statement.get("Effect") == "Allow"
    if "NotResource" in statement:
        return acts and not _among(resource, _resources(statement["NotResource"], wide=not is_allowed))
    return acts and _among(resource, _resources(statement.get("Resource", "*"), wide=is_allowed))


def _resources(given: Any, *, wide: bool) -> list[str]:
    """Return patterns of resources: those with variables as wide as they may be, or left out."""
    listed = _listed(given)
    return [_VARIABLE.sub("*", one) for one in listed if wide or not _VARIABLE.search(one)]


@cache
def _pattern(text: str) -> re.Pattern[str]:
    r"""Translate IAM's wildcards: ``*`` for any text, ``?`` for one character."""
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _principals(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    return tuple(one for value in (given or {}).values() for one in _listed(value))


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _statements(policy: Any) -> list[Statement]:
    if policy is None:
        return []
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
        found = document.get("Statement", [])
    except (ValueError, AttributeError):
        raise ConfigurationError("A policy that is attached is no JSON that AWS writes.") from None
    return [found] if isinstance(found, Mapping) else list(found)
