"""What obstore cannot do at S3, through boto3: keys with empty, ``.`` or ``..`` parts, and the list of buckets.

Real buckets hold such keys (an empty survey id leaves ``surveyTimings//1.csv``), and one of them makes obstore give up
a whole listing. For these alone boto3 is loaded, when it is first needed, and behind the same methods. Writing such
keys is not offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from bondstore.awsclients import build_client, code_of, failures
from bondstore.config.credentials import credentials
from bondstore.errors import ConfigurationError, StoreError
from bondstore.stores.address import Address
from bondstore.stores.connection import check_contact, may_raise, persist
from bondstore.stores.failures import Rounds, no_store, reading_an_answer, understand
from bondstore.stores.info import Listing, milliseconds
from bondstore.stores.retry import RetryRule

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.kinds.s3.emptiness import Emptiness

_AT_ONCE = 32
NOT_PERMITTED = {"AccessDenied", "AllAccessDisabled", "NotImplemented", "MethodNotAllowed"}


class OddKeys:
    """A client as obstore's stores are, for keys that obstore cannot address; it only reads."""

    def __init__(self, address: Address, profile: Profile, rule: RetryRule, emptiness: Emptiness) -> None:
        self._bucket = address.place
        self._prefix = f"{address.prefix}/" if address.prefix else ""
        self._emptiness = emptiness
        self._open = partial(open_boto3, address, profile, rule)
        self._check = partial(_check_listing, address.url)

    @cached_property
    def _boto3(self) -> Any:
        client = self._open()
        client.meta.events.register("response-received.s3.ListObjectsV2", self._check)
        return client

    def head(self, path: str) -> dict[str, Any]:
        """Ask for an object's metadata."""
        return _meta(path, self._boto3.head_object(Bucket=self._bucket, Key=self._prefix + path))

    def is_opaque(self, path: str) -> bool:
        """Whether an object's ETag is no MD5: encrypted under KMS or with a key of the customer's own, it is not."""
        said = self._boto3.head_object(Bucket=self._bucket, Key=self._prefix + path)
        return str(said.get("ServerSideEncryption", "")).startswith("aws:kms") or "SSECustomerAlgorithm" in said

    def get(self, path: str, *, options: Mapping[str, Any] | None = None) -> _S3Answer:
        """Read an object, or a range of it, of any version or a certain one."""
        options = options or {}
        asked = {"Bucket": self._bucket, "Key": self._prefix + path}
        if "range" in options:
            start, end = options["range"]
            asked["Range"] = f"bytes={start}-{end - 1}"
        if "if_match" in options:
            asked["IfMatch"] = options["if_match"]
        return _S3Answer(path, self._boto3.get_object(**asked))

    def list(self, prefix: str | None = None, *, offset: str | None = None, **_: Any) -> Iterator[Listing]:
        """List everything under a prefix, page by page."""
        after = {"StartAfter": self._prefix + offset} if offset is not None else {}
        for page in self._pages(prefix, **after):
            with reading_an_answer():
                listing = self._listing(page.get("Contents", []))
            yield listing

    def _listing(self, found: Sequence[Mapping[str, Any]]) -> Listing:
        return Listing(
            [self._own(one["Key"]) for one in found],
            [one["Size"] for one in found],
            [one["ETag"] for one in found],
            [milliseconds(datetime.fromisoformat(one["LastModified"])) for one in found],
        )

    def list_with_delimiter(self, prefix: str | None = None) -> dict[str, Any]:
        """List what lies directly under a prefix."""
        prefixes: list[str] = []
        objects: list[dict[str, Any]] = []
        for page in self._pages(prefix, Delimiter="/"):
            with reading_an_answer():
                prefixes += [self._own(one["Prefix"]) for one in page.get("CommonPrefixes", [])]
                objects += [
                    {
                        "path": self._own(one["Key"]),
                        "size": one["Size"],
                        "e_tag": one["ETag"],
                        "version": None,
                        "last_modified": datetime.fromisoformat(one["LastModified"]),
                    }
                    for one in page.get("Contents", [])
                ]
        return {"common_prefixes": prefixes, "objects": objects}

    def _pages(self, prefix: str | None, **more: str) -> Iterator[Any]:
        asked = {"Bucket": self._bucket, "Prefix": self._prefix + (prefix or ""), **more}
        if self._emptiness.is_sure(asked["Prefix"]):
            return
        from botocore.exceptions import PaginationError

        pages = self._boto3.get_paginator("list_objects_v2")
        rounds = Rounds()
        try:
            for page in pages.paginate(**asked):
                first = next((one.get("Key", "") for one in page.get("Contents", [])), "")
                if rounds.is_again(first, page.get("NextContinuationToken", "")):
                    raise self._cut(prefix)
                yield page
                if page.get("IsTruncated") and not page.get("NextContinuationToken"):
                    raise self._cut(prefix)
        except PaginationError:  # the same token again: it would go round for ever
            raise self._cut(prefix) from None

    def _cut(self, prefix: str | None) -> StoreError:
        return StoreError(
            f"The listing of s3://{self._bucket}/{self._prefix}{prefix or ''} breaks off: the server says that there "
            "is more, and not where it goes on.",
            hint="It is a fault of the server: nothing was taken for complete. Try again, or tell its administrator.",
        )

    def _own(self, full: str) -> str:
        return full[len(self._prefix) :]


class _S3Answer:
    """An answer to `get`, as obstore's are."""

    def __init__(self, path: str, answer: Mapping[str, Any]) -> None:
        self.meta = _meta(path, answer)
        self.range = (0, self.meta["size"])
        if "ContentRange" in answer:  # "bytes 5-104/200000"
            with reading_an_answer():
                start, _, last = answer["ContentRange"].partition("/")[0].removeprefix("bytes ").partition("-")
                self.range = (int(start), int(last) + 1)
        self._body = answer["Body"]

    def stream(self, min_chunk_size: int) -> Iterator[bytes]:
        """Read it piece by piece."""
        yield from self._body.iter_chunks(min_chunk_size)

    def bytes(self) -> Any:
        """Read all of it."""
        return self._body.read()


def _meta(path: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    whole = answer.get("ContentRange", "").rpartition("/")[2]
    with reading_an_answer():
        return {
            "path": path,
            "size": int(whole) if whole else answer["ContentLength"],
            "e_tag": answer.get("ETag"),
            "version": answer.get("VersionId"),
            "last_modified": parsedate_to_datetime(answer["LastModified"]),
        }


def open_boto3(address: Address, profile: Profile, rule: RetryRule, *, stall: float | None = None) -> Any:
    """Open boto3's client for a bucket, which tries once: trying again is done as everywhere else here."""
    path_style = profile.uses_path_style(address.place)
    parts = urlsplit(address.endpoint(replace(profile, path_style=True)))
    if parts.scheme == "http" and not profile.uses_http():
        raise ConfigurationError(
            f"The endpoint {parts.scheme}://{parts.netloc} is not encrypted.",
            hint="Set allow_http = true in the profile, or use an https:// endpoint.",
        )
    # boto3 puts the bucket in front of the host by itself, also where it is already
    host = parts.netloc if path_style else parts.netloc.removeprefix(f"{address.place}.")
    options: dict[str, Any] = {
        "s3": {"addressing_style": "path" if path_style else "virtual"},
        "connect_timeout": rule.connect_timeout,
        "read_timeout": stall or rule.stall_timeout,
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": _AT_ONCE,
    }
    if profile.anonymous:
        from botocore import UNSIGNED

        options["signature_version"] = UNSIGNED
    endpoint = urlunsplit(parts._replace(netloc=host))
    client = build_client("s3", profile, endpoint, profile.region, raw_times=True, **options)
    from botocore.parsers import ResponseParserError

    may_raise(*failures(), ResponseParserError)
    # What is signed for one server is not carried to another: boto3 would look for the bucket's region by itself.
    client.meta.events.register_last("before-parameter-build.s3", _stay)
    return client


def _stay(context: dict[str, Any], **_: Any) -> None:
    context.setdefault("s3_redirect", {})["redirected"] = True


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, as a server lists it."""

    name: str
    region: str = ""  # empty where the server does not say


def list_buckets(profile: Profile, rule: RetryRule | None = None) -> list[Bucket] | None:
    """List the buckets that a profile's credentials can see, by name.

    None where they cannot be listed, though the credentials may well be good for a bucket: listing is not permitted or
    not offered, or there are no keys to sign with (a machine's own role, an anonymous profile).
    """
    if credentials(profile) is None:
        return None
    rule = rule or RetryRule.of(profile)
    nowhere = Address("s3", "")
    endpoint = nowhere.endpoint(profile)
    client = open_boto3(nowhere, profile, rule)
    client.meta.events.register("response-received.s3.ListBuckets", partial(_check_answer, endpoint))
    check_contact(endpoint, endpoint, profile, rule)
    return persist(
        replace(rule, patience=rule.first_contact),
        lambda: _list_buckets(client),
        lambda raised: understand(raised, endpoint),
    )


def _check_listing(place: str, response_dict: dict[str, Any] | None, **_: Any) -> None:
    """Refuse any other page of the web, which boto3 may read as a listing with nothing in it."""
    if not response_dict or response_dict["status_code"] != 200:
        return
    _refuse_part(response_dict)
    # A server that failed after it had begun to answer says so here: boto3 takes that for the error it is.
    if not any(word in response_dict["body"] for word in (b"<IsTruncated>", b"<Error>")):
        raise no_store(place)


def _check_answer(endpoint: str, response_dict: dict[str, Any] | None, **_: Any) -> None:
    """Refuse any other page of the web: boto3 reads it as an answer with nothing in it, or as a server in trouble."""
    if not response_dict or response_dict["status_code"] != 200:
        return
    _refuse_part(response_dict)
    if b"ListAllMyBucketsResult" not in response_dict["body"]:
        raise StoreError(f"{endpoint} answers a listing of buckets with something else.", hint="Check the endpoint.")


def _refuse_part(answer: Mapping[str, Any]) -> None:
    """Refuse an answer that broke off, of which boto3 takes what came for the whole; another try may help."""
    from botocore.exceptions import IncompleteReadError

    came, expected = len(answer["body"]), int(answer["headers"].get("Content-Length") or 0)
    if came < expected:
        raise IncompleteReadError(actual_bytes=came, expected_bytes=expected)


def _list_buckets(client: Any) -> list[Bucket] | None:
    from botocore.exceptions import ClientError

    buckets: list[Bucket] = []
    asked: dict[str, Any] = {"MaxBuckets": 1000}
    while True:
        try:
            answer = client.list_buckets(**asked)
        except ClientError as raised:
            if code_of(raised) in NOT_PERMITTED:
                return None
            raise
        found = answer.get("Buckets", [])
        buckets += [Bucket(one["Name"], one.get("BucketRegion", "")) for one in found if one.get("Name")]
        token = answer.get("ContinuationToken")
        if not token or token == asked.get("ContinuationToken"):
            return sorted(buckets, key=lambda one: one.name)
        asked["ContinuationToken"] = token
