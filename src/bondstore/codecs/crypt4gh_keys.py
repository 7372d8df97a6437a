"""Key files of Crypt4GH, as its own tools write and read them: PEM, the private one encrypted under a passphrase.

Inside are length-prefixed strings: a magic word, how the passphrase becomes a key (scrypt, N = 16384, r = 8, p = 1),
the cipher (ChaCha20-Poly1305), the encrypted key, and a comment, which holds a checksum in the files that are written
here: with it a damaged file is told from a wrong passphrase.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bondstore.codecs.crypt4gh import KEY_SIZE, PrivateKey
from bondstore.codecs.segments import NONCE
from bondstore.errors import ConfigurationError, CredentialsError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.config.secrets import Secret

PRIVATE, PUBLIC = "CRYPT4GH PRIVATE KEY", "CRYPT4GH PUBLIC KEY"
_MAGIC = b"c4gh-v1"
_CIPHER = b"chacha20_poly1305"
_CHECK = b"bondstore "  # what the comment starts with whose rest is a checksum of all before it
_SALT = 16


def write_public(public: bytes) -> bytes:
    """Return the file of a public key."""
    return _armour(PUBLIC, public)


def read_public(content: bytes, name: str) -> bytes:
    """Return the public key in a file; `name` is what messages call it.

    Raises
    ------
    ConfigurationError
        The content is not a public key of Crypt4GH, or is damaged.
    """
    public = _bare(content, PUBLIC, name)
    if len(public) != KEY_SIZE:
        raise _damaged(name)
    return public


def write_private(key: PrivateKey, passphrase: Secret) -> bytes:
    """Return the file of a private key, encrypted under a passphrase."""
    salt, nonce = os.urandom(_SALT), os.urandom(NONCE)
    sealed = ChaCha20Poly1305(_scrypt(passphrase, salt)).encrypt(nonce, key.reveal(), None)
    fields = (b"scrypt", struct.pack(">I", 0) + salt, _CIPHER, nonce + sealed)
    content = _MAGIC + b"".join(map(_string, fields))
    return _armour(PRIVATE, content + _string(_CHECK + _checksum(content)))


def read_private(content: bytes, name: str, ask: Callable[[], Secret]) -> PrivateKey:
    """Return the private key in a file. `ask` brings the passphrase, if one is needed.

    Raises
    ------
    ConfigurationError
        The content is not a private key of Crypt4GH, or is damaged.
    CredentialsError
        The passphrase is wrong.
    MissingExtraError
        The passphrase is to be stretched by bcrypt, which is not installed.
    """
    locked = _Locked.parse(_bare(content, PRIVATE, name), name)
    if not locked.method:
        return _key(locked.key, name)
    cipher = ChaCha20Poly1305(locked.stretched(ask(), name))
    try:
        return _key(cipher.decrypt(locked.key[:NONCE], locked.key[NONCE:], None), name)
    except InvalidTag:
        doubt = "" if locked.is_checked else ", or the file is damaged"
        raise CredentialsError(
            f"The passphrase does not unlock the private key {name}{doubt}.", hint="Check the passphrase and try again."
        ) from None


@dataclass(frozen=True, slots=True)
class _Locked:
    """A private key's file, taken apart."""

    method: bytes  # how the passphrase is stretched; empty where there is none
    rounds: int
    salt: bytes
    key: bytes
    is_checked: bool

    @classmethod
    def parse(cls, content: bytes, name: str) -> _Locked:
        """Take a file apart, and hold it against its checksum."""
        if not content.startswith(_MAGIC):
            raise _damaged(name)
        stream = BytesIO(content[len(_MAGIC) :])
        method = _next_string(stream, name)
        options = b"" if method == b"none" else _next_string(stream, name)
        cipher, key = _next_string(stream, name), _next_string(stream, name)
        if cipher != (b"none" if method == b"none" else _CIPHER) or (options and len(options) < 5):
            raise _damaged(name)
        end = len(_MAGIC) + stream.tell()
        comment = _next_string(stream, name) if end < len(content) else b""
        is_checked = comment.startswith(_CHECK)
        if is_checked and comment[len(_CHECK) :] != _checksum(content[:end]):
            raise _damaged(name)
        rounds = struct.unpack_from(">I", options)[0] if options else 0
        return cls(b"" if method == b"none" else method, rounds, options[4:], key, is_checked)

    def stretched(self, passphrase: Secret, name: str) -> bytes:
        """Make a key of a passphrase."""
        if self.method == b"scrypt":
            return _scrypt(passphrase, self.salt)
        secret = passphrase.reveal().encode()
        if self.method == b"pbkdf2_hmac_sha256" and 0 < self.rounds <= 10_000_000:
            return hashlib.pbkdf2_hmac("sha256", secret, self.salt, self.rounds, KEY_SIZE)
        if self.method == b"bcrypt" and 0 < self.rounds <= 10_000:
            try:
                import bcrypt
            except ImportError:
                raise MissingExtraError(
                    f"Unlocking the private key {name} needs an optional part.", hint="Run: pip install bcrypt"
                ) from None
            return bytes(bcrypt.kdf(secret, self.salt, KEY_SIZE, self.rounds, ignore_few_rounds=True))
        raise _damaged(name)


def _scrypt(passphrase: Secret, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.reveal().encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=KEY_SIZE)


def _key(raw: bytes, name: str) -> PrivateKey:
    if len(raw) != KEY_SIZE:
        raise _damaged(name)
    return PrivateKey(raw)


def _string(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content


def _next_string(stream: BytesIO, name: str) -> bytes:
    prefix = stream.read(2)
    content = stream.read(int.from_bytes(prefix, "big"))
    if len(prefix) < 2 or len(content) < int.from_bytes(prefix, "big"):
        raise _damaged(name)
    return content


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:16].encode()


def _armour(kind: str, content: bytes) -> bytes:
    text = base64.b64encode(content).decode()
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n".encode()


def _bare(content: bytes, kind: str, name: str) -> bytes:
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    if not lines or lines[0] != f"-----BEGIN {kind}-----".encode():
        other = PUBLIC if kind == PRIVATE else PRIVATE
        found = "the other half of a pair" if other.encode() in content[:64] else "not a Crypt4GH key"
        raise ConfigurationError(
            f"{name} is {found}; a {kind.split(' ', 1)[1].lower()} is needed.",
            hint="Make a pair with: bondstore keys new",
        )
    if lines[-1] != f"-----END {kind}-----".encode():
        raise _damaged(name)
    try:
        return base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except binascii.Error:
        raise _damaged(name) from None


def _damaged(name: str) -> ConfigurationError:
    return ConfigurationError(f"The key file {name} is damaged.", hint="Use a copy of it from your backup.")
