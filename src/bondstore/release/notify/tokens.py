"""Tokens in links: who may be confirmed or unsubscribed by whoever holds the link, and nothing else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from dataclasses import dataclass

from bondstore.config.secrets import Secret
from bondstore.errors import UsageError
from bondstore.release.notify.addresses import secret_bytes

CONFIRM, UNSUBSCRIBE = "confirm", "unsubscribe"
_PURPOSES = {CONFIRM: 1, UNSUBSCRIBE: 2}
_PAYLOAD = struct.Struct(">B16s8sQ")
_MAC = 32
_SHAPE = re.compile(r"[A-Za-z0-9_-]{88}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says.

    Parameters
    ----------
    key : str
        The subscriber's key.
    nonce : str
        16 hex digits; of the subscription that it was made for.
    """

    key: str
    nonce: str


def new_nonce() -> str:
    """Return 16 random hex digits."""
    return secrets.token_hex(8)


def make_token(secret: Secret, purpose: str, token: Token, *, expires: int = 0) -> str:
    """Return a token for a link: 88 signs that need no escaping.

    Parameters
    ----------
    secret : Secret
        What signs it (HMAC-SHA256 over purpose, key, nonce and expiry).
    purpose : {"confirm", "unsubscribe"}
        What it is good for; for nothing else.
    token : Token
        Whom it is about; no address is in it.
    expires : int
        Seconds since 1970; 0 for never.
    """
    payload = _PAYLOAD.pack(_PURPOSES[purpose], bytes.fromhex(token.key), bytes.fromhex(token.nonce), expires)
    return base64.urlsafe_b64encode(payload + _sign(secret, payload) + b"\0").decode()


def read_token(secret: Secret, purpose: str, text: str, *, now: float) -> Token:
    """Return what a token says, if it holds.

    Parameters
    ----------
    secret, purpose
        As in `make_token`.
    text : str
        From a link: anything may stand there.
    now : float
        Seconds since 1970.

    Raises
    ------
    UsageError
        It does not hold. Whatever is wrong with it, the sentence is the same.
    """
    if not _SHAPE.fullmatch(text):
        raise refused()
    try:
        data = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        raise refused() from None
    payload, mac, last = data[: _PAYLOAD.size], data[_PAYLOAD.size : -1], data[-1:]
    if not hmac.compare_digest(mac, _sign(secret, payload)) or last != b"\0":
        raise refused()
    meant, key, nonce, expires = _PAYLOAD.unpack(payload)
    if meant != _PURPOSES[purpose] or (expires and now > expires):
        raise refused()
    return Token(key.hex(), nonce.hex())


def refused() -> UsageError:
    """Return the one error for all tokens that do not hold."""
    return UsageError("This link does not hold, or does not hold any more.", hint="Subscribe again for a new one.")


def _sign(secret: Secret, payload: bytes) -> bytes:
    return hmac.new(secret_bytes(secret), b"bondstore token\0" + payload, hashlib.sha256).digest()
