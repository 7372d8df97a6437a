"""Amazon SES, API version 2: ``SendEmail`` with the whole message as it is.

Source: "SendEmail" and "Service quotas", Amazon SES API v2 Reference and Developer Guide.
"""

from __future__ import annotations

import dataclasses
from email.policy import SMTP
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from bondstore import awsclients
from bondstore.config.settings import load_profile
from bondstore.errors import ConfigurationError, CredentialsError, StoreError, TransientStoreError, UnreachableError
from bondstore.notify.transport import Accepted, Answer, Declined

if TYPE_CHECKING:
    from email.message import EmailMessage

    from bondstore.config.profiles import Profile

LIMIT = 40_000_000
"""Bytes of a message after encoding."""
_BUSY = {"LimitExceededException", "TooManyRequestsException", "Throttling", "ThrottlingException"}
_STOPPED = {
    "AccountSuspendedException": "SES has suspended this account.",
    "MailFromDomainNotVerifiedException": "The sender's domain is not verified with SES.",
    "SendingPausedException": "Sending is paused for this account at SES.",
    "NotFoundException": "SES does not know the sender or what else was named.",
}


class SesTransport:
    """Messages by SES; settings and credentials as everything AWS, and a region that stands above the profile's."""

    def __init__(self, region: str | None = None, *, profile: Profile | None = None) -> None:
        self.url = f"ses://{region or ''}"
        self._region, self._profile = region, profile
        self._opened: Any = None

    def limit(self) -> int:
        """Return SES's limit."""
        return LIMIT

    def send(self, message: EmailMessage, recipient: str) -> Answer:
        """Hand a message over; see `Transport.send`."""
        sender = parseaddr(str(message["From"]))[1]
        client = self._client()
        try:
            answer = client.send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": [recipient]},
                Content={"Raw": {"Data": message.as_bytes(policy=SMTP)}},
            )
        except awsclients.failures() as raised:
            return _understand(raised, sender)
        return Accepted(str(answer.get("MessageId", ""))[:200])

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _client(self) -> Any:
        if self._opened is None:
            # boto3 would send again after a time-out, though the first may have been taken on: that is ours to decide
            profile = dataclasses.replace(self._profile or load_profile(), retries=0)
            self._opened = awsclients.aws_client("sesv2", profile, region=self._region)
        return self._opened


def _understand(raised: BaseException, sender: str) -> Answer:
    """Tell what concerns this recipient from what concerns all; SES's own text may name addresses, and is left out."""
    code = awsclients.code_of(raised)
    if code in _STOPPED:
        raise ConfigurationError(_STOPPED[code], hint="See the SES console of this account and region.") from None
    if code == "MessageRejected":
        text = str(raised)
        domain = sender.rpartition("@")[2]
        if sender in text or f" {domain}" in text:
            raise ConfigurationError(
                "SES refuses the sender: it is not verified in this region.",
                hint="Verify the sender's address or domain with SES, or name another region.",
            ) from None
        return Declined("ses-MessageRejected", again=False)
    if code in _BUSY:
        return Declined(f"ses-{code}", again=True, busy=True)
    error = awsclients.understand(raised, "SES")
    if isinstance(error, (CredentialsError, UnreachableError)):
        raise error from None
    if isinstance(error, TransientStoreError):
        # a connection that broke, or a failure inside SES: it may have been taken on
        return Declined(f"ses-{code or type(raised).__name__}", again=True, doubt=True)
    if isinstance(error, StoreError):
        return Declined(f"ses-{code or type(raised).__name__}", again=not code)
    raise error from None
