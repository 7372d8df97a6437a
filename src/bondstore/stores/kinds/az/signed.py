"""Requests to Azure that obstore does not make, signed here, as Microsoft's own library would be a large part for them.

Authorize with Shared Key: learn.microsoft.com/rest/api/storageservices. obstore can sign addresses of its own, but not
those of blobs whose names have other characters than plain ones (0.12).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from email.utils import formatdate
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from bondstore.config.credentials import azure_key, azure_sas
from bondstore.errors import BondstoreError, ConfigurationError, StoreError
from bondstore.stores.remote import upload_stall

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule

_VERSION = "2021-08-06"
_PIECE = 64 * 1024  # of a body: the time-out is for each


class RefusedError(OSError):
    """An answer of the server, in the form in which `failures` understands it."""

    def __init__(self, error: HTTPError) -> None:
        super().__init__(f"Server returned error response: {error.code}")
        self.status = error.code
        self.code = code = error.headers.get("x-ms-error-code") or ""
        self.response: dict[str, dict[str, Any]] = {
            "Error": {"Code": code},
            "ResponseMetadata": {"HTTPStatusCode": error.code},
        }


class SignedRequests:
    """Requests to one container, by account key, shared access signature, or without credentials.

    `unsigned` is raised where there is neither: a role of the machine signs nothing here.
    """

    def __init__(self, address: Address, profile: Profile, rule: RetryRule, unsigned: BondstoreError) -> None:
        parts = urlsplit(address.endpoint(profile))
        if parts.scheme == "http" and not profile.uses_http():
            raise ConfigurationError(
                f"The endpoint {parts.scheme}://{parts.netloc} is not encrypted.",
                hint="Set allow_http = true in the profile, or use an https:// endpoint.",
            )
        key, sas = azure_key(profile), azure_sas(profile)
        if key is None and sas is None and not profile.anonymous:
            raise unsigned
        self._account = profile.account or ""
        self._key = base64.b64decode(key.reveal()) if key is not None and not profile.anonymous else None
        self._sas = sas.reveal().removeprefix("?") if sas is not None and key is None and not profile.anonymous else ""
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._path = f"{parts.path.rstrip('/')}/{address.place}"
        self.prefix = f"{address.prefix}/" if address.prefix else ""
        self._timeouts = (rule.stall_timeout, upload_stall(rule))
        self._url = address.url
        self._opener = _opener(direct=profile.proxy == "none")

    def send(
        self,
        method: str,
        key: str | None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: memoryview | bytes | None = None,
    ) -> HTTPResponse:
        """Ask for the container (no key) or a blob; raises `RefusedError`, or `OSError` as obstore's are worded."""
        if key is not None and not {".", ".."}.isdisjoint((self.prefix + key).split("/")):
            # What stands between may resolve such a path, and another object would come.
            raise StoreError(
                f"{self._url}/{key} cannot be asked for: '.' and '..' are resolved on the way.",
                hint="Copy it to another name with the tools of Azure.",
            )
        path = self._path if key is None else f"{self._path}/{quote(self.prefix + key, safe='/')}"
        sent = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION, **(headers or {})}
        if body is not None:
            sent |= {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
        if self._key is not None:
            text = _to_sign(method, f"/{self._account}{path}", query or {}, sent)
            signature = base64.b64encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest()).decode()
            sent["Authorization"] = f"SharedKey {self._account}:{signature}"
        line = "&".join(part for part in (urlencode(query or {}, quote_via=quote), self._sas) if part)
        url = f"{self._base}{path}" + (f"?{line}" if line else "")
        data: Any = None if body is None else [body[at : at + _PIECE] for at in range(0, len(body), _PIECE)]
        return self._open(Request(url, data, sent, method=method))  # noqa: S310 - it is the profile's own endpoint

    def _open(self, request: Request) -> HTTPResponse:
        try:
            answer: HTTPResponse = self._opener.open(request, timeout=self._timeouts[request.data is not None])
        except HTTPError as error:
            with error:
                raise RefusedError(error) from None
        except URLError as error:
            if isinstance(error.reason, ssl.SSLError):
                raise OSError("certificate") from None
            raise OSError("HTTP error: kind: Connect") from None
        except (OSError, HTTPException):
            raise OSError("HTTP error: kind: Interrupted") from None
        return answer


def _opener(*, direct: bool) -> OpenerDirector:
    handlers: list[Any] = [_Stay, HTTPSHandler(context=ssl.create_default_context())]
    return build_opener(*handlers, *([ProxyHandler({})] if direct else []))


class _Stay(HTTPRedirectHandler):
    """What is signed for one server is not carried to another."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


_SIGNED = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
)


def _to_sign(method: str, resource: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    # verb; eleven headers of HTTP, where a length of 0 is left out; those of Azure, sorted; the resource
    usual = [method, *("" if (value := headers.get(name, "")) == "0" else value for name in _SIGNED)]
    own = [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    asked = [f"{name}:{query[name]}" for name in sorted(query)]
    return "\n".join([*usual, *own, "\n".join([resource, *asked])])
