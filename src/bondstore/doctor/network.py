"""Checks of the endpoint: does it answer, is the clock right, is the bucket where the address puts it."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bondstore.config import aws_files
from bondstore.doctor.check import Check, fail, ok, skipped, warn

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.doctor.case import Case

TOLERATED = 15 * 60
"""Seconds of skew up to which AWS accepts a signature (``RequestTimeTooSkewed``)."""
NOTICED = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered to an unsigned request."""

    date: str | None  # its Date header
    between: float  # this machine's clock, seconds since 1970, half-way between question and answer


def look_at_endpoint(case: Case, *, clock: Callable[[], float] = time.time) -> Iterator[Check]:
    """See whether the endpoint answers, and compare clocks. Yields ``endpoint``, ``clock`` and ``addressing``."""
    if not case.remote:
        return
    try:
        answer = ask(
            case.endpoint,
            direct=case.profile.proxy == "none",
            timeout=case.profile.connect_timeout,
            clock=clock,
            authorities=aws_files.ca_bundle(case.profile.aws_profile) if case.address.store_kind.speaks_s3 else None,
        )
    except (OSError, http.client.HTTPException) as error:
        message, mend = _reason(error, case)
        yield fail("endpoint", message, mend)
        yield skipped("clock", "The endpoint does not answer, so its clock could not be read.")
        return
    yield ok("endpoint", f"{case.endpoint} answers.")
    yield compare_clocks(answer)
    yield from look_at_addressing(case)


def ask(
    url: str,
    *,
    direct: bool,
    timeout: float,
    clock: Callable[[], float] = time.time,
    authorities: Path | None = None,
) -> Answer:
    """Send one unsigned request, `direct` past any proxy; any answer will do, and none is an error of the system."""
    trusted = ssl.create_default_context()
    if authorities is not None:
        trusted.load_verify_locations(authorities)
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), urllib.request.HTTPSHandler(context=trusted)]
    if direct:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    request = urllib.request.Request(url.rstrip("/") + "/", method="HEAD", headers={"User-Agent": "bondstore-doctor"})  # noqa: S310
    before = clock()
    try:
        with opener.open(request, timeout=timeout) as reply:
            date = reply.headers.get("Date")
    except urllib.error.HTTPError as refusal:  # an answer all the same: unsigned requests are refused
        with refusal:
            date = refusal.headers.get("Date")
    return Answer(date, (before + clock()) / 2)


def compare_clocks(answer: Answer) -> Check:
    """Compare this machine's clock with the server's."""
    try:
        server = parsedate_to_datetime(answer.date or "").timestamp()
    except (ValueError, TypeError):
        return skipped("clock", "The endpoint did not tell its time, so the clocks could not be compared.")
    skew = answer.between - (server + 0.5)  # the header has whole seconds, cut off
    if abs(skew) < NOTICED:
        return ok("clock", "This machine's clock agrees with the server's.")
    way = "ahead of" if skew > 0 else "behind"
    message = f"This machine's clock is {abs(skew) / 60:.0f} min {way} the server's."
    mend = "sudo timedatectl set-ntp true"
    return fail("clock", message, mend) if abs(skew) >= TOLERATED else warn("clock", message, mend)


def look_at_addressing(case: Case) -> Iterator[Check]:
    """See whether the host that the bucket's name makes can be found."""
    if not case.address.store_kind.speaks_s3:
        return
    bucket = case.address.place
    if case.profile.uses_path_style(bucket):
        yield ok("addressing", "The bucket is named in the path.")
        return
    host = case.host if case.host.startswith(f"{bucket}.") else f"{bucket}.{case.host}"
    proxied = case.profile.proxy == "environment" and bool(urllib.request.getproxies())
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        if proxied:
            yield skipped("addressing", f"The name {host} is known to the proxy only, if at all.")
            return
        yield fail(
            "addressing", f"The bucket is named in the host, but {host} is not known.", case.setting("--path-style")
        )
        return
    if case.endpoint.startswith("https:") and "." in bucket:
        yield warn("addressing", "A dot in the bucket's name breaks the certificate.", case.setting("--path-style"))
        return
    yield ok("addressing", "The bucket is named in the host.")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer; following it could lead anywhere."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """Follow none."""


def _reason(error: Exception, case: Case) -> tuple[str, str]:  # noqa: PLR0911 - one line a cause
    """Tell why there was no answer, and what to do."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    parts = urlsplit(case.endpoint)
    other = "http" if parts.scheme == "https" else "https"
    swap = case.setting(f"--endpoint {other}://{parts.netloc}")
    if isinstance(cause, socket.gaierror):
        return f"The name {case.host} is not known.", case.setting("--endpoint https://HOST")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate of {case.host} is not trusted here.", "export SSL_CERT_FILE=/path/to/your-ca.pem"
    if isinstance(cause, ssl.SSLError):
        return f"{parts.netloc} does not speak TLS.", swap
    if isinstance(cause, http.client.HTTPException):
        return f"{parts.netloc} does not answer in HTTP; it may expect {other}://.", swap
    if isinstance(cause, TimeoutError):
        mend = "Check the VPN, the firewall and the proxy variables, then: bondstore doctor"
        return f"{parts.netloc} gives no answer in {case.profile.connect_timeout:.0f} s.", mend
    if isinstance(cause, ConnectionRefusedError):
        return f"Nothing listens at {parts.netloc}.", case.setting("--endpoint http://HOST:PORT")
    reason = getattr(cause, "strerror", None) or type(cause).__name__
    return f"{parts.netloc} cannot be reached ({reason}).", "Check the network, then: bondstore doctor"
