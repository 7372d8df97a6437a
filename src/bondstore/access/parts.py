"""What the parts of a statement are about: buckets, objects, prefixes of listings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bondstore.access import actions
from bondstore.access.document import Condition, Document, Path, Statement
from bondstore.access.evaluate import split_arn

PREFIX = "s3:prefix"
_POINT = re.compile(r"(accesspoint[/:][^/]+)(?:/object(?:/(.*))?)?", re.DOTALL)
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class BucketPart:
    """What a resource of S3 is about."""

    holder: str
    """The ARN of the bucket or the access point."""
    key: str | None
    """The pattern of the objects' keys; None where it is about the bucket alone."""
    between: str = "/"
    """What stands between both in an ARN."""

    @property
    def is_both(self) -> bool:
        """Whether it stands for buckets as well as objects, as ``arn:aws:s3:::name*`` does."""
        return self.key is None and "*" in shape(self.holder)

    def arn(self, key: str) -> str:
        """Return the ARN of objects here."""
        return f"{self.holder}{self.between}{key}"

    def key_of(self, arn: str) -> str:
        """Return the key in the ARN of objects here."""
        return arn.removeprefix(f"{self.holder}{self.between}")


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement in its policy."""

    statement: Statement
    raw: Mapping[str, Any]
    """As it is written."""
    document: Document
    kind: str = "managed"
    closing: tuple[str, ...] = ()
    """What it opens though it is nobody's data, as ARNs that end in a star."""

    @property
    def allows(self) -> bool:
        """Whether it allows what it lists."""
        return self.statement.effect == "Allow" and not self.statement.not_action and not self.statement.not_resource

    def where(self, key: str, number: int) -> Path:
        """Return where one value of a list stands."""
        return (key, number) if isinstance(self.raw.get(key), list) else (key,)

    def places(self) -> list[BucketPart | None]:
        """Return what each of its resources is about."""
        return [place_of(one) for one in self.statement.resources]


def place_of(resource: str) -> BucketPart | None:
    """Return what a resource is about; None where that is nothing of S3, or everything."""
    parts = split_arn(resource)
    if len(parts) != 6 or parts[2].lower() != "s3":
        return None
    front = ":".join(parts[:5])
    if (point := _POINT.fullmatch(parts[5])) is not None:
        return BucketPart(f"{front}:{point[1]}", point[2], "/object/")
    bucket, slash, key = parts[5].partition("/")
    return BucketPart(f"{front}:{bucket}", key if slash else None)


def shape(text: str) -> str:
    """Return a pattern with letters in place of each variable, as long as it: the wildcards that are left are real."""
    return _VARIABLE.sub(lambda found: "x" * len(found[0]), text)


def stem(pattern: str) -> str:
    """Return what stands before the first wildcard of a pattern."""
    return pattern[: len(re.split(r"[*?]", shape(pattern), maxsplit=1)[0])]


def is_cut(pattern: str) -> bool:
    """Whether a pattern ends in the middle of a name: ``S*``, where ``S/*`` ends at its end."""
    plain = shape(pattern)
    return plain.endswith("*") and plain.strip("*") != "" and not plain.rstrip("*").endswith("/")


def wildcard(pattern: str) -> str:
    """Return what a wildcard in the middle of a pattern opens besides, in words; empty where there is none."""
    plain = shape(pattern)
    if plain.startswith("*") and plain.strip("*"):
        return "such names in every folder, of other studies too"
    return "names in which another character stands for the ?" if "?" in plain else ""


def closed_off(pattern: str) -> str:
    """Return a pattern with the slash before its closing star."""
    return f"{pattern.rstrip('*')}/*"


def prefix_conditions(statement: Statement) -> list[Condition]:
    """Return the conditions on the prefix of a listing."""
    return [one for one in statement.conditions if one.key.lower() == PREFIX]


def asks(condition: Condition) -> bool:
    """Whether a condition holds only for requests that have the key, with a value that is listed."""
    name = condition.operator
    return not ("Not" in name or name.endswith("IfExists") or name == "Null" or name.startswith("ForAllValues:"))


def named_prefixes(statement: Statement) -> list[str] | None:
    """Return the prefixes that conditions list; None where one lists what is not meant."""
    found = prefix_conditions(statement)
    if any("Not" in one.operator or one.operator == "Null" for one in found):
        return None
    return [value for one in found for value in one.values]


def acts_on(action: str, among: frozenset[str]) -> frozenset[str]:
    """Return which actions of S3, out of some, one that is listed stands for."""
    return actions.matched("s3:*" if action == "*" else action) & among if _is_s3(action) else frozenset()


def _is_s3(action: str) -> bool:
    return action == "*" or action.lower().startswith("s3:")


def acted(statement: Statement, among: frozenset[str]) -> frozenset[str]:
    """Return which actions of S3 a statement lists, out of some."""
    return frozenset(name for one in statement.actions for name in acts_on(one, among))


def opened(statements: Iterable[Statement]) -> Iterator[BucketPart]:
    """Yield the objects that statements allow something on."""
    for one in statements:
        if one.effect == "Allow" and not one.not_action and not one.not_resource and acted(one, actions.OBJECT):
            for resource in one.resources:
                if (place := place_of(resource)) is not None and place.key is not None:
                    yield place


def opened_prefixes(document: Document, holders: Iterable[str]) -> list[str]:
    """Return the prefixes of buckets below which a policy opens objects; none where it opens all of one."""
    wanted = set(holders)
    found = [stem(place.key or "") for place in opened(document.statements) if place.holder in wanted]
    return list(dict.fromkeys(found)) if all(found) else []
