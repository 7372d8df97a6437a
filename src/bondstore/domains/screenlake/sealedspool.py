"""Bytes too many for memory that may not lie on a disk as they are: there under a key that memory alone holds."""

from __future__ import annotations

import os
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_BLOCK = 1 << 18


class SealedSpool:
    """Takes bytes, and gives them back any number of times.

    Parameters
    ----------
    most : int
        So many bytes stay in memory; from then on all lie in a file without a name, enciphered.
    folder : Path
        Where that file is.
    """

    def __init__(self, most: int, folder: Path) -> None:
        self._most, self._folder = most, folder
        self._memory: BytesIO | None = BytesIO()
        self._file: IO[bytes] | None = None
        # The key is used for this one stream, and gone with it: a counter that begins at zero is never used twice.
        self._cipher = Cipher(AES(os.urandom(32)), CTR(bytes(16)))
        self._sealing = self._cipher.encryptor()

    def __enter__(self) -> SealedSpool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, data: bytes) -> None:
        """Add bytes; all of them before the first is read."""
        if self._memory is not None:
            self._memory.write(data)
            if self._memory.tell() <= self._most:
                return
            data, self._memory = self._memory.getvalue(), None
            self._file = TemporaryFile(dir=self._folder)  # noqa: SIM115 - lives as long as the spool
        assert self._file is not None
        self._file.write(self._sealing.update(data))

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes from the first on."""
        if self._memory is not None:
            yield self._memory.getvalue()
            return
        assert self._file is not None
        self._file.seek(0)
        opening = self._cipher.decryptor()
        while block := self._file.read(_BLOCK):
            yield opening.update(block)
