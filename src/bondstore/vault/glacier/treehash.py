"""The tree hash of Amazon Glacier: SHA-256 of each MiB, and of pairs of these, up to one root.

https://docs.aws.amazon.com/amazonglacier/latest/dev/checksum-calculations.html
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

LEAF = 1 << 20
"""Bytes of a leaf."""


def tree_hash(content: Buffer) -> bytes:
    """Return the tree hash of some bytes."""
    view = memoryview(content).cast("B")
    starts = range(0, max(1, len(view)), LEAF)
    return root([hashlib.sha256(view[start : start + LEAF]).digest() for start in starts])


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of one level: of leaves, or of ranges that have a power of two of leaves each.

    The last one may stand for less. The one that is left over of an odd number goes up as it is, so a range's own root
    takes the place of its leaves.
    """
    while len(hashes) > 1:
        pairs = [hashes[at : at + 2] for at in range(0, len(hashes), 2)]
        hashes = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return hashes[0]
