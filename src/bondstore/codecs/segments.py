"""The body of Crypt4GH files: segments of 64 KiB, each sealed by ChaCha20-Poly1305 under the file's session key.

A segment is a nonce (12 bytes), the ciphertext and a tag (16 bytes). Nothing binds a segment to its place or to the
file's length: a body that lacks one, or has two of them swapped, decrypts without an error. Only a manifest with the
whole file's size and checksum shows that. Source: GA4GH, Crypt4GH 1.0, section 3.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bondstore.errors import DamagedError
from bondstore.threads import ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typing_extensions import Buffer

SEGMENT = 65_536
NONCE, TAG = 12, 16
SEALED_SEGMENT = SEGMENT + NONCE + TAG
BLOCK = 8
"""Segments that are handled in one go: enough for threads to pass the interpreter's lock, few enough for a core's
cache. For larger ones the system hands out fresh pages each time, which costs as much as the cipher does."""


def sealed_size(size: int) -> int:
    """Return how long the body of so many plain bytes is."""
    return size + -(-size // SEGMENT) * (NONCE + TAG)


def plain_size(size: int) -> int:
    """Return how many plain bytes a body of so many bytes has, before any edit list.

    Raises DamagedError where no body is that long: a last segment always has at least one byte.
    """
    whole, rest = divmod(size, SEALED_SEGMENT)
    if 0 < rest <= NONCE + TAG:
        raise cut_short()
    return whole * SEGMENT + max(rest - NONCE - TAG, 0)


def sealed_range(start: int, end: int) -> tuple[int, int]:
    """Return the bytes of the body that hold the plain bytes from `start` up to `end`, in whole segments."""
    return start // SEGMENT * SEALED_SEGMENT, -(-end // SEGMENT) * SEALED_SEGMENT


def cut_short() -> DamagedError:
    """Return the error for a body that ends inside a segment."""
    return DamagedError("The encrypted file ends in the middle of a segment.", kind="cut-short")


class Segments:
    """Seals and opens whole segments. One object may serve many threads.

    Parameters
    ----------
    sessions : sequence of bytes
        The session keys of 32 bytes, each of which may have sealed any segment; the first one seals.
    """

    def __init__(self, sessions: Sequence[bytes]) -> None:
        self._ciphers = [ChaCha20Poly1305(one) for one in sessions]

    def seal(self, plain: Buffer, nonces: bytes | None = None) -> bytearray:
        """Seal plain bytes; only the last segment of a file may be shorter than 64 KiB.

        `nonces`, 12 bytes a segment, are drawn at random where none are given. They must never serve twice under one
        session key, unless for the very same bytes.
        """
        view = memoryview(plain).cast("B")
        count = -(-len(view) // SEGMENT)
        nonces = os.urandom(NONCE * count) if nonces is None else nonces
        sealed = bytearray(sealed_size(len(view)))
        into, encrypt = memoryview(sealed), self._ciphers[0].encrypt_into
        for number in range(count):
            segment = view[number * SEGMENT : (number + 1) * SEGMENT]
            nonce = nonces[number * NONCE : (number + 1) * NONCE]
            at = number * SEALED_SEGMENT
            into[at : at + NONCE] = nonce
            encrypt(nonce, segment, None, into[at + NONCE : at + NONCE + len(segment) + TAG])
        return sealed

    def open(self, sealed: Buffer) -> bytearray:
        """Open whole segments, the last one of a file may be shorter; raises DamagedError where one is not intact."""
        view = memoryview(sealed).cast("B")
        plain = bytearray(plain_size(len(view)))
        into = memoryview(plain)
        for number, at in enumerate(range(0, len(view), SEALED_SEGMENT)):
            segment = view[at : at + SEALED_SEGMENT]
            place = into[number * SEGMENT : number * SEGMENT + len(segment) - NONCE - TAG]
            self._open_one(segment, place)
        return plain

    def _open_one(self, segment: memoryview, place: memoryview) -> None:
        for cipher in self._ciphers:
            try:
                cipher.decrypt_into(segment[:NONCE], segment[NONCE:], None, place)
            except InvalidTag:
                continue
            return
        raise DamagedError("A segment of the encrypted file is damaged.", kind="damaged-segment")


def seal_stream(chunks: Iterable[Buffer], segments: Segments, *, threads: int = 0) -> Iterator[bytearray]:
    """Seal a file that comes in chunks of any size. At most ``threads + 1`` blocks of 512 KiB are held at a time."""
    return ordered(segments.seal, regrouped(chunks, BLOCK * SEGMENT), threads)


def open_stream(chunks: Iterable[Buffer], segments: Segments, *, threads: int = 0) -> Iterator[bytearray]:
    """Open a body that comes in chunks of any size, block by block."""
    return ordered(segments.open, regrouped(chunks, BLOCK * SEALED_SEGMENT), threads)


def regrouped(chunks: Iterable[Buffer], size: int) -> Iterator[Buffer]:
    """Cut chunks of any size into pieces of `size` bytes; the last one may be shorter. What fits is not copied."""
    held = bytearray()
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        if held:
            taken = min(size - len(held), len(view))
            held += view[:taken]
            view = view[taken:]
            if len(held) < size:
                continue
            yield held
            held = bytearray()
        whole = len(view) // size * size
        for start in range(0, whole, size):
            yield view[start : start + size]
        held += view[whole:]
    if held:
        yield held
