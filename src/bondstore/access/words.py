"""What a policy opens, in words."""

from __future__ import annotations

from collections.abc import Iterable

from bondstore.access import actions, parts
from bondstore.access.diff import ALL_BUT, Permit, permits
from bondstore.access.document import Document

_VERBS = (
    ("read", "objects", ("GetObject", "GetObjectVersion")),
    ("write", "objects", ("PutObject",)),
    ("remove", "objects", ("DeleteObject", "DeleteObjectVersion")),
    ("list", "objects", ("ListBucket", "ListBucketVersions")),
    ("see the region of", "", ("GetBucketLocation",)),
)
"""What an action of S3 is in words, and of what."""
_MOST = 4
"""Places that are named one by one."""


def sentences(document: Document) -> list[str]:
    """Return what a policy allows and denies, a sentence for each kind of thing on each bucket or table."""
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for one in sorted(permits(document), key=lambda each: (each.terms.effect, each.action, each.resource, each.prefix)):
        holder, below = _place(one)
        for verb in _verbs(one.action):
            terms = "".join(f", if {each}" for each in one.terms.conditions)
            whom = f" ({one.terms.principals})" if one.terms.principals else ""
            grouped.setdefault((one.terms.effect + whom, verb, holder, terms), []).append(below)
    return [
        f"{_may(effect)} {_of(verb, holder)}{_among(below)}{terms}."
        for (effect, verb, holder, terms), below in grouped.items()
    ]


def _may(effect: str) -> str:
    kind, _, whom = effect.partition(" ")
    return f"{'May' if kind == 'Allow' else 'May never'}{f' {whom}' if whom else ''}"


def _of(verb: str, holder: str) -> str:
    if verb == "list objects":
        return f"list {holder}"
    return f"{verb} in {holder}" if verb.endswith(" objects") else f"{verb} {holder}"


def _verbs(action: str) -> list[str]:
    """Return what an action means in words: those that are known, and else its own name."""
    if action == "*":
        return ["do everything with"]
    if action.startswith(ALL_BUT):
        return [f"do {action} with"]
    matched = actions.matched(action) if action.lower().startswith("s3:") else frozenset()
    if matched == actions.KNOWN["s3"]:
        return ["do everything in S3 with"]
    named = [f"{verb} {what}".strip() for verb, what, names in _VERBS if matched & frozenset(names)]
    return named or [f"do {action} with"]


def _place(one: Permit) -> tuple[str, str]:
    """Return what a permit is about: the bucket or another thing, and where in it."""
    place = parts.place_of(one.resource)
    if one.resource == "*":
        return "everything", one.prefix
    if place is None:
        return one.resource, one.prefix
    name = place.holder.rpartition(":")[2]
    return name, one.prefix if place.key is None else place.key


def _among(below: Iterable[str]) -> str:
    """Return the places in a bucket; all of it is not said."""
    once = list(dict.fromkeys(below))
    if not any(once) or "*" in once:
        return ""
    named = [one.removesuffix("*") for one in once]
    more = f" and {len(named) - _MOST:,} more" if len(named) > _MOST else ""
    return f" below {', '.join(named[:_MOST])}{more}"
