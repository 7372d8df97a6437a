"""The store's own checksum of an object: its ETag, where that is the MD5 of the content."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

_MD5 = re.compile(r'"[0-9a-fA-F]{32}"')  # of an upload in parts it has a hyphen and their number behind it
_ENOUGH = 16


class Etags:
    """What the ETags of one store have turned out to be."""

    # Counted without a lock: a count that is off by a few asks the store a few times more.
    def __init__(self, *, opaque: bool = False) -> None:
        self._ignored = opaque
        self.matched = False
        self.opaque = 0  # objects whose ETag is no MD5, by what the store says of their encryption

    def digest(self, etag: str) -> Digest | None:
        """Return what an object's bytes are to be held against; None where its ETag says nothing of them.

        A store whose first objects are all encrypted so that it does not is taken at its word.
        """
        if self._ignored or not _MD5.fullmatch(etag) or (self.opaque >= _ENOUGH and not self.matched):
            return None
        return Digest(etag)


class Digest:
    """The MD5 of a content as it comes."""

    def __init__(self, etag: str) -> None:
        self._expected = etag.strip('"').lower()
        self._md5 = hashlib.md5(usedforsecurity=False)  # against damage; a store that lies names a hash that fits

    def update(self, data: Buffer) -> None:
        """Take in the next bytes."""
        self._md5.update(data)

    @property
    def fits(self) -> bool:
        """Whether the bytes are the ETag's."""
        return self._md5.hexdigest() == self._expected
