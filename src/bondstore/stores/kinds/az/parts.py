"""Uploads to Azure that can be resumed: blocks that are not committed yet, which obstore does not show.

A block is named by the id of its upload, which we make up, and its number. Azure wants the names of all blocks of a
blob to be of one length, those of other programs included: ours are as long as obstore's. Blocks go with a write to
their blob, or in a week (Put Block, Put Block List, Get Block List; learn.microsoft.com/rest/api/storageservices).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from http.client import HTTPResponse
from secrets import token_hex
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from bondstore.errors import ChecksumError, ConfigurationError
from bondstore.stores.failures import reading_an_answer
from bondstore.stores.info import quoted
from bondstore.stores.kinds.az.extra import OddBlobs
from bondstore.stores.kinds.az.signed import RefusedError, SignedRequests
from bondstore.stores.uploads import GoneError, Part, Sent, Unfinished, size_of

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule

_BLOCK = re.compile(r"(b[0-9a-f]{14})(\d{5})", re.ASCII)
_OURS = "x-ms-meta-bondstore_upload"
_WRONG_BYTES = {"Md5Mismatch", "InvalidOperation"}  # the second one is Azurite's


class BlockUploads:
    """A client of the role ``parts`` for a container; see `uploads.PartsClient`."""

    least = 0

    def __init__(self, address: Address, profile: Profile, rule: RetryRule) -> None:
        unsigned = ConfigurationError(
            f"Uploads to {address.url} that can be resumed need an account key or a shared access signature.",
            hint="Set one in the profile: a role of this machine does not do for it.",
        )
        self._requests = SignedRequests(address, profile, rule, unsigned)
        self._listing = OddBlobs(address, profile, rule)
        self._url = address.url

    def mark(self, key: str) -> str:  # noqa: ARG002 - a bucket looks for its uploads
        """Make up the id of an upload."""
        return "b" + token_hex(7)

    def sweep(self, key: str, mark: str) -> None:
        """Do nothing: an upload without a part is not there."""

    def begin(self, key: str, mark: str, storage_class: str | None) -> str:  # noqa: ARG002
        """Return the id: an upload begins with its first block."""
        return mark

    def send(self, key: str, upload: str, part: Part, data: memoryview) -> str:
        """Put a block, whose MD5 the server compares; Azure has no empty ones."""
        if not data:
            return ""
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        query = {"comp": "block", "blockid": _block(upload, part.number)}
        try:
            self._put(key, query, data, {"Content-MD5": base64.b64encode(digest).decode()})
        except RefusedError as raised:
            if raised.code in _WRONG_BYTES:
                raise ChecksumError(
                    f"Part {part.number} of {self._url}/{key} was damaged on the way: the store refused it.",
                    hint="Try again.",
                ) from None
            raise
        return ""

    def proved(self, key: str, upload: str, parts: Iterable[Part]) -> set[int]:
        """List the blocks that are not committed."""
        sizes = {number: size for one, number, size in self._blocks(key) if one == upload}
        wanted = {part.number: part.size for part in parts if part.size}
        if wanted and not sizes:
            raise GoneError
        return {number for number, size in wanted.items() if sizes.get(number) == size}

    def complete(self, key: str, upload: str, parts: Sequence[Part], storage_class: str | None) -> Sent:
        """Commit the blocks."""
        names = "".join(f"<Latest>{_block(upload, part.number)}</Latest>" for part in parts if part.size)
        more = {_OURS: upload} | ({"x-ms-access-tier": storage_class} if storage_class else {})
        try:
            self._commit(key, names, more)
        except RefusedError as raised:
            if raised.code == "InvalidBlockList":
                raise GoneError from None
            raise
        found = self.find(key, upload, parts)
        if found is None:
            raise ChecksumError(
                f"{self._url}/{key} is not the object that was sent.",
                hint="Another program wrote it meanwhile. Run the same command again.",
            )
        return found

    def find(self, key: str, upload: str, parts: Sequence[Part]) -> Sent | None:
        """Ask for a blob, which names its upload."""
        try:
            with self._requests.send("HEAD", key) as answer:
                headers = answer.headers
        except RefusedError as raised:
            if raised.status == 404:
                return None
            raise
        with reading_an_answer():
            found = Sent(quoted(headers["ETag"]), int(headers["Content-Length"]))
        return found if headers.get(_OURS) == upload and found.size == size_of(parts) else None

    def abort(self, key: str, upload: str) -> None:
        """Remove the blocks, where no blob and no other upload has the same name; they go by themselves in a week."""
        uploads = {one for one, _, _ in self._blocks(key)}
        if uploads != {upload}:
            return
        try:  # an empty blob, for a moment: only a write removes blocks
            written = self._commit(key, "", {"If-None-Match": "*"})
        except RefusedError as raised:
            if raised.status in {409, 412}:  # there is a blob
                return
            raise
        self._requests.send("DELETE", key, headers={"If-Match": quoted(written.headers["ETag"])}).close()

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """List blobs with blocks that are not committed, but those that have committed ones too."""
        for page in self._listing.pages(prefix, include="uncommittedblobs"):
            for blob in page.iterfind("Blobs/Blob"):
                if blob.findtext("Properties/Content-Length") == "0":
                    key = self._listing.own(blob)
                    for upload in sorted({one for one, _, _ in self._blocks(key)}):
                        yield Unfinished(key, upload, 0)

    def _blocks(self, key: str) -> Iterator[tuple[str, int, int]]:
        """Yield upload, number and size of each block that is not committed; others' have no upload."""
        query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
        try:
            with self._requests.send("GET", key, query=query) as answer, reading_an_answer():
                body = answer.read()
        except RefusedError as raised:
            if raised.code == "BlobNotFound":
                return
            raise
        with reading_an_answer():
            listed = ElementTree.fromstring(body)  # noqa: S314 - expat bounds what entities become
            found = [(one.findtext("Name") or "", int(one.findtext("Size") or 0)) for one in listed.iter("Block")]
        for name, size in found:
            upload, number = _upload_of(name)
            yield upload, number, size

    def _commit(self, key: str, names: str, headers: dict[str, str]) -> HTTPResponse:
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{names}</BlockList>'
        return self._put(key, {"comp": "blocklist"}, body.encode(), headers)

    def _put(self, key: str, query: dict[str, str], body: memoryview | bytes, headers: dict[str, str]) -> HTTPResponse:
        with self._requests.send("PUT", key, query=query, headers=headers, body=body) as answer:
            return answer


def _block(upload: str, number: int) -> str:
    return base64.b64encode(f"{upload}{number:05d}".encode()).decode()


def _upload_of(name: str) -> tuple[str, int]:
    try:
        ours = _BLOCK.fullmatch(base64.b64decode(name, validate=True).decode("ascii"))
    except (binascii.Error, UnicodeDecodeError):
        ours = None
    return (ours[1], int(ours[2])) if ours else ("", 0)
