"""What clients of all remote kinds of store have in common: how they wait, and what of the environment they see."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

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
    stall = upload_stall(rule) if role in {"write", "once"} else rule.stall_timeout
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


def upload_stall(rule: RetryRule) -> float:
    """Return how long an upload may be without an answer: its clock starts with the request, and a part takes time."""
    return rule.stall_timeout + PART / _SLOWEST_LINE


@contextmanager
def own_environment(cloud: str, *, keep: Container[str] = ()) -> Iterator[None]:
    """Let a client be built of its settings alone.

    obstore reads all variables of its cloud (``AWS_…``, ``AZURE_…``) by itself: a session token of other keys, an
    endpoint, a switch that turns TLS's checks off. Those but `keep` are hidden from it meanwhile. Only from it:
    `os.environ`, which the rest of the house reads, stays as it is.
    """
    hidden = [name for name in os.environ if name.upper().startswith(f"{cloud}_") and name not in keep]
    with _lock:
        for name in hidden:
            os.unsetenv(name)  # not `del os.environ[name]`: see above
        try:
            yield
        finally:
            for name in hidden:
                if name in os.environ:
                    os.putenv(name, os.environ[name])
