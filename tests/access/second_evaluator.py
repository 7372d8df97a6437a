"""A second answer to whether a request is allowed, from the text of the IAM User Guide and by other means.

It shares no line with `bondstore.access`, so that a mistake in one of the two shows. Wildcards are matched by the sets
of places to which a pattern may have come. What is not known is enumerated: each step gives the set of answers that it
could have, and a request with several answers is unknown. Where the guide leaves two readings, both are in the set.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answers = frozenset[bool]
YES: Answers = frozenset({True})
NO: Answers = frozenset({False})
EITHER: Answers = YES | NO
NOWHERE = "\N{SNOWMAN}" * 9  # a value that no policy names


@dataclass(frozen=True)
class Question:
    """Who asks for what; a key that is not in `known` may have any value, one with none is absent."""

    action: str
    resource: str
    who: str = ""
    owner: str = ""
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The account of who asks."""
        return self.who.split(":")[4] if self.who else ""

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """What is known, with what the ARN says."""
        nobody = dict.fromkeys(("aws:username", "aws:principalarn", "aws:principalaccount"), ())
        said: dict[str, tuple[str, ...]] = {**nobody, "aws:principaltype": ("Anonymous",)}
        if self.who:
            is_user = ":user/" in self.who
            said = {"aws:principalarn": (self.who,), "aws:principalaccount": (self.account,)}
            said["aws:username"] = (self.who.split("/")[-1],) if is_user else ()
            said["aws:principaltype"] = ("User",) if is_user else ("AssumedRole",)
        return said | {key.lower(): value for key, value in self.known.items()}


@dataclass(frozen=True)
class Papers:
    """The texts of all policies."""

    identity: Sequence[str] = ()
    boundary: str = ""
    bucket: str = ""


def verdict(question: Question, papers: Papers) -> str:
    """Say what comes of a request, each doubt for itself."""
    found = outcomes(question, papers)
    if len(found) == 1:
        return found.pop()
    return "unknown" if "allowed" in found else "denied"


def worlds(question: Question, papers: Papers) -> set[str]:
    """Answer the question once for each way in which all unknown keys could be filled at once."""
    texts = [*papers.identity, papers.boundary, papers.bucket]
    mentioned = {key: values for text in texts if text for key, values in _mentions(json.loads(text)).items()}
    unknown = sorted(set(mentioned) - set(question.keys))
    pieces = question.resource.replace(":", "/").replace("-", "/").split("/")
    choices = [_could_be(mentioned[key][:3], pieces[-2:], several=True) for key in unknown]
    filled = (dict(zip(unknown, choice, strict=True)) for choice in itertools.islice(itertools.product(*choices), 60))
    return set().union(
        *(
            outcomes(
                Question(question.action, question.resource, question.who, question.owner, {**question.known, **more}),
                papers,
            )
            for more in filled
        )
    )


def outcomes(question: Question, papers: Papers) -> set[str]:
    """Return all that could come of a request."""
    own = [_statements(text) for text in papers.identity]
    bound = _statements(papers.boundary) if papers.boundary else None
    bucket = _statements(papers.bucket) if papers.bucket else []
    bounded = bound is not None and bool(question.who)
    home = not question.owner or question.owner == question.account
    denied = _any(
        _both(_applies(one, question), _is_of(one, question, bounded=bounded))
        for one in itertools.chain(*own, bound or [], bucket)
        if one["Effect"] == "Deny"
    )
    identity = _allow(itertools.chain(*own), question) if question.who else NO
    limit = _allow(bound, question) if bound is not None else YES
    by = {way: _allow_by(way, bucket, question) for way in ("user", "role", "account", "all")}
    table = {
        _whether(
            ours, within, home=home, bounded=bounded, anonymous=not question.who, **dict(zip(by, how, strict=True))
        )
        for ours, within in itertools.product(identity, limit)
        for how in itertools.product(*by.values())
    }
    allowed: Answers = frozenset().union(*table)
    names = {(True, True): "forbidden", (True, False): "forbidden", (False, True): "allowed", (False, False): "denied"}
    return {names[pair] for pair in itertools.product(denied, allowed)}


def _whether(
    ours: bool,
    within: bool,
    *,
    home: bool,
    bounded: bool,
    anonymous: bool,
    user: bool,
    role: bool,
    account: bool,
    all: bool,
) -> Answers:
    """Put the kinds of policies together ("Policy evaluation logic", and its pages on one account and on several)."""
    own = ours and within
    if anonymous:
        return frozenset({all})
    if not home:
        return frozenset({own and (user or role or account or all)})
    if own or user or (role and within):
        return YES
    if all:  # the pages on boundaries and on principals differ in what a boundary does to it
        return EITHER if bounded and not within else YES
    return EITHER if account else NO  # it hands the matter to the account: to its policies, or to all in it


def _allow(statements: Iterable[dict[str, Any]], question: Question) -> Answers:
    return _any(_applies(one, question) for one in statements if one["Effect"] == "Allow")


def _allow_by(way: str, statements: Iterable[dict[str, Any]], question: Question) -> Answers:
    return _any(
        _both(_applies(one, question), _lets_in(one, way, question)) for one in statements if one["Effect"] == "Allow"
    )


# ---- principals


def _ways(principals: Any, question: Question) -> set[str]:
    """Return the ways in which a list of principals means who asks."""
    listed = ["*"] if principals == "*" else _list(principals.get("AWS", []))
    here = {question.account, f"arn:aws:iam::{question.account}:root"} if question.who else set()
    kind = "user" if ":user/" in question.who else "role"
    return (
        {"all" for one in listed if one == "*"}
        | {"account" for one in listed if one in here}
        | {kind for one in listed if one == question.who and question.who}
    )


def _lets_in(statement: dict[str, Any], way: str, question: Question) -> Answers:
    if "Principal" in statement:
        return frozenset({way in _ways(statement["Principal"], question)})
    return _outside(statement["NotPrincipal"], question) if way == "all" else NO


def _is_of(statement: dict[str, Any], question: Question, *, bounded: bool) -> Answers:
    if "Principal" in statement:
        return frozenset({bool(_ways(statement["Principal"], question))})
    if "NotPrincipal" in statement:
        return YES if bounded else _outside(statement["NotPrincipal"], question)
    return YES


def _outside(principals: Any, question: Question) -> Answers:
    """Say whether who asks is none of these; a user without the user's account, or the reverse, leaves it open."""
    ways = _ways(principals, question)
    return NO if "all" in ways or len(ways) == 2 else EITHER if ways else YES


# ---- statements


def _statements(text: str) -> list[dict[str, Any]]:
    document = json.loads(text)
    modern = document.get("Version") == "2012-10-17"
    return [{**one, "modern": modern} for one in _list(document["Statement"])]


def _applies(statement: dict[str, Any], question: Question) -> Answers:
    tests = [_about_action(statement, question), _about_resource(statement, question)]
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            tests.append(_condition(operator, key.lower(), _list(values), question.keys, modern=statement["modern"]))
    return functools.reduce(_both, tests)


def _about_action(statement: dict[str, Any], question: Question) -> Answers:
    named = _list(statement.get("Action", statement.get("NotAction")))
    hit = any(_match([*one.lower()], question.action.lower()) for one in named)
    return frozenset({hit == ("Action" in statement)})


def _about_resource(statement: dict[str, Any], question: Question) -> Answers:
    positive = "Resource" in statement
    hits, doubtful = NO, False
    for one in _list(statement["Resource"] if positive else statement["NotResource"]):
        marks, missing, guess = _filled(one, question.keys, modern=statement["modern"])
        doubtful |= missing != NO
        matches = missing != YES and (one == "*" or _match(marks, question.resource, arn=True))
        hits = frozenset({a or b for a in hits for b in ((EITHER if guess else YES) if matches else NO)})
    found = frozenset({hit == positive for hit in hits})
    return found | NO if doubtful else found  # a variable without a value may make the whole statement invalid


# ---- wildcards and variables: a mark is `*` or `?`, or a character after a backslash that stands for itself


def _variables(text: str) -> set[str]:
    names = {
        piece.partition("}")[0].partition(",")[0].strip().lower() for piece in text.split("${")[1:] if "}" in piece
    }
    return names - {"*", "?", "$"}


def _filled(text: str, known: Mapping[str, tuple[str, ...]], *, modern: bool) -> tuple[list[str], Answers, bool]:
    """Return a pattern's marks, whether a variable lacks a value, and whether one may have any (it is `**` then)."""
    marks: list[str] = []
    missing, guess = NO, False
    rest = text
    while rest:
        inside, closed, after = rest[2:].partition("}")
        if not (modern and rest.startswith("${") and closed):
            marks, rest = [*marks, rest[0] if rest[0] in "*?" else "\\" + rest[0]], rest[1:]
            continue
        rest = after
        name, _, otherwise = (piece.strip() for piece in inside.partition(","))
        if name in {"*", "?", "$"}:
            marks.append("\\" + name)
        elif name.lower() not in known:
            guess, marks = True, [*marks, "**"]
            missing = missing if otherwise or missing == YES else EITHER
        elif len(known[name.lower()]) == 1:
            marks += ["\\" + letter for letter in known[name.lower()][0]]
        elif otherwise:
            marks += ["\\" + letter for letter in otherwise.strip("'")]
        else:
            missing = YES
    return marks, missing, guess


def _match(marks: Sequence[str], text: str, *, arn: bool = False) -> bool:
    """Match mark by mark: the set of places in the text up to which the pattern may have come.

    In an ARN no wildcard but a `*` that ends its part stands for one of the first five colons.
    """
    fixed = {at for at, letter in enumerate(text) if arn and letter == ":" and text.count(":", 0, at) < 5}
    places = {0}
    for at, mark in enumerate(marks):
        if mark == "**" or (mark == "*" and (at + 1 == len(marks) or marks[at + 1] == "\\:")):
            places = set(range(min(places), len(text) + 1))
        elif mark == "*":
            for start in sorted(places):
                stop = min((one for one in fixed if one >= start), default=len(text))
                places |= set(range(start, stop + 1))
        elif mark == "?":
            places = {one + 1 for one in places if one < len(text) and one not in fixed}
        else:
            places = {one + 1 for one in places if text[one : one + 1] == mark[-1]}
        if not places:
            return False
    return len(text) in places


def _arn_like(marks: list[str], value: str) -> bool:
    """Compare part by part: each of the six is checked for itself."""
    parts: list[list[str]] = [[]]
    for mark in marks:
        if mark == "\\:" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(mark)
    pieces = value.split(":", 5)
    return len(parts) == len(pieces) and all(map(_match, parts, pieces))


# ---- conditions

Compare = Callable[[list[str], str], bool]


def _equal(marks: list[str], value: str) -> bool:
    return "".join(mark[-1] for mark in marks) == value


COMPARE: dict[str, Compare] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": lambda marks, value: _equal([mark.casefold() for mark in marks], value.casefold()),
    "StringLike": _match,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda marks, value: _equal([mark.lower() for mark in marks], value.lower()),
}
NEGATED = {name.replace("String", "StringNot").replace("Arn", "ArnNot"): name for name in COMPARE if name != "Bool"}


def _condition(
    operator: str, key: str, values: list[str], known: dict[str, tuple[str, ...]], *, modern: bool
) -> Answers:
    names = {key} | ({name for value in values for name in _variables(value)} if modern else set())
    unknown = sorted(names - set(known))
    if not unknown:
        return _holds(operator, key, values, known, modern=modern)
    guessed = known | dict.fromkeys(unknown, (NOWHERE,))
    texts = ["".join(mark[-1] for mark in _filled(value, guessed, modern=modern)[0]) for value in values]
    choices = [
        _could_be([*texts, *known.get(key, ())], several=":" in operator) if one == key else _parts(known.get(key, ()))
        for one in unknown
    ]
    filled = ({**known, **dict(zip(unknown, choice, strict=True))} for choice in itertools.product(*choices))
    return frozenset().union(*(_holds(operator, key, values, one, modern=modern) for one in filled))


def _holds(operator: str, key: str, values: list[str], known: dict[str, tuple[str, ...]], *, modern: bool) -> Answers:
    """Say whether one line of a condition holds where all is known."""
    quantity, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    has = known[key]
    if name == "Null":
        return frozenset({(not has) == (value.lower() == "true") for value in values})
    if not has and rest.endswith("IfExists"):
        return YES
    lines = [_filled(value, known, modern=modern) for value in values]
    doubtful = NO if any(missing == YES for _, missing, _ in lines) else frozenset()
    compare, wanted = COMPARE[NEGATED.get(name, name)], name not in NEGATED
    truths = [any(compare(marks, one) for marks, missing, _ in lines if missing == NO) == wanted for one in has]
    if quantity:
        nothing = not any(has)  # an empty text is an empty set
        found = {"ForAllValues": nothing or all(truths), "ForAnyValue": not nothing and any(truths)}[quantity]
        return frozenset({found}) | doubtful
    if not has:
        return frozenset({not wanted}) | doubtful
    return EITHER if len(has) > 1 else frozenset(truths) | doubtful  # several values ask for a quantity


def _could_be(values: Sequence[str], more: Iterable[str] = (), *, several: bool = False) -> list[tuple[str, ...]]:
    """Return values that an unknown key may have: none, those that policies name, and one that nobody names."""
    named = sorted({value.replace("*", "").replace("?", "x") for value in values} | set(values) | set(more))
    pairs = [(one, NOWHERE) for one in named] if several else []
    return [(), *((one,) for one in [*named, "", NOWHERE]), *pairs]


def _parts(values: Iterable[str]) -> list[tuple[str, ...]]:
    """Return what an unknown variable may stand for in a pattern that is compared with these values."""
    pieces = {one[i:j] for one in values for i in range(len(one)) for j in range(i + 1, len(one) + 1)}
    return [(), ("",), (NOWHERE,), *((one,) for one in sorted(pieces))]


def _mentions(document: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in _variables(json.dumps(document))}
    for one in _list(document["Statement"]):
        for keys in one.get("Condition", {}).values():
            for key, values in keys.items():
                found.setdefault(key.lower(), []).extend(_list(values))
    return found


# ---- sets of answers


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _both(one: Answers, other: Answers) -> Answers:
    return frozenset({a and b for a in one for b in other})


def _any(many: Iterable[Answers]) -> Answers:
    return functools.reduce(lambda one, other: frozenset({a or b for a in one for b in other}), many, NO)
