"""Free loopback ports below the range that outgoing connections draw from."""

from __future__ import annotations

import random
import socket

# Outgoing connections take their ports from 32768 up: a server port up there can be taken by a client of ours in the
# moment between looking and binding. SeaweedFS adds 10,000 for gRPC, so 12,000 to 22,000 keeps both below.
_LOWEST, _HIGHEST = 12_000, 21_900


def is_free(port: int) -> bool:
    """Say whether a TCP port of 127.0.0.1 can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(count: int, *, also: int | None = None) -> list[int]:
    """Pick `count` free ports; with `also`, port + `also` is free as well."""
    chosen: list[int] = []
    for _ in range(10_000):
        port = random.randint(_LOWEST, _HIGHEST)
        if port in chosen or not is_free(port) or (also is not None and not is_free(port + also)):
            continue
        chosen.append(port)
        if len(chosen) == count:
            return chosen
    raise RuntimeError("no free ports on 127.0.0.1")
