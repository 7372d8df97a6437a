"""A statement with its defects taken out: what it means to open, and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bondstore.access import actions, parts
from bondstore.access.document import Statement
from bondstore.access.dynamodb import MANAGE
from bondstore.access.parts import Clause

Content = dict[str, Any]


def mended(clause: Clause) -> list[Content]:
    """Return the statements to write in place of one; none where it does nothing at all."""
    statement, raw = clause.statement, clause.raw
    if statement.not_action or statement.not_resource:
        return [dict(raw)]
    kept = [one for action in statement.actions for one in mended_action(action, statement)]
    head = {key: raw[key] for key in ("Sid", "Effect", "Principal", "NotPrincipal") if key in raw}
    if clause.kind != "bucket" and "Sid" in head:
        head["Sid"] = re.sub(r"[^A-Za-z0-9]", "", str(head["Sid"]))
    if not kept:
        return []
    if statement.effect == "Deny" and open_beside(statement):
        return [_deny(head, statement, raw)]
    if not any(one.lower().startswith("s3:") for one in kept):
        resources = [two for one in statement.resources for two in mended_table(one)]
        return [_statement(head, kept, resources, raw.get("Condition"))]
    places = clause.places()
    if None in places or any(one is not None and (one.is_both or "*" in parts.shape(one.holder)) for one in places):
        return [_statement(head, kept, statement.resources, raw.get("Condition"))]  # a person must say which buckets
    return _shut(_of_s3(head, kept, clause), clause)


def mended_action(action: str, statement: Statement) -> list[str]:
    """Return what to write in place of an action: itself, one that is near, less, or nothing."""
    service, _, name = action.partition(":")
    known = actions.KNOWN.get(service.lower())
    if known is not None and not actions.matched(action):
        return [near] if (near := actions.near(action)) else []
    if statement.effect == "Deny" or not actions.escalates(action):
        return [action]
    if "*" not in action:
        return []
    if service.lower() == "dynamodb":
        return [f"dynamodb:{one}" for one in sorted(actions.ROWS)]
    if action == "*" or name == "*":
        return ["s3:GetObject", "s3:ListBucket"] if service.lower() in ("*", "s3") else []
    return sorted(f"s3:{one}" for one in actions.matched(action) & actions.PLAIN)


def mended_table(resource: str) -> list[str]:
    """Return what to write in place of a table's ARN: without the star that opens tables of like names."""
    if not is_cut_table(resource):
        return [resource]
    table = resource.rstrip("*")
    return [table, f"{table}/index/*"]


def is_cut_table(resource: str) -> bool:
    """Whether an ARN names tables by the beginning of a name."""
    return re.fullmatch(r"arn:aws[a-z-]*:dynamodb:[^:]*:[^:]*:table/[^/*]+\*+", resource) is not None


def open_beside(statement: Statement) -> list[str]:
    """Return the actions that give a table's rows away and that a list of what is denied leaves out."""
    tables = any(one == "*" or ":dynamodb:" in one for one in statement.resources)
    if statement.effect != "Deny" or statement.not_action or not tables:
        return []
    denied = frozenset(name for one in statement.actions for name in _of_dynamodb(one))
    return sorted(actions.BESIDES - denied) if denied & actions.ROWS else []


def on_rows(statement: Statement) -> bool:
    """Whether actions give the rows of tables away, or change them."""
    return any(_of_dynamodb(one) & (actions.ROWS | actions.BESIDES) for one in statement.actions)


def _of_dynamodb(action: str) -> frozenset[str]:
    return actions.matched(action) if action.lower().startswith("dynamodb:") else frozenset()


def _deny(head: Content, statement: Statement, raw: Mapping[str, Any]) -> Content:
    # The policy of a table reaches no stream: a stream has one of its own.
    ends = ("/index/*",) if statement.principals is not None else ("/index/*", "/stream/*")
    tables = [one for one in statement.resources if re.search(r":table/[^/*]+$", one)]
    resources = [*statement.resources, *(f"{one}{end}" for one in tables for end in ends)]
    made = {**head, "NotAction": list(MANAGE), "Resource": _plain(resources)}
    return {**made, "Condition": raw["Condition"]} if "Condition" in raw else made


def _of_s3(head: Content, kept: list[str], clause: Clause) -> list[Content]:
    """Part a statement by what its actions are about: objects, listings, buckets, all else."""
    places = [one for one in clause.places() if one is not None]
    objects = [
        one.arn(parts.closed_off(one.key) if clause.allows and parts.is_cut(one.key) else one.key)
        for one in places
        if one.key is not None
    ]
    if clause.allows:
        objects = _below(objects, clause)
    lists = [one for one in kept if parts.acts_on(one, actions.LISTING)]
    buckets = [one.holder for one in places if one.key is None]
    if lists and not buckets:
        buckets = list(dict.fromkeys(one.holder for one in places))
    given = clause.raw.get("Condition")
    rest = given if parts.named_prefixes(clause.statement) is None else _without_prefix(given)
    listing = _with_prefix(clause, buckets) if clause.allows else given
    about_objects = [one for one in kept if parts.acts_on(one, actions.OBJECT)]
    about_buckets = [one for one in kept if parts.acts_on(one, actions.BUCKET) and one not in lists]
    others = [one for one in kept if one not in (*about_objects, *lists, *about_buckets)]
    made: list[Content] = []
    for name, acts, resources, condition in (
        ("", about_objects, objects, rest),
        ("List", lists, buckets, listing),
        ("Bucket", about_buckets, buckets, rest),
        ("Others", others, list(clause.statement.resources), rest),
    ):
        if acts and resources:
            named = {**head, "Sid": f"{head['Sid']}{name}"} if made and "Sid" in head else head
            made.append(_statement(named, acts, resources, condition))
    return made


def _below(objects: list[str], clause: Clause) -> list[str]:
    """Return objects by ARN, only those below the prefixes that a condition lists: no more is meant."""
    named = parts.named_prefixes(clause.statement)
    if not named:
        return objects
    bases = [f"{base}/" if (base := one.rstrip("*").rstrip("/")) else "" for one in named]
    found: list[str] = []
    for one in objects:
        place = parts.place_of(one)
        if place is None or place.key is None:
            continue
        begin = parts.stem(place.key)
        if any(begin.startswith(base) for base in bases):
            found.append(one)
        elif place.key == f"{begin}*":
            found += [place.arn(f"{base}*") for base in bases if base.startswith(begin)]
    return found


def _shut(made: list[Content], clause: Clause) -> list[Content]:
    """Deny what is nobody's data, and allow nothing inside it."""
    if not clause.closing or not made:
        return made
    first = made[0]
    resources = [first["Resource"]] if isinstance(first["Resource"], str) else first["Resource"]
    left = [one for one in resources if not any(one.startswith(shut[:-1]) for shut in clause.closing)]
    shut = [one for one in clause.closing if any(one.startswith(parts.stem(each)) for each in left)]
    kept = [{**first, "Resource": _plain(left)}] if left else []
    whom = {"Principal": clause.raw["Principal"]} if "Principal" in clause.raw else {}
    deny = [{**whom, "Effect": "Deny", "Action": "s3:*", "Resource": _plain(shut)}] if shut else []
    return [*kept, *made[1:], *deny]


def _without_prefix(condition: Mapping[str, Any] | None) -> Content | None:
    left = {
        operator: others
        for operator, pairs in (condition or {}).items()
        if (others := {key: value for key, value in pairs.items() if key.lower() != parts.PREFIX})
    }
    return left or None


def _with_prefix(clause: Clause, buckets: Sequence[str]) -> Content | None:
    given = clause.raw.get("Condition")
    found = parts.named_prefixes(clause.statement)
    if found is None:
        return dict(given or {})  # a person must say which prefixes are meant
    found = found or [parts.stem(one.key) for one in clause.places() if one is not None and one.key is not None]
    found = found or parts.opened_prefixes(clause.document, buckets)
    bases = [one.rstrip("*").rstrip("/") for one in found]
    if not found or not all(bases):
        return dict(given) if given else None
    rest = _without_prefix(given) or {}
    wanted = list(dict.fromkeys(two for base in bases for two in (f"{base}/", f"{base}/*")))
    return {**rest, "StringLike": {**rest.get("StringLike", {}), "s3:prefix": wanted}}


def _statement(
    head: Content, acts: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None
) -> Content:
    made: Content = {**head, "Action": _plain(acts)}
    if resources:
        made["Resource"] = _plain(resources)
    return {**made, "Condition": dict(condition)} if condition else made


def _plain(several: Sequence[str]) -> str | list[str]:
    once = list(dict.fromkeys(several))
    return once[0] if len(once) == 1 else once
