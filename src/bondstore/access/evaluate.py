"""Whether a request is allowed: the policies of an identity, its boundary and the policy of the bucket, together.

After "Policy evaluation logic" (IAM User Guide). Policies of an organisation and of sessions are not looked at: they
can only take away. What is not known for sure is `Permission.UNKNOWN`, and who asks takes that for a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

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

    def context(self) -> dict[str, tuple[str, ...]]:
        """Return the keys that IAM gives each of its requests."""
        found = _ARN.fullmatch(self.arn)
        if found is None:
            return {}
        account, kind, path = found.groups()
        name = path.rpartition("/")[2]
        more = {"aws:username": (name,), "aws:principaltype": ("User",)} if kind == "user" else {"aws:username": ()}
        return {"aws:principalarn": (self.arn,), "aws:principalaccount": (account,), **more}


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


@dataclass(frozen=True, slots=True)
class Ruling:
    """What comes of a request, and the statements that make it so."""

    permission: Permission
    because: tuple[Statement, ...] = ()


def decide(request: Request, policies: Policies) -> Ruling:
    """Say what comes of a request."""
    context = request.full_context()
    held = {
        name: list(_truths(statements, request, context))
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
    allowed = combine(
        identity=some(truth for _, truth in allows["identity"]),
        boundary=some(truth for _, truth in allows["boundary"]) if bounded else True,
        resource=some(truth for _, truth in allows["resource"]),
        named=any(truth and names(one, principal) for one, truth in allows["resource"]),
        at_home=at_home,
        anonymous=not principal.arn,
    )
    if allowed is False:
        return Ruling(Permission.DENIED)
    reasons = [one for pairs in allows.values() for one, truth in pairs if truth or allowed is None]
    if allowed is None or denies:
        return Ruling(Permission.UNKNOWN, (*(one for one, _ in denies), *reasons))
    return Ruling(Permission.ALLOWED, tuple(reasons))


def combine(*, identity: Truth, boundary: Truth, resource: Truth, named: bool, at_home: bool, anonymous: bool) -> Truth:
    """Say whether a request is allowed that nothing denies, by what each kind of policy allows.

    Inside an account one of the identity's policies and the bucket's is enough. The boundary bounds the identity's own
    policies, and not what a bucket allows a user by name; what it does to who is let in as one of all, nobody says.
    """
    if anonymous:
        return resource
    own = every((identity, boundary))
    if not at_home:
        return every((own, resource))
    by_bucket = resource if named or boundary or resource is False else None
    return some((own, by_bucket))


def names(statement: Statement, principal: Principal) -> bool:
    """Whether a statement names a user by ARN: a boundary does not bound what it allows."""
    return (
        not statement.not_principal
        and ":user/" in principal.arn
        and principal.arn in (statement.principals or {}).get("AWS", ())
    )


def applies(statement: Statement, request: Request, context: Context) -> Truth:
    """Whether a statement is about a request."""
    return every(
        (
            is_of(statement, request),
            acts(statement, request.action),
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
    return among if among is None or not statement.not_resource else not among


def resource_pieces(pattern: str, context: Context, *, variables: bool) -> list[tuple[patterns.Token, ...]] | None:
    """Return the six parts of the ARN that a resource names, or None where nobody can say what it stands for.

    A wildcard does not reach over a colon between parts; the last part may hold colons of its own.
    """
    if pattern == "*":
        return [patterns.plain("*")] * 6
    parts = split_arn(pattern)
    if len(parts) != 6:
        return None
    try:
        return [patterns.expand(one, context.value_of) if variables else patterns.plain(one) for one in parts]
    except (patterns.UnknownValueError, patterns.NoValueError):
        return None


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
    parts = resource_pieces(pattern, context, variables=variables)
    given = resource.split(":", 5)
    if parts is None:
        return None
    if len(given) != 6:
        return pattern == "*"
    return all(patterns.fits(one, part) for one, part in zip(parts, given, strict=True))


def is_of(statement: Statement, request: Request) -> Truth:
    """Whether a statement is about who asks; one in an identity's own policy always is."""
    if statement.principals is None:
        return True
    truth = _among(statement, request)
    if not statement.not_principal or truth is None:
        return truth
    return not truth


def _among(statement: Statement, request: Request) -> Truth:
    listed, principal = statement.principals or {}, request.principal
    if "*" in listed or "*" in listed.get("AWS", ()):
        return True
    found: list[Truth] = []
    for one in listed.get("AWS", ()):
        if one == principal.arn:
            found.append(True)
        elif principal.account and _account_of(one) == principal.account:
            # A Deny means all of the account. An Allow hands the choice to the account's own policies, which hold it
            # anyway inside the account. Whether NotPrincipal spares all of an account, nobody says.
            means_all = statement.effect == "Deny" or not request.is_at_home
            found.append(None if statement.not_principal else means_all)
        elif "*" in one or "?" in one or (not one.startswith("arn:") and not one.isdigit()):
            found.append(None)
    found += [None for kind in listed if kind not in ("AWS", "Service", "Federated")]
    return some(found)


def _account_of(principal: str) -> str:
    """Return the account that a principal stands for as a whole, if it is one."""
    found = re.fullmatch(r"(\d{12})|arn:aws[a-z-]*:iam::(\d{12}):root", principal, re.ASCII)
    return found[1] or found[2] if found else ""


def _of(documents: Iterable[Document]) -> Iterator[Statement]:
    for one in documents:
        yield from one.statements


def _truths(statements: Iterable[Statement], request: Request, context: Context) -> Iterator[tuple[Statement, Truth]]:
    for one in statements:
        yield one, applies(one, request, context)
