"""Who reads, as the audit names them."""

from __future__ import annotations

import getpass
import socket
from functools import cache


@cache
def whoami() -> str:
    """Return ``account@machine``."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        account = "unknown"
    return f"{account}@{socket.gethostname()}"
