"""AES in CFB mode with 8-bit segments (CFB8), a 16-byte random IV in front: the seal of Beiwe objects.

Opening CFB8 byte by byte costs one cipher call a byte. But with ``S = IV ‖ C`` (what lies in the store), plain byte ``i`` is
``C[i] xor AES(S[i : i + 16])[0]``: every cipher input is known beforehand (NIST SP 800-38A, section 6.3). The inputs with
``i = r (mod 16)`` are just the 16-byte blocks of ``S[r:]``, so sixteen wide calls over sixteen shifted views of the sealed bytes,
without a copy of them, give everything. In CFB128 the cipher XORs the next block on by itself: the plain byte *is* byte 0 of
its output block. `_measured_engine` picks CFB128 or ECB, whichever this machine's OpenSSL does faster.

Bytes depend on nothing but the sixteen before them, hence small objects laid end to end open as one (`Cfb8.open_many`) and a
stream goes on anywhere (`OpeningStream`).
"""

from __future__ import annotations

import io
import os
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from cryptography.hazmat.decrepit.ciphers.modes import CFB, CFB8
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from bondstore.errors import ConfigurationError, DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cryptography.hazmat.primitives.ciphers import CipherContext
    from numpy.typing import NDArray

    type_buffer = bytes | bytearray | memoryview

IV_SIZE = 16
"""Bytes of initialisation vector in front of every sealed object."""

CHUNK = 64 << 10
"""Plain bytes opened at a time: sixteen cipher outputs of this size fit a 2 MiB second-level cache."""

_ARENA = 4 * CHUNK
_SMALL = 4 << 10
_PAD = bytes(48)
"""What a last chunk lacks at most: up to 15 bytes of shift, 15 to fill its block, and one block more."""


class _Engine:
    """One thread's cipher context and scratch space.

    Parameters
    ----------
    key : bytes
        AES key.
    wide : bool
        Use CFB128; otherwise ECB and an exclusive or.

    Notes
    -----
    The context is fed whole blocks only, so one context serves all calls: in CFB128 what went before
    touches nothing but the first output block of a call, which is ignored.
    """

    def __init__(self, key: bytes, *, wide: bool) -> None:
        cipher = Cipher(AES(key), CFB(bytes(16))) if wide else Cipher(AES(key), ECB())  # noqa: S305 - see the module
        self._context: CipherContext = cipher.decryptor() if wide else cipher.encryptor()
        self._wide = wide
        self._skip = 16 if wide else 0
        self._shifted = np.zeros((16, CHUNK + 64), np.uint8)  # row r: the cipher's output for S[r:]
        self._rows = [memoryview(row) for row in self._shifted]

    def open_into(self, sealed: memoryview, plain: NDArray[np.uint8]) -> None:
        """Open `sealed` (IV first) into `plain`, which is as long as the ciphertext, rounded up to whole blocks."""
        size = len(sealed) - IV_SIZE
        full = (size - 1) // CHUNK * CHUNK  # the last chunk, full or not, needs padding behind it
        for start in range(0, full, CHUNK):
            self._chunk(sealed[start:], plain[start : start + CHUNK])
        last = memoryview(b"".join((sealed[full:], _PAD)))
        if len(plain) <= _SMALL:
            self._small(last, plain)
        else:
            self._chunk(last, plain[full:])

    def _chunk(self, sealed: memoryview, plain: NDArray[np.uint8]) -> None:
        end = len(plain) + self._skip
        update = self._context.update_into
        for shift, row in enumerate(self._rows):
            update(sealed[shift : shift + end], row)
        self._gather(self._shifted[:, self._skip : end : 16], sealed, plain)

    def _small(self, sealed: memoryview, plain: NDArray[np.uint8]) -> None:
        """Do the same with one cipher call over a copy of the sixteen views: calls are the cost of small objects."""
        end = len(plain) + self._skip
        views = np.ndarray((16, end), np.uint8, sealed, 0, (1, 1)).tobytes()
        flat = self._shifted.reshape(-1)
        self._context.update_into(views, flat.data)
        self._gather(flat[: 16 * end].reshape(16, end)[:, self._skip :: 16], sealed, plain)

    def _gather(self, first_bytes: NDArray[np.uint8], sealed: memoryview, plain: NDArray[np.uint8]) -> None:
        blocks = plain.reshape(-1, 16)
        if self._wide:
            blocks[:] = first_bytes.T
        else:
            ciphertext = np.frombuffer(sealed, np.uint8, len(plain), IV_SIZE).reshape(-1, 16)
            np.bitwise_xor(first_bytes.T, ciphertext, out=blocks)
