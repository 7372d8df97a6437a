"""What a sender of mail settles once: who sends, how people unsubscribe, how fast."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bondstore.errors import ConfigurationError, UsageError
from bondstore.release.notify.addresses import check_address
from bondstore.release.notify.markup import shown
from bondstore.release.tomlfile import read_toml

if TYPE_CHECKING:
    from pathlib import Path

HOLE = "{token}"
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all mail.

    Parameters
    ----------
    sender : str
        ``ADDRESS`` or ``NAME <ADDRESS>``; everybody who gets mail sees it.
    title : str
        What the mail is about, at the front of its subject.
    unsubscribe_url : str
        ``https://…/{token}``: a page that calls `handle_unsubscribe`. This or `unsubscribe_mail` must be there.
    unsubscribe_mail : str
        An address that somebody reads, for those who unsubscribe by mail.
    confirm_url : str
        ``https://…/{token}``: a page that calls `handle_confirm`; else the mail says the token itself.
    link : str
        ``https://…/``: where the store that the news are in can be reached; plots that are too large become links.
    vessels : mapping of str to sequence of str
        The platforms on each vessel, for those who subscribed to a vessel.
    rate : float
        Messages a second at most.
    attempts : int
        How often a message is tried before it is given up.
    lease : float
        Seconds after which a message that somebody began to send, and never reported on, is taken up again.
    pause : float
        Seconds before the second attempt; four times as long before each further one.
    shown : int
        How many news a message tells in full; the others are counted.
    largest : int
        Bytes of a message at most; the transport's own limit when smaller.
    """

    sender: str
    title: str = "Ocean profiles"
    unsubscribe_url: str = ""
    unsubscribe_mail: str = ""
    confirm_url: str = ""
    link: str = ""
    vessels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rate: float = 1.0
    attempts: int = 6
    lease: float = 900.0
    pause: float = 60.0
    shown: int = 20
    largest: int = 40_000_000

    def checked(self) -> Settings:
        """Return these settings with the addresses in them brought into one form.

        Raises
        ------
        ConfigurationError
            Something in them cannot be.
        """
        name, address = parseaddr(self.sender)
        try:
            address = check_address(address)
            mailto = check_address(self.unsubscribe_mail) if self.unsubscribe_mail else ""
        except UsageError:
            raise _wrong("the sender's or another address is none") from None
        if not self.unsubscribe_url and not mailto:
            raise _wrong(
                "people have no way to unsubscribe", "Give unsubscribe_url (https://…/{token}) or unsubscribe_mail."
            )
        for name_of in ("unsubscribe_url", "confirm_url", "link"):
            _check_url(name_of, getattr(self, name_of), hole=name_of != "link")
        for name_of in ("rate", "attempts", "lease", "pause", "shown", "largest"):
            if not getattr(self, name_of) > 0:
                raise _wrong(f"{name_of} is not above 0")
        name = one_line(name.replace("\\", "").replace('"', "'"))
        return dataclasses.replace(
            self,
            sender=f'"{name}" <{address}>' if name else address,
            title=one_line(self.title) or "News",
            unsubscribe_mail=mailto,
        )

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

    @classmethod
    def load(cls, path: Path) -> Mapping[str, Any]:
        """Read settings from a TOML file, unchecked, to be put together with those of a command line.

        Raises
        ------
        NotFoundError
            There is no such file.
        ConfigurationError
            It is no TOML, or a name in it or the kind of a value is off.
        """
        return read_toml(path, "--settings")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Check names and values, and put them together; raises `ConfigurationError`."""
        kinds: dict[str, tuple[type, ...]] = {"vessels": (dict,)}
        for one in dataclasses.fields(cls):
            default = "" if one.name == "sender" else one.default
            kinds.setdefault(one.name, (int, float) if isinstance(default, float) else (type(default),))
        for name, value in given.items():
            if name not in kinds:
                raise _wrong(f"there is no setting {name[:24]!r}", f"Known: {', '.join(kinds)}.")
            if not isinstance(value, kinds[name]) or isinstance(value, bool):
                raise _wrong(f"{name} is of the wrong kind")
            if isinstance(value, str) and len(value) > _LONGEST:
                raise _wrong(f"{name} is too long")
        if not given.get("sender"):
            raise _wrong("nobody is named as the sender", 'Say --from, or sender = "NAME <ADDRESS>" in the settings.')
        for serials in given.get("vessels", {}).values():
            if not isinstance(serials, list) or not all(isinstance(one, str) for one in serials):
                raise _wrong("vessels is no table of lists of serial numbers")
        return cls(**given).checked()


def one_line(text: str, longest: int = 120) -> str:
    """Return a text fit for a header: one line, nothing hidden in it, not endless."""
    plain = " ".join(shown(text.replace("\n", " ").replace("\r", " ")).split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _check_url(name: str, url: str, *, hole: bool) -> None:
    if not url:
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong(f"{name} is no web address") from None
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and (here or not hole)):
        raise _wrong(f"{name} is no https:// address")
    if not parts.hostname or not url.isascii() or not url.isprintable() or any(sign in url for sign in ' "<>\\^`|'):
        raise _wrong(f"{name} is no web address")
    if hole and (url.count(HOLE) != 1 or "{" in url.replace(HOLE, "") or HOLE in parts.netloc):
        raise _wrong(f"{name} has no {HOLE} in it", f"Write it as https://example.org/…/{HOLE}.")


def _wrong(why: str, hint: str | None = None) -> ConfigurationError:
    return ConfigurationError(f"The settings for mail do not hold: {why}.", hint=hint)
