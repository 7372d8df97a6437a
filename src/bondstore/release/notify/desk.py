"""Everything for mail, opened from a settings file and what a command line says above it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.config.secrets import Secret, SecretRef
from bondstore.config.settings import load_profile
from bondstore.databases import open_table
from bondstore.errors import ConfigurationError
from bondstore.ledger import Read, note_personal, personal_path
from bondstore.release.notify import deliveries, subscribers
from bondstore.release.notify.deliveries import Delivery
from bondstore.release.notify.settings import Settings
from bondstore.release.notify.subscribers import Subscriber
from bondstore.release.notify.transport import Transport, open_transport
from bondstore.runs.context import whoami

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.databases import Table

FILE = "BONDSTORE_NOTIFY"
"""The variable that names the settings file."""
SECRET = "env:BONDSTORE_NOTIFY_SECRET"  # noqa: S105 - where it is kept
"""Where the secret is kept unless something else is said."""
_PLACES = ("database", "transport", "user", "password", "ca_file", "plaintext", "secret")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where mail is sent from.

    Parameters
    ----------
    given : mapping
        Settings and places, as read.
    profile : Profile or None
        For DynamoDB and SES.
    """

    given: Mapping[str, Any] = field(repr=False)
    profile: Profile | None = None

    @property
    def subscribers(self) -> Table:
        """The table of subscribers."""
        return self._table(subscribers.TABLE, subscribers.KEY)

    @property
    def deliveries(self) -> Table:
        """The table of deliveries."""
        return self._table(deliveries.TABLE, deliveries.KEY)

    @property
    def settings(self) -> Settings:
        """What holds for all mail."""
        return Settings.of({name: value for name, value in self.given.items() if name not in _PLACES})

    def secret(self) -> Secret:
        """Fetch the secret that keys and tokens are made with."""
        return _reference(self.given.get("secret") or SECRET).resolve()

    def transport(self) -> Transport:
        """Open the way for messages.

        Raises
        ------
        ConfigurationError
            None is named.
        """
        url = self.given.get("transport")
        if not url:
            raise ConfigurationError(
                "No way for mail is named.", hint="Say --transport smtp://HOST:587 or ses://REGION, or in the settings."
            )
        password = self.given.get("password")
        return open_transport(
            url,
            user=self.given.get("user"),
            password=_reference(password) if password else None,
            ca_file=self.given.get("ca_file"),
            plaintext=bool(self.given.get("plaintext")),
            profile=self.profile,
        )

    def people(self, *, reveal: bool = False) -> list[Subscriber]:
        """Return all subscribers, by state and key; a read that shows their addresses is recorded first."""
        table = self.subscribers
        if not table.exists():
            return []
        found = sorted(subscribers.everybody(table), key=lambda one: (one.state, one.key))
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
        url = self.given.get("database") or f"sqlite:///{personal_path().with_name('notify.sqlite')}"
        return open_table(url, name, key=key, profile=self.profile)


def open_desk(file: Path | None = None, profile: str | None = None, **said: Any) -> Desk:
    """Open a desk. Nothing is asked of any server.

    Parameters
    ----------
    file : Path, optional
        A TOML file with settings (see `Settings`) and, beside them, ``database``, ``transport``, ``user``,
        ``password`` and ``secret`` (both by reference), ``ca_file``, ``plaintext``. That of ``BONDSTORE_NOTIFY`` when
        not given.
    profile : str, optional
        Name of the settings for DynamoDB and SES.
    **said
        The same names; stand above the file. None says nothing.

    Raises
    ------
    ConfigurationError
        The file does not hold.
    """
    named = os.environ.get(FILE, "").strip()
    path = file or (Path(named) if named else None)
    given = dict(Settings.load(path)) if path else {}
    given |= {name: value for name, value in said.items() if value is not None}
    for name in _PLACES:
        value = given.get(name)
        wanted: tuple[type, ...] = (bool,) if name == "plaintext" else (str, SecretRef)
        if value is not None and not isinstance(value, wanted):
            raise ConfigurationError(f"The settings for mail do not hold: {name} is of the wrong kind.")
    remote = any(str(given.get(name, "")).lower().startswith(("dynamodb:", "ses:")) for name in _PLACES)
    return Desk(given, load_profile(profile) if remote else None)


def _reference(said: str | SecretRef) -> SecretRef:
    return said if isinstance(said, SecretRef) else SecretRef.parse(said)
