"""The passphrase and the way in which an old archive was encrypted, found by what comes out."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.codecs import openssl
from bondstore.errors import DamagedError
from bondstore.vault.legacy.content import Ending, Kind, Source, evidence, kind_of
from bondstore.vault.legacy.tars import CUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bondstore.vault.legacy.content import Prove

HEAD = 6000
"""Bytes of an object that are looked at: in base64 they still give a block of a tar, and enough to count."""
_ENOUGH = 32.0  # bits; every passphrase is tried in twenty ways
_DEEPEST = 3  # archives that a script encrypted again, and again
_WHOLE = openssl.LARGEST_BLOCK


@dataclass(frozen=True, slots=True)
class Opening:
    """How an archive opens, from outside inwards, and what it holds; None where that is of no kind that is known."""

    layers: tuple[tuple[bytes, openssl.Variant], ...]
    kind: Kind | None

    def open(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what a sealed archive holds, and the padding at its end."""
        for number, (passphrase, variant) in enumerate(self.layers):
            inner = chunks if number == 0 else without_padding(chunks)
            salt, blocks = openssl.split_header(openssl.unwrapped(inner))
            chunks = openssl.opened(blocks, openssl.Keys(passphrase, salt), variant)
        return iter(chunks)

    def __repr__(self) -> str:
        return f"Opening({', '.join(str(variant) for _, variant in self.layers)})"


def find(head: bytes, end: bytes, passphrases: Sequence[bytes], rounds: int | None = None) -> Opening | None:
    """Find how an archive opens that begins and ends so; None where nothing tells what comes out from noise."""
    begun, ended = openssl.decoded_ends(head, end)
    salt, blocks = openssl.split_header([begun])
    first = b"".join(blocks)
    first = first[: len(first) // _WHOLE * _WHOLE or len(first)]  # a single block of DES is none of AES
    best: tuple[float, bytes, openssl.Variant] = (0.0, b"", openssl.variants()[0])
    for passphrase in passphrases:
        keys = openssl.Keys(passphrase, salt)
        for variant in openssl.variants(rounds):
            plain = keys.opener(variant).update(first)
            if openssl.looks_sealed(plain):
                return _deeper(plain, passphrase, variant, passphrases, rounds)
            if (kind := kind_of(plain)) is not None:
                return Opening(((passphrase, variant),), kind)
            bits = evidence(plain, openssl.last_block(ended, keys, variant))
            best = max(best, (bits, passphrase, variant), key=lambda one: one[0])
    return Opening((best[1:],), None) if best[0] >= _ENOUGH else None


def _deeper(
    plain: bytes, passphrase: bytes, variant: openssl.Variant, passphrases: Sequence[bytes], rounds: int | None
) -> Opening:
    """Find how an archive in an archive opens, by its beginning alone: its end lies behind the padding."""
    layers = [(passphrase, variant)]
    found = find(plain, b"", passphrases, rounds)
    if found is None or len(found.layers) >= _DEEPEST:
        return Opening(tuple(layers), None)
    return Opening((*layers, *found.layers), found.kind)


def without_padding(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield content without the padding at its end."""
    held = b""
    for chunk in chunks:
        held += chunk
        yield held[:-_WHOLE]
        held = held[-_WHOLE:]
    yield held[: len(held) - openssl.padding(held)]


def as_far_as_it_goes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks to where they are cut off."""
    try:
        yield from chunks
    except DamagedError as error:
        if error.kind != CUT:
            raise


class Proof:
    """Proves content while it is written: a thread reads along, and the last bytes wait for what it says."""

    def __init__(self, prove: Prove) -> None:
        self._prove = prove
        self._pieces: queue.Queue[bytes] = queue.Queue(4)
        self._error: Exception | None = None
        self._over = False
        self.ending = Ending(0)

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the content without padding, and raise `DamagedError` at its end where it is not proved."""
        reader = threading.Thread(target=self._read, name="proof")
        reader.start()
        held, size = b"", 0
        try:
            for chunk in chunks:
                if chunk:
                    self._pieces.put(chunk)
                if self._error is not None:
                    break
                size += len(chunk)
                held += chunk
                yield held[:-_WHOLE]
                held = held[-_WHOLE:]
        finally:
            self._pieces.put(b"")
            reader.join()
        if self._error is not None:
            raise self._error
        yield held[: len(held) - (size - self.ending.size)]

    def _read(self) -> None:
        try:
            self.ending = self._prove(Source(self._taken()))
        except Exception as error:  # noqa: BLE001 - it is raised where the content is written
            self._error = error
        for _ in self._taken():  # who writes may be waiting to hand on more
            pass

    def _taken(self) -> Iterator[bytes]:
        while not self._over:
            piece = self._pieces.get()
            self._over = not piece
            if piece:
                yield piece
