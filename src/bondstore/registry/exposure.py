"""Who could read the participants' table: what its policies leave open, and whom the account's own policies let in.

Requests are decided as everywhere (`access.evaluate`), of each of which little is known. Nobody is left out by a guess:
a place is shut to those whom a statement denies for sure, and may be open to those of whom nobody can say.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bondstore.access import patterns
from bondstore.access.actions import OF_STREAMS, OF_TABLES
from bondstore.access.conditions import Context
from bondstore.access.document import Document, Statement, parse, parsed
from bondstore.access.evaluate import Permission, Policies, Principal, Request, acts, covers, decide, split_arn
from bondstore.errors import ConfigurationError

_ANY_INDEX = "(any)"
"""Stands for all indexes that no policy names: no index can have this name."""
_ANYBODY = "arn:aws:iam::(any):(any)/(any)"
"""Stands for all who are named nowhere."""
_UNKNOWN = parsed({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, "unknown")
"""Stands for a policy whose text IAM did not give, or that nobody can read: it may allow anything."""
_WHO = "aws:principalarn"
_NOTHING = Context()
"""What is known of a request of which nothing is known."""


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
    document = None if policy is None else parse(policy, f"The policy of {place}")
    left = tuple(openings(place, document, user))
    is_open_to_all = any("*" in one.who for one in left)
    inside = () if not is_open_to_all else None if details is None else tuple(let_in(details, place, user))
    return Guard(place, document is not None, left, tuple(strangers(document, place, user)) if left else (), inside)


def openings(place: str, policy: Document | None, user: str) -> list[Opening]:
    """Return what a place's own policy leaves open to others than one user."""
    left: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    spared = _spared(policy)
    for resource, action in itertools.product(_resources(place), _actions(place)):
        others = tuple(one for one in _not_denied(policy, spared, f"dynamodb:{action}", resource) if one != user)
        if others:
            left.setdefault((resource.replace(_ANY_INDEX, "*"), others), []).append(action)
    return [Opening(shown, tuple(actions), who) for (shown, who), actions in left.items()]


def strangers(policy: Document | None, place: str, user: str) -> list[str]:
    """Return whom a place's own policy allows something by name, of this account or another, besides the user."""
    named: dict[str, None] = {}
    for one in policy.statements if policy else ():
        if any(_may_allow([one], place)):
            listed = ("everybody but some",) if one.not_principal else _principals(one)
            named.update(dict.fromkeys(who for who in listed if who != user))
    return list(named)


def let_in(details: Mapping[str, Any], place: str, user: str) -> list[str]:
    """Return the users and roles whose own policies allow reading a place, or may, the one user aside.

    `details` is IAM's answer to GetAccountAuthorizationDetails. The organisation's policies can only take away; they
    are not looked at, so somebody may be named whom they stop.
    """
    managed = {
        one["Arn"]: next((_read(v["Document"]) for v in one["PolicyVersionList"] if v["IsDefaultVersion"]), _UNKNOWN)
        for one in details["Policies"]
    }
    groups = {one["GroupName"]: list(_documents(one, "GroupPolicyList", managed)) for one in details["GroupDetailList"]}
    found: list[str] = []
    for kind, inline in (("UserDetailList", "UserPolicyList"), ("RoleDetailList", "RolePolicyList")):
        for one in details[kind]:
            documents = [*_documents(one, inline, managed)]
            documents += [held for group in one.get("GroupList", ()) for held in groups.get(group, ())]
            boundary = one.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
            policies = Policies(documents, managed.get(boundary, _UNKNOWN) if boundary else None)
            if one["Arn"] != user and _may(Principal(one["Arn"]), policies, place):
                found.append(one["Arn"])
    return sorted(found)


def _documents(holder: Mapping[str, Any], inline: str, managed: Mapping[str, Document]) -> Iterator[Document]:
    yield from (_read(one["PolicyDocument"]) for one in holder.get(inline, ()))
    yield from (managed.get(one["PolicyArn"], _UNKNOWN) for one in holder.get("AttachedManagedPolicies", ()))


def _read(content: Mapping[str, Any]) -> Document:
    try:
        return parsed(content, "a policy of the account")
    except ConfigurationError:
        return _UNKNOWN


def _resources(place: str, allowing: Iterable[Statement] = (), context: Context = _NOTHING) -> list[str]:
    """Return a place and its indexes: all that are named nowhere, and one for each pattern that allows some."""
    if "/stream/" in place:
        return [place]
    found = [place, f"{place}/index/{_ANY_INDEX}"]
    *before, below = split_arn(f"{place}/index/*")
    for parts in (split_arn(text) for one in allowing for text in one.resources):
        pieces, _ = patterns.widely(parts[-1], context.value_of)
        index = patterns.common(pieces, patterns.plain(below)) if len(parts) == 6 and pieces else None
        if index and index.count("/") == below.count("/"):  # the name of an index has no slash
            found.append(":".join([*before, index]))
    return list(dict.fromkeys(found))


def _actions(place: str) -> tuple[str, ...]:
    """Return all actions that read a place."""
    return OF_STREAMS if "/stream/" in place else OF_TABLES


def _may_allow(statements: Sequence[Statement], place: str, context: Context = _NOTHING) -> Iterator[tuple[str, str]]:
    """Yield the resources of a place and the actions on them that statements are about, or may be."""
    allowing = [one for one in statements if one.effect == "Allow"]
    for resource in _resources(place, allowing, context):
        about = [one for one in allowing if covers(one, resource, context) is not False]
        for action in _actions(place):
            if any(acts(one, f"dynamodb:{action}") for one in about):
                yield resource, action


def _may(who: Principal, policies: Policies, place: str) -> bool:
    statements = [one for document in policies.identity for one in document.statements]
    return any(
        decide(Request(f"dynamodb:{action}", resource, who), policies).permission
        in (Permission.ALLOWED, Permission.UNKNOWN)
        for resource, action in _may_allow(statements, place, Request("", "", who).full_context())
    )


def _not_denied(policy: Document | None, spared: Iterable[str], action: str, resource: str) -> tuple[str, ...]:
    """Return the principals that no statement denies an action for sure: all, or some of those that one spares."""
    left = []
    for one in (_ANYBODY, *spared):
        who = Principal(one if "*" not in one and "?" not in one else "*")
        known = Context({} if who.account else {_WHO: (one,)})
        if decide(Request(action, resource, who, known), Policies(resource=policy)).permission != Permission.FORBIDDEN:
            left.append(one)
    return ("*",) if _ANYBODY in left else tuple(left)


def _spared(policy: Document | None) -> list[str]:
    """Return whom statements that deny do not mean, by ARN or a pattern of it, and what two patterns have in common."""
    denying = [one for one in policy.statements if one.effect == "Deny"] if policy else []
    named = [who for one in denying if one.not_principal for who in _principals(one)]
    named += [who for one in denying for asked in one.conditions if asked.key.lower() == _WHO for who in asked.values]
    wild = [one for one in dict.fromkeys(named) if "*" in one or "?" in one]
    return list(dict.fromkeys([*named, *filter(None, itertools.starmap(_both, itertools.combinations(wild, 2)))]))


def _both(one: str, other: str) -> str:
    """Return a pattern of ARNs that are of two patterns, if there are any."""
    pairs = zip(one.split(":", 5), other.split(":", 5), strict=False)
    parts = [patterns.common(patterns.plain(here), patterns.plain(there)) for here, there in pairs]
    return ":".join(part for part in parts if part is not None) if None not in parts else ""


def _principals(statement: Statement) -> tuple[str, ...]:
    return tuple(one for several in (statement.principals or {}).values() for one in several)
