"""Everything for mail, opened from a settings file and what a command line says above it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from bondstore.config.fields import fields_of
from bondstore.config.model import from_mapping, read_toml
from bondstore.config.settings import load_profile
from bondstore.databases import open_table
from bondstore.errors import ConfigurationError, UsageError
from bondstore.ledger import Read, note_personal, personal_path
from bondstore.notify import deliveries, subscriptions
from bondstore.notify.settings import MailPlaces, MailSettings
from bondstore.runs.process import whoami

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.config.secrets import Secret, SecretRef
    from bondstore.databases import Table
    from bondstore.notify.deliveries import Delivery
    from bondstore.notify.subscriptions import Subscriber
    from bondstore.notify.transport import Transport

FILE = "BONDSTORE_NOTIFY"
"""The variable that names the settings file."""
_WHERE = "The settings for mail"
_HINT = "Write smtp://HOST:587, smtps://HOST:465 or ses://REGION."


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mail is sent from; `profile` is for DynamoDB and SES."""

    given: Mapping[str, Any] = field(repr=False)  # what is said of `MailSettings`, which are needed to send only
    places: MailPlaces
    profile: Profile | None = None

    @property
    def settings(self) -> MailSettings:
        """What holds for all mail."""
        return from_mapping(MailSettings, self.given, where=_WHERE)

    @property
    def subscribers(self) -> Table:
        """The table of subscribers."""
        return self._table(subscriptions.TABLE, subscriptions.KEY)

    @property
    def deliveries(self) -> Table:
        """The table of deliveries."""
        return self._table(deliveries.TABLE, deliveries.KEY)

    def secret(self) -> Secret:
        """Fetch the secret that keys and tokens are made with."""
        return self.places.secret.resolve()

    def transport(self) -> Transport:
        """Open the way for messages; `ConfigurationError` where none is named."""
        places = self.places
        if not places.transport:
            raise ConfigurationError(
                "No way for mail is named.", hint="Say --transport smtp://HOST:587 or ses://REGION, or in the settings."
            )
        return open_transport(
            places.transport,
            user=places.user,
            password=places.password,
            ca_file=places.ca_file,
            plaintext=places.plaintext,
            profile=self.profile,
        )

    def people(self, *, reveal: bool = False) -> list[Subscriber]:
        """Return all subscribers, by state and key; a read that shows their addresses is recorded first."""
        table = self.subscribers
        if not table.exists():
            return []
        found = sorted(subscriptions.everybody(table), key=lambda one: (one.state, one.key))
        if reveal:
            size = sum(len(one.address) for one in found)
            note_personal(whoami(), [Read(f"{table.url.rstrip('/')}/{table.name}", f"{len(found)} rows", size)])
        return found

    def messages(self) -> list[Delivery]:
        """Return all messages, oldest first."""
        table = self.deliveries
        if not table.exists():
            return []
        return sorted(deliveries.messages(table), key=lambda one: (one.at, one.id))

    def _table(self, name: str, key: str) -> Table:
        url = self.places.database or f"sqlite:///{personal_path().with_name('notify.sqlite')}"
        return open_table(url, name, key=key, profile=self.profile)


def open_mail(file: Path | None = None, profile: str | None = None, **options: Any) -> Mail:
    """Read the settings for mail; nothing is asked of any server.

    The file has the names of `MailPlaces` and `MailSettings` at its top; that of ``BONDSTORE_NOTIFY`` when not given.
    `options` stand above it; one that is None says nothing.
    """
    named = os.environ.get(FILE, "").strip()
    path = file or (Path(named) if named else None)
    given = read_toml(path, "--settings") if path else {}
    given |= {name: value for name, value in options.items() if value is not None}
    names = {one.name for one in fields_of(MailPlaces)}
    places = from_mapping(
        MailPlaces,
        {name: value for name, value in given.items() if name in names},
        where=_WHERE,
        base=path.parent if path else None,
    )
    urls = (places.database or "", places.transport or "")
    remote = any(url.lower().startswith(("dynamodb:", "ses:")) for url in urls)
    rest = {name: value for name, value in given.items() if name not in names}
    return Mail(rest, places, load_profile(profile) if remote else None)


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


def _split(url: str) -> tuple[SplitResult, int | None]:
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
