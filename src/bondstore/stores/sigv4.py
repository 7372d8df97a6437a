"""AWS Signature Version 4 in the `Authorization` header, for S3 requests without a body.

Source: "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", Amazon S3 API Reference.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from urllib.request import Request

    from bondstore.config.credentials import Credentials

_EMPTY = hashlib.sha256(b"").hexdigest()
_UNRESERVED = "-_.~"


def encode_path(path: str) -> str:
    """Percent-encode a path as S3 signs it: every byte but unreserved ones and ``/``; nothing is folded."""
    return quote(path, safe="/" + _UNRESERVED)


def encode_query(query: Mapping[str, str]) -> str:
    """Percent-encode a query in the order in which it is signed."""
    return "&".join(f"{quote(k, safe=_UNRESERVED)}={quote(v, safe=_UNRESERVED)}" for k, v in sorted(query.items()))


def authorize(request: Request, path: str, query: Mapping[str, str], found: Credentials, region: str | None) -> None:
    """Sign a request that is about to be sent, now.

    Parameters
    ----------
    request : Request
        Gets the headers.
    path : str
        Encoded path, as sent.
    query : mapping of str to str
        Not encoded.
    found : Credentials
        To sign with.
    region : str or None
        The bucket's region; where it is not named, the one that is everybody's.
    """
    signed = sign(
        request.get_method(),
        request.host,
        path,
        query,
        access_key=found.access_key,
        secret=found.secret.reveal(),
        token=found.token.reveal() if found.token else None,
        region=region or "us-east-1",
        now=datetime.now(UTC),
    )
    for name, value in signed.items():
        request.add_header(name, value)


def sign(
    method: str,
    host: str,
    path: str,
    query: Mapping[str, str],
    *,
    access_key: str,
    secret: str,
    token: str | None,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """Return the headers that sign a request.

    Parameters
    ----------
    method, host : str
        ``GET`` or ``HEAD``; host with port as the `Host` header says it.
    path : str
        Encoded path, as sent.
    query : mapping of str to str
        Not encoded.
    access_key, secret, token : str
        Credentials.
    region : str
        The bucket's region.
    now : datetime
        The time in UTC.
    """
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": moment}
    if token:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join([method, path, encode_query(query), listed, names, _EMPTY])
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers
