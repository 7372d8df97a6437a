"""Requests carry credentials, so they go to the store's own host and to no other, whatever it answers."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from bondstore.stores.failures import NOWHERE, elsewhere

if TYPE_CHECKING:
    from http.client import HTTPConnection
    from ssl import SSLContext

    from bondstore.config.profiles import Profile

# What gives this machine's own role its credentials: EC2, ECS, EKS, Azure's App Service, and AWS's token service.
_METADATA = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23")
_NAMED = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_ENDPOINT_URL_STS",
    "AWS_METADATA_ENDPOINT",
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
)
_PORTS = {"http": 80, "https": 443}


def is_proxied(profile: Profile, scheme: str, host: str) -> bool:
    """Whether a proxy of the environment stands between this machine and a host."""
    from urllib.request import proxy_bypass

    proxies = _proxies(profile)
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(host)


def _proxies(profile: Profile) -> dict[str, str]:
    from urllib.request import getproxies

    if profile.proxy != "environment":
        return {}
    return {scheme: proxy for scheme, proxy in getproxies().items() if scheme != "no"}


def bound_to(endpoint: str, profile: Profile, *, by_role: bool) -> dict[str, Any]:
    """Return obstore's settings by which a client goes to an endpoint's host alone, and to those that give a role.

    obstore follows redirects anywhere, takes what comes from there for the object, sends a temporary key's token
    along, and has no switch for that. So every other host is "behind a proxy" at port 0, where nobody can be. Where a
    real proxy is on the way, it has the one place for a proxy: see decision 021.
    """
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if is_proxied(profile, parts.scheme, host) or (by_role and _proxies(profile)):
        return {}
    hosts = (host, *_role_hosts(profile)) if by_role else (host,)
    return {"proxy_url": f"http://{NOWHERE}", "proxy_excludes": ",".join(dict.fromkeys(hosts))}


def _role_hosts(profile: Profile) -> list[str]:
    region = profile.region or "us-east-1"
    sts = [f"{name}.amazonaws.com{end}" for name in ("sts", f"sts.{region}") for end in ("", ".cn")]
    named = [urlsplit(os.environ.get(name, "")).hostname or "" for name in _NAMED]
    return [*_METADATA, *sts, *filter(None, named)]


def refuse_redirect(url: str, place: str, profile: Profile, authorities: str | None) -> None:
    """Ask for a place once, unsigned: where it answers with a redirect to another server, that is told at once.

    Otherwise a listing would meet the redirect, and try again for as long as its patience lasts. Whatever else is
    answered or goes wrong, the client itself will meet and explain.
    """
    import http.client

    parts = urlsplit(url)
    if is_proxied(profile, parts.scheme, parts.hostname or ""):
        return
    with closing(_connection(parts.scheme, parts.netloc, profile.connect_timeout, authorities)) as asked:
        try:
            asked.request("HEAD", parts.path or "/", headers={"User-Agent": "bondstore"})
            with asked.getresponse() as answer:
                location, region = answer.getheader("Location"), answer.getheader("x-amz-bucket-region")
        except (OSError, http.client.HTTPException):
            return
    if 300 <= answer.status < 400 and location and _origin(urljoin(url, location)) != _origin(url):
        raise elsewhere(place, region or "")


def _connection(scheme: str, netloc: str, timeout: float, authorities: str | None) -> HTTPConnection:
    import http.client

    if scheme == "http":
        return http.client.HTTPConnection(netloc, timeout=timeout)
    return http.client.HTTPSConnection(netloc, timeout=timeout, context=trusted_authorities(authorities))


def trusted_authorities(more: str | None) -> SSLContext:
    """Return what checks servers' certificates: the system's authorities, and those of a file."""
    import ssl

    trusted = ssl.create_default_context()
    if more is not None:
        trusted.load_verify_locations(more)
    return trusted


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
