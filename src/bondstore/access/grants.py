"""What somebody is meant to reach in a bucket, as statements of a policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bondstore.access.document import LATEST, size_of
from bondstore.config.profiles import BUCKET_NAME
from bondstore.errors import UsageError


class Rights(StrEnum):
    """What may be done with the objects."""

    READ = "read"
    WRITE = "write"
    """Read, put and remove."""
    PUT = "put"
    """Put, and never read: for who brings sealed data in."""


ACTIONS = {
    Rights.READ: ("s3:GetObject",),
    Rights.WRITE: (
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ),
    Rights.PUT: ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"),
}
"""What each of them takes on objects."""
PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
_FIT = re.compile(r"[ -~\x80-\xff]*")
"""What a policy may contain, but for tabs and line ends."""
_SIGNS = str.maketrans({"*": "${*}", "?": "${?}", "$": "${$}"})


@dataclass(frozen=True, slots=True)
class Share:
    """What belongs together, such as all of one participant: key prefixes, each ending in ``/``."""

    name: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a kind of data opens: shares, and the prefixes below them that stay shut."""

    shares: Sequence[Share]
    closed: tuple[str, ...] = ()
    subject: str = ""
    """What the shares are of, such as a study: those of another one are another plan."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one identity may do with shares of a bucket."""

    bucket: str
    scope: Scope
    rights: Rights = Rights.READ
    partition: str = "aws"
    """``aws-cn`` or ``aws-us-gov`` where the bucket is in one of these."""
    below: str = ""
    """Where in the bucket all of it lies; empty, or it ends in ``/``."""

    def __post_init__(self) -> None:
        """Refuse what no policy can hold."""
        if not BUCKET_NAME.fullmatch(self.bucket):
            raise UsageError(
                f"{self.bucket!r} is not the name of a bucket.", hint="Name it without s3:// and without a path."
            )
        if self.partition not in PARTITIONS:
            raise UsageError(
                f"AWS has no partition {self.partition!r}.", hint=f"Write one of: {', '.join(PARTITIONS)}."
            )
        for prefix in (*self.scope.closed, *self.prefixes()):
            if prefix and not prefix.endswith("/"):
                raise UsageError(
                    f"The prefix {prefix!r} does not end in a slash: it would open every name that begins with it.",
                    hint=f"Write {prefix.rstrip('/*') or 'PREFIX'}/",
                )
            if not _FIT.fullmatch(prefix):
                raise UsageError(
                    f"The prefix {prefix!r} has characters that a policy cannot contain.",
                    hint="A policy contains characters from U+0020 to U+00FF.",
                )

    def prefixes(self) -> list[str]:
        """Return all prefixes that are opened, as they are in the bucket."""
        return [self.below + one for share in self.scope.shares for one in share.prefixes]

    def pieces(self, share: Share) -> tuple[str, ...]:
        """Return the entries of a share: its objects by ARN, then what may be listed by prefix, as many."""
        prefixes = [_below(self.below + one) for one in share.prefixes]
        return (*(f"{self.arn}/{one}" for one in prefixes), *(prefixes if self.lists else ()))

    def sizes(self) -> dict[str, tuple[int, ...]]:
        """Return how many characters each entry takes, with its comma."""
        return {one.name: tuple(size_of(piece) + 1 for piece in self.pieces(one)) for one in self.scope.shares}

    def overhead(self) -> int:
        """Return how many characters a policy takes besides its entries."""
        return size_of(self._document([""], [""] if self.lists else [])) - 3 * (1 + self.lists)

    def policy(self, held: Iterable[tuple[Share, Sequence[int]]]) -> dict[str, Any]:
        """Return the policy that holds some entries of some shares, by number."""
        objects: list[str] = []
        lists: list[str] = []
        for share, numbers in held:
            entries, half = self.pieces(share), len(share.prefixes)
            for number in numbers:
                (objects if number < half else lists).append(entries[number])
        return self._document(objects, lists)

    @property
    def arn(self) -> str:
        """The bucket's."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def lists(self) -> bool:
        """Whether what is there may be listed."""
        return self.rights is not Rights.PUT

    def whole(self) -> dict[str, Any]:
        """Return one policy with all of it, however large."""
        return self.policy((share, range(len(self.pieces(share)))) for share in self.scope.shares)

    def _document(self, objects: list[str], lists: list[str]) -> dict[str, Any]:
        statements = []
        if objects:
            name = self.rights.value.capitalize()
            statements.append(_allow(name, list(ACTIONS[self.rights]), objects))
        if lists:
            # "P/*" holds for the prefix P/ too, as a star also stands for nothing. P alone is refused.
            statements.append(_allow("List", "s3:ListBucket", self.arn, {"StringLike": {"s3:prefix": lists}}))
        # Under a condition on the prefix it would never hold: such a request has none.
        statements.append(_allow("Locate", "s3:GetBucketLocation", self.arn))
        if self.scope.closed:
            closed = [f"{self.arn}/{_below(self.below + one)}" for one in self.scope.closed]
            statements.append({"Sid": "Closed", "Effect": "Deny", "Action": "s3:*", "Resource": closed})
        return {"Version": LATEST, "Statement": statements}


def joined(**grants: Grant) -> dict[str, Any]:
    """Return one policy of several grants, each named: two buckets, with rights of their own."""
    statements = [
        {**statement, "Sid": name.capitalize() + statement["Sid"]}
        for name, grant in grants.items()
        for statement in grant.whole()["Statement"]
    ]
    return {"Version": LATEST, "Statement": statements}


def _allow(
    name: str, actions: str | list[str], resources: str | list[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    statement = {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _below(prefix: str) -> str:
    """Return the pattern for all that begins with a prefix; its own signs stand for themselves."""
    return f"{prefix.translate(_SIGNS)}*"
