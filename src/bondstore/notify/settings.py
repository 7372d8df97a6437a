"""What a sender of mail settles once: who sends, where it is kept, how it leaves, and how people unsubscribe."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import quote, urlsplit

from bondstore.config.model import Setting
from bondstore.config.secrets import SecretRef
from bondstore.errors import UsageError
from bondstore.notify.addresses import check_address
from bondstore.text import one_line

HOLE = "{token}"
SECRET = SecretRef.parse("env:BONDSTORE_NOTIFY_SECRET")
"""Where the secret is kept unless something else is said."""
_LONGEST = 1000
_LONGEST_HEADER = 120


@dataclass(frozen=True, slots=True)
class MailPlaces:
    """Where subscribers and deliveries are kept, and how mail leaves."""

    database: Annotated[str | None, Setting("Else a SQLite file of your own.")] = None
    transport: Annotated[str | None, Setting("smtp://HOST:587, smtps://HOST:465 or ses://REGION.")] = None
    user: Annotated[str | None, Setting("For SMTP.")] = None
    password: Annotated[SecretRef | None, Setting("For SMTP.")] = None
    ca_file: Annotated[str | None, Setting("Certificates to trust in place of the system's (PEM).")] = None
    plaintext: Annotated[bool, Setting("Send without TLS where the server offers none.")] = False
    secret: Annotated[SecretRef, Setting("What keys and tokens are made with.")] = SECRET


@dataclass(frozen=True, slots=True)
class MailSettings:
    """What holds for all mail; the addresses in it are brought into one form."""

    sender: Annotated[str, Setting("ADDRESS or NAME <ADDRESS>; everybody who gets mail sees it.")] = ""
    title: Annotated[str, Setting("What the mail is about, at the front of its subject.")] = "Ocean profiles"
    unsubscribe_url: Annotated[str, Setting("https://…/{token}: a page that calls `handle_unsubscribe`.")] = ""
    unsubscribe_mail: Annotated[str, Setting("An address that somebody reads, to unsubscribe by mail.")] = ""
    confirm_url: Annotated[str, Setting("https://…/{token}: a page that calls `handle_confirm`.")] = ""
    link: Annotated[str, Setting("https://…/: where plots can be reached that are too large for a message.")] = ""
    vessels: Annotated[
        Mapping[str, tuple[str, ...]], Setting("The platforms on each vessel, for those who subscribed to a vessel.")
    ] = field(default_factory=dict)
    rate: Annotated[float, Setting("Messages a second at most.")] = 1.0
    attempts: Annotated[int, Setting("How often a message is tried before it is given up.")] = 6
    lease: Annotated[
        float, Setting("Seconds after which a message is taken up that somebody began to send, and never reported on.")
    ] = 900.0
    pause: Annotated[
        float, Setting("Seconds before the second attempt; four times as long before each further one.")
    ] = 60.0
    shown: Annotated[int, Setting("How many news a message tells in full; the others are counted.")] = 20
    largest: Annotated[int, Setting("Bytes of a message at most; the transport's own limit when smaller.")] = 4_000_000

    def __post_init__(self) -> None:
        if not self.sender:
            raise UsageError(
                "Nobody is named as the sender.", hint='Say --from, or sender = "NAME <ADDRESS>" in the settings.'
            )
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if isinstance(value, str) and len(value) > _LONGEST:
                raise UsageError(f"{one.name} is longer than {_LONGEST:,} characters.")
            if isinstance(value, (int, float)) and not value > 0:
                raise UsageError(f"{one.name} is not above 0.")
        name, address = parseaddr(self.sender)
        address = _checked("sender", address)
        if self.unsubscribe_mail:
            self._keep(unsubscribe_mail=_checked("unsubscribe_mail", self.unsubscribe_mail))
        elif not self.unsubscribe_url:
            raise UsageError(
                "People have no way to unsubscribe.",
                hint="Give unsubscribe_url (https://…/{token}) or unsubscribe_mail.",
            )
        for place in ("unsubscribe_url", "confirm_url", "link"):
            _check_url(place, getattr(self, place), hole=place != "link")
        name = one_line(name.replace("\\", "").replace('"', "'"), _LONGEST_HEADER)
        self._keep(
            sender=f'"{name}" <{address}>' if name else address,
            title=one_line(self.title, _LONGEST_HEADER) or "News",
        )

    def _keep(self, **values: str) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)  # only while it is made

    @property
    def sender_name(self) -> str:
        """The name before the sender's address, or nothing."""
        return parseaddr(self.sender)[0]

    @property
    def sender_address(self) -> str:
        """The sender's address alone."""
        return parseaddr(self.sender)[1]

    def unsubscribe_link(self, token: str) -> str:
        """Return the page to unsubscribe at, or nothing."""
        return self.unsubscribe_url.replace(HOLE, token)

    def unsubscribe_mailto(self, token: str) -> str:
        """Return the link that writes a mail to unsubscribe, or nothing."""
        return (
            f"mailto:{self.unsubscribe_mail}?subject={quote(f'unsubscribe {token}')}" if self.unsubscribe_mail else ""
        )

    def link_to(self, key: str) -> str:
        """Return where an object can be reached, or nothing."""
        return f"{self.link.rstrip('/')}/{quote(key)}" if self.link else ""


def _checked(name: str, address: str) -> str:
    try:
        return check_address(address)
    except UsageError as error:
        raise UsageError(f"{name} is no mail address.", hint=error.hint) from None


def _check_url(name: str, url: str, *, hole: bool) -> None:
    if not url:
        return
    hint = f"Write it as https://example.org/…/{HOLE}." if hole else "Write it as https://example.org/…"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError(f"{name} is no web address.", hint=hint) from None
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and (here or not hole)):
        raise UsageError(f"{name} is no https:// address.", hint=hint)
    if not parts.hostname or not url.isascii() or not url.isprintable() or any(sign in url for sign in ' "<>\\^`|'):
        raise UsageError(f"{name} is no web address.", hint=hint)
    if hole and (url.count(HOLE) != 1 or "{" in url.replace(HOLE, "") or HOLE in parts.netloc):
        raise UsageError(f"{name} has no {HOLE} in it.", hint=hint)
