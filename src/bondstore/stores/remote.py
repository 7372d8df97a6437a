"""What clients of all remote kinds of store have in common: how they wait, and how they go around a proxy."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Role
    from bondstore.stores.retry import RetryRule

PART = 8 * 1024 * 1024
"""Bytes in a part of an upload."""
_READ_PATIENCE = 4.0
_SLOWEST_LINE = 64 * 1024  # bytes a second that an upload must make
# obstore limits the whole body to 30 s by default; ours is a limit on standing still
_WHOLE_REQUEST = timedelta(days=1)
_IDLE = timedelta(seconds=20)  # older idle connections may have died in a laptop's sleep

_lock = threading.Lock()


def client_options(profile: Profile, rule: RetryRule, role: Role) -> dict[str, Any]:
    """Return obstore's time-outs and retries for a role."""
    stall = rule.stall_timeout
    if role in {"write", "once"}:
        # The stall clock of an upload starts with the request and stops at the answer: leave time for a whole part.
        stall += PART / _SLOWEST_LINE
    patience = {"read": min(_READ_PATIENCE, rule.patience), "once": 0.0}.get(role, rule.patience)
    return {
        "client_options": {
            "allow_http": profile.uses_http(),
            "connect_timeout": timedelta(seconds=rule.connect_timeout),
            "read_timeout": timedelta(seconds=stall),
            "timeout": _WHOLE_REQUEST,
            "pool_idle_timeout": _IDLE,
            "user_agent": "bondstore",
        },
        "retry_config": rule.inside(patience),
    }


@contextmanager
def without_proxy(host: str, *, active: bool) -> Iterator[None]:
    """Name a host in NO_PROXY while a client is built: obstore reads the variables then, and has no other switch."""
    if not active:
        yield
        return
    with _lock:
        before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
        listed = [part for value in before.values() if value for part in value.split(",")]
        for name in before:
            os.environ[name] = ",".join(dict.fromkeys([*listed, host]))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
