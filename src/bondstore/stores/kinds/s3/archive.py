"""Archived objects of S3, through boto3: obstore gives neither the header that tells of a restore nor asks for one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from bondstore.awsclients import code_of
from bondstore.errors import ConfigurationError
from bondstore.stores.archive import Access, Answer, Speed, Standing, find_class
from bondstore.stores.failures import reading_an_answer
from bondstore.stores.info import milliseconds
from bondstore.stores.kinds.s3.extra import open_boto3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule

# RestoreObject in the API reference, and what moto and AWS answer of an object that is not archived
_ANSWERS = {
    "RestoreAlreadyInProgress": Answer.WAITING,
    "InvalidObjectState": Answer.REFUSED,
    "ObjectAlreadyInActiveTierError": Answer.READY,
    "GlacierExpeditedRetrievalNotAvailable": Answer.FULL,
}
_UNKNOWN = {"MethodNotAllowed", "NotImplemented"}
_ONGOING = re.compile(r'ongoing-request="(true|false)"')
_EXPIRY = re.compile(r'expiry-date="([^"]+)"')


class ArchivedObjects:
    """A client that asks how objects stand, and for those that are archived."""

    def __init__(self, address: Address, profile: Profile, rule: RetryRule) -> None:
        self._bucket, self._url = address.place, address.url
        self._prefix = f"{address.prefix}/" if address.prefix else ""
        self._open = partial(open_boto3, address, profile, rule)

    @cached_property
    def _boto3(self) -> Any:
        return self._open()

    def standing(self, path: str) -> Standing:
        """Ask for an object's headers."""
        answer = self._boto3.head_object(Bucket=self._bucket, Key=self._prefix + path)
        with reading_an_answer():
            return standing_of(answer)

    def ask(self, path: str, speed: Speed, days: int | None) -> Answer:
        """Ask for a copy that can be read for so many days; for none where the object itself comes back."""
        from botocore.exceptions import ClientError

        asked: dict[str, Any] = {"GlacierJobParameters": {"Tier": speed.value.title()}}
        if days is not None:
            asked["Days"] = days
        try:
            answer = self._boto3.restore_object(Bucket=self._bucket, Key=self._prefix + path, RestoreRequest=asked)
        except ClientError as raised:
            code = code_of(raised)
            if code in _ANSWERS:
                return _ANSWERS[code]
            if code in _UNKNOWN:
                raise ConfigurationError(
                    f"The server of {self._url} does not restore archived objects ({code}).",
                    hint="It may keep storage classes as mere names: try to read the objects as they are.",
                ) from None
            raise
        return Answer.ASKED if answer["ResponseMetadata"]["HTTPStatusCode"] == 202 else Answer.READY


def standing_of(answer: Mapping[str, Any]) -> Standing:
    """Understand the headers of an object, as boto3 gives them."""
    name = answer.get("ArchiveStatus") or answer.get("StorageClass") or "STANDARD"
    known, restore = find_class("s3", name), answer.get("Restore", "")
    ongoing, expiry = _ONGOING.search(restore), _EXPIRY.search(restore)
    if not (known.is_archive if known else ongoing):
        return Standing(Access.PLAIN, name)
    if ongoing is None:
        return Standing(Access.ARCHIVED, name)
    if ongoing[1] == "true":
        return Standing(Access.WAITING, name)
    if expiry is None:
        return Standing(Access.READY, name)
    until = parsedate_to_datetime(expiry[1])
    # by the server's clock: this machine's may be wrong
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    now = parsedate_to_datetime(told) if told else datetime.now(UTC)
    return Standing(Access.READY if now < until else Access.EXPIRED, name, milliseconds(until))
