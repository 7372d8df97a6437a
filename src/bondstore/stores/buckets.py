"""Which buckets some credentials can see, asked for with one signed request.

Source: "ListBuckets", Amazon S3 API Reference.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from bondstore.errors import ConfigurationError, StoreError, TransientStoreError
from bondstore.stores.address import Address
from bondstore.stores.clients import endpoint_url
from bondstore.stores.failures import Failure, understand_answer, unreachable
from bondstore.stores.retry import RetryRule
from bondstore.stores.sigv4 import authorize, encode_path, encode_query

if TYPE_CHECKING:
    from bondstore.config.credentials import Credentials
    from bondstore.config.profiles import Profile

_PAGE = "1000"
_LONGEST = 16 << 20
_NOT_PERMITTED = {"AccessDenied", "AllAccessDisabled", "NotImplemented", "MethodNotAllowed"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, as a server lists it.

    Parameters
    ----------
    name : str
        Its name.
    region : str
        Where it is; empty where the server does not say.
    """

    name: str
    region: str = ""


def list_buckets(profile: Profile, rule: RetryRule | None = None) -> list[Bucket] | None:
    """List the buckets that a profile's credentials can see.

    Parameters
    ----------
    profile : Profile
        Credentials, endpoint and region.
    rule : RetryRule, optional
        Time-outs and patience; the profile's when not given.

    Returns
    -------
    list of Bucket or None
        By name. None where they cannot be listed, though the credentials may well be good for a bucket: listing is not
        permitted or not offered, or there are no keys to sign with (a machine's own role, an anonymous profile).

    Raises
    ------
    CredentialsError
        The server does not know the credentials.
    UnreachableError
        Nobody answers.
    StoreError
        The answer is none.
    """
    from bondstore.config.credentials import credentials

    found = credentials(profile)
    if found is None:
        return None
    rule = rule or RetryRule.of(profile)
    base = endpoint_url(Address("s3", ""), profile)
    buckets: list[Bucket] = []
    query = {"max-buckets": _PAGE}
    while True:
        body = _answer(base, query, profile, found, rule)
        if body is None:
            return None
        page, token = _understood(body, base)
        buckets += page
        if not token or token == query.get("continuation-token"):
            return sorted(buckets, key=lambda one: one.name)
        query = {"max-buckets": _PAGE, "continuation-token": token}


def _understood(body: bytes, base: str) -> tuple[list[Bucket], str]:
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - today's expat bounds what entities may grow to
    except ElementTree.ParseError:
        root = ElementTree.Element("none")
    if not root.tag.endswith("ListAllMyBucketsResult"):
        raise StoreError(f"{base} answers a listing of buckets with something else.", hint="Check the endpoint.")
    named = ((_text(one, "Name"), _text(one, "BucketRegion")) for one in root.iterfind("{*}Buckets/{*}Bucket"))
    return [Bucket(name, region) for name, region in named if name], _text(root, "ContinuationToken")


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}", default="").strip()


def _answer(base: str, query: dict[str, str], profile: Profile, found: Credentials, rule: RetryRule) -> bytes | None:
    """Ask until there is an answer, or the patience for a first contact is used up; None: it is not permitted."""
    give_up = time.monotonic() + rule.first_contact
    for wait in rule.waits():
        failure = _ask(_signed(base, query, profile, found), base, profile, rule)
        if isinstance(failure, bytes):
            return failure
        if failure.code in _NOT_PERMITTED:
            return None
        if not failure.passing or time.monotonic() + wait > give_up:
            raise failure.error
        time.sleep(wait)
    raise AssertionError("waits have no end")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: what is signed for one server is not carried to another."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse, which leaves the answer as it is."""


def _ask(request: urllib.request.Request, base: str, profile: Profile, rule: RetryRule) -> bytes | Failure:
    none: tuple[Any, ...] = (urllib.request.ProxyHandler({}),) if profile.proxy == "none" else ()
    try:
        with urllib.request.build_opener(_Stay, *none).open(request, timeout=rule.connect_timeout) as answer:
            return bytes(answer.read(_LONGEST))
    except urllib.error.HTTPError as answer:
        with answer:
            return understand_answer(answer.code, answer.read(64_000), base)
    except urllib.error.URLError as raised:
        why = raised.reason.strerror if isinstance(raised.reason, OSError) else None
        return Failure(unreachable(base, (why or "").lower()), passing=True)
    except (OSError, http.client.HTTPException):
        return Failure(TransientStoreError(f"The connection to {base} broke."), passing=True)


def _signed(base: str, query: dict[str, str], profile: Profile, found: Credentials) -> urllib.request.Request:
    parts = urlsplit(base)
    if parts.scheme == "http" and not profile.uses_http():
        raise ConfigurationError(
            f"The endpoint {base} is not encrypted.",
            hint="Set allow_http = true in the profile, or use an https:// endpoint.",
        )
    path = encode_path(f"{parts.path}/")
    request = urllib.request.Request(f"{parts.scheme}://{parts.netloc}{path}?{encode_query(query)}")  # noqa: S310
    authorize(request, path, query, found, profile.region)
    return request
