"""Opening CFB8 by wide cipher calls over shifted views.

Opening CFB8 byte by byte costs one cipher call a byte. But with ``S = IV ‖ C``, which is what lies in the store, plain
byte ``i`` is ``C[i] xor AES(S[i : i + 16])[0]``: every cipher input is known beforehand (NIST SP 800-38A, section 6.3).
The inputs with ``i = r (mod 16)`` are just the 16-byte blocks of ``S[r:]``, so sixteen wide calls over sixteen shifted
views of the sealed bytes, without a copy of them, give everything. CFB128 XORs the next block on by itself: there the
plain byte *is* byte 0 of an output block. `wide_is_faster` says which of CFB128 and ECB this machine's OpenSSL does
faster.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext
    from numpy.typing import NDArray

IV_SIZE = 16
"""Bytes of initialisation vector in front of every sealed object."""

CHUNK = 256 << 10
"""Plain bytes opened at a time: one view's cipher output and the plain bytes fit a 1 MiB second-level cache, and calls
are long enough (15 µs) for threads to pass the interpreter lock to and fro."""

_SMALL = CHUNK // 16 - 16
"""Plain bytes whose sixteen cipher outputs fit the scratch space together."""
_PAD = bytes(48)
"""What a last chunk lacks at most: up to 15 bytes of shift, 15 to fill its block, and one block more."""


class Engine:
    """One thread's cipher context and scratch space."""

    def __init__(self, key: bytes, *, wide: bool) -> None:
        cipher = Cipher(AES(key), CFB(bytes(16))) if wide else Cipher(AES(key), ECB())  # noqa: S305 - see the module
        # It is fed whole blocks only, so one context serves all calls: in CFB128 what went before touches nothing but
        # the first output block of a call, which is ignored.
        self._context: CipherContext = cipher.decryptor() if wide else cipher.encryptor()
        self._wide = wide
        self._skip = 16 if wide else 0
        self._scratch = np.zeros(CHUNK + 64, np.uint8)

    def open_into(self, sealed: memoryview, plain: NDArray[np.uint8]) -> None:
        """Open `sealed` (IV first) into `plain`, which is as long as the ciphertext, rounded up to whole blocks."""
        size = len(sealed) - IV_SIZE
        full = max(size - 16, 0) // CHUNK * CHUNK  # the shifted views reach 15 bytes further; the rest is padded
        for start in range(0, full, CHUNK):
            self._chunk(sealed[start:], plain[start : start + CHUNK])
        last = memoryview(b"".join((sealed[full:], _PAD)))
        self._chunk(last, plain[full:]) if size > _SMALL else self._small(last, plain)

    def _chunk(self, sealed: memoryview, plain: NDArray[np.uint8]) -> None:
        end = len(plain) + self._skip
        first_bytes = self._scratch[self._skip : end : 16]
        for shift in range(16):
            self._context.update_into(sealed[shift : shift + end], self._scratch.data)
            plain[shift::16] = first_bytes
        if not self._wide:
            plain ^= np.frombuffer(sealed, np.uint8, len(plain), IV_SIZE)

    def _small(self, sealed: memoryview, plain: NDArray[np.uint8]) -> None:
        """Do the same in one call each over a copy of the sixteen views: calls are what small objects cost."""
        end = len(plain) + self._skip
        views = np.ndarray((16, end), np.uint8, sealed, 0, (1, 1)).tobytes()
        self._context.update_into(views, self._scratch.data)
        outputs = self._scratch[: 16 * end].reshape(16, end)
        plain.reshape(-1, 16)[:] = outputs[:, self._skip :: 16].T
        if not self._wide:
            plain ^= np.frombuffer(sealed, np.uint8, len(plain), IV_SIZE)


@cache
def wide_is_faster() -> bool:
    """Time both ways once a process, for about a millisecond.

    CFB128 saves the exclusive or, and recent OpenSSL runs it on 512-bit vectors; where it is not vectorised
    ECB wins by far. Both give the same bytes, so a wrong choice costs time only.
    """
    sealed, plain = memoryview(bytes(IV_SIZE + (16 << 10))), np.empty(16 << 10, np.uint8)
    best = {True: float("inf"), False: float("inf")}
    engines = {wide: Engine(bytes(32), wide=wide) for wide in best}
    for _ in range(3):
        for wide, engine in engines.items():
            start = time.perf_counter()
            engine.open_into(sealed, plain)
            best[wide] = min(best[wide], time.perf_counter() - start)
    return best[True] <= best[False]
