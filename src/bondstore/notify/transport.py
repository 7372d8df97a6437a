"""How a message leaves: one interface for SMTP and SES, with what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias
from urllib.parse import urlsplit

from bondstore.errors import UsageError

if TYPE_CHECKING:
    from email.message import EmailMessage

    from bondstore.config.profiles import Profile
    from bondstore.config.secrets import SecretRef

_HINT = "Write smtp://HOST:587, smtps://HOST:465 or ses://REGION."


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took a message on, and gave it this id, or none."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider did not take a message on, or nobody knows whether it did."""

    code: str
    """Why, as a word without any address: ``smtp-550``, ``ses-MessageRejected``."""
    again: bool
    """It may go through later."""
    busy: bool = False
    """The provider asked to go slower."""
    doubt: bool = False
    """The connection broke after the whole message had gone out: it may have been taken on."""


Answer: TypeAlias = Accepted | Declined


class Transport(Protocol):
    """A way for messages, one recipient each."""

    url: str

    def limit(self) -> int:
        """Return how many bytes a message may have; `ConfigurationError` where the provider cannot be used at all."""
        ...

    def send(self, message: EmailMessage, recipient: str) -> Answer:
        """Hand a message for one recipient over.

        `ConfigurationError` means that nothing can be sent at all: no answer, a wrong certificate, a refused login, an
        unverified sender. No error names an address.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


def open_transport(
    url: str,
    *,
    user: str | None = None,
    password: SecretRef | None = None,
    ca_file: str | None = None,
    plaintext: bool = False,
    profile: Profile | None = None,
) -> Transport:
    """Open a way for messages; nothing is asked of it before the first use. `UsageError` where the URL is none.

    It is ``smtp://host:587`` (STARTTLS), ``smtps://host:465`` (TLS from the first byte), ``ses://`` or ``ses://REGION``,
    never with a user or password in it. Certificates are always checked; `ca_file` (PEM) is trusted in place of the
    system's. `plaintext` goes on where an SMTP server other than this machine offers no TLS, and never with a password.
    `profile` is for SES; what holds here and now when not given.
    """
    parts, port = _split(url)
    scheme = parts.scheme.lower()
    if scheme == "ses":
        from bondstore.notify.ses import SesTransport

        region = parts.netloc
        if region and not (region.isascii() and region.replace("-", "").isalnum()):
            raise UsageError("The region of the ses:// URL is none.", hint=_HINT)
        return SesTransport(region or None, profile=profile)
    if scheme in ("smtp", "smtps") and parts.hostname:
        from bondstore.notify.smtp import SmtpServer, SmtpTransport

        implicit = scheme == "smtps"
        server = SmtpServer(
            parts.hostname, port or (465 if implicit else 587), implicit, user, password, ca_file, plaintext
        )
        return SmtpTransport(server)
    raise UsageError("Mail cannot be sent that way.", hint=_HINT)


def _split(url: str) -> tuple[_Parts, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("The URL of the mail server is none.", hint=_HINT) from None
    if "@" in parts.netloc:
        raise UsageError(
            "The URL of a mail server holds no user and no password.",
            hint="Give them as user and password; the password by reference, such as env:SMTP_PASSWORD.",
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError("The URL of the mail server has too many parts.", hint=_HINT)
    return parts, port


if TYPE_CHECKING:
    from urllib.parse import SplitResult as _Parts
