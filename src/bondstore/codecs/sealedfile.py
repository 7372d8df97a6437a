"""A file that lies encrypted while it is written: what must be a file for a moment, and may be read by nobody else.

Its blocks of 64 KiB are sealed under a key that only this object's memory holds, each with its place bound into it and
with a new nonce each time it is written. The file has no name: when it is closed, or the process is killed, it is gone.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bondstore.codecs.segments import NONCE, SEALED_SEGMENT, SEGMENT
from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path


class SealedFile(io.RawIOBase):
    """A nameless file in a folder, to write, seek and read. Not for use by several threads at a time."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - it is closed with this one
        self._cipher = ChaCha20Poly1305(ChaCha20Poly1305.generate_key())
        self._at = self._size = self._number = 0
        self._block = bytearray()
        """Of the one block that is held."""
        self._changed = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position, which may lie beyond the end, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("There is nothing in front of a file's start.")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Read from the position on, at most to the end of a block."""
        into = memoryview(buffer).cast("B")
        number, start = divmod(self._at, SEGMENT)
        count = max(0, min(len(into), SEGMENT - start, self._size - self._at))
        if count:
            self._go_to(number)
            into[:count] = self._block[start : start + count]
            self._at += count
        return count

    def write(self, data: Any, /) -> int:
        """Write at the position; what lies between the end and that becomes zeros."""
        view = memoryview(data).cast("B")
        if len(view):
            at, self._at = self._at, self._size
            while self._at < at:
                self._put(bytes(min(SEGMENT, at - self._at)))
            self._at = at
            self._put(view)
        return len(view)

    def _put(self, data: bytes | memoryview) -> None:
        while len(data):
            number, start = divmod(self._at, SEGMENT)
            self._go_to(number)
            part = data[: SEGMENT - start]
            self._block[start : start + len(part)] = part
            self._changed = True
            self._at += len(part)
            self._size = max(self._size, self._at)
            data = data[len(part) :]

    def _go_to(self, number: int) -> None:
        """Hold another block."""
        if number == self._number:
            return
        self._leave()
        self._number = number
        self._block = bytearray()
        sealed = os.pread(self._file.fileno(), SEALED_SEGMENT, number * SEALED_SEGMENT)
        if number * SEGMENT < self._size:
            try:
                self._block += self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], number.to_bytes(8))
            except InvalidTag:
                raise DamagedError("A temporary file on this machine is not what was written to it.") from None

    def _leave(self) -> None:
        """Seal the block that is held."""
        if not self._changed:
            return
        nonce = os.urandom(NONCE)
        sealed = memoryview(nonce + self._cipher.encrypt(nonce, bytes(self._block), self._number.to_bytes(8)))
        at = self._number * SEALED_SEGMENT
        while sealed:
            done = os.pwrite(self._file.fileno(), sealed, at)
            at, sealed = at + done, sealed[done:]
        self._changed = False

    def close(self) -> None:
        """Let go of the file; what it held is gone."""
        self._file.close()
        self._block = bytearray()
        super().close()
