"""Multipart uploads of S3 that can be resumed, through boto3: obstore cannot take up one that it did not begin."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from bondstore.awsclients import code_of
from bondstore.errors import ChecksumError
from bondstore.stores.failures import reading_an_answer
from bondstore.stores.info import milliseconds, quoted
from bondstore.stores.kinds.s3.extra import NOT_PERMITTED, open_boto3
from bondstore.stores.remote import upload_stall
from bondstore.stores.uploads import GoneError, Part, Sent, Source, Unfinished, size_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule

_MD5 = re.compile(r'"?([0-9a-fA-F]{32})"?')
_SWEPT = timedelta(minutes=10)  # longer than it is tried to begin an upload
_SKEW = timedelta(seconds=2)  # between the clocks of one server's machines
_WRONG_BYTES = {"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}


class MultipartUploads:
    """A client of the role ``parts`` for a bucket; see `uploads.PartsClient`."""

    least = 5 * 1024 * 1024

    def __init__(
        self, address: Address, profile: Profile, rule: RetryRule, *, has_checksums: bool, has_md5: bool
    ) -> None:
        self._bucket = address.place
        self._url = address.url
        self._prefix = f"{address.prefix}/" if address.prefix else ""
        self._has_checksums = has_checksums
        self._has_md5 = has_md5
        self._client = open_boto3(address, profile, rule, stall=upload_stall(rule))

    def mark(self, key: str) -> str:
        """Return the server's own time; empty where the uploads of a bucket cannot be listed."""
        from botocore.exceptions import ClientError

        try:
            answer = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=self._prefix + key, MaxUploads=1)
        except ClientError as raised:
            if code_of(raised) in NOT_PERMITTED:
                return ""
            raise
        with reading_an_answer():
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).isoformat()

    def sweep(self, key: str, mark: str) -> None:
        """Abort what began within minutes of the mark and has no part; nothing else tells that it is ours."""
        if not mark:
            return
        first = datetime.fromisoformat(mark)
        for one in self._listed(self._prefix + key):
            begun = datetime.fromisoformat(one["Initiated"])
            if one["Key"] == self._prefix + key and first - _SKEW <= begun <= first + _SWEPT:
                asked = {"Bucket": self._bucket, "Key": one["Key"], "UploadId": one["UploadId"]}
                if not self._client.list_parts(**asked, MaxParts=1).get("Parts"):
                    self._client.abort_multipart_upload(**asked)

    def begin(self, key: str, mark: str, storage_class: str | None) -> str:  # noqa: ARG002 - other kinds use the mark
        """Create a multipart upload."""
        more = {"StorageClass": storage_class} if storage_class else {}
        if self._has_checksums:
            more["ChecksumAlgorithm"] = "SHA256"
        answer = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._prefix + key, **more)
        with reading_an_answer():
            return str(answer["UploadId"])

    def send(self, key: str, upload: str, part: Part, data: memoryview) -> str:
        """Upload a part, and hold what the server says of it against its bytes."""
        expected = _base64_of(part)
        more = {"ChecksumSHA256": expected} if self._has_checksums else {}
        answer = self._of_upload("upload_part", key, upload, PartNumber=part.number, Body=_Body(data), **more)
        with reading_an_answer():
            etag = quoted(answer["ETag"])
        arrived = answer.get("ChecksumSHA256")
        md5 = self._md5(answer, [etag])
        if arrived:
            is_same = arrived == expected
        else:
            is_same = not md5 or md5[0] == hashlib.md5(data, usedforsecurity=False).digest()
        if not is_same:
            raise self._wrong_bytes(part, key)
        return etag

    def copy(self, key: str, upload: str, part: Part, source: Source) -> Part:
        """Copy a part from an object of the bucket; its checksum is the server's own, where it gives one."""
        answer = self._of_upload(
            "upload_part_copy",
            key,
            upload,
            PartNumber=part.number,
            CopySource={"Bucket": self._bucket, "Key": self._prefix + source.key},
            CopySourceRange=f"bytes={source.start}-{source.start + part.size - 1}",
            CopySourceIfMatch=source.etag,
        )
        with reading_an_answer():
            copied = answer["CopyPartResult"]
            sha256 = base64.b64decode(copied.get("ChecksumSHA256", "")).hex()
            return replace(part, etag=quoted(copied["ETag"]), sha256=sha256)

    def proved(self, key: str, upload: str, parts: Iterable[Part]) -> set[int]:
        """List the parts of an upload."""
        there: set[tuple[int, int, str]] = set()
        marker = 0
        while True:
            answer = self._of_upload("list_parts", key, upload, PartNumberMarker=marker)
            with reading_an_answer():
                for one in answer.get("Parts", []):
                    there.add((one["PartNumber"], one["Size"], quoted(one["ETag"])))
                    marker = max(marker, one["PartNumber"])
            if not answer.get("IsTruncated") or not answer.get("Parts"):
                return {part.number for part in parts if (part.number, part.size, part.etag) in there}

    def complete(self, key: str, upload: str, parts: Sequence[Part], storage_class: str | None) -> Sent:  # noqa: ARG002
        """Complete the upload, ask for the object, and hold its size and checksum against the parts."""
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        if self._has_checksums:
            listed = [
                {**one, "ChecksumSHA256": _base64_of(part)} if part.sha256 else one
                for one, part in zip(listed, parts, strict=True)
            ]
        completed = self._of_upload("complete_multipart_upload", key, upload, MultipartUpload={"Parts": listed})
        sent, is_proved = self._look(key, parts, completed)
        if sent is None or is_proved is False:
            raise ChecksumError(
                f"{self._url}/{key} is not the object that was sent: its size or checksum is another one.",
                hint="Another program wrote it meanwhile, or the store damaged it. Run the same command again.",
            )
        return sent

    def find(self, key: str, upload: str, parts: Sequence[Part]) -> Sent | None:  # noqa: ARG002 - by its checksum
        """Return the object where its checksum is that of the parts."""
        sent, is_proved = self._look(key, parts)
        return sent if is_proved else None

    def _look(
        self, key: str, parts: Sequence[Part], completed: dict[str, Any] | None = None
    ) -> tuple[Sent | None, bool | None]:
        """Return an object of the right size, and whether it is made of the parts; None where nothing tells.

        Who may only write may not look: then what the store said when it completed the upload has to do.
        """
        from botocore.exceptions import ClientError

        more = {"ChecksumMode": "ENABLED"} if self._has_checksums else {}
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key, **more)
        except ClientError as raised:
            if code_of(raised) in {"404", "NoSuchKey"}:
                return None, None
            if code_of(raised) not in {"403", "AccessDenied"}:
                raise
            if completed is None:
                return None, None
            answer = {**completed, "ContentLength": size_of(parts)}
        with reading_an_answer():
            sent = Sent(quoted(answer["ETag"]), answer["ContentLength"])
        if sent.size != size_of(parts):
            return None, None
        # AWS writes the number of parts behind the checksum of their checksums; some servers give that of the object
        checksum, hyphen, _ = answer.get("ChecksumSHA256", "").partition("-")
        whole = hashlib.sha256(b"".join(bytes.fromhex(part.sha256) for part in parts)).digest()
        if (hyphen and all(part.sha256 for part in parts)) or checksum == base64.b64encode(whole).decode():
            return sent, checksum == base64.b64encode(whole).decode()
        if md5 := self._md5(answer, [part.etag for part in parts]):
            whole_md5 = hashlib.md5(b"".join(md5), usedforsecurity=False).hexdigest()
            return sent, sent.etag == f'"{whole_md5}-{len(parts)}"'
        return sent, None

    def _md5(self, answer: dict[str, Any], etags: Sequence[str]) -> list[bytes]:
        """Return the MD5s that etags are; nothing where they are something else."""
        is_encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
        if not self._has_md5 or is_encrypted or "SSECustomerAlgorithm" in answer:
            return []
        found = [match for etag in etags if (match := _MD5.fullmatch(etag))]
        return [bytes.fromhex(match[1]) for match in found] if len(found) == len(etags) else []

    def abort(self, key: str, upload: str) -> None:
        """Abort the upload."""
        try:
            self._of_upload("abort_multipart_upload", key, upload)
        except GoneError:
            return

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """List the bucket's multipart uploads."""
        for one in self._listed(self._prefix + prefix):
            started = milliseconds(datetime.fromisoformat(one["Initiated"]))
            yield Unfinished(one["Key"][len(self._prefix) :], one["UploadId"], started)

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            yield from page.get("Uploads", [])

    def _of_upload(self, method: str, key: str, upload: str, **more: Any) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        asked = {"Bucket": self._bucket, "Key": self._prefix + key, "UploadId": upload, **more}
        try:
            answer: dict[str, Any] = getattr(self._client, method)(**asked)
        except ClientError as raised:
            if code_of(raised) == "NoSuchUpload":
                raise GoneError from None
            if code_of(raised) in _WRONG_BYTES:
                raise self._damaged(key) from None
            raise
        return answer

    def _wrong_bytes(self, part: Part, key: str) -> ChecksumError:
        return ChecksumError(
            f"Part {part.number} of {self._url}/{key} arrived with other bytes than were sent.",
            hint='Try again. On a server whose ETags are no MD5, set etags = "opaque" in the profile.',
        )

    def _damaged(self, key: str) -> ChecksumError:
        return ChecksumError(
            f"A part of {self._url}/{key} was damaged on the way: the store refused it.", hint="Try again."
        )


class _Body(io.RawIOBase):
    """A part as a file: boto3 sends it in small pieces, and waits for each only so long."""

    def __init__(self, data: Buffer) -> None:
        self._data = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give the next bytes."""
        piece = self._data[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def tell(self) -> int:
        """Say which byte is next."""
        return self._at


def _base64_of(part: Part) -> str:
    return base64.b64encode(bytes.fromhex(part.sha256)).decode()
