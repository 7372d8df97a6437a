"""What ``openssl enc`` writes with a passphrase, opened: DES, triple DES and AES in CBC mode. Nothing is sealed so.

The file is ``Salted__``, 8 bytes of salt, and whole blocks, or that in base64 (``-a``). It names neither cipher nor
digest, and nothing in it tells a wrong key from the right one: padding fits by chance once in 256 times, and with
``-nopad`` there is none. So what comes out must be judged by its content, and padding is left where it is.

Key and IV are those of ``EVP_BytesToKey`` with one round (MD5 before OpenSSL 1.1.0, SHA-256 since; see its manual),
or of PBKDF2 (RFC 8018) with ``-pbkdf2``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from itertools import chain, product
from typing import TYPE_CHECKING

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cryptography.hazmat.primitives.ciphers import CipherContext
    from typing_extensions import Buffer

MAGIC = b"Salted__"
SALT_SIZE = 8
HEADER_SIZE = len(MAGIC) + SALT_SIZE
ROUNDS = 10_000
"""What ``-pbkdf2`` does when no ``-iter`` is given."""
DIGESTS = ("md5", "sha256")
LARGEST_BLOCK = 16

_BASE64_MAGIC = base64.b64encode(MAGIC + b"\0")[:10]  # the last sign of eight bytes depends on the ninth
_SPACE = b"\r\n \t"
_LONGEST = 48  # bytes of the longest key and IV


@dataclass(frozen=True, slots=True)
class CipherKind:
    """A cipher as openssl names it."""

    name: str
    key_size: int
    block_size: int


CIPHERS: Mapping[str, CipherKind] = {
    one.name: one
    for one in (
        CipherKind("des-cbc", 8, 8),
        CipherKind("des-ede3-cbc", 24, 8),
        CipherKind("aes-256-cbc", 32, 16),
        CipherKind("aes-192-cbc", 24, 16),
        CipherKind("aes-128-cbc", 16, 16),
    )
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which a file may have been sealed."""

    cipher: CipherKind
    digest: str
    rounds: int
    """Of PBKDF2; 0 for `EVP_BytesToKey`."""

    def __str__(self) -> str:
        how = f"-pbkdf2 -iter {self.rounds} " if self.rounds else ""
        return f"-{self.cipher.name} {how}-md {self.digest}"


def variants(rounds: int | None = None) -> tuple[Variant, ...]:
    """Return all ways, the commonest first; `rounds` of PBKDF2 are tried besides the usual ones."""
    counts = dict.fromkeys((0, ROUNDS, *([rounds] if rounds else [])))
    return tuple(Variant(*one) for one in product(CIPHERS.values(), DIGESTS, counts))


class Keys:
    """The keys that a passphrase gives with a salt."""

    def __init__(self, passphrase: bytes, salt: bytes) -> None:
        self._material = _Material(passphrase, salt)

    def opener(self, variant: Variant, iv: bytes | None = None) -> CipherContext:
        """Return what opens blocks; the sealed block before the first one in place of the passphrase's own IV."""
        cipher, material = variant.cipher, self._material[variant.digest, variant.rounds]
        key = material[: cipher.key_size]
        first = iv or material[cipher.key_size : cipher.key_size + cipher.block_size]
        # three times the same key is plain DES, which the library does not have by itself
        algorithm = AES(key) if cipher.block_size == 16 else TripleDES(key * (24 // len(key)))
        return Cipher(algorithm, CBC(first)).decryptor()


class _Material(dict[tuple[str, int], bytes]):
    """Key and IV in one, long enough for every cipher, by digest and rounds; derived when first asked for."""

    def __init__(self, passphrase: bytes, salt: bytes) -> None:
        super().__init__()
        self._passphrase, self._salt = passphrase, salt

    def __missing__(self, way: tuple[str, int]) -> bytes:
        digest, rounds = way
        if rounds:
            derived = hashlib.pbkdf2_hmac(digest, self._passphrase, self._salt, rounds, _LONGEST)
        else:
            derived = block = b""
            while len(derived) < _LONGEST:
                block = hashlib.new(digest, block + self._passphrase + self._salt, usedforsecurity=False).digest()
                derived += block
        self[way] = derived
        return derived


def looks_sealed(head: bytes) -> bool:
    """Whether a file that begins so is what ``openssl enc`` wrote."""
    return head.startswith((MAGIC, _BASE64_MAGIC))


def unwrapped(chunks: Iterable[Buffer]) -> Iterator[bytes]:
    """Yield a file without base64, where it is in that.

    Raises
    ------
    DamagedError
        A sign is none of base64, or the last ones are missing.
    """
    first, rest = _head(chunks, len(_BASE64_MAGIC))
    whole = chain([first], rest)
    return _decoded(whole) if first.startswith(_BASE64_MAGIC) else whole


def _head(chunks: Iterable[Buffer], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return what chunks begin with, so many bytes at least where there are so many, and the other chunks."""
    pieces, head = map(bytes, chunks), b""
    while len(head) < size and (piece := next(pieces, None)) is not None:
        head += piece
    return head, pieces


def _decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    left = b""
    for chunk in chunks:
        text = left + chunk.translate(None, _SPACE)
        whole = len(text) // 4 * 4
        left = text[whole:]
        try:
            yield base64.b64decode(text[:whole], validate=True)
        except binascii.Error as error:
            raise DamagedError("It is in base64, and signs in it are none of base64.", kind="damaged") from error
    if left:
        raise DamagedError("It is in base64, and its last signs are missing.", kind="cut")


def decoded_ends(head: bytes, end: bytes) -> tuple[bytes, bytes]:
    """Return the beginning and the end of a file without base64, as far as their signs make whole bytes."""
    if head.startswith(MAGIC):
        return head, end
    first, last = head.translate(None, _SPACE), end.translate(None, _SPACE)
    try:
        return base64.b64decode(first[: len(first) // 4 * 4]), base64.b64decode(last[len(last) % 4 :])
    except binascii.Error:  # a sign of padding in the middle: what is read to the end will say so
        return b"", b""


def split_header(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the salt of an unwrapped file, and its blocks."""
    head, rest = _head(chunks, HEADER_SIZE)
    return head[len(MAGIC) : HEADER_SIZE], chain([head[HEADER_SIZE:]], rest)


def opened(blocks: Iterable[bytes], keys: Keys, variant: Variant) -> Iterator[bytes]:
    """Yield what blocks hold, padding and all, in pieces as large as they come.

    Raises
    ------
    DamagedError
        They end within a block: something was cut off. All before is yielded.
    """
    context, size = keys.opener(variant), 0
    for piece in blocks:
        size += len(piece)
        yield context.update(piece)
    if size % variant.cipher.block_size:
        raise DamagedError("It ends within a block of its cipher: its end is missing.", kind="cut")


def last_block(sealed_end: bytes, keys: Keys, variant: Variant) -> bytes:
    """Open the last block of a file whose last bytes are given; nothing where these are less than two blocks."""
    size = variant.cipher.block_size
    if sealed_end.startswith(MAGIC) and len(sealed_end) == HEADER_SIZE + size:
        return keys.opener(variant).update(sealed_end[-size:])
    if len(sealed_end) < 2 * size:
        return b""
    return keys.opener(variant, sealed_end[-2 * size : -size]).update(sealed_end[-size:])


def padding(end: bytes) -> int:
    """Return how many bytes at the end of the content are padding (RFC 5652, section 6.3); 0 where it is none."""
    number = end[-1] if end else 0
    return number if 0 < number <= min(len(end), LARGEST_BLOCK) and end.endswith(bytes([number]) * number) else 0
