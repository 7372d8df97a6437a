"""Ends the servers of a process that is gone, however it ended, and removes their folders.

The process keeps the writing end of a pipe open, which only its end can close, and starts its servers in the process
group of this program. Folders come down the pipe, a line each.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys


def main() -> None:
    """Wait for the end of the other process."""
    folders = [line.rstrip("\n") for line in sys.stdin]
    servers = os.getpgrp()
    if os.fork():
        os.wait()
        return
    os.setpgid(0, 0)  # out of the group that is killed now
    os.killpg(servers, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
