"""What tells participants apart, and the number each one is known by."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence

Identity = tuple[str, ...]

_SALT = "bondstore participant 1\0"
_BITS = 53
"""Every number up to here is exact in JSON, JavaScript and a spreadsheet."""


def normal(text: str) -> str:
    """Return a text without what people write now one way and now another: blanks, capitals, forms of one sign.

    Unicode's NFKC form, case folded; blanks at the ends taken off, others made one.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def identity_of(fields: Mapping[str, object], columns: Sequence[str]) -> Identity | None:
    """Return what tells a participant apart, or None where a part of it is missing."""
    parts = tuple(normal(value) if isinstance(value := fields.get(column), str) else "" for column in columns)
    return parts if parts and all(parts) else None


def user_id(identity: Identity) -> int:
    """Return the number of a participant: the same for the same identity, in any table, at any time.

    The first 53 bits of the SHA-256 of the identity. Of a million participants two share a number with a chance of
    one in 18,000; that is found, and refused. The number hides nothing: whoever knows the list of vessels can find
    out whose it is.
    """
    text = _SALT + json.dumps(list(identity), ensure_ascii=True, separators=(",", ":"))
    number = int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:8], "big") >> (64 - _BITS)
    return number or 1
