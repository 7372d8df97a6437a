"""Whom mail goes to: the address, the key that stands for it, and the token in a link that speaks for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
import unicodedata
from dataclasses import dataclass

from bondstore.config.secrets import Secret
from bondstore.errors import ConfigurationError, UsageError

CONFIRM, UNSUBSCRIBE = "confirm", "unsubscribe"
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII)
_LONGEST_LOCAL, _LONGEST = 64, 254
_SHORTEST_SECRET = 16
_PURPOSES = {CONFIRM: 1, UNSUBSCRIBE: 2}
_PAYLOAD = struct.Struct(">B16s8sQ")
_SHAPE = re.compile(r"[A-Za-z0-9_-]{88}", re.ASCII)


def check_address(text: str) -> str:
    """Return an address as mail goes to it, the domain in small letters and ASCII; `UsageError` does not repeat it.

    RFC 5321, 4.1.2 (dot-string and domain) and 4.5.3.1 (lengths). Quoted local parts and those beyond ASCII are
    refused: not every server on the way takes them. There may be no name beside it, no comment.
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
    """Return what a checked address is known by everywhere but in its own row: 32 hex digits.

    Without the secret nobody can find out whether an address they know is among the keys. Small and capital letters
    make no difference: hardly any server tells them apart.
    """
    return keyed(secret, "address", address.casefold().encode()).hex()[:32]


def masked(address: str) -> str:
    """Return what may be shown of an address: its first character and its domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}" if domain else "…"


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says: a subscriber's key, and the nonce (16 hex digits) of the subscription it was made for."""

    key: str
    nonce: str


def new_nonce() -> str:
    """Return 16 random hex digits."""
    return secrets.token_hex(8)


def make_token(secret: Secret, purpose: str, token: Token, *, expires: int = 0) -> str:
    """Return a token for a link, 88 characters that need no escaping; it is good for one purpose, and has no address.

    `expires` is in seconds since 1970; 0 is never.
    """
    payload = _PAYLOAD.pack(_PURPOSES[purpose], bytes.fromhex(token.key), bytes.fromhex(token.nonce), expires)
    return base64.urlsafe_b64encode(payload + keyed(secret, "token", payload) + b"\0").decode()


def read_token(secret: Secret, purpose: str, text: str, *, now: float) -> Token:
    """Return what a token from a link says; whatever is wrong with it, the `UsageError` is the same."""
    if not _SHAPE.fullmatch(text):
        raise refused()
    try:
        data = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        raise refused() from None
    payload, mac, last = data[: _PAYLOAD.size], data[_PAYLOAD.size : -1], data[-1:]
    # the last byte fills up to whole signs of base64: another one there would be a second text for the same token
    if not hmac.compare_digest(mac, keyed(secret, "token", payload)) or last != b"\0":
        raise refused()
    meant, key, nonce, expires = _PAYLOAD.unpack(payload)
    if meant != _PURPOSES[purpose] or (expires and now > expires):
        raise refused()
    return Token(key.hex(), nonce.hex())


def refused() -> UsageError:
    """Return the one error for all tokens that do not hold."""
    return UsageError("This link does not hold, or does not hold any more.", hint="Subscribe again for a new one.")


def keyed(secret: Secret, purpose: str, data: bytes) -> bytes:
    """Return an HMAC-SHA256, another for each purpose; `ConfigurationError` for a secret too short to keep anything."""
    value = secret.reveal().encode()
    if len(value) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"The secret for tokens has fewer than {_SHORTEST_SECRET} signs.", hint="Make one: openssl rand -hex 32"
        )
    message = f"bondstore {purpose}".encode() + (b"\0" + data if data else b"")
    return hmac.new(value, message, hashlib.sha256).digest()


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""
