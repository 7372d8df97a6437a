"""AES in CFB mode with 8-bit segments (CFB8), a 16-byte random IV in front: the seal of Beiwe objects.

A plain byte depends on nothing but its own sealed byte and the sixteen before it. Hence opening can run wide (see
`bondstore.codecs.shifted`), small objects laid end to end open as one (`Cfb8.open_many`), and a stream goes on anywhere
(`OpeningStream`). Sealing is a chain, byte after byte. There is no check sum: a wrong key opens to noise, without an
error.
"""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import numpy as np
from cryptography.hazmat.decrepit.ciphers.modes import CFB8
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from bondstore.codecs.shifted import CHUNK, IV_SIZE, Engine, wide_is_faster
from bondstore.errors import ConfigurationError, DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Buffer: TypeAlias = bytes | bytearray | memoryview

_ARENA = CHUNK
_ALONE = 64 << 10
"""Larger objects are opened by themselves: laying them end to end and apart again costs more than it saves."""


class Cfb8:
    """Open and seal with AES-CFB8 under one key. Threads may share it; each gets a context of its own.

    `wide` chooses between two equal ways to open, CFB128 (True) and ECB; when not given, the faster one is measured.
    """

    __slots__ = ("_key", "_local", "_wide")

    def __init__(self, key: Buffer, *, wide: bool | None = None) -> None:
        if len(key) not in (16, 24, 32):
            raise ConfigurationError(
                f"An AES key has 16, 24 or 32 bytes, this one has {len(key)}.", hint="Check the decryption key."
            )
        self._key = bytes(key)
        self._wide = wide
        self._local = threading.local()

    def __repr__(self) -> str:
        return "Cfb8(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A cipher holds its key and is never pickled; build it anew in the worker.")

    def open(self, sealed: Buffer) -> bytes:
        """Open one object, IV first; peak memory is input, output and about 1 MiB."""
        error = too_short(len(sealed))
        if error is not None:
            raise error
        return self._open(sealed)

    def open_many(self, sealed: Iterable[Buffer]) -> list[bytes | DamagedError]:
        """Open a batch, small objects laid end to end; an error comes as a value, and spoils nothing."""
        results: list[bytes | DamagedError] = []
        arena: list[Buffer] = []
        held = 0
        for item in sealed:
            if held and (held + len(item) > _ARENA or len(item) > _ALONE):
                results += self._open_arena(arena)
                arena, held = [], 0
            arena.append(item)
            held = _ARENA if len(item) > _ALONE else held + len(item)
        results += self._open_arena(arena)
        return results

    def opening(self) -> OpeningStream:
        """Start to open one object that comes in pieces."""
        return OpeningStream(self)

    def seal(self, plain: Buffer, iv: bytes | None = None) -> bytes:
        """Seal one object: a serial chain by its nature, so this is OpenSSL's own CFB8. An `iv` serves once."""
        stream = self.sealing(iv)
        return b"".join((stream.update(plain), stream.finalize()))

    def sealing(self, iv: bytes | None = None) -> SealingStream:
        """Start to seal one object that comes in pieces; `iv` as in `seal`."""
        return SealingStream(self._key, os.urandom(IV_SIZE) if iv is None else iv)

    def _open(self, sealed: Buffer) -> bytes:
        """Open without looking at the length, into a `BytesIO`: it hands out its buffer as `bytes` without a copy."""
        engine: Engine | None = getattr(self._local, "engine", None)
        if engine is None:
            wide = wide_is_faster() if self._wide is None else self._wide
            engine = self._local.engine = Engine(self._key, wide=wide)
        size = len(sealed) - IV_SIZE
        whole = -(-size // 16) * 16
        out = io.BytesIO(bytes(whole))  # zero pages nobody has touched yet, taken over as they are
        with out.getbuffer() as view:
            engine.open_into(memoryview(sealed), np.frombuffer(view, np.uint8))
        out.truncate(size)
        return out.getvalue()

    def _open_arena(self, items: Sequence[Buffer]) -> Iterator[bytes | DamagedError]:
        if len(items) == 1:
            yield too_short(len(items[0])) or self._open(items[0])
            return
        arena = b"".join(items)
        plain = self._open(arena) if len(arena) > IV_SIZE else b""
        start = 0
        for item in items:
            # plain byte p belongs to sealed byte p + 16: an object's own IV opens to noise that nothing reads
            yield too_short(len(item)) or plain[start : start + len(item) - IV_SIZE]
            start += len(item)


class OpeningStream:
    """Opens one object in pieces of any size; made by `Cfb8.opening`. One thread at a time."""

    def __init__(self, cipher: Cfb8) -> None:
        self._cipher = cipher
        self._before = b""  # the last 16 sealed bytes: all the state there is
        self._seen = 0

    def update(self, chunk: Buffer) -> bytes:
        """Open the next piece; returns as many bytes as `chunk` has, less what belongs to the IV."""
        self._seen += len(chunk)
        joined = b"".join((self._before, chunk))
        self._before = joined[-IV_SIZE:]
        return self._cipher._open(joined) if len(joined) > IV_SIZE else b""

    def finalize(self) -> bytes:
        """End the object; nothing was held back."""
        error = too_short(self._seen)
        if error is not None:
            raise error
        return b""


class SealingStream:
    """Seals one object in pieces of any size; made by `Cfb8.sealing`. One thread at a time."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        if len(iv) != IV_SIZE:
            raise ConfigurationError(f"An IV has {IV_SIZE} bytes, this one has {len(iv)}.")
        self._context = Cipher(AES(key), CFB8(iv)).encryptor()
        self._head = bytes(iv)

    def update(self, chunk: Buffer) -> bytes:
        """Seal the next piece; the first one brings the IV with it."""
        head, self._head = self._head, b""
        sealed = self._context.update(chunk)
        return head + sealed if head else sealed

    def finalize(self) -> bytes:
        """End the object; returns the IV when nothing was ever sealed, else nothing."""
        head, self._head = self._head, b""
        return head + self._context.finalize()


def too_short(size: int) -> DamagedError | None:
    """Return the error for a sealed object of `size` bytes that holds no ciphertext, or None when it holds some."""
    if size > IV_SIZE:
        return None
    if size == 0:
        return DamagedError("The object has no bytes at all.", kind="empty")
    return DamagedError(f"The object has {size} bytes: nothing follows its 16-byte IV.", kind="no-iv")
