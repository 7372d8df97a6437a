"""What two policies, or two folders of them, allow and deny otherwise: by meaning, however they are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bondstore.access import actions, parts, patterns
from bondstore.access.document import Condition, Document, Statement
from bondstore.access.evaluate import split_arn
from bondstore.text import counts_text

ALL_BUT = "all but "
"""Begins a list that a statement inverts."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom and when a statement holds."""

    effect: str
    principals: str = ""
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Permit:
    """One action on one resource, allowed or denied on some terms; of listings, one prefix."""

    terms: Terms
    action: str
    resource: str
    prefix: str = ""
    """The one value of a condition on ``s3:prefix``, with its operator where that is not ``StringLike``."""


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """What became of the permits of policies, and of each policy by name."""

    new: frozenset[Permit]
    gone: frozenset[Permit]
    same: frozenset[Permit]
    covered: frozenset[Permit]
    """Written newly, or no more, while the other side has something wider that holds for it."""
    policies: Mapping[str, str] = field(default_factory=dict)
    """By name: new, gone, changed, rewritten (in other words) or same."""

    @property
    def changed(self) -> int:
        """How many policies say something else, or are new or gone."""
        return sum(state in ("new", "gone", "changed") for state in self.policies.values())

    def counts(self) -> dict[str, int]:
        """Return how many permits there are of each state."""
        return {name: len(getattr(self, name)) for name in ("new", "gone", "covered", "same")}

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield what differs, each resource once with its actions."""
        for state in ("new", "gone", "covered"):
            together: dict[tuple[Terms, str, str], list[str]] = defaultdict(list)
            for one in getattr(self, state):
                together[(one.terms, one.resource, one.prefix)].append(one.action)
            for (terms, resource, prefix), acts in sorted(together.items(), key=lambda pair: str(pair[0])):
                yield {
                    "kind": "permit",
                    "state": state,
                    "effect": terms.effect,
                    "actions": sorted(acts),
                    "resource": resource,
                    "prefix": prefix,
                    "principals": terms.principals,
                    "conditions": list(terms.conditions),
                }

    def summary(self) -> str:
        """Return the counts in words."""
        return counts_text(self.counts())


def compare(old: Mapping[str, Document], new: Mapping[str, Document]) -> PolicyDiff:
    """Compare policies by name; one on each side is taken for the same policy, whatever the names."""
    if len(old) == 1 and len(new) == 1:
        [name] = new
        old = {name: next(iter(old.values()))}
    states = {name: _state(old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))}
    before = frozenset(one for document in old.values() for one in permits(document))
    after = frozenset(one for document in new.values() for one in permits(document))
    added, removed = after - before, before - after
    within = frozenset((*_Cover(before).among(added), *_Cover(after).among(removed)))
    return PolicyDiff(added - within, removed - within, before & after, within, states)


def permits(document: Document) -> frozenset[Permit]:
    """Return all that a policy says, in parts that do not depend on how it is written."""
    return frozenset(one for statement in document.statements for one in _permits(statement))


def _state(old: Document | None, new: Document | None) -> str:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    if permits(old) != permits(new):
        return "changed"
    return "same" if old.content == new.content else "rewritten"


def _permits(statement: Statement) -> Iterator[Permit]:
    acts = [actions.spelled(one) for one in statement.actions]
    acts = [ALL_BUT + ", ".join(sorted(acts))] if statement.not_action else acts
    resources = list(statement.resources)
    resources = [ALL_BUT + ", ".join(sorted(resources))] if statement.not_resource else resources or [""]
    prefixes, others = [""], [_written(one) for one in statement.conditions]
    [*listing] = parts.prefix_conditions(statement)
    if len(listing) == 1 and _is_any_of(listing[0]):  # one of its values is enough: each says something by itself
        operator = "" if listing[0].operator == "StringLike" else f"{listing[0].operator} "
        prefixes = [f"{operator}{value}" for value in listing[0].values]
        others = [_written(one) for one in statement.conditions if one is not listing[0]]
    if not statement.variables and any(map(patterns.has_variables, (*statement.resources, *others, *prefixes))):
        others.append("variables are no variables")
    terms = Terms(statement.effect, _principals(statement), tuple(sorted(others)))
    for action in acts:
        for resource in resources:
            for prefix in prefixes:
                yield Permit(terms, action, resource, prefix)


def _is_any_of(condition: Condition) -> bool:
    return condition.operator in ("StringLike", "StringEquals")


def _written(condition: Condition) -> str:
    return f"{condition.operator} {condition.key.lower()} {', '.join(sorted(condition.values))}"


def _principals(statement: Statement) -> str:
    if statement.principals is None:
        return ""
    named = "; ".join(f"{kind} {', '.join(sorted(values))}" for kind, values in sorted(statement.principals.items()))
    return ALL_BUT + named if statement.not_principal else named


class _Cover:
    """Tells which permits are within wider ones, by their beginnings: there may be thousands on each side."""

    def __init__(self, wider: Iterable[Permit]) -> None:
        self._by_terms: dict[Terms, dict[str, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
        self._odd: dict[Terms, list[Permit]] = defaultdict(list)
        for one in wider:
            self._by_terms[one.terms][one.action].add((one.resource, one.prefix))
            if _is_odd(one.resource) or _is_odd(one.prefix):
                self._odd[one.terms].append(one)

    def among(self, narrow: Iterable[Permit]) -> Iterator[Permit]:
        """Yield those that something wider covers."""
        for one in narrow:
            acts = self._by_terms.get(one.terms, {})
            for action, places in acts.items():
                if _covers(action, one.action) and any(
                    (resource, prefix) in places
                    for resource in _wider(one.resource)
                    for prefix in ({"", *_wider(one.prefix)} if one.prefix else ("",))
                ):
                    yield one
                    break
            else:
                if any(_is_within(one, other) for other in self._odd.get(one.terms, ())):
                    yield one


def _is_odd(pattern: str) -> bool:
    """Whether a pattern has wildcards that are not a star at its end."""
    plain = not pattern.startswith(ALL_BUT) and not patterns.has_variables(pattern)
    return plain and any(sign in pattern[:-1] or sign == "?" == pattern[-1:] for sign in "*?")


def _is_within(narrow: Permit, wide: Permit) -> bool:
    """Whether a permit holds for all that another one holds for, by patterns that may have wildcards anywhere."""
    if not _covers(wide.action, narrow.action) or (wide.prefix and not narrow.prefix):
        return False
    pairs = list(zip(split_arn(wide.resource), split_arn(narrow.resource), strict=False))
    alike = len(split_arn(wide.resource)) == len(split_arn(narrow.resource)) and not narrow.resource.startswith(ALL_BUT)
    pairs += [(wide.prefix, narrow.prefix)] if wide.prefix else []
    return alike and all(one == other or (_is_plain(one) and _holds(one, other)) for one, other in pairs)


def _is_plain(pattern: str) -> bool:
    return not patterns.has_variables(pattern) and not pattern.startswith("StringEquals ")


def _holds(wide: str, narrow: str) -> bool:
    """Whether a pattern fits all that another one fits: what only a star can fit is put in place of its stars."""
    text = narrow.replace("*", "\0" * (len(wide) + 1)).replace("?", "\0")
    return patterns.fits(patterns.plain(wide), text)


def _covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    plain = "*" in wide and "?" not in wide and not wide.startswith(ALL_BUT)
    return plain and patterns.fits(patterns.plain(wide.lower()), narrow.lower())


def _wider(pattern: str) -> Iterator[str]:
    """Yield a pattern and those with a closing star that hold for all that it holds for."""
    yield pattern
    if pattern.startswith(ALL_BUT):
        return
    yield "*"
    arn = split_arn(pattern)
    start = len(pattern) - len(arn[5]) if len(arn) == 6 else 0  # no star reaches over the colons of an ARN
    yield from (f"{pattern[:at]}*" for at in range(start, len(pattern)))
