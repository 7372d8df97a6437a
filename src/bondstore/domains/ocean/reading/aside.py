"""netCDF files are read by a process of their own: on a damaged one, the C library may hang or crash."""

from __future__ import annotations

import atexit
import os
import pickle
import struct
import subprocess
import sys
from threading import RLock, Timer
from typing import IO, Any

from bondstore.domains.ocean.reading.text import damaged
from bondstore.errors import BondstoreError

SECONDS = 30.0
"""So long a file may take, with a second more for each megabyte."""
_LENGTH = struct.Struct("<Q")


class Helper:
    """A process that reads files on demand; begun anew when one has made it hang or crash."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, what: str, data: bytes, key: str) -> Any:
        """Have a file read.

        Parameters
        ----------
        what : str
            ``read`` or ``flags``.
        data, key
            As in `bondstore.domains.ocean.reading.netcdf.read_netcdf`.

        Raises
        ------
        DamagedError
            The file is damaged, or the process hung or crashed on it.
        """
        with self._lock:
            process = self._running()
            watch = Timer(SECONDS + len(data) / 1e6, process.kill)
            watch.daemon = True
            watch.start()
            try:
                _send(process.stdin, (what, data, key))
                answer = _receive(process.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):
                self.close()
                raise damaged("netcdf-damaged", key) from None
            finally:
                watch.cancel()
        if isinstance(answer, BondstoreError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # it broke when the process ended

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, fixed words
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._owner = os.getpid()
        return self._process


HELPER = Helper()
"""The one of this process."""
atexit.register(HELPER.close)


def _send(pipe: IO[bytes] | None, message: object) -> None:
    if pipe is None:
        raise EOFError
    data = pickle.dumps(message, protocol=5)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> Any:
    head = pipe.read(_LENGTH.size) if pipe is not None else b""
    if pipe is None or len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    return pickle.loads(pipe.read(length))  # noqa: S301 - from our own process


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Read files until nobody asks any more.

    Parameters
    ----------
    source, sink : binary files
        Where questions come from, and where answers go.
    """
    from bondstore.domains.ocean.reading.netcdf import flags_here, read_here

    while True:
        try:
            what, data, key = _receive(source)
        except EOFError:
            return
        try:
            answer: object = read_here(data, key) if what == "read" else flags_here(data, key)
        except BondstoreError as error:
            answer = error
        _send(sink, answer)


if __name__ == "__main__":
    # what the library prints must not get among the answers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
