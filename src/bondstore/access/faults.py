"""What is wrong with one statement of a policy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bondstore.access import actions, conditions, mend, parts, patterns
from bondstore.access.document import Condition, Path
from bondstore.access.evaluate import split_arn
from bondstore.access.parts import BucketPart, Clause

_SID = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_WITH_ACCOUNT = ("accesspoint", "access-grants", "async-request", "job", "storage-lens", "storage-lens-group")
"""What has an account in its ARN."""
_SERVICES = {"s3": "S3", "dynamodb": "DynamoDB"}


class Fault(NamedTuple):
    """A kind, where in the statement, and what is wrong."""

    kind: str
    where: Path
    message: str


def faults(clause: Clause) -> Iterator[Fault]:
    """Yield all that is wrong with a statement."""
    yield from _form(clause)
    yield from _unknown_actions(clause)
    yield from _escalation(clause)
    yield from _broad(clause)
    yield from _useless(clause)
    yield from _private(clause)
    yield from _listing(clause)
    yield from _unknown_conditions(clause)
    if left := mend.open_beside(clause.statement):
        message = f"What is denied leaves other ways to the same rows open: {', '.join(left)}. "
        yield Fault("deny-leaves-open", ("Action",), f"{message}Deny all but what manages the table.")


def some(several: Iterable[str], most: int = 3) -> str:
    """Return a few names, and how many more there are."""
    names = list(several)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _form(clause: Clause) -> Iterator[Fault]:
    statement, kind = clause.statement, clause.kind
    if kind == "bucket" and statement.principals is None:
        yield Fault("principal", (), "A bucket's policy says in each statement who is meant: Principal is missing.")
    if kind != "bucket" and statement.principals is not None:
        key = "NotPrincipal" if statement.not_principal else "Principal"
        yield Fault("principal", (key,), f"IAM refuses {key} in the policy of a user, a group or a role.")
    if not statement.resources:
        yield Fault("no-resource", (), "IAM refuses a statement without Resource.")
    key = "NotResource" if statement.not_resource else "Resource"
    for number, one in enumerate(statement.resources):
        if message := _not_an_arn(one):
            yield Fault("resource", clause.where(key, number), message)
    if kind != "bucket" and not _SID.fullmatch(str(clause.raw.get("Sid", ""))):
        yield Fault("statement-name", ("Sid",), "IAM takes letters and digits alone in a Sid, without spaces.")
    used = [*statement.resources, *(value for one in statement.conditions for value in one.values)]
    if not statement.variables and any(patterns.has_variables(one) for one in used):
        message = 'Without "Version": "2012-10-17" a variable such as ${aws:username} is taken as it is written.'
        yield Fault("old-version", (), message)


def _not_an_arn(resource: str) -> str:
    """Return what is wrong with a resource that IAM refuses, or that nothing in S3 can be; else nothing."""
    split = split_arn(resource)
    bucket = resource.removeprefix("s3://")
    if resource != "*" and (len(split) != 6 or split[0] != "arn"):
        return f"{resource} is not an ARN, and IAM refuses it. Write arn:aws:s3:::{bucket}, or what is meant."
    if len(split) != 6 or split[2] != "s3" or not any(one.strip("*") for one in map(parts.shape, split[3:5])):
        return ""
    if split[5].partition("/")[0] in _WITH_ACCOUNT or "*" in split[5].partition("/")[0]:
        return ""
    arn = f"arn:{split[1]}:s3:::{split[5]}"
    return f"The ARNs of buckets have no region and no account: {resource} matches nothing. Write {arn}"


def _unknown_actions(clause: Clause) -> Iterator[Fault]:
    key = "NotAction" if clause.statement.not_action else "Action"
    for number, one in enumerate(clause.statement.actions):
        service, colon, _ = one.partition(":")
        if one != "*" and not colon:
            message = f"{one} names no service: IAM refuses it. Write s3:{one}, or what is meant."
            yield Fault("unknown-action", clause.where(key, number), message)
        known = actions.KNOWN.get(service.lower(), frozenset())
        if known and not actions.matched(one):
            message = f"{_SERVICES[service.lower()]} has no action {one}, as far as Bondstore knows."
            near = actions.near(one)
            yield Fault(
                "unknown-action", clause.where(key, number), f"{message} Did you mean {near}?" if near else message
            )


def _escalation(clause: Clause) -> Iterator[Fault]:
    statement = clause.statement
    if statement.effect != "Allow":
        return
    if statement.not_action:
        message = "Allow with NotAction opens all that AWS has, now and later, but what is listed. List what is meant."
        yield Fault("escalation", ("NotAction",), message)
    if statement.not_resource:
        message = "Allow with NotResource opens everything but what is listed, other buckets too. List what is meant."
        yield Fault("escalation", ("NotResource",), message)
    for number, one in enumerate(() if statement.not_action else statement.actions):
        found = actions.escalates(one)
        if not found:
            continue
        first, why = next(iter(found.items()))
        if one in ("*", "*:*"):
            message = f"{one} opens all of AWS: every service, and IAM itself."
        elif one.lower() == first.lower():
            message = f"{one} {why}."
        else:
            message = f"{one} stands for {some(found)} too. {first} {why}."
        yield Fault("escalation", clause.where("Action", number), message)


def _broad(clause: Clause) -> Iterator[Fault]:
    """Yield resources that open more than they seem to."""
    if not clause.allows:
        return
    statement = clause.statement
    on_objects = parts.acted(statement, actions.OBJECT)
    on_buckets = parts.acted(statement, actions.OBJECT | actions.BUCKET)
    for number, (resource, place) in enumerate(zip(statement.resources, clause.places(), strict=True)):
        message = ""
        if resource == "*" and on_buckets and statement.principals is None:
            message = "* opens every bucket. Name the bucket and the prefix that are meant."
        elif resource == "*" and mend.on_rows(statement) and statement.principals is None:
            message = "* opens every table. Name the table and its indexes."
        elif mend.is_cut_table(resource):
            message = f"{resource} also opens every table whose name begins the same. Name the table and its indexes."
        elif place is not None and "*" in parts.shape(place.holder.rpartition(":")[2]):
            message = f"{resource} also opens other buckets. Write the bucket's name in full."
        elif place is not None and on_objects and parts.is_cut(place.key or ""):
            name = (place.key or "").rstrip("*")
            message = f"{name}* also opens all whose name begins the same, such as {name}2/. Write {name}/*"
        elif place is not None and on_objects and (wild := parts.wildcard(place.key or "")):
            message = f"{place.key} also opens {wild}. Name each prefix that is meant."
        if message:
            yield Fault("over-broad", clause.where("Resource", number), message)


def _useless(clause: Clause) -> Iterator[Fault]:
    """Yield actions on objects that meet a bucket's own ARN, and the other way round."""
    statement, places = clause.statement, clause.places()
    listed = [(parts.acts_on(one, actions.OBJECT), parts.acts_on(one, actions.BUCKET)) for one in statement.actions]
    told = [one for one in places if one is not None and not one.is_both]
    if statement.not_action or statement.not_resource or len(told) < len(places) or not all(map(any, listed)):
        return  # what else there is may make sense of it
    on_objects, on_buckets = (any(pair[side] for pair in listed) for side in (0, 1))
    names = f"{some(statement.actions)} {'does' if len(statement.actions) == 1 else 'do'} nothing on"
    for number, place in enumerate(told):
        where = clause.where("Resource", number)
        if place.key is None and not on_buckets:
            message = f"{names} the bucket's own ARN. Its objects are {place.arn('PREFIX/*')}"
            yield Fault("useless", where, message)
        elif place.key is not None and not on_objects:
            yield Fault("useless", where, f"{names} objects. The bucket's own ARN is {place.holder}")
        elif place.key is not None and clause.allows and place.key.endswith("/"):
            message = f"{place.key} is the name of one object, and opens nothing below it. Write {place.key}*"
            yield Fault("useless", where, message)
    yield from _useless_actions(clause, told, listed)


def _useless_actions(
    clause: Clause, places: list[BucketPart], listed: list[tuple[frozenset[str], frozenset[str]]]
) -> Iterator[Fault]:
    on_bucket = all(place.key is None for place in places)
    if not places or (not on_bucket and any(place.key is None for place in places)):
        return
    side, what = (1, "a bucket's own ARN") if on_bucket else (0, "objects")
    if not any(pair[side] for pair in listed):
        return
    for number, (one, pair) in enumerate(zip(clause.statement.actions, listed, strict=True)):
        if not pair[side]:
            message = f"{one} does nothing on {what}, and this statement names nothing else."
            yield Fault("useless", clause.where("Action", number), message)


def _private(clause: Clause) -> Iterator[Fault]:
    for number, (resource, place) in enumerate(zip(clause.statement.resources, clause.places(), strict=True)):
        if place is None or place.key is None:
            continue
        begin = parts.stem(resource)
        hit = [one for one in clause.closing if one.startswith(begin) or begin.startswith(one[:-1])]
        if hit:
            names = some(place.key_of(one) for one in hit)
            message = (
                f"{place.key} opens {names}: keys of devices and what devices sealed are nobody's data. Deny them."
            )
            yield Fault("private", clause.where("Resource", number), message)


def _listing(clause: Clause) -> Iterator[Fault]:
    if not clause.allows:
        return
    statement = clause.statement
    lists = [
        number for number, one in enumerate(statement.actions) if one != "*" and parts.acts_on(one, actions.LISTING)
    ]
    buckets = [one.holder for one in clause.places() if one is not None and one.key is None]
    found = parts.prefix_conditions(statement)
    whole = {place.holder for place in parts.opened(clause.document.statements) if place.key == "*"}
    if lists and not any(map(parts.asks, found)) and not whole.issuperset(buckets):
        prefixes = [f"{one.rstrip('/')}/*" for one in parts.opened_prefixes(clause.document, buckets)]
        given = f"under {found[0].operator}" if found else "without a condition on s3:prefix"
        message = (
            f"{statement.actions[lists[0]]} {given} shows the names of all objects of the bucket"
            f"{', as a listing may leave the prefix out' if found else ''}, and with them who takes part. "
            f"Allow the prefixes that are meant{': ' if prefixes else ''}{some(prefixes)}"
        )
        yield Fault("list-without-prefix", clause.where("Action", lists[0]), message)
    for one in found:
        if not parts.asks(one):
            continue
        for number, action in enumerate(statement.actions):
            if number not in lists and parts.acts_on(action, actions.OBJECT | actions.BUCKET):
                message = f"{action} is never allowed here: its requests have no s3:prefix. Give it its own statement."
                yield Fault("prefix-condition", clause.where("Action", number), message)
        yield from _prefixes(clause, one, is_whole=bool(buckets) and whole.issuperset(buckets))


def _prefixes(clause: Clause, condition: Condition, *, is_whole: bool) -> Iterator[Fault]:
    if any(one.key.lower() == "s3:delimiter" and parts.asks(one) for one in clause.statement.conditions):
        return  # it shows the names in one folder, and not what lies deeper: that is meant
    like = condition.operator.rpartition(":")[2] == "StringLike"
    given = clause.raw["Condition"][condition.operator][condition.key]
    for number, value in enumerate(condition.values):
        where: Path = ("Condition", condition.operator, condition.key)
        where = (*where, number) if isinstance(given, list) else where
        plain, base = parts.shape(value), value.rstrip("*").rstrip("/")
        slash = f"Allow {base}/ and {base}/*. Who then lists {base} without the slash is refused."
        if not base and is_whole:
            continue  # all of it is open anyway
        if not base:
            message = "This prefix shows the names of all objects of the bucket. Name what is meant."
            yield Fault("over-broad", where, message)
        elif "*" in plain and not like and conditions.is_known(condition.operator):
            message = f"Under {condition.operator} the star in {value} is not a wildcard. Write StringLike."
            yield Fault("prefix-incomplete", where, message)
        elif not plain.rstrip("*").endswith("/"):
            message = f"{value} also shows the names of all that begins the same, such as {base}2/. {slash}"
            yield Fault("over-broad", where, message)
        elif plain.endswith("/") and not (like and f"{base}/*" in condition.values):
            message = f"{value} alone lets nobody list what lies deeper, such as {base}/DEEPER/. {slash}"
            yield Fault("prefix-incomplete", where, message)


def _unknown_conditions(clause: Clause) -> Iterator[Fault]:
    known = {one.lower() for one in actions.CONDITION_KEYS}
    for one in clause.statement.conditions:
        where: Path = ("Condition", one.operator)
        if not conditions.is_known(one.operator):
            message = f"Bondstore knows no condition operator {one.operator}."
            yield Fault("unknown-condition", where, message)
        service, colon, _ = one.key.partition(":")
        if colon and service.lower() not in ("aws", *actions.KNOWN):
            continue  # of other services nothing is said
        if one.key.lower() not in known and not actions.TAG_KEYS.fullmatch(one.key):
            near = difflib.get_close_matches(one.key, actions.CONDITION_KEYS, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            yield Fault("unknown-condition", (*where, one.key), f"Bondstore knows no condition key {one.key}.{meant}")
