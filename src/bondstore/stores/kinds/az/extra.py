"""What obstore cannot do at Azure: blobs whose names have empty, ``.`` or ``..`` parts or control characters.

One of them makes obstore give up a whole listing. The few requests that are needed then are signed here, as Microsoft's
own library would be a large part for them (Authorize with Shared Key, learn.microsoft.com/rest/api/storageservices).
Writing such names is not offered.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener
from xml.etree import ElementTree

from bondstore.config.credentials import azure_key, azure_sas
from bondstore.errors import ConfigurationError, StoreError
from bondstore.stores.failures import Rounds, no_store, reading_an_answer
from bondstore.stores.info import Listing, milliseconds, quoted

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule

_VERSION = "2021-08-06"


class RefusedError(OSError):
    """An answer of the server, in the form in which `failures` understands it."""

    def __init__(self, error: HTTPError) -> None:
        super().__init__(f"Server returned error response: {error.code}")
        code = error.headers.get("x-ms-error-code") or ""
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": error.code}}


class OddBlobs:
    """A client as obstore's stores are, for names that obstore cannot address; it only reads."""

    def __init__(self, address: Address, profile: Profile, rule: RetryRule) -> None:
        parts = urlsplit(address.endpoint(profile))
        if parts.scheme == "http" and not profile.uses_http():
            raise ConfigurationError(
                f"The endpoint {parts.scheme}://{parts.netloc} is not encrypted.",
                hint="Set allow_http = true in the profile, or use an https:// endpoint.",
            )
        key, sas = azure_key(profile), azure_sas(profile)
        if key is None and sas is None and not profile.anonymous:
            raise StoreError(
                f"{address.url} has keys with empty, '.' or '..' parts or control characters.",
                hint="They are listed with an account key or a shared access signature: set one in the profile.",
            )
        self._account = profile.account or ""
        self._key = base64.b64decode(key.reveal()) if key is not None and not profile.anonymous else None
        self._sas = sas.reveal().removeprefix("?") if sas is not None and key is None and not profile.anonymous else ""
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._path = f"{parts.path.rstrip('/')}/{address.place}"
        self._prefix = f"{address.prefix}/" if address.prefix else ""
        self._timeout = rule.stall_timeout
        self._url = address.url
        self._opener = _opener(direct=profile.proxy == "none")

    def head(self, path: str) -> dict[str, Any]:
        """Ask for an object's metadata."""
        with self._ask("HEAD", path) as answer:
            return _meta(path, answer)

    def get(self, path: str, *, options: Mapping[str, Any] | None = None) -> _BlobAnswer:
        """Read an object, or a range of it, of any version or a certain one."""
        options = options or {}
        asked: dict[str, str] = {}
        if "range" in options:
            start, end = options["range"]
            asked["x-ms-range"] = f"bytes={start}-{end - 1}"
        if "if_match" in options:
            asked["If-Match"] = quoted(options["if_match"])
        return _BlobAnswer(path, self._ask("GET", path, headers=asked))

    def list(self, prefix: str | None = None, **_: Any) -> Iterator[Listing]:
        """List everything under a prefix, page by page."""
        for page in self._pages(prefix):
            with reading_an_answer():
                listing = self._listing(page)
            yield listing

    def _listing(self, page: ElementTree.Element) -> Listing:
        found = [(self._own(one), _properties(one)) for one in page.iterfind("Blobs/Blob")]
        blobs = [(key, one) for key, one in found if one.get("ResourceType") != "directory"]
        return Listing(
            [key for key, _ in blobs],
            [int(one["Content-Length"]) for _, one in blobs],
            [quoted(one["Etag"]) for _, one in blobs],
            [milliseconds(parsedate_to_datetime(one["Last-Modified"])) for _, one in blobs],
        )

    def list_with_delimiter(self, prefix: str | None = None) -> dict[str, Any]:
        """List what lies directly under a prefix."""
        prefixes: list[str] = []
        objects: list[dict[str, Any]] = []
        for page in self._pages(prefix, delimiter="/"):
            prefixes += [self._own(one) for one in page.iterfind("Blobs/BlobPrefix")]
            with reading_an_answer():
                objects += self._objects(page)
        return {"common_prefixes": prefixes, "objects": objects}

    def _objects(self, page: ElementTree.Element) -> Iterator[dict[str, Any]]:
        for blob in page.iterfind("Blobs/Blob"):
            one = _properties(blob)
            if one.get("ResourceType") != "directory":
                moment = parsedate_to_datetime(one["Last-Modified"])
                yield _named(self._own(blob), int(one["Content-Length"]), one["Etag"], moment)

    def _pages(self, prefix: str | None, **more: str) -> Iterator[ElementTree.Element]:
        asked = {"restype": "container", "comp": "list", "prefix": self._prefix + (prefix or ""), **more}
        rounds = Rounds()
        while True:
            with self._ask("GET", None, query=asked) as answer, reading_an_answer():
                body = answer.read()
            if body and b"EnumerationResults" not in body:
                raise no_store(self._url)
            with reading_an_answer():
                page = ElementTree.fromstring(body)  # noqa: S314 - expat bounds what entities become
            marker = page.findtext("NextMarker") or ""
            if rounds.is_again(page.findtext("Blobs/Blob/Name") or "", marker):
                raise StoreError(
                    f"The listing of {self._url}/{prefix or ''} goes round: the server gives the same page again.",
                    hint="It is a fault of the server: nothing was taken for complete. Tell its administrator.",
                )
            yield page
            if not marker:
                return
            asked["marker"] = marker

    def _own(self, named: ElementTree.Element) -> str:
        name = named.find("Name")
        text = (name.text if name is not None else "") or ""
        if name is not None and name.get("Encoded") == "true":
            text = unquote(text)
        return text[len(self._prefix) :]

    def _ask(
        self,
        method: str,
        key: str | None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        if key is not None and not {".", ".."}.isdisjoint((self._prefix + key).split("/")):
            # What stands between may resolve such a path, and another object would come.
            raise StoreError(
                f"{self._url}/{key} cannot be asked for: '.' and '..' are resolved on the way.",
                hint="Copy it to another name with the tools of Azure.",
            )
        path = self._path if key is None else f"{self._path}/{quote(self._prefix + key, safe='/')}"
        sent = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION, **(headers or {})}
        if self._key is not None:
            text = _to_sign(method, f"/{self._account}{path}", query or {}, sent)
            signature = base64.b64encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest()).decode()
            sent["Authorization"] = f"SharedKey {self._account}:{signature}"
        line = "&".join(part for part in (urlencode(query or {}, quote_via=quote), self._sas) if part)
        url = f"{self._base}{path}" + (f"?{line}" if line else "")
        try:
            request = Request(url, headers=sent, method=method)  # noqa: S310 - it is the profile's own endpoint
            answer: HTTPResponse = self._opener.open(request, timeout=self._timeout)
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


def _to_sign(method: str, resource: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    # verb; twelve headers of HTTP, of which only If-Match is ever sent; those of Azure, sorted; the resource
    usual = [method, *["" for _ in range(7)], headers.get("If-Match", ""), "", "", ""]
    own = [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    asked = [f"{name}:{query[name]}" for name in sorted(query)]
    return "\n".join([*usual, *own, "\n".join([resource, *asked])])


class _BlobAnswer:
    """An answer to `get`, as obstore's are."""

    def __init__(self, path: str, answer: HTTPResponse) -> None:
        self._answer = answer
        self.meta = _meta(path, answer)
        self.range = (0, self.meta["size"])
        if told := answer.headers.get("Content-Range"):  # "bytes 5-104/200000"
            with reading_an_answer():
                start, _, last = told.partition("/")[0].removeprefix("bytes ").partition("-")
                self.range = (int(start), int(last) + 1)
                self.meta["size"] = int(told.rpartition("/")[2])

    def stream(self, size: int) -> Iterator[bytes]:
        """Read it in pieces."""
        with self._answer as answer:
            left = self.range[1] - self.range[0]
            while left:
                try:
                    piece = answer.read(min(size, left))
                except (OSError, HTTPException):
                    piece = b""
                if not piece:
                    raise OSError("HTTP error: kind: Interrupted")
                left -= len(piece)
                yield piece

    def bytes(self) -> bytes:
        """Read it whole."""
        return b"".join(self.stream(1 << 20))


def _properties(blob: ElementTree.Element) -> dict[str, str]:
    return {one.tag: one.text or "" for one in blob.iterfind("Properties/*")}


def _meta(path: str, answer: HTTPResponse) -> dict[str, Any]:
    headers = answer.headers
    with reading_an_answer():
        moment = parsedate_to_datetime(headers["Last-Modified"])
        return _named(path, int(headers["Content-Length"]), headers["ETag"], moment)


def _named(path: str, size: int, etag: str, moment: datetime) -> dict[str, Any]:
    return {"path": path, "size": size, "e_tag": etag, "version": None, "last_modified": moment}
