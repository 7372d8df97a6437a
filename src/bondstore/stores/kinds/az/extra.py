"""What obstore cannot do at Azure: blobs whose names have empty, ``.`` or ``..`` parts or control characters.

One of them makes obstore give up a whole listing. Writing such names is not offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree

from bondstore.errors import StoreError
from bondstore.stores.failures import Rounds, no_store, reading_an_answer
from bondstore.stores.info import Listing, milliseconds, quoted
from bondstore.stores.kinds.az.signed import SignedRequests

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule


class OddBlobs:
    """A client as obstore's stores are, for names that obstore cannot address; it only reads."""

    def __init__(self, address: Address, profile: Profile, rule: RetryRule) -> None:
        self._requests = SignedRequests(
            address,
            profile,
            rule,
            StoreError(
                f"{address.url} has keys with empty, '.' or '..' parts or control characters.",
                hint="They are listed with an account key or a shared access signature: set one in the profile.",
            ),
        )
        self._prefix = self._requests.prefix
        self._url = address.url

    def head(self, path: str) -> dict[str, Any]:
        """Ask for an object's metadata."""
        with self._requests.send("HEAD", path) as answer:
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
        return _BlobAnswer(path, self._requests.send("GET", path, headers=asked))

    def list(self, prefix: str | None = None, **_: Any) -> Iterator[Listing]:
        """List everything under a prefix, page by page."""
        for page in self.pages(prefix):
            with reading_an_answer():
                listing = self._listing(page)
            yield listing

    def _listing(self, page: ElementTree.Element) -> Listing:
        found = [(self.own(one), _properties(one)) for one in page.iterfind("Blobs/Blob")]
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
        for page in self.pages(prefix, delimiter="/"):
            prefixes += [self.own(one) for one in page.iterfind("Blobs/BlobPrefix")]
            with reading_an_answer():
                objects += self._objects(page)
        return {"common_prefixes": prefixes, "objects": objects}

    def _objects(self, page: ElementTree.Element) -> Iterator[dict[str, Any]]:
        for blob in page.iterfind("Blobs/Blob"):
            one = _properties(blob)
            if one.get("ResourceType") != "directory":
                moment = parsedate_to_datetime(one["Last-Modified"])
                yield _named(self.own(blob), int(one["Content-Length"]), one["Etag"], moment)

    def pages(self, prefix: str | None, **more: str) -> Iterator[ElementTree.Element]:
        """List what is under a prefix, page by page, as the server writes it."""
        asked = {"restype": "container", "comp": "list", "prefix": self._prefix + (prefix or ""), **more}
        rounds = Rounds()
        while True:
            with self._requests.send("GET", None, query=asked) as answer, reading_an_answer():
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

    def own(self, named: ElementTree.Element) -> str:
        """Return the key of what a page names."""
        name = named.find("Name")
        text = (name.text if name is not None else "") or ""
        if name is not None and name.get("Encoded") == "true":
            text = unquote(text)
        return text[len(self._prefix) :]


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
