"""Whether a request is allowed: the policies of an identity, its boundary and the policy of the bucket, together.

After "Policy evaluation logic" (IAM User Guide). Policies of an organisation and of sessions are not looked at: they
can only take away. What is not known for sure is `Permission.UNKNOWN`, and who asks takes that for a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from bondstore.access import patterns
from bondstore.access.conditions import Context, Truth, every, meets, some
from bondstore.access.document import Document, Statement


class Permission(StrEnum):
    """What comes of a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    """Nothing allows it."""
    FORBIDDEN = "forbidden"
    """A statement denies it, whatever others allow."""
    UNKNOWN = "unknown"

    @property
    def is_allowed(self) -> Truth:
        """Whether it is allowed; None: nobody can say."""
        return None if self is Permission.UNKNOWN else self is Permission.ALLOWED


_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(user|role|assumed-role)/(.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a user or a role, by ARN; empty for one who has no credentials."""

    arn: str = ""

    @property
    def account(self) -> str:
        """The twelve digits of its account; empty where the ARN is none of IAM's."""
        found = _ARN.fullmatch(self.arn)
        return found.group(1) if found else ""

    @property
    def partition(self) -> str:
        """The partition of AWS that it is in, such as ``aws-cn``."""
        return self.arn.split(":")[1] if self.account else "aws"

    @property
    def role(self) -> tuple[str, str] | None:
        """Account and name of the role that a session is of; None where it is no session."""
        found = _ARN.fullmatch(self.arn)
        return (found[1], found[3].partition("/")[0]) if found and found[2] == "assumed-role" else None

    def context(self) -> dict[str, tuple[str, ...]]:
        """Return the keys that IAM gives each of its requests."""
        if not self.arn:
            absent = dict.fromkeys(("aws:username", "aws:principalarn", "aws:principalaccount"), ())
            return {**absent, "aws:principaltype": ("Anonymous",)}
        found = _ARN.fullmatch(self.arn)
        if found is None:
            return {}
        account, kind, path = found.groups()
        common = {"aws:principalaccount": (account,)}
        if kind == "user":
            name = path.rpartition("/")[2]
            return {**common, "aws:principalarn": (self.arn,), "aws:username": (name,), "aws:principaltype": ("User",)}
        # A session's key holds the ARN of its role, whose path the session's own does not tell.
        arn = {"aws:principalarn": (self.arn,)} if kind == "role" else {}
        return {**common, **arn, "aws:username": (), "aws:principaltype": ("AssumedRole",)}


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that somebody wants to do."""

    action: str
    resource: str
    principal: Principal = field(default_factory=Principal)
    context: Context = field(default_factory=Context)
    owner: str = ""
    """The account of the bucket; empty: that of who asks."""

    @property
    def is_at_home(self) -> bool:
        """Whether who asks is of the account that owns what is asked for."""
        return not self.owner or self.principal.account == self.owner

    def full_context(self) -> Context:
        """Return the context with what the principal's ARN says."""
        return self.context.also(self.principal.context())


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that say something about a request."""

    identity: Sequence[Document] = ()
    boundary: Document | None = None
    resource: Document | None = None
    """The policy of the bucket, or of another thing that has one."""


@dataclass(frozen=True)
class Ruling:
    """What comes of a request, and the statements that make it so."""

    permission: Permission
    because: tuple[Statement, ...] = ()

    @cached_property
    def reasons(self) -> list[dict[str, Any]]:
        """The statements as records to show; a ruling is mostly that of many keys."""
        return [{"document": one.document, "statement": one.name, "line": one.line} for one in self.because]


def decide(request: Request, policies: Policies) -> Ruling:
    """Say what comes of a request."""
    context = request.full_context()
    held = {
        name: [(one, applies(one, request, context, bounded=policies.boundary is not None)) for one in statements]
        for name, statements in (
            ("identity", _of(policies.identity)),
            ("boundary", _of([policies.boundary] if policies.boundary else [])),
            ("resource", _of([policies.resource] if policies.resource else [])),
        )
    }
    return judge(held, request.principal, at_home=request.is_at_home, bounded=policies.boundary is not None)


Held = Mapping[str, Sequence[tuple[Statement, Truth]]]
"""By kind of policy (identity, boundary, resource), each statement and whether it is about the request."""


def judge(held: Held, principal: Principal, *, at_home: bool, bounded: bool) -> Ruling:
    """Say what comes of a request that these statements are about."""
    flat = [pair for pairs in held.values() for pair in pairs]
    denies = [(one, truth) for one, truth in flat if one.effect == "Deny" and truth is not False]
    if any(truth for _, truth in denies):
        return Ruling(Permission.FORBIDDEN, tuple(one for one, truth in denies if truth))
    allows = {
        name: [(one, truth) for one, truth in pairs if one.effect == "Allow" and truth is not False]
        for name, pairs in held.items()
    }
    by_bucket: dict[str, list[Truth]] = {"user": [], "role": [], "other": []}
    for one, truth in allows["resource"]:
        by_bucket[named_as(one, principal)].append(truth)
    allowed = combine(
        identity=some(truth for _, truth in allows["identity"]),
        boundary=some(truth for _, truth in allows["boundary"]) if bounded else True,
        by_bucket={way: some(truths) for way, truths in by_bucket.items()},
        at_home=at_home,
        anonymous=not principal.arn,
    )
    if allowed is False:
        return Ruling(Permission.DENIED)
    reasons = [one for pairs in allows.values() for one, truth in pairs if truth or allowed is None]
    if allowed is None or denies:
        return Ruling(Permission.UNKNOWN, (*(one for one, _ in denies), *reasons))
    return Ruling(Permission.ALLOWED, tuple(reasons))


def combine(
    *, identity: Truth, boundary: Truth, by_bucket: Mapping[str, Truth], at_home: bool, anonymous: bool
) -> Truth:
    """Say whether a request is allowed that nothing denies, by what each kind of policy allows.

    Inside an account one of the identity's policies and the bucket's is enough. The boundary bounds the identity's own
    policies and what a bucket allows a role by name, and not what it allows a user by name; what it does to who is let
    in as one of all, nobody says.
    """
    resource = some(by_bucket.values())
    if anonymous:
        return resource
    own = every((identity, boundary))
    if not at_home:
        return every((own, resource))
    as_role, as_other = every((by_bucket["role"], boundary)), every((by_bucket["other"], boundary or None))
    return some((own, by_bucket["user"], as_role, as_other))


def named_as(statement: Statement, principal: Principal) -> str:
    """Return how a statement of a bucket's policy means who asks: ``user`` or ``role`` by ARN, or ``other``."""
    listed = (statement.principals or {}).get("AWS", ())
    if statement.not_principal or principal.arn not in listed:
        return "other"
    if ":user/" in principal.arn:
        return "user"
    return "other" if any(one == "*" or _account_of(one) == principal.account for one in listed) else "role"


def applies(statement: Statement, request: Request, context: Context, *, bounded: bool = False) -> Truth:
    """Whether a statement is about a request, of one who has a boundary or none."""
    return acts(statement, request.action) and every(
        (
            is_of(statement, request, bounded=bounded),
            covers(statement, request.resource, context),
            meets(statement, context),
        )
    )


def acts(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action; case has no meaning in it."""
    among = any(patterns.fits(patterns.plain(one.lower()), action.lower()) for one in statement.actions)
    return among != statement.not_action


def covers(statement: Statement, resource: str, context: Context) -> Truth:
    """Whether a statement is about a resource."""
    if not statement.resources:
        return None
    among = some(_covers(one, resource, context, variables=statement.variables) for one in statement.resources)
    if statement.variables and any(patterns.may_break(one, context.value_of) for one in statement.resources):
        return False if among is statement.not_resource else None
    return among if among is None or not statement.not_resource else not among


def parts_of(
    pattern: str, context: Context, *, variables: bool
) -> tuple[tuple[tuple[patterns.Token, ...], ...] | None, bool]:
    """Return the parts of an ARN that a resource names, None where nothing fits it; and whether each value is known.

    A wildcard does not reach over a colon between parts; the last part may hold colons of its own.
    """
    if not variables or not patterns.has_variables(pattern):
        return _plain_parts(pattern), True
    filled = [patterns.widely(one, context.value_of) for one in split_arn(pattern)]
    parts = tuple(pieces for pieces, _ in filled if pieces is not None)
    return parts if len(parts) == len(filled) else None, all(exact for _, exact in filled)


@lru_cache(maxsize=10_000)
def _plain_parts(text: str) -> tuple[tuple[patterns.Token, ...], ...]:
    return tuple(patterns.plain(one) for one in split_arn(text))


def split_arn(text: str) -> list[str]:
    """Split an ARN, or a pattern of one, at the five colons outside variables."""
    parts: list[str] = []
    at = 0
    for found in re.finditer(r"\$\{[^}]*\}|(:)", text):
        if found.group(1) and len(parts) < 5:
            parts.append(text[at : found.start()])
            at = found.end()
    return [*parts, text[at:]]


def _covers(pattern: str, resource: str, context: Context, *, variables: bool) -> Truth:
    given = resource.split(":", 5)
    if pattern == "*" or len(given) != 6:
        return pattern == "*"
    parts, exact = parts_of(pattern, context, variables=variables)
    if parts is None:
        return False
    fits = len(parts) == 6 and all(patterns.fits(one, part) for one, part in zip(parts, given, strict=True))
    # "If the * wildcard is the last character of a segment, it can expand to match beyond the colon boundaries."
    reaching = parts[:-1] if len(parts) == 6 else parts
    if not fits and resource.count(":") >= len(parts) and any(one and one[-1] is None for one in reaching):
        fits = patterns.over_colons(parts).fullmatch(resource) is not None
    elif len(parts) != 6:
        return None
    return fits if exact or not fits else None


def is_of(statement: Statement, request: Request, *, bounded: bool = False) -> Truth:
    """Whether a statement is about who asks; one in an identity's own policy always is."""
    if statement.principals is None:
        return True
    if statement.not_principal and statement.effect == "Deny" and bounded and request.principal.arn:
        return True  # it "will always deny any IAM principal that has a permissions boundary", whoever is listed
    truth = _among(statement, request)
    if not statement.not_principal or truth is None:
        return truth
    return not truth


def _among(statement: Statement, request: Request) -> Truth:
    listed, principal = statement.principals or {}, request.principal
    names = listed.get("AWS", ())
    if "*" in listed or "*" in names:
        return True
    by_arn = principal.arn in names or (bool(principal.role) and principal.role in map(_role_of, names))
    by_account = bool(principal.account) and any(_account_of(one) == principal.account for one in names)
    found: list[Truth] = [None for kind in listed if kind not in ("AWS", "Service", "Federated")]
    found += [None for one in names if "*" in one or "?" in one or not (one.startswith("arn:") or one.isdigit())]
    if statement.not_principal:  # to spare a user, the list must have the user's account too, or may not spare it
        found.append(True if by_arn and by_account else None if by_arn or by_account else False)
    elif by_account and not by_arn:
        # A Deny means all of the account, and so does an Allow from another account. Inside the account, whether an
        # Allow is for all, or leaves it to the account's own policies, the guide does not say.
        found.append(True if statement.effect == "Deny" or not request.is_at_home else None)
    else:
        found.append(by_arn)
    return some(found)


def _account_of(principal: str) -> str:
    """Return the account that a principal stands for as a whole, if it is one."""
    found = re.fullmatch(r"(\d{12})|arn:aws[a-z-]*:iam::(\d{12}):root", principal, re.ASCII)
    return found[1] or found[2] if found else ""


def _role_of(principal: str) -> tuple[str, str] | None:
    """Return account and name of a role; an account has no two of one name, whatever their paths."""
    found = _ARN.fullmatch(principal)
    return (found[1], found[3].rpartition("/")[2]) if found and found[2] == "role" else None


def _of(documents: Iterable[Document]) -> Iterator[Statement]:
    for one in documents:
        yield from one.statements
