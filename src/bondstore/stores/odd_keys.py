"""Reading S3 keys that obstore cannot address: with empty, ``.`` or ``..`` parts, or slashes at their ends.

Real buckets hold some (an empty survey id leaves ``surveyTimings//1.csv``), and one of them makes obstore give up a
whole listing. For these alone the requests are made here, with the standard library. Writing such keys is not offered.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree

from bondstore.errors import StoreError, TransientStoreError, UsageError
from bondstore.stores.clients import endpoint_url
from bondstore.stores.connection import Patience
from bondstore.stores.failures import Failure, understand_answer, unreachable
from bondstore.stores.info import Dirs, Fetched, Listing, ObjectInfo
from bondstore.stores.sigv4 import authorize, encode_path, encode_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.stores.connection import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_odd(key: str) -> bool:
    """Say whether obstore cannot address a key."""
    return any(part in {"", ".", ".."} for part in key.split("/"))


def has_odd_parts(connection: Connection, key: str) -> bool:
    """Say whether reading a key is for this module.

    Raises
    ------
    UsageError
        When no store of this kind can have such a key, or the key is empty.
    """
    if not is_odd(key) and "\0" not in key:
        return False
    if connection.address.kind == "s3" and key.strip("/") and "\0" not in key:
        return True  # S3 alone lists keys such as `a//b`
    raise impossible(key)


def impossible(key: str) -> UsageError:
    """Return the error for a key that leaves the store, or that some stores fold onto another one."""
    return UsageError(f"{key!r} is no possible key.", hint="Keys have no empty, '.' or '..' parts.")


def list_pages(connection: Connection, prefix: str, start_after: str | None) -> Iterator[Listing]:
    """List everything under a prefix, whatever the keys look like; as `Store.pages`."""
    for root in _answers(connection, prefix, {"start-after": _full(connection, start_after)} if start_after else {}):
        found = list(_objects(connection, root))
        yield Listing(
            [one.key for one in found],
            [one.size for one in found],
            [one.etag for one in found],
            [one.modified_ms for one in found],
        )


def list_dirs(connection: Connection, prefix: str) -> Dirs:
    """List what lies directly under a prefix; as `Store.dirs`."""
    prefixes: list[str] = []
    objects: list[ObjectInfo] = []
    for root in _answers(connection, prefix, {"delimiter": "/"}):
        prefixes += [_own(connection, unquote_plus(_text(one, "Prefix"))) for one in _all(root, "CommonPrefixes")]
        objects += _objects(connection, root)
    return Dirs(sorted(prefixes), objects)


def head(connection: Connection, key: str) -> ObjectInfo:
    """Ask for one object's metadata; as `Store.head`."""
    return _info(key, _request(connection, "HEAD", _full(connection, key), {}, key=key)[0])


def fetch(connection: Connection, key: str, headers: Mapping[str, str] | None = None) -> Fetched:
    """Read one object, or the part that a `Range` header names; as `Store.get`."""
    answered, body = _request(connection, "GET", _full(connection, key), {}, key=key, headers=headers)
    return Fetched(_info(key, answered), body)


def fetch_range(connection: Connection, key: str, start: int, end: int, etag: str | None) -> bytes:
    """Read a part of one object; as `bondstore.stores.transfer.fetch_range`."""
    headers = {"Range": f"bytes={start}-{end - 1}"} | ({"If-Match": etag} if etag else {})
    return bytes(fetch(connection, key, headers).data)


def _answers(connection: Connection, prefix: str, extra: dict[str, str]) -> Iterator[ElementTree.Element]:
    full = _full(connection, prefix)
    query = {"list-type": "2", "encoding-type": "url", "prefix": full} | extra
    while True:
        _, body = _request(connection, "GET", None, query, key=prefix)
        try:
            root = ElementTree.fromstring(body)  # noqa: S314 - today's expat bounds what entities may grow to
        except ElementTree.ParseError:
            raise StoreError(f"{connection.address.url} answers a listing with something else.") from None
        yield root
        if _text(root, "IsTruncated") != "true":
            return
        token = _text(root, "NextContinuationToken")
        query = {k: v for k, v in query.items() if k != "start-after"} | {"continuation-token": token}


def _objects(connection: Connection, root: ElementTree.Element) -> Iterator[ObjectInfo]:
    for one in _all(root, "Contents"):
        key = _own(connection, unquote_plus(_text(one, "Key")))
        modified = datetime.fromisoformat(_text(one, "LastModified"))
        yield ObjectInfo(key, int(_text(one, "Size")), _text(one, "ETag"), None, _ms(modified))


def _all(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return root.findall(f"{{*}}{name}")


def _text(root: ElementTree.Element, name: str) -> str:
    return root.findtext(f"{{*}}{name}", default="")


def _full(connection: Connection, key: str) -> str:
    prefix = connection.address.prefix
    return f"{prefix}/{key}" if prefix else key


def _own(connection: Connection, full: str) -> str:
    prefix = connection.address.prefix
    return full[len(prefix) + 1 :] if prefix else full


def _ms(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds() * 1000)


def _info(key: str, headers: http.client.HTTPMessage) -> ObjectInfo:
    size = (headers["Content-Range"] or "").rpartition("/")[2] or headers["Content-Length"] or "0"
    modified = parsedate_to_datetime(headers["Last-Modified"])
    return ObjectInfo(key, int(size), headers["ETag"] or "", headers["x-amz-version-id"], _ms(modified))


def _request(
    connection: Connection,
    method: str,
    full_key: str | None,
    query: Mapping[str, str],
    *,
    key: str,
    headers: Mapping[str, str] | None = None,
) -> tuple[http.client.HTTPMessage, bytes]:
    """Send a request until it is answered or the patience is used up."""
    patience = Patience(connection.rule)
    while True:
        request = _signed(connection, method, full_key, query)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with _opener(connection).open(request, timeout=connection.rule.stall_timeout) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                failure = understand_answer(answer.code, answer.read(64_000), connection.address.url, key)
        except urllib.error.URLError as raised:
            why = raised.reason.strerror if isinstance(raised.reason, OSError) else None
            failure = Failure(unreachable(connection.address.url, (why or "").lower()), passing=True)
        except (OSError, http.client.HTTPException):
            broken = TransientStoreError(f"The connection broke at {connection.address.url}/{key}.")
            failure = Failure(broken, passing=True)
        patience.spend(failure)


def _opener(connection: Connection) -> urllib.request.OpenerDirector:
    none: tuple[Any, ...] = (urllib.request.ProxyHandler({}),) if connection.spec.profile.proxy == "none" else ()
    return urllib.request.build_opener(*none)


def _signed(
    connection: Connection, method: str, full_key: str | None, query: Mapping[str, str]
) -> urllib.request.Request:
    from bondstore.config.credentials import credentials

    profile, address = connection.spec.profile, connection.address
    base = endpoint_url(address, profile)
    parts = urlsplit(base)
    in_path = f"/{address.place}" if profile.uses_path_style(address.place) else ""
    path = encode_path(f"{parts.path}{in_path}/{full_key or ''}" if full_key is not None else f"{parts.path}{in_path}/")
    target = f"{parts.scheme}://{parts.netloc}{path}" + (f"?{encode_query(query)}" if query else "")
    request = urllib.request.Request(target, method=method)  # noqa: S310 - the profile's own endpoint
    found = credentials(profile)
    if found is None:
        if profile.anonymous:
            return request
        raise StoreError(
            f"{address.url} holds keys with empty, '.' or '..' parts; reading them needs an access key.",
            hint="Name an access key and a secret in the profile.",
        )
    authorize(request, path, query, found, profile.region)
    return request
