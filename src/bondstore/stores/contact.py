"""The first connection: a wrong address is told within seconds, not after all the patience a known one deserves."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from bondstore.stores.clients import endpoint_url
from bondstore.stores.failures import unreachable

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule


def check_contact(address: Address, profile: Profile, rule: RetryRule) -> None:
    """Make one TCP connection to the endpoint and close it.

    Where a proxy stands in between nothing is tried: what it reaches cannot be seen from here.

    Raises
    ------
    UnreachableError
        When nobody answers there within the rule's `first_contact` seconds.
    """
    parts = urlsplit(endpoint_url(address, profile))
    host = parts.hostname or ""
    if profile.proxy == "environment" and _is_proxied(parts.scheme, host):
        return
    port = parts.port or (80 if parts.scheme == "http" else 443)
    give_up = time.monotonic() + rule.first_contact
    for wait in rule.waits():
        try:
            socket.create_connection((host, port), timeout=rule.connect_timeout).close()
        except socket.gaierror:
            why = f"the name {host} is not known"
        except OSError as raised:
            why = raised.strerror or "no connection"
        else:
            return
        if time.monotonic() + wait > give_up:
            raise unreachable(f"{address.url} at {host}:{port}", why.lower())
        time.sleep(wait)


def _is_proxied(scheme: str, host: str) -> bool:
    proxies = getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(host)
