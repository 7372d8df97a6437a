"""Archived blobs of Azure: what the headers of one say, and its way back by Set Blob Tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import ConfigurationError, UsageError
from bondstore.stores.archive import Access, Answer, Speed, Standing, find_class
from bondstore.stores.kinds.az.signed import RefusedError, SignedRequests

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule

_PRIORITIES = {Speed.STANDARD: "Standard", Speed.EXPEDITED: "High"}
_BACK_TO = "Hot"


class ArchivedBlobs:
    """A client that asks how blobs stand, and for those that are archived."""

    def __init__(self, address: Address, profile: Profile, rule: RetryRule) -> None:
        self._requests = SignedRequests(
            address,
            profile,
            rule,
            ConfigurationError(
                f"How the blobs of {address.url} stand is asked with an account key or a shared access signature.",
                hint="Set one in the profile: a role of this machine does not do for it.",
            ),
        )

    def standing(self, path: str) -> Standing:
        """Ask for a blob's headers."""
        with self._requests.send("HEAD", path) as answer:
            name, status = (answer.headers.get(f"x-ms-{one}") or "" for one in ("access-tier", "archive-status"))
        if status.startswith("rehydrate-pending"):
            return Standing(Access.WAITING, name)
        known = find_class("az", name)
        return Standing(Access.ARCHIVED if known is not None and known.is_archive else Access.PLAIN, name)

    def ask(self, path: str, speed: Speed, days: int | None) -> Answer:  # noqa: ARG002 - the blob itself comes back
        """Ask for the hot tier."""
        if speed not in _PRIORITIES:
            raise UsageError(f"Azure does not restore in {speed}.", hint=f"Choose one of: {', '.join(_PRIORITIES)}.")
        headers = {"x-ms-access-tier": _BACK_TO, "x-ms-rehydrate-priority": _PRIORITIES[speed]}
        try:
            with self._requests.send("PUT", path, query={"comp": "tier"}, headers=headers) as answer:
                return Answer.ASKED if answer.status == 202 else Answer.READY
        except RefusedError as refused:
            if refused.response["Error"]["Code"] == "BlobBeingRehydrated":
                return Answer.WAITING
            raise
