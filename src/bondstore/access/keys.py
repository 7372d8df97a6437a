"""What comes of the same request for each of very many keys of a bucket.

The answers are those of `evaluate.decide`. What does not hang on the key is decided once, and a key is looked up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from bondstore.access import patterns
from bondstore.access.conditions import Context, Truth, every, meets
from bondstore.access.document import Statement
from bondstore.access.evaluate import (
    Permission,
    Policies,
    Principal,
    Request,
    Ruling,
    acts,
    applies,
    decide,
    is_of,
    judge,
    parts_of,
)
from bondstore.errors import UsageError

Pieces = tuple[patterns.Token, ...]
ARN_PARTS = 6
LISTS = ("s3:listbucket", "s3:listbucketversions")
PREFIX = "s3:prefix"
_OF_OBJECTS = re.compile(
    r"s3:(?:\w*Object\w*|AbortMultipartUpload|ListMultipartUploadParts|BypassGovernanceRetention|Replicate(?:Delete|Tags))",
    re.ASCII | re.IGNORECASE,
)
_COMPARES = re.compile(r"String(Like|Equals)(?:IfExists)?")
_ALL: Pieces = (None,)
_ROOM = 50_000
"""How many answers are kept, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """Who asks for what, in which bucket: all of a request but the key."""

    action: str
    bucket: str
    principal: Principal
    context: Context = field(default_factory=Context)
    owner: str = ""
    partition: str = "aws"

    def request(self, resource: str, **more: tuple[str, ...]) -> Request:
        """Return the request for a resource, with more of its context."""
        context = Context(more).also(self.context.values)
        return Request(self.action, resource, self.principal, context, self.owner)

    @property
    def arn(self) -> str:
        """The bucket's."""
        return f"arn:{self.partition}:s3:::{self.bucket}"


class Decider(Protocol):
    """Says what comes of the request for a key."""

    def __call__(self, key: str) -> Ruling:
        """Return the ruling for one key."""

    def in_folder(self, folder: str) -> Ruling | None:
        """Return the ruling for all keys directly in a folder; None where it hangs on the key."""


def decider_of(asked: KeyRequest, policies: Policies) -> Decider:
    """Return what answers for each key whether an action on it is allowed.

    Listing is asked of a prefix. A key may be listed where any beginning of it is a prefix that may be.

    Raises
    ------
    UsageError
        The action is neither of an object nor of a prefix.
    """
    if asked.action.lower() in LISTS:
        return _Listings(asked, policies)
    if "bucket" in asked.action.lower() or not _OF_OBJECTS.fullmatch(asked.action):
        raise UsageError(
            f"{asked.action} is asked neither of an object nor of a prefix.",
            hint="Write an action in full, such as s3:GetObject, s3:PutObject, s3:DeleteObject or s3:ListBucket.",
        )
    return _Objects(asked, policies)


class PatternIndex:
    """Tells which of many patterns a text fits, by the bits that each one has.

    Those that are `far` are of ARNs, in parts, and reach over colons: with all six, only where a key has a colon.
    """

    def __init__(self, bits: Mapping[Pieces, int], far: Mapping[tuple[Pieces, ...], int] | None = None) -> None:
        self._always = 0
        self._exact: dict[str, int] = {}
        self._heads: dict[int, dict[str, int]] = {}
        others: dict[Pieces, int] = {}
        for pieces, bit in bits.items():
            if (whole := patterns.literal(pieces)) is not None:
                self._exact[whole] = self._exact.get(whole, 0) | bit
            elif (head := patterns.prefix(pieces)) is not None:
                heads = self._heads.setdefault(len(head), {})
                heads[head] = heads.get(head, 0) | bit
            else:
                others[pieces] = bit
        self._always |= self._heads.pop(0, {}).get("", 0)
        self._by_length = sorted(self._heads.items())
        parts = {pieces: _whole_parts(pieces) for pieces in others}
        common = Counter(part for several in parts.values() for part in several)
        by_part: dict[str, dict[Pieces, int]] = {}
        for pieces, several in parts.items():
            if several:  # all that fits has them, each between two slashes: it is looked for by the rarest
                by_part.setdefault(min(several, key=lambda part: common[part]), {})[pieces] = others.pop(pieces)
        self._by_part = {part: _combined(_written(few))[1] for part, few in by_part.items()}
        reaching = [(len(one), patterns.over_colons(one).pattern, bit) for one, bit in (far or {}).items()]
        self._any, self._each = _combined([*_written(others), *(one[1:] for one in reaching if one[0] < ARN_PARTS)])
        self._far = _combined(one[1:] for one in reaching if one[0] == ARN_PARTS)[1]
        self._open_ended = not far and all(pieces[-1] is None for pieces in parts)
        texts = [*self._exact, *(head for heads in self._heads.values() for head in heads)]
        self._further = {text[: at + 1] for text in texts for at, sign in enumerate(text[:-1]) if sign == "/"}
        self._further |= {"" for text in texts if text}

    @property
    def lengths(self) -> list[int]:
        """Where along a text an answer may change, as far as that is known: at these lengths, and one further."""
        return sorted({*self._heads, *map(len, self._exact)})

    def goes_on(self, folder: str) -> bool:
        """Whether a text or a beginning of one that is looked for lies further down a folder."""
        return folder in self._further or folder in self._exact

    def of_folder(self, folder: str) -> int | None:
        """Return the bits of all patterns that each text directly in a folder fits; None where texts differ."""
        if self.goes_on(folder):
            return None
        found = self.hits(folder)
        if not self._each and not self._by_part and not self._far:
            return found
        doubtful = [*self._each, *(pair for part in folder.split("/") for pair in self._by_part.get(part, ()))]
        return found if self._open_ended and all(fits(folder) for fits, _ in doubtful) else None

    def hits(self, text: str) -> int:
        """Return the bits of all patterns that a text fits."""
        found = self._always | self._exact.get(text, 0)
        for length, heads in self._by_length:
            found |= heads.get(text[:length], 0)
        if self._by_part:
            for part in text.split("/"):
                for fits, bit in self._by_part.get(part, ()):
                    found |= bit if fits(text) else 0
        if self._any is not None and self._any(text):
            for fits, bit in self._each:
                found |= bit if fits(text) else 0
        if self._far and text.count(":") >= ARN_PARTS:
            for fits, bit in self._far:
                found |= bit if fits(text) else 0
        return found


Fits = Callable[[str], object]


def _written(bits: Mapping[Pieces, int]) -> list[tuple[str, int]]:
    return [(patterns.matcher(pieces).pattern, bit) for pieces, bit in bits.items()]


def _combined(written: Iterable[tuple[str, int]]) -> tuple[Fits | None, list[tuple[Fits, int]]]:
    """Return what tells whether any pattern fits, and for each bit what tells whether one of its patterns does."""
    by_bit: dict[int, list[str]] = {}
    for source, bit in written:
        by_bit.setdefault(bit, []).append(source)
    each = [(_one_of(sources), bit) for bit, sources in by_bit.items()]
    return (_one_of([source for sources in by_bit.values() for source in sources]) if each else None), each


def _one_of(sources: Iterable[str]) -> Fits:
    return re.compile("|".join(f"(?:{one})" for one in sources), re.DOTALL).fullmatch


def _whole_parts(pieces: Pieces) -> list[str]:
    """Return the parts between two slashes that stand in a pattern as they are."""
    joined = "".join("*" if one in patterns.WILD else one.replace("*", "?") for one in pieces)
    return [part for run in joined.split("*") for part in run.split("/")[1:-1] if part and "?" not in part]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One statement that may be about the request. It has two bits: of what fits for sure, and of what fits perhaps."""

    number: int
    statement: Statement
    kind: str
    so_far: Truth
    """What is known of it without the key."""
    inverted: bool = False
    breaks: bool = False
    """A variable of it may have no value, which may make it invalid."""

    def bit(self, fitting: Truth) -> int:
        """Return the bit of a pattern, by what is so where it fits: true, or nobody can say."""
        return (1 if fitting else 2) << 2 * self.number

    def holds(self, hits: int) -> Truth:
        """Whether it is about the request, by the bits of the patterns that fit."""
        among: Truth = True if hits & self.bit(True) else None if hits & self.bit(None) else False
        if self.breaks and among is not self.inverted:
            among = None
        return every((self.so_far, not among if self.inverted and among is not None else among))


class _Rulings:
    """Rulings by what fits, each made once; statements that cannot be looked up are asked each time."""

    def __init__(
        self, asked: KeyRequest, policies: Policies, rules: Sequence[_Rule], others: Sequence[_Rule] = ()
    ) -> None:
        request = asked.request(asked.arn)
        self._rules, self._others = rules, others
        self._bounded = policies.boundary is not None
        self._judge = partial(judge, principal=request.principal, at_home=request.is_at_home, bounded=self._bounded)
        self._made: dict[int, Ruling] = {}

    def of(self, hits: int, request: Callable[[], Request] | None = None) -> Ruling:
        if self._others and request:
            return self._ask(hits, request())
        found = self._made.get(hits)
        if found is None:
            if len(self._made) >= _ROOM:
                self._made.clear()
            found = self._made[hits] = self._judged((one, one.holds(hits)) for one in self._rules)
        return found

    def _ask(self, hits: int, request: Request) -> Ruling:
        context = request.full_context()
        pairs = [(one, one.holds(hits)) for one in self._rules]
        pairs += [(one, applies(one.statement, request, context, bounded=self._bounded)) for one in self._others]
        return self._judged(sorted(pairs, key=lambda pair: pair[0].number))

    def _judged(self, pairs: Iterable[tuple[_Rule, Truth]]) -> Ruling:
        held: dict[str, list[tuple[Statement, Truth]]] = {"identity": [], "boundary": [], "resource": []}
        for rule, truth in pairs:
            held[rule.kind].append((rule.statement, truth))
        return self._judge(held)


class _Objects:
    """Answers for objects."""

    def __init__(self, asked: KeyRequest, policies: Policies) -> None:
        self._asked = asked
        self._below = f"{asked.arn}/"
        request = asked.request(self._below)
        context, bounded = request.full_context(), policies.boundary is not None
        bits: Counter[Pieces] = Counter()
        far: Counter[tuple[Pieces, ...]] = Counter()
        rules: list[_Rule] = []
        for number, (kind, one) in enumerate(_statements(policies)):
            so_far = every((is_of(one, request, bounded=bounded), acts(one, request.action), meets(one, context)))
            if so_far is False:
                continue
            breaks = one.variables and any(patterns.may_break(text, context.value_of) for text in one.resources)
            rule = _Rule(number, one, kind, so_far, bool(one.resources) and one.not_resource, breaks)
            rules.append(rule)
            if not one.resources:
                bits[_ALL] |= rule.bit(None)
            for pattern in one.resources:
                whole, parts, fitting = _resource(pattern, one, context, asked.arn)
                if whole is not None:
                    bits[whole] |= rule.bit(fitting)
                if parts is not None:
                    far[parts] |= rule.bit(fitting)
        self._index = PatternIndex(bits, far)
        self._rulings = _Rulings(asked, policies, rules)

    def __call__(self, key: str) -> Ruling:
        """Say what comes of the request for a key."""
        return self._rulings.of(self._index.hits(self._below + key))

    def in_folder(self, folder: str) -> Ruling | None:
        """Say what comes of it for all keys directly in a folder."""
        hits = self._index.of_folder(self._below + folder)
        return None if hits is None else self._rulings.of(hits)


def _resource(
    pattern: str, statement: Statement, context: Context, arn: str
) -> tuple[Pieces | None, tuple[Pieces, ...] | None, Truth]:
    """Return what an ARN must fit, and what it may fit over colons; with what is so where it does."""
    if pattern == "*":
        return _ALL, None, True
    parts, exact = parts_of(pattern, context, variables=statement.variables)
    if parts is None:
        return None, None, False
    reaching = any(one and one[-1] is None for one in parts[: ARN_PARTS - 1])
    if len(parts) != ARN_PARTS and not reaching:
        return _ALL, None, None
    before = arn.split(":", 5)[:5]
    fits = len(parts) == ARN_PARTS and all(map(patterns.fits, parts, before))
    return ((f"{':'.join(before)}:", *parts[5]) if fits else None), parts if reaching else None, True if exact else None


class _Listings:
    """Answers for what may be listed."""

    def __init__(self, asked: KeyRequest, policies: Policies) -> None:
        self._asked = asked
        plain, context = asked.request(asked.arn), asked.request(asked.arn).full_context()
        bounded = policies.boundary is not None
        bits: Counter[Pieces] = Counter()
        rules: list[_Rule] = []
        others: list[_Rule] = []
        for number, (kind, one) in enumerate(_statements(policies)):
            if not acts(one, asked.action) or is_of(one, plain, bounded=bounded) is False:
                continue
            values = _prefixes_of(one, context)
            if values is None:
                others.append(_Rule(number, one, kind, None))
                continue
            rest = tuple(condition for condition in one.conditions if condition.key.lower() != PREFIX)
            so_far = applies(replace(one, conditions=rest), plain, context, bounded=bounded)
            if so_far is False:
                continue
            asks = [value for condition in one.conditions if condition not in rest for value in condition.values]
            breaks = one.variables and any(patterns.may_break(value, context.value_of) for value in asks)
            rule = _Rule(number, one, kind, so_far, breaks=breaks)
            rules.append(rule)
            for pieces, exact in values:
                bits[pieces] |= rule.bit(True if exact else None)
        self._index = PatternIndex(bits)
        self._rulings = _Rulings(asked, policies, rules, others)
        self._lengths = sorted({one + more for one in self._index.lengths for more in (0, 1)})
        self._folders: dict[str, Ruling] = {}
        # A listing of the whole bucket has no prefix, or an empty one: who lists can choose.
        self._whole = _better(decide(asked.request(asked.arn, **{PREFIX: ()}), policies), self._ask(""))

    def __call__(self, key: str) -> Ruling:
        """Say whether a key may be listed, by any beginning of it."""
        folder = key[: key.rfind("/") + 1]
        found = self._of_folder(folder)
        if self._index.goes_on(folder):
            for length in self._lengths:
                if len(folder) < length <= len(key):
                    found = _better(found, self._ask(key[:length]))
        return found

    def in_folder(self, folder: str) -> Ruling | None:
        """Say what comes of it for all keys directly in a folder."""
        return None if self._index.goes_on(folder) else self._of_folder(folder)

    def _of_folder(self, folder: str) -> Ruling:
        known = self._folders.get(folder)
        if known is None:
            ends = {at for at, sign in enumerate(folder, 1) if sign == "/"}
            found = self._whole
            for length in sorted(ends.union(one for one in self._lengths if 0 < one <= len(folder))):
                found = _better(found, self._ask(folder[:length]))
            if len(self._folders) >= _ROOM:
                self._folders.clear()
            known = self._folders[folder] = found
        return known

    def _ask(self, prefix: str) -> Ruling:
        return self._rulings.of(
            self._index.hits(prefix), lambda: self._asked.request(self._asked.arn, **{PREFIX: (prefix,)})
        )


_ORDER = (Permission.ALLOWED, Permission.UNKNOWN, Permission.FORBIDDEN, Permission.DENIED)


def _better(one: Ruling, other: Ruling) -> Ruling:
    """Return the ruling that opens more: who asks can choose between them."""
    return min(one, other, key=lambda ruling: _ORDER.index(ruling.permission))


def _prefixes_of(statement: Statement, context: Context) -> list[tuple[Pieces, bool]] | None:
    """Return the patterns of the prefix that a statement's conditions ask for, and whether each is exact.

    None where that is not all they do.
    """
    of_prefix = [one for one in statement.conditions if one.key.lower() == PREFIX]
    texts = [*statement.resources, *(value for one in statement.conditions for value in one.values)]
    if statement.variables and any(f"${{{PREFIX}" in one.lower().replace(" ", "") for one in texts):
        return None
    if not of_prefix:
        return [(_ALL, True)]
    found = _COMPARES.fullmatch(of_prefix[0].operator)
    if len(of_prefix) > 1 or found is None:
        return None
    value_of = context.value_of
    asked = [
        patterns.widely(one, value_of) if statement.variables else (patterns.plain(one), True)
        for one in of_prefix[0].values
    ]
    signs: dict[patterns.Token, patterns.Token] = {None: "*", patterns.ONE: "?"}
    plain = found[1] == "Equals"
    return [
        (tuple(signs.get(one, one) for one in pieces) if plain else pieces, exact)
        for pieces, exact in asked
        if pieces is not None
    ]


def _statements(policies: Policies) -> Iterator[tuple[str, Statement]]:
    for document in policies.identity:
        yield from (("identity", one) for one in document.statements)
    for kind, single in (("boundary", policies.boundary), ("resource", policies.resource)):
        if single is not None:
            yield from ((kind, one) for one in single.statements)
