"""A child process that is a server: started, waited for, stopped, killed; it ends when this process does."""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any


@functools.cache
def _keeper() -> subprocess.Popen[bytes]:
    """Start the program that outlives this one; see `tests/servers/keeper.py`."""
    words = [sys.executable, "-S", "-E", str(Path(__file__).with_name("keeper.py"))]
    # In a group of its own, so that Ctrl-C reaches neither it nor the servers: tests stop these in order.
    keeper = subprocess.Popen(words, stdin=subprocess.PIPE, process_group=0, bufsize=0)
    atexit.register(keeper.communicate)
    return keeper


def temporary_folder(prefix: str) -> Path:
    """Make a folder that is removed at the latest when this process has ended."""
    folder = tempfile.mkdtemp(prefix=prefix)
    stdin = _keeper().stdin
    assert stdin is not None
    stdin.write(os.fsencode(folder) + b"\n")
    return Path(folder)


def start(command: Sequence[str], log: Path, **words: Any) -> subprocess.Popen[bytes]:
    """Start a server, which is killed at the latest when this process has ended; its output goes to a file."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, process_group=_keeper().pid, **words
        )


class ServerProcess:
    """One server program with its log file.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    log : pathlib.Path
        Where its output goes (appended over restarts).
    ready_url : str
        It is up when this address gives any HTTP answer.
    patience : float
        Seconds to wait for that answer.
    """

    def __init__(self, command: Sequence[str], log: Path, ready_url: str, patience: float = 60) -> None:
        self.command = list(command)
        self.log = log
        self.ready_url = ready_url
        self.patience = patience
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start it and wait until it answers."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "BEIWE_"))}
        self._child = start(self.command, self.log, env=environment, cwd=self.log.parent)
        try:
            self._wait_ready(self._child)
        except BaseException:
            self.kill9()
            raise

    def stop(self) -> None:
        """Ask it to end (SIGTERM), and kill it when it takes longer than 10 s."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def kill9(self) -> None:
        """Kill it at once, as a power cut would."""
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        self._child = None

    def _wait_ready(self, child: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + self.patience
        # An opener without proxies: the ones of the environment know nothing of our loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < give_up:
            if child.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended with {child.returncode}:\n{self.tail()}")
            try:
                opener.open(self.ready_url, timeout=2).close()
            except urllib.error.HTTPError as answer:
                answer.close()
                if answer.code < 500:
                    return
            except OSError:
                pass
            else:
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.command[0]} gave no answer in {self.patience} s:\n{self.tail()}")

    def tail(self, lines: int = 25) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
