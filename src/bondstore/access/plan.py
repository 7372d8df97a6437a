"""A plan: the policies that together open what is meant, in a folder that is kept from one time to the next."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bondstore.access import limits
from bondstore.access.document import size_of, text_of
from bondstore.access.grants import Grant, Rights, Scope, Share
from bondstore.access.pack import Bin, Pieces, Room, fill, refill
from bondstore.errors import BondstoreError, ConfigurationError, NoSpaceError, NotFoundError, PolicyError, UsageError
from bondstore.modes import PRIVATE, make_folder, open_private

FILE = "plan.json"
NEXT = "plan.next"
EXPECT = "expect.csv"
TEMPORARY = ".writing"
NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
"""What IAM takes as a policy's name."""

_NO_ID = re.compile(r"[^\w.@-]", re.ASCII)
_HEADING = re.compile(r"(?:participant|patient|subject|user)s?(?:[_ -]?ids?)?|ids?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """Policies by name, each with the shares that lie in it."""

    name: str
    grant: Grant
    limit: int
    policies: Mapping[str, Mapping[str, Pieces]]
    best: int = 0
    """How many policies their characters need at least."""
    former: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)
    """The policies of the plan before, by name."""
    documents: Mapping[str, Mapping[str, Any]] = field(init=False, compare=False)
    """Each policy by name."""

    def __post_init__(self) -> None:
        """Write the policies out; they are asked for more than once."""
        shares = {one.name: one for one in self.grant.scope.shares}
        written = {
            name: self.grant.policy((shares[one], numbers) for one, numbers in pieces.items())
            for name, pieces in self.policies.items()
        }
        object.__setattr__(self, "documents", written)

    @property
    def changed(self) -> tuple[str, ...]:
        """Policies that are new, or other than in the plan before."""
        return tuple(one for one in self.documents if self.documents[one] != self.former.get(one))

    @property
    def dropped(self) -> tuple[str, ...]:
        """Policies of the plan before that are no longer needed."""
        return tuple(one for one in self.former if one not in self.documents)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a record of each policy to show."""
        changed = frozenset(self.changed)
        for name, document in self.documents.items():
            yield {
                "kind": "policy",
                "policy": name,
                "characters": size_of(document),
                "limit": self.limit,
                "shares": len(self.policies[name]),
                "change": "new or changed" if name in changed else "as before",
            }


def make_plan(
    name: str,
    grant: Grant,
    *,
    limit: int = limits.MANAGED,
    before: PolicyPlan | None = None,
    again: bool = False,
) -> PolicyPlan:
    """Split what is granted into policies; with a plan before, change as few of its policies as can be.

    `again` splits everything again; what the plan before had besides is dropped all the same.

    Raises
    ------
    UsageError
        One share alone is larger than a policy, or there is none.
    """
    room = _room(name, grant, limit)
    if again or before is None or _settings(before.grant, before.limit) != _settings(grant, limit):
        bins: list[Bin | None] = [*fill(room)]
        names = [f"{name}-{number:03d}" for number in range(1, len(bins) + 1)]
    else:
        bins = _refilled(room, grant, before)
        taken = list(before.policies)
        numbered = (f"{name}-{number:03d}" for number in range(1, len(bins) + len(taken) + 1))
        free = (one for one in numbered if one not in taken)
        names = [*taken, *(next(free) for _ in bins[len(taken) :])]
    policies = {one: pieces for one, pieces in zip(names, bins, strict=True) if pieces}
    return PolicyPlan(name, grant, limit, policies, room.lower_bound, before.documents if before else {})


def _room(name: str, grant: Grant, limit: int) -> Room:
    """Return how much each policy takes; refuse what no policy can hold or be called."""
    if not grant.scope.shares:
        raise UsageError("Nothing would be granted.", hint="Name a study, a participant or a prefix.")
    if not NAME.fullmatch(f"{name}-001"):
        raise UsageError(
            f"A policy cannot be named {name}-001: IAM takes {limits.NAME} letters and digits.",
            hint="Give another one with --name.",
        )
    room = Room(limit - grant.overhead(), grant.sizes())
    for share in room.sizes:
        if room.whole(share) > room.capacity:
            raise UsageError(
                f"{share} alone takes {limit - room.capacity + room.whole(share):,} characters, and a policy "
                f"has at most {limit:,}.",
                hint="Name fewer or shorter prefixes.",
            )
    return room


def _refilled(room: Room, grant: Grant, before: PolicyPlan) -> list[Bin | None]:
    """Fill the policies of before; a share whose prefixes are others now is new."""
    stay = {share.name for share in set(before.grant.scope.shares) & set(grant.scope.shares)}
    kept = [{one: held for one, held in pieces.items() if one in stay} for pieces in before.policies.values()]
    return refill(room, kept)


def refuse_another(before: PolicyPlan, name: str, grant: Grant, folder: Path) -> None:
    """Refuse to continue the plan of another study, bucket or name.

    Raises
    ------
    UsageError
        It would be another plan.
    """
    old, new = (
        " of ".join(filter(None, (one.scope.subject, f"{one.arn}/{one.below}"))) for one in (before.grant, grant)
    )
    if old != new:
        raise UsageError(
            f"{folder} contains a plan for {old}, and this would be for {new}.",
            hint="Name another folder, or replace the plan with --again.",
        )
    if before.name != name:
        raise UsageError(
            f"{folder} contains the plan {before.name}, and this would be {name}.",
            hint=f"Add --name {before.name} to continue it, name another folder, or replace it with --again.",
        )


def refuse_foreign(plan: PolicyPlan, folder: Path) -> None:
    """Refuse to write over files that no plan of this folder wrote.

    Raises
    ------
    ConfigurationError
        There is one.
    """
    plans = _plans(folder)
    known = {name for one in plans for name in one.policies}
    files = [folder / f"{name}.json" for name in plan.policies if name not in known]
    for file in files if plans else [*files, folder / EXPECT]:
        if file.is_file():
            raise ConfigurationError(
                f"{file} is there already, and Bondstore did not write it.",
                hint="Move it away, or name another folder.",
            )


def _settings(grant: Grant, limit: int) -> tuple[object, ...]:
    return grant.bucket, grant.below, grant.rights, grant.partition, tuple(grant.scope.closed), limit


@dataclass(frozen=True, slots=True)
class Way:
    """One way to give somebody all policies of a plan."""

    name: str
    fits: bool
    message: str


def ways(plan: PolicyPlan, to: str = "user", attachments: int = limits.ATTACHED) -> list[Way]:
    """Say how the policies of a plan can reach a user, a role or a group, with numbers."""
    number = len(plan.policies)
    found = [
        Way("attach", number <= attachments, f"{number} of the {attachments} policies that a {to} may have attached.")
    ]
    if to == "user":
        groups = -(-max(number - attachments, 0) // limits.ATTACHED)
        found.append(
            Way(
                "groups",
                groups <= limits.GROUPS,
                f"{min(number, attachments)} attached to the user, and {number - min(number, attachments)} by {groups} "
                f"groups of {limits.ATTACHED}; a user is in at most {limits.GROUPS}.",
            )
        )
    characters = sum(size_of(document) for document in plan.documents.values())
    points = -(-characters // limits.BUCKET)
    found += [
        Way(
            "access-points",
            points <= limits.ACCESS_POINTS,
            f"At least {points} access points of the bucket, each with a policy of {limits.BUCKET:,} bytes at most, "
            "and one policy that lets the bucket leave the choice to them.",
        ),
        Way(
            "tags",
            True,
            "1 policy that compares a tag of each object with a tag of who asks. Every object must be tagged, and "
            "listings cannot be limited by tags.",
        ),
    ]
    return found


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Let one process at a time read and write the plan of a folder, which is made; say why it cannot be written.

    Raises
    ------
    PolicyError, ConfigurationError, NoSpaceError
        It is a link, or nothing can be written there.
    """
    import fcntl

    if folder.is_symlink():
        raise PolicyError(f"The folder {folder} is a symbolic link.", hint="Name the folder that it leads to.")
    make_folder(folder, PRIVATE)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except BondstoreError:
        raise
    except OSError as error:
        kind = NoSpaceError if error.errno in (errno.ENOSPC, errno.EDQUOT) else ConfigurationError
        raise kind(
            f"The plan could not be written into {folder} ({error.strerror}).",
            hint="Name a folder you may write to, or make space there, then run the same command again.",
        ) from error


def write_plan(plan: PolicyPlan, folder: Path) -> None:
    """Write a plan into a folder. Killed at any moment, the same again goes on."""
    make_folder(folder, PRIVATE)
    # Until the last of it is written, a policy may be of the plan before or of this one.
    _put(folder / NEXT, json.dumps(_content(plan), indent=1, ensure_ascii=False) + "\n")
    for name in plan.dropped:
        (folder / f"{name}.json").unlink(missing_ok=True)
    for name, document in plan.documents.items():
        _put(folder / f"{name}.json", text_of(document))
    _put(folder / EXPECT, _expected(plan))
    (folder / NEXT).replace(folder / FILE)


def _expected(plan: PolicyPlan) -> str:
    """Return what is meant to be readable, as CSV."""
    expected = io.StringIO()
    writer = csv.writer(expected, lineterminator="\n")
    writer.writerow(["prefix"])
    writer.writerows([prefix] for prefix in (plan.grant.prefixes() if plan.grant.lists else ()))
    return expected.getvalue()


def _plans(folder: Path) -> list[PolicyPlan]:
    """Read the plan of a folder, and the one that was being written."""
    return [plan for name in (FILE, NEXT) if (plan := _read(folder / name)) is not None]


def read_plan(folder: Path) -> PolicyPlan | None:
    """Read the plan that lies in a folder; None where there is none.

    Raises
    ------
    ConfigurationError
        It is not a plan, or somebody changed one of its policies, or what is expected of it.
    """
    plans = _plans(folder)
    written: dict[str, list[str]] = {}
    for plan in plans:
        written.setdefault(EXPECT, []).append(_expected(plan))
        for name, document in plan.documents.items():
            written.setdefault(f"{name}.json", []).append(text_of(document))
    for name, texts in written.items():
        file = folder / name
        if file.exists() and file.read_bytes() not in [one.encode() for one in texts]:
            raise ConfigurationError(
                f"{file} was changed after Bondstore wrote it.",
                hint="Move it away if the change is yours, then run bondstore policy make again.",
            )
    return plans[0] if plans else None


def whole_plan(folder: Path) -> PolicyPlan | None:
    """Read the plan of a folder that has exactly its policies, as they were written; None where there is no plan.

    Raises
    ------
    ConfigurationError
        A policy is missing, changed, or not of the plan; or the plan was not written to its end.
    """
    plan = read_plan(folder)
    if plan is None:
        return None
    again = "Run the same bondstore policy make again."
    if (folder / NEXT).exists():
        raise ConfigurationError(f"The plan in {folder} was not written to its end.", hint=again)
    there = {one.stem for one in folder.glob("*.json") if one.name != FILE}
    for name in sorted(there - plan.policies.keys()):
        raise ConfigurationError(
            f"{folder / name}.json is not part of the plan in {folder}.", hint="Move it out of this folder."
        )
    for name in sorted(plan.policies.keys() - there):
        raise ConfigurationError(f"{folder / name}.json, which is part of the plan, is missing.", hint=again)
    return plan


def _read(file: Path) -> PolicyPlan | None:
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        raise _no_plan(file) from None
    try:
        content = json.loads(text)
        granted = content["grant"]
        shares = tuple(Share(one, tuple(prefixes)) for one, prefixes in granted["shares"].items())
        scope = Scope(shares, tuple(granted["closed"]), granted["subject"])
        rights = Rights(granted["rights"])
        grant = Grant(granted["bucket"], scope, rights, granted["partition"], granted["below"])
        policies = {
            _name(one["name"]): {share: tuple(pieces) for share, pieces in one["shares"].items()}
            for one in content["policies"]
        }
        plan = PolicyPlan(content["name"], grant, content["limit"], policies)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise _no_plan(file) from None
    return plan


def _name(text: str) -> str:
    """Return a policy's name; another text could lead out of the folder."""
    if not NAME.fullmatch(text):
        raise ValueError
    return text


def _no_plan(file: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{file} is not a plan that Bondstore wrote.", hint="Name another folder with --out, or move this one away."
    )


def read_names(file: Path) -> list[str]:
    """Read ids, one per line; empty lines are left out.

    Raises
    ------
    NotFoundError, ConfigurationError
        There is no such file, it has no id, or a line cannot be one.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {file}.", hint="Name a file with one id per line.") from None
    except (OSError, ValueError):
        raise ConfigurationError(f"{file} could not be read as text in UTF-8.", hint="Save it as UTF-8.") from None
    names: list[str] = []
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if _NO_ID.search(name) or (not names and _HEADING.fullmatch(name)):  # it may be a name, so it is not said
            raise ConfigurationError(
                f"{file}, line {number}: this is not an id.", hint="Write one id per line, without a heading."
            )
        if name:
            names.append(name)
    if not names:
        raise ConfigurationError(f"{file} has no id.", hint="Write one id per line.")
    return list(dict.fromkeys(names))


def _content(plan: PolicyPlan) -> dict[str, Any]:
    grant = plan.grant
    return {
        "kind": "policy-plan",
        "name": plan.name,
        "limit": plan.limit,
        "grant": {
            "bucket": grant.bucket,
            "partition": grant.partition,
            "rights": grant.rights.value,
            "below": grant.below,
            "subject": grant.scope.subject,
            "closed": list(grant.scope.closed),
            "shares": {share.name: list(share.prefixes) for share in grant.scope.shares},
        },
        "policies": [
            {"name": name, "shares": {share: list(held) for share, held in pieces.items()}}
            for name, pieces in plan.policies.items()
        ],
    }


def _put(file: Path, text: str) -> None:
    # One name for all: what a killed process left is written over by the next one.
    temporary = file.with_name(TEMPORARY)
    try:
        with open_private(temporary) as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
