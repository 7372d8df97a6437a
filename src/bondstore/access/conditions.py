"""Whether a request meets the conditions of a statement: yes, no, or nobody can say.

After "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys" (IAM User Guide).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from bondstore.access import patterns
from bondstore.access.document import Condition, Statement

Truth = bool | None
"""None: nobody can say."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a request's context: keys in lower case with their values; absent ones have none.

    A key that is not in it is one of which nothing is known.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, key: str) -> tuple[str, ...] | None:
        """Return the values of a key: none where the request has no such key, None where nobody said."""
        return self.values.get(key.lower())

    def also(self, more: Mapping[str, tuple[str, ...]]) -> Context:
        """Return it with more keys; those it has stay."""
        return Context(MappingProxyType({**{key.lower(): value for key, value in more.items()}, **self.values}))

    def value_of(self, key: str) -> str:
        """Return what a policy variable stands for."""
        found = self.of(key)
        if found is None or len(found) > 1:
            raise patterns.UnknownValueError
        if not found:
            raise patterns.NoValueError
        return found[0]


def meets(statement: Statement, context: Context) -> Truth:
    """Whether all conditions of a statement are met."""
    return every(_meets(one, context, variables=statement.variables) for one in statement.conditions)


def every(truths: Iterable[Truth]) -> Truth:
    """Whether all are true; a false one decides."""
    unknown = False
    for one in truths:
        if one is False:
            return False
        unknown |= one is None
    return None if unknown else True


def some(truths: Iterable[Truth]) -> Truth:
    """Whether one is true; a true one decides."""
    unknown = False
    for one in truths:
        if one:
            return True
        unknown |= one is None
    return None if unknown else False


def _meets(condition: Condition, context: Context, *, variables: bool) -> Truth:
    quantifier, _, operator = condition.operator.rpartition(":")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    found = context.of(condition.key)
    if operator == "Null":
        wanted = {one.lower() for one in condition.values}
        return None if found is None or not wanted <= {"true", "false"} else str(not found).lower() in wanted
    if operator not in _OPERATORS or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        return None
    compare, negated = _OPERATORS[operator]
    absent = if_exists or (negated and quantifier != "ForAnyValue") or quantifier == "ForAllValues"
    if found is not None and not found and if_exists:
        return True  # what is compared does not matter then, not even a variable without a value
    if found is None:
        present = _of_any_value(condition, context, wildcards=compare is _LIKE, variables=variables)
        truth = absent if present is not None and absent is (present is not negated) else None
    elif not found:
        truth = absent
    elif len(found) > 1 and not quantifier:
        return None  # a set is compared by a set operator; what comes of it without one is not promised
    elif quantifier and not any(found):
        truth = quantifier == "ForAllValues"  # an empty text is an empty set
    else:

        def one_fits(value: str) -> Truth:
            held = some(compare(value, wanted, context, variables) for wanted in condition.values)
            return held if held is None or not negated else not held

        truth = some(map(one_fits, found)) if quantifier == "ForAnyValue" else every(map(one_fits, found))
    if variables and any(patterns.may_break(one, context.value_of) for one in condition.values):
        return False if truth is False else None
    return truth


def _of_any_value(condition: Condition, context: Context, *, wildcards: bool, variables: bool) -> Truth:
    """Whether any value at all would fit (``*``), or none would (a variable without a value)."""
    if wildcards and "*" in condition.values:
        return True
    nothing_fits = all(pieces_of(one, context, variables=variables)[0] is None for one in condition.values)
    return False if nothing_fits else None


Compare = Callable[[str, str, Context, bool], Truth]


def _text(fold: Callable[[str], str], *, wildcards: bool) -> Compare:
    def compare(value: str, wanted: str, context: Context, variables: bool) -> Truth:
        pieces, exact = pieces_of(wanted, context, variables=variables)
        if pieces is None:
            return False
        if not wildcards:
            signs: dict[patterns.Token, patterns.Token] = {None: "*", patterns.ONE: "?", patterns.ANY: patterns.ANY}
            pieces, value = tuple(signs[one] if one in signs else fold(one or "") for one in pieces), fold(value)
        return _unless_guessed(patterns.fits(pieces, value), exact=exact)

    return compare


def _unless_guessed(fits: bool, *, exact: bool) -> Truth:
    return fits if exact or not fits else None


def pieces_of(wanted: str, context: Context, *, variables: bool) -> tuple[tuple[patterns.Token, ...] | None, bool]:
    """Split a pattern, with its variables filled; None: nothing fits it. Tell too whether it is exact."""
    if not variables or not patterns.has_variables(wanted):
        return patterns.plain(wanted), True
    return patterns.widely(wanted, context.value_of)


def _arn(value: str, wanted: str, context: Context, variables: bool) -> Truth:
    # A value may hold colons, so the parts of the pattern are told before it is put in.
    parts = [pieces_of(one, context, variables=variables) for one in wanted.split(":", 5)]
    given = value.split(":", 5)
    if len(parts) != 6 or len(given) != 6:
        return None
    return every(
        False if one is None else _unless_guessed(patterns.fits(one, part), exact=exact)
        for (one, exact), part in zip(parts, given, strict=True)
    )


def _ordered(read: Callable[[str], float], holds: Callable[[float, float], bool]) -> Compare:
    def compare(value: str, wanted: str, context: Context, variables: bool) -> Truth:  # noqa: ARG001
        try:
            return holds(read(value), read(wanted))
        except ValueError:
            return None

    return compare


def _moment(text: str) -> float:
    if re.fullmatch(r"-?\d+", text, re.ASCII):
        return float(text)
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _address(value: str, wanted: str, context: Context, variables: bool) -> Truth:  # noqa: ARG001
    try:
        network = ipaddress.ip_network(wanted, strict=False)
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    return address in network if address.version == network.version else False


def _bool(value: str, wanted: str, context: Context, variables: bool) -> Truth:
    pieces, _ = pieces_of(wanted, context, variables=variables)
    written = (patterns.literal(pieces or ()) or "").lower()
    return value.lower() == written if written in ("true", "false") else None


def _exact(text: str) -> str:
    return text


_EQUALS, _LIKE = _text(_exact, wildcards=False), _text(_exact, wildcards=True)
_FOLDED = _text(str.lower, wildcards=False)
_OPERATORS: dict[str, tuple[Compare, bool]] = {
    "StringEquals": (_EQUALS, False),
    "StringNotEquals": (_EQUALS, True),
    "StringEqualsIgnoreCase": (_FOLDED, False),
    "StringNotEqualsIgnoreCase": (_FOLDED, True),
    "StringLike": (_LIKE, False),
    "StringNotLike": (_LIKE, True),
    "ArnEquals": (_arn, False),
    "ArnLike": (_arn, False),
    "ArnNotEquals": (_arn, True),
    "ArnNotLike": (_arn, True),
    "Bool": (_bool, False),
    "IpAddress": (_address, False),
    "NotIpAddress": (_address, True),
}
for _name, _read in (("Numeric", float), ("Date", _moment)):
    _OPERATORS |= {
        f"{_name}Equals": (_ordered(_read, lambda a, b: a == b), False),
        f"{_name}NotEquals": (_ordered(_read, lambda a, b: a == b), True),
        f"{_name}LessThan": (_ordered(_read, lambda a, b: a < b), False),
        f"{_name}LessThanEquals": (_ordered(_read, lambda a, b: a <= b), False),
        f"{_name}GreaterThan": (_ordered(_read, lambda a, b: a > b), False),
        f"{_name}GreaterThanEquals": (_ordered(_read, lambda a, b: a >= b), False),
    }


def is_known(operator: str) -> bool:
    """Whether an operator, with its quantifier and ``IfExists``, is one whose answer is known."""
    quantifier, _, name = operator.rpartition(":")
    name = name.removesuffix("IfExists")
    return quantifier in ("", "ForAnyValue", "ForAllValues") and (name in _OPERATORS or operator == "Null")
