"""Policies held against the keys of a bucket: what is granted, what is denied, and what differs from what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bondstore.access.check import Private, nothing_private, read_policies
from bondstore.access.conditions import Context
from bondstore.access.document import Document, Statement, parse
from bondstore.access.evaluate import Permission, Policies, Principal, Ruling, split_arn
from bondstore.access.folders import Counts, FolderCounts, KeyOutcome
from bondstore.access.grants import PARTITIONS
from bondstore.access.inventory import KeyPage
from bondstore.access.keys import LISTS, PREFIX, Decider, KeyRequest, decider_of
from bondstore.errors import ConfigurationError, UsageError
from bondstore.text import counted, number_text

ANYBODY = "anonymous"
SHOWN, NAMED = 10, 3
"""How many examples of a kind are in a record, and in a sentence."""
_WILD = re.compile(r"[*?\s]")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_VARIABLE = re.compile(r"\$\{\s*([^},\s]+)")


def policies_of(files: Sequence[Path], boundary: Path | None = None, bucket_policy: Path | None = None) -> Policies:
    """Read policies from files; a folder stands for all policies of its plan.

    Raises
    ------
    NotFoundError, ConfigurationError
        A file is missing, or AWS takes no such policy there.
    """
    found = [_read(files), _read([boundary] if boundary else []), _read([bucket_policy] if bucket_policy else [])]
    for place, several in zip((boundary, bucket_policy), found[1:], strict=True):
        if len(several) > 1:
            raise UsageError(f"{place} has {len(several)} policies, and only one can be.", hint="Name one file.")
    _check_principals([*found[0], *found[1]], found[2])
    return Policies(found[0], *(next(iter(several), None) for several in found[1:]))


def _read(places: Sequence[Path]) -> list[Document]:
    return [parse(text, str(file)) for file, text in read_policies(places)]


def _check_principals(of_identities: Iterable[Document], of_buckets: Iterable[Document]) -> None:
    """Refuse what AWS refuses: it would be asked of everybody, or of nobody."""
    for document in of_identities:
        for one in document.statements:
            if one.principals is not None:
                raise ConfigurationError(
                    f"{document.name}, line {one.line}: IAM refuses Principal in the policy of an identity.",
                    hint="If it is the policy of the bucket: --bucket-policy FILE.",
                )
    for document in of_buckets:
        for one in document.statements:
            if one.principals is None:
                raise ConfigurationError(
                    f"{document.name}, line {one.line}: Principal is missing, and S3 refuses the policy of a bucket.",
                    hint="If it is a policy of the user: name it without --bucket-policy.",
                )


def asked_of(
    bucket: str, action: str = "s3:GetObject", principal: str = "", owner: str = "", known: Iterable[str] = ()
) -> KeyRequest:
    """Return a question as a person puts it; `known` has ``KEY=VALUE`` each, and ``KEY=`` for one that is absent.

    Without a principal a made-up user asks, of the account that owns the bucket.

    Raises
    ------
    UsageError
        An account, an ARN or a key of the context is none.
    """
    if owner and not _ACCOUNT.fullmatch(owner):
        raise UsageError("An account has 12 digits.", hint="Write --owner 123456789012.")
    who = Principal("" if principal == ANYBODY else principal or made_up(owner))
    if who.arn and (not who.account or _WILD.search(who.arn)):
        raise UsageError(
            "The principal is not the ARN of a user or a role.",
            hint=f"Write arn:aws:iam::123456789012:user/NAME, or {ANYBODY} for who has no credentials.",
        )
    values: dict[str, tuple[str, ...]] = {}
    for one in known:
        key, equals, value = one.partition("=")
        if not equals or not key:
            raise UsageError("A key of the context has the form KEY=VALUE.", hint="Write aws:SecureTransport=true.")
        values[key.lower()] = values.get(key.lower(), ()) + ((value,) if value else ())
    return KeyRequest(action, bucket, who, Context(values), owner, who.partition)


def made_up(owner: str = "", policies: Policies | None = None) -> str:
    """Return the ARN of a user who is not there, of an account; of the partition that all policies are about."""
    several = [*policies.identity, policies.boundary, policies.resource] if policies else []
    arns = {
        split_arn(resource)[1]
        for document in several
        for statement in (document.statements if document else ())
        for resource in statement.resources
        if resource.startswith("arn:")
    }
    partition = arns.pop() if len(arns) == 1 else "aws"
    return f"arn:{partition if partition in PARTITIONS else 'aws'}:iam::{owner or '123456789012'}:user/somebody"


class Meant:
    """Prefixes of keys that are meant to be granted, and which of them had no key yet."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        by_length: dict[int, set[str]] = {}
        for one in prefixes:
            by_length.setdefault(len(one), set()).add(one)
        self._by_length = sorted(by_length.items(), reverse=True)
        self.unseen = {one for several in by_length.values() for one in several}
        self.number = len(self.unseen)

    def longest(self, folder: str) -> int:
        """Return the length of the longest of them in which a folder lies, or 0; they end in a slash."""
        found = 0
        for length, prefixes in self._by_length:
            if (start := folder[:length]) in prefixes:
                self.unseen.discard(start)
                found = found or length
        return found


class _PrivateFolders:
    """Tells which keys are nobody's data, such as keys of devices."""

    def __init__(self, private: Private, prefixes: Sequence[str]) -> None:
        self._private = private
        self._known = tuple(private(prefixes))

    def length(self, folder: str) -> int:
        """Return the length of the prefix by which a folder's keys are nobody's data; 0 where they are not."""
        several = (one for one in (*self._known, *self._private([folder])) if folder.startswith(one))
        return max(map(len, several), default=0)


class KeyAnswer(NamedTuple):
    """What comes of one request for one key."""

    action: str
    key: str
    ruling: Ruling
    outcome: KeyOutcome

    def record(self) -> dict[str, Any]:
        """Return it as a record to show."""
        because = self.ruling.reasons
        differs = self.outcome in (KeyOutcome.EXTRA, KeyOutcome.MISSING, KeyOutcome.UNKNOWN)
        return {
            "kind": "key",
            "action": self.action,
            "permission": self.ruling.permission.value,
            "difference": self.outcome.name.lower() if differs else None,
            "key": self.key,
            **(because[0] if because else {"document": None, "statement": None, "line": None}),
            "because": because,
        }


@dataclass
class ActionProof:
    """What came of one action, so far."""

    action: str
    folders: FolderCounts = field(default_factory=FolderCounts)
    examples: Mapping[KeyOutcome, list[str]] = field(default_factory=lambda: {one: [] for one in KeyOutcome})
    private: int = 0
    """How many keys that are nobody's data are granted, and not meant where anything is."""
    first_private: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many keys: granted and denied with those that differ, which are told again."""
        granted, extra, denied, missing, unknown = self.folders.total()
        return {
            "granted": granted + extra,
            "denied": denied + missing,
            "unknown": unknown,
            "extra": extra,
            "missing": missing,
        }


@dataclass(slots=True)
class _Part:
    """What is the same for all keys of a folder."""

    found: ActionProof
    decider: Decider
    counts: Counts
    meant: bool | None
    private: bool
    ruling: Ruling | None
    """None where it hangs on the key."""
    outcome: KeyOutcome


class Proof:
    """Answers key by key, and what they come to in the end. It holds no keys but a few examples.

    What is nobody's data, such as keys of devices, is meant only by a prefix that names it: not by one above it.
    """

    def __init__(
        self,
        asked: Sequence[KeyRequest],
        policies: Policies,
        prefixes: Sequence[str] | None = None,
        private: Private = nothing_private,
    ) -> None:
        self.asked = tuple(asked)
        self.found = [ActionProof(one.action) for one in asked]
        self.keys = 0
        self.troubles = 0
        self.first_troubles: list[str] = []
        self.unsaid: dict[str, None] = {}
        """Keys of the context of which nothing is known, and on which an answer hangs."""
        self.meant = None if prefixes is None else Meant(prefixes)
        self._private = _PrivateFolders(private, prefixes or ())
        self._deciders: list[Decider] = [decider_of(one, policies) for one in asked]
        self._last_unknown: Ruling | None = None

    def answers(self, pages: Iterable[KeyPage], watch: Callable[[int, int], None] | None = None) -> Iterator[KeyAnswer]:
        """Yield what comes of each key, and count it; `watch` is told of keys and bytes so far."""
        size, last = 0, None
        parts: list[_Part] = []
        for page in pages:
            self.troubles += len(page.troubles)
            self.first_troubles += page.troubles[: SHOWN - len(self.first_troubles)]
            for key in page.keys:
                folder = key[: key.rfind("/") + 1]
                if folder != last:  # keys mostly come in order
                    last, parts = folder, list(self._parts(folder))
                for one in parts:
                    if one.ruling is None:
                        ruling = one.decider(key)
                        outcome = self._outcome(ruling, one.meant)
                    else:
                        ruling, outcome = one.ruling, one.outcome
                    found = one.found
                    one.counts[outcome] += 1
                    if outcome and len(found.examples[outcome]) < SHOWN:
                        found.examples[outcome].append(key)
                    if one.private and outcome <= KeyOutcome.EXTRA:
                        found.private += 1
                        found.first_private = found.first_private or key
                    yield KeyAnswer(found.action, key, ruling, outcome)
            self.keys += len(page.keys)
            size += page.size
            if watch:
                watch(self.keys, size)

    def _parts(self, folder: str) -> Iterator[_Part]:
        """Yield for each action what is the same for all keys of a folder."""
        private = self._private.length(folder)
        within = self.meant.longest(folder) if self.meant else 0
        for found, decider in zip(self.found, self._deciders, strict=True):
            # Who may list a folder sees the names in the folders below.
            lists = found.action.lower() in LISTS
            meant = within > 0 and (lists or within >= private) if self.meant else None
            ruling = decider.in_folder(folder)
            outcome = KeyOutcome.UNKNOWN if ruling is None else self._outcome(ruling, meant)
            told = private > 0 and not lists and not meant
            yield _Part(found, decider, found.folders.of(folder), meant, told, ruling, outcome)

    def _outcome(self, ruling: Ruling, meant: bool | None) -> KeyOutcome:
        if ruling.permission is Permission.UNKNOWN:
            if ruling is not self._last_unknown:
                self._last_unknown = ruling
                self.unsaid |= dict.fromkeys(_unsaid(ruling.because, self._context))
            return KeyOutcome.UNKNOWN
        if ruling.permission is Permission.ALLOWED:
            return KeyOutcome.EXTRA if meant is False else KeyOutcome.GRANTED
        return KeyOutcome.MISSING if meant else KeyOutcome.DENIED

    @property
    def _context(self) -> Context:
        return self.asked[0].request(self.asked[0].arn, **{PREFIX: ("",)}).full_context()

    @property
    def is_as_meant(self) -> bool:
        """Whether all is known, and as it was meant to be."""
        bad = ("unknown", "extra", "missing")
        return not self.troubles and not any(one.counts[name] for one in self.found for name in bad)

    @property
    def shows_nothing(self) -> bool:
        """Whether there was no key, or none of those that are meant."""
        return not self.keys or (self.meant is not None and len(self.meant.unseen) == self.meant.number)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a record of each folder."""
        for one in self.found:
            for row in one.folders.rows():
                granted, extra, denied, missing, unknown = row.counts
                differences = {"extra": extra, "missing": missing} if self.meant else {}
                yield {
                    "kind": "folder",
                    "action": one.action,
                    "folder": row.folder,
                    "part": "others" if row.others else "directly" if row.directly else "whole",
                    "folders": row.others or 1,
                    "granted": granted + extra,
                    "denied": denied + missing,
                    "unknown": unknown,
                    **differences,
                }

    def record(self) -> dict[str, Any]:
        """Return all of it as one record."""
        return {
            "kind": "proof",
            "principal": self.asked[0].principal.arn or ANYBODY,
            "bucket": self.asked[0].bucket,
            "keys": self.keys,
            "as_meant": self.is_as_meant,
            "compared": self.meant is not None,
            "actions": {
                one.action: {
                    **one.counts,
                    "private": one.private,
                    "examples": {
                        outcome.name.lower(): one.examples[outcome]
                        for outcome in (KeyOutcome.EXTRA, KeyOutcome.MISSING, KeyOutcome.UNKNOWN)
                        if one.examples[outcome]
                    },
                }
                for one in self.found
            },
            "unsaid": sorted(self.unsaid),
            "prefixes_without_keys": sorted(self.meant.unseen) if self.meant else [],
            "damaged": self.troubles,
            "damages": self.first_troubles,
        }

    def sentences(self) -> Iterator[str]:
        """Yield what it comes to, in plain English."""
        if not self.keys:
            yield "No key is listed."
        for one in self.found if self.keys else ():
            yield from self._of_action(one)
        if self.unsaid:
            names = sorted(self.unsaid)
            yield (
                f"Nothing is known of {', '.join(names)}, which statements ask for. Say what it is: "
                f"--context {names[0]}=VALUE, or --context {names[0]}= where requests do not have it."
            )
        if self.troubles:
            more = f"; and {number_text(self.troubles - SHOWN)} more" if self.troubles > SHOWN else ""
            yield f"Keys may be missing, so this proves nothing: {'; '.join(self.first_troubles)}{more}."
        if self.meant is None:
            yield "This was not compared with what is meant: add --expect EXPECT.csv, with a column prefix."
        elif unseen := sorted(self.meant.unseen):
            yield _without_keys(unseen, self.meant.number)
        if self.meant is not None and self.is_as_meant and not self.shows_nothing:
            yield "All is as it was meant: what is meant is granted, and nothing else is."

    def _of_action(self, one: ActionProof) -> Iterator[str]:
        who = self.asked[0].principal.arn or "Who has no credentials"
        counts = one.counts
        yield (
            f"{who} may {_verb(one.action)} {number_text(counts['granted'])} of {counted(self.keys, 'key')}; "
            f"{number_text(counts['denied'])} denied, {number_text(counts['unknown'])} unknown."
        )
        for name, outcome, words in (
            ("extra", KeyOutcome.EXTRA, "Granted, and not meant (extra)"),
            ("missing", KeyOutcome.MISSING, "Meant, and not granted (missing)"),
            ("unknown", KeyOutcome.UNKNOWN, "Nobody can say (unknown), which counts as a failure"),
        ):
            if counts[name]:
                yield f"{words}: {_such(counts[name], 'key', 'keys', one.examples[outcome])}."
        if one.private:
            yield (
                f"Granted, and nobody's data, such as keys of devices: {counted(one.private, 'key')}, the first is "
                f"{one.first_private}." + (" If that is meant, name its folder in EXPECT.csv." if self.meant else "")
            )


def _without_keys(unseen: Sequence[str], number: int) -> str:
    if len(unseen) == number:
        return "No key begins with any prefix of EXPECT.csv, so this proves nothing: is it of this bucket?"
    return f"Meant, and without any key: {_such(len(unseen), 'prefix', 'prefixes', unseen)}."


def _unsaid(because: Iterable[Statement], context: Context) -> Iterator[str]:
    """Yield the keys of the context that statements ask for and of which nothing is known."""
    for one in because:
        texts = [*one.resources, *(value for condition in one.conditions for value in condition.values)]
        variables = [name for text in texts if one.variables for name in _VARIABLE.findall(text)]
        yield from (
            name
            for name in (*(condition.key for condition in one.conditions), *variables)
            if context.of(name) is None and name not in ("*", "?", "$")
        )


def _verb(action: str) -> str:
    known = {"s3:getobject": "read", "s3:putobject": "write", "s3:deleteobject": "delete"}
    name = action.lower()
    return known.get(name) or ("list" if name in LISTS else f"do {action} on")


def _such(count: int, one: str, many: str, names: Sequence[str]) -> str:
    more = f" and {number_text(count - NAMED)} more" if count > NAMED else ""
    return f"{counted(count, one, many)}: {', '.join(names[:NAMED])}{more}"
