"""Profiles from netCDF, read by a process of its own: on a damaged file, the C library may hang or crash.

Argo profile files, contiguous ragged arrays (ours, IMOS), and files of a single profile.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from contextlib import suppress
from threading import RLock, Timer
from typing import IO, TYPE_CHECKING, Any

from bondstore.domains.ocean.reading import wire
from bondstore.domains.ocean.reading.text import damaged
from bondstore.errors import DamagedError, MissingExtraError, OutOfMemoryError, out_of_memory

if TYPE_CHECKING:
    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.reading.dataset import StoredFlags
    from bondstore.findings import Finding


_SIGNATURES = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")


SECONDS = 30.0
"""So long a file may take, with a second more for each megabyte."""


def is_netcdf(data: bytes) -> bool:
    """Tell by its first bytes whether a file is netCDF."""
    return data.startswith(_SIGNATURES)


def read_netcdf(data: bytes, key: str) -> tuple[Batch, list[Finding]]:
    """Read the profiles of a netCDF file, which are named by the key's stem.

    Argo files (``PLATFORM_NUMBER`` and ``N_PROF``) give the adjusted values in profiles of mode D and A, and the raw
    ones where there is no adjusted value; see `bondstore.domains.ocean.reading.argo.read_argo`. Other files need
    ``PRES`` (or ``DEPTH``) and ``TEMP``, with TIME, LATITUDE and LONGITUDE per level or per profile; several profiles
    are told apart by a contiguous ragged array (CF conventions 9.3.3).
    """
    if not is_netcdf(data):
        raise damaged("not-a-profile", key)
    answer: tuple[Batch, list[Finding]] = HELPER.ask("read", data, key)
    return answer


def flags_in(data: bytes, key: str = "") -> StoredFlags:
    """Return the flags that a netCDF file has of its own, level by level as `read_netcdf` reads the levels.

    Numbers are those of the file: of an Argo file ``PRES_QC`` and so on as the roll-up; of others
    ``<VAR>_quality_control`` as the roll-up and ``<VAR>_qc_<test>`` by test.
    """
    if not is_netcdf(data):
        raise damaged("not-a-profile", key)
    answer: StoredFlags = HELPER.ask("flags", data, key)
    return answer


def read_here(data: bytes, key: str) -> tuple[Batch, list[Finding]]:
    """Read a file as `read_netcdf` does, in this very process: one that is damaged may take it along."""
    from bondstore.domains.ocean.reading.argo import is_argo, read_argo
    from bondstore.domains.ocean.reading.dataset import opened
    from bondstore.domains.ocean.reading.ragged import read_ragged

    with opened(data, key) as reader:
        return read_argo(reader) if is_argo(reader) else read_ragged(reader)


def flags_here(data: bytes, key: str) -> StoredFlags:
    """Return flags as `flags_in` does, in this very process."""
    from bondstore.domains.ocean.reading.argo import argo_flags, is_argo
    from bondstore.domains.ocean.reading.dataset import opened
    from bondstore.domains.ocean.reading.ragged import ragged_flags

    with opened(data, key) as reader:
        return argo_flags(reader) if is_argo(reader) else ragged_flags(reader)


class _Watch:
    """Kills a process that takes too long."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process = process
        self._fired = False
        self._timer = Timer(seconds, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def _fire(self) -> None:
        self._fired = True
        self._process.kill()

    def cancel(self) -> None:
        """The process has answered."""
        self._timer.cancel()

    def is_files_fault(self) -> bool:
        """Whether the file made it hang, crash or talk nonsense.

        Where memory runs out the system kills it, or a library ends it in good order when it is loaded: that says
        nothing of the file.
        """
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1)
            return self._fired or (code < 0 and code != -signal.SIGKILL)
        return True


class Helper:
    """A process that reads files on demand; begun anew when one has made it hang, crash or talk nonsense."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, what: str, data: bytes, key: str) -> Any:
        """Have a file read (``read`` or ``flags``); one on which the process hangs or crashes is damaged."""
        with self._lock:
            try:
                answer = self._asked(what, data, key)
            except OutOfMemoryError:
                # It ends the run, so a fresh process is asked as well: the one before may have been used up by others.
                answer = self._asked(what, data, key)
        if isinstance(answer, DamagedError | MissingExtraError):
            raise answer
        return answer

    def _asked(self, what: str, data: bytes, key: str) -> wire.Answer:
        process = self._running()
        watch = _Watch(process, SECONDS + len(data) / 1e6)
        try:
            wire.ask(process.stdin, what, data, key)
            return wire.answered(process.stdout, key, len(data))
        except (OSError, EOFError, ValueError):
            is_files_fault = watch.is_files_fault()
            self.close()
            if not is_files_fault:
                raise out_of_memory() from None
            raise damaged("netcdf-damaged", key) from None
        finally:
            watch.cancel()

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


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Read files until nobody asks any more."""
    while True:
        try:
            what, data, key = wire.asked(source)
        except EOFError:
            return
        try:
            wire.answer(sink, read_here(data, key) if what == "read" else flags_here(data, key))
        except (DamagedError, MissingExtraError) as error:
            wire.answer(sink, error)
        except MemoryError:
            raise  # how much a file may become was looked at before: it says nothing of the file
        except Exception:  # noqa: BLE001 - whatever a file makes of the library, the next one is read all the same
            wire.answer(sink, damaged("netcdf-damaged", key))


if __name__ == "__main__":
    # what the library prints must not get among the answers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
