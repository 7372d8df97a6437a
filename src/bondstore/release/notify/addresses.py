"""Mail addresses: checked, made comparable, and shown by their domain at most."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from bondstore.config.secrets import Secret
from bondstore.errors import ConfigurationError, UsageError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII)
_LONGEST_LOCAL, _LONGEST = 64, 254
_SHORTEST_SECRET = 16


def check_address(text: str) -> str:
    """Return an address as mail goes to it; the domain in small letters and ASCII.

    Parameters
    ----------
    text : str
        Such as ``anna@example.org``; no name beside it, no comment, no quotes.

    Returns
    -------
    str

    Raises
    ------
    UsageError
        It is none. The message does not repeat it.

    Notes
    -----
    RFC 5321, 4.1.2 (dot-string and domain) and 4.5.3.1 (lengths). Quoted local parts and those beyond ASCII are
    refused: not every server on the way takes them.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    domain = _ascii(domain)
    labels = domain.split(".")
    fits = (
        at
        and len(local) <= _LONGEST_LOCAL
        and len(local) + 1 + len(domain) <= _LONGEST
        and _LOCAL.fullmatch(local)
        and len(labels) > 1
        and all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels)
    )
    if not fits:
        raise UsageError("That is no mail address.", hint="Write it as NAME@EXAMPLE.ORG, without name, quotes or <>.")
    return f"{local}@{domain}"


def key_of(address: str, secret: Secret) -> str:
    """Return what an address is known by everywhere but in its own row: 32 hex digits.

    Parameters
    ----------
    address : str
        As `check_address` gives it. Small and capital letters make no difference: hardly any server tells them apart.
    secret : Secret
        Without it nobody can find out whether an address they know is among the keys.
    """
    made = hmac.new(secret_bytes(secret), b"bondstore address\0" + address.casefold().encode(), hashlib.sha256)
    return made.hexdigest()[:32]


def masked(address: str) -> str:
    """Return what may be shown of an address: its first sign and its domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}" if domain else "…"


def secret_bytes(secret: Secret) -> bytes:
    """Return the secret's bytes.

    Raises
    ------
    ConfigurationError
        It is too short to keep anything.
    """
    value = secret.reveal().encode()
    if len(value) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"The secret for tokens has fewer than {_SHORTEST_SECRET} signs.", hint="Make one: openssl rand -hex 32"
        )
    return value


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""
