"""What IAM says of users, roles, groups and their policies, by boto3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bondstore import awsclients
from bondstore.access.document import Document, parsed
from bondstore.config.profiles import Profile
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError, PolicyError, UsageError

REGION = "us-east-1"
"""Where IAM is asked: it is one for all regions."""
_GRANTEE = re.compile(
    r"(?:arn:aws[a-z-]*:iam::\d{12}:)?(user|role|group)/(?:[\w+=,.@/-]*/)?([\w+=,.@-]{1,128})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Grantee:
    """Whom policies are attached to."""

    kind: str
    name: str
    arn: str = field(default="", compare=False)
    """Where it was named by one: its account and its path count too."""

    def __str__(self) -> str:
        """Write it as it is named on the command line."""
        return f"{self.kind}/{self.name}"

    @property
    def argument(self) -> dict[str, str]:
        """Its name, as IAM's calls take it."""
        return {f"{self.kind.capitalize()}Name": self.name}


@dataclass(frozen=True, slots=True)
class ListedPolicy:
    """A policy of the account, as a listing has it."""

    name: str
    arn: str
    path: str
    uses: int
    """How many users, roles and groups have it, as a boundary too."""


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """A policy that somebody has, and by what."""

    name: str
    how: str
    """attached, inline, boundary, or the group that it comes by."""
    document: Document
    description: str = ""


def grantee_of(text: str) -> Grantee:
    """Read ``user/NAME``, ``role/NAME``, ``group/NAME`` or an ARN of one of them."""
    found = _GRANTEE.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} does not name a user, a role or a group.", hint="Write user/NAME, role/NAME or group/NAME."
        )
    return Grantee(found[1], found[2], text if text.startswith("arn:") else "")


class IamAccount:
    """IAM of one account."""

    def __init__(self, profile: Profile) -> None:
        self._client = awsclients.aws_client("iam", profile, region=REGION)

    def call(self, operation: str, about: str, **arguments: Any) -> dict[str, Any]:
        """Call IAM; of what it refuses, say why."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except awsclients.failures() as raised:
            raise _understood(raised, about) from None
        return answer

    def _each(self, operation: str, key: str, about: str, **arguments: Any) -> Iterator[Any]:
        marker: dict[str, str] = {}
        while True:
            answer = self.call(operation, about, **arguments, **marker)
            yield from answer.get(key, [])
            if not answer.get("IsTruncated"):
                return
            marker = {"Marker": answer["Marker"]}

    def details(self, who: Grantee) -> dict[str, Any]:
        """Return what IAM says of somebody.

        Raises
        ------
        NotFoundError
            There is nobody of this name, or of this ARN.
        """
        found: dict[str, Any] = self.call(f"get_{who.kind}", str(who), **who.argument)[who.kind.capitalize()]
        if who.arn and who.arn != found["Arn"]:
            raise NotFoundError(
                f"IAM has no {who.arn}: here, {who} is {found['Arn']}.",
                hint="Use credentials of the account that is meant.",
            )
        return found

    def attached(self, who: Grantee) -> dict[str, str]:
        """Return the ARNs of the policies that are attached to somebody, by name."""
        found = self._each(f"list_attached_{who.kind}_policies", "AttachedPolicies", str(who), **who.argument)
        return {one["PolicyName"]: one["PolicyArn"] for one in found}

    def groups(self, who: Grantee) -> list[Grantee]:
        """Return the groups of a user."""
        if who.kind != "user":
            return []
        return [
            Grantee("group", one["GroupName"])
            for one in self._each("list_groups_for_user", "Groups", str(who), **who.argument)
        ]

    def policies(self) -> dict[str, ListedPolicy]:
        """Return the account's own policies by name: no two have one, whatever their paths."""
        found = self._each("list_policies", "Policies", "the account's policies", Scope="Local")
        return {
            one["PolicyName"]: ListedPolicy(
                one["PolicyName"],
                one["Arn"],
                one.get("Path", "/"),
                one.get("AttachmentCount", 0) + one.get("PermissionsBoundaryUsageCount", 0),
            )
            for one in found
        }

    def policy(self, arn: str) -> dict[str, Any]:
        """Return what IAM says of a policy."""
        found: dict[str, Any] = self.call("get_policy", _name(arn), PolicyArn=arn)["Policy"]
        return found

    def versions(self, arn: str) -> list[tuple[str, bool]]:
        """Return the versions of a policy, the oldest first, and which one holds."""
        found = self._each("list_policy_versions", "Versions", _name(arn), PolicyArn=arn)
        named = [(one["VersionId"], bool(one["IsDefaultVersion"])) for one in found]
        return sorted(named, key=lambda one: int(re.sub(r"\D", "", one[0]) or 0))

    def content(self, arn: str, version: str) -> Any:
        """Return what one version of a policy says."""
        answer = self.call("get_policy_version", _name(arn), PolicyArn=arn, VersionId=version)
        return _decoded(answer["PolicyVersion"]["Document"])

    def held(self, who: Grantee) -> Iterator[HeldPolicy]:
        """Yield all policies that somebody has: attached, inline, by groups, and the boundary."""
        details = self.details(who)
        yield from self._own(who, "")
        for group in self.groups(who):
            yield from self._own(group, f"by {group}, ")
        if boundary := details.get("PermissionsBoundary"):
            yield self._managed(boundary["PermissionsBoundaryArn"], "boundary")

    def _own(self, who: Grantee, by: str) -> Iterator[HeldPolicy]:
        for arn in self.attached(who).values():
            yield self._managed(arn, f"{by}attached")
        for name in self._each(f"list_{who.kind}_policies", "PolicyNames", str(who), **who.argument):
            answer = self.call(f"get_{who.kind}_policy", str(who), **who.argument, PolicyName=name)
            yield HeldPolicy(name, f"{by}inline", parsed(_decoded(answer["PolicyDocument"]), name))

    def _managed(self, arn: str, how: str) -> HeldPolicy:
        found = self.policy(arn)
        content = self.content(arn, found["DefaultVersionId"])
        return HeldPolicy(found["PolicyName"], how, parsed(content, found["PolicyName"]), found.get("Description", ""))


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _decoded(content: Any) -> Any:
    """Return a policy that boto3 decoded, or that some servers give as text."""
    if isinstance(content, str):
        import json
        from urllib.parse import unquote

        return json.loads(unquote(content))
    return content


def _understood(raised: Exception, about: str) -> BondstoreError:
    code = awsclients.code_of(raised)
    if code == "NoSuchEntity":
        return NotFoundError(
            f"IAM has no {about}.", hint="Check the name, and the account that the credentials are of."
        )
    if code == "LimitExceeded":
        return PolicyError(
            f"IAM refused more for {about}: a quota is used up.", hint="AWS raises some quotas on request."
        )
    if code in ("DeleteConflict", "EntityAlreadyExists", "ConcurrentModification"):
        return PolicyError(f"Somebody changed {about} at the same time ({code}).", hint="Run the same command again.")
    if code == "MalformedPolicyDocument":
        return ConfigurationError(
            f"IAM refused what {about} says.", hint="See what is wrong: bondstore policy check FILE"
        )
    return awsclients.understand(raised, f"IAM ({about})")
