"""Whether really nothing lies under a prefix: asked by one signed request, and read without any goodwill.

obstore takes any page of the web for a listing with nothing in it, so every empty listing is asked for again. boto3
would do, but loading it takes ten times what this does: its signer alone is enough for one kind of request.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from bondstore.config.credentials import credentials
from bondstore.stores.redirects import is_proxied, trusted_authorities

if TYPE_CHECKING:
    from urllib3 import PoolManager

    from bondstore.config.profiles import Profile
    from bondstore.stores.retry import RetryRule

_LONGEST = 1 << 16  # an answer with nothing in it is far shorter


class Emptiness:
    """What asks one bucket whether prefixes are empty; where it cannot ask, or doubts, boto3 has to."""

    def __init__(self, front: str, profile: Profile, rule: RetryRule, authorities: str | None) -> None:
        self._front = front  # the bucket's URL
        self._profile = profile
        self._rule = rule
        self._authorities = authorities
        parts = urlsplit(front)
        is_open = parts.scheme == "https" or profile.uses_http()
        self._may_ask = is_open and not is_proxied(profile, parts.scheme, parts.hostname or "")

    def is_sure(self, prefix: str) -> bool:
        """Whether the server says, in a listing and in so many words, that nothing lies under a prefix."""
        from urllib3.exceptions import HTTPError

        url = f"{self._front}?list-type=2&max-keys=1&prefix={quote(prefix, safe='-_.~')}"
        headers = self._signed(url)
        if headers is None:
            return False
        try:
            answer = self._pool.request(
                "GET", url, headers=headers, redirect=False, retries=False, preload_content=False
            )
            with answer:
                body = answer.read(_LONGEST)
        except HTTPError:  # whatever it is, the client that is asked next will meet and explain it
            return False
        # S3 says first whether there is more, and then what there is: of an answer that broke off in between both hold.
        whole = answer.status == 200 and body.rstrip().endswith(b"</ListBucketResult>")
        listed = b"<Contents" in body or b"<CommonPrefixes" in body
        return whole and b"<IsTruncated>false</IsTruncated>" in body and not listed

    def _signed(self, url: str) -> dict[str, str] | None:
        """Sign a request; None where that takes more than a pair of keys, such as a role of this machine."""
        if not self._may_ask:
            return None
        agent = {"User-Agent": "bondstore"}
        if self._profile.anonymous:
            return agent
        found = credentials(self._profile)
        if found is None:
            return None
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        token = None if found.token is None else found.token.reveal()
        request = AWSRequest("GET", url, headers=agent)
        pair = Credentials(found.access_key, found.secret.reveal(), token)
        S3SigV4Auth(pair, "s3", self._profile.region or "us-east-1").add_auth(request)
        return dict(request.headers.items())

    @cached_property
    def _pool(self) -> PoolManager:
        from urllib3 import PoolManager, Timeout

        waits = Timeout(connect=self._rule.connect_timeout, read=self._rule.stall_timeout)
        # the system's authorities take a while to read
        trusted = trusted_authorities(self._authorities) if self._front.startswith("https:") else None
        return PoolManager(1, maxsize=32, timeout=waits, ssl_context=trusted)
