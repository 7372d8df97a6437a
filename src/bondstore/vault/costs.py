"""What writing files into a storage class takes, in the units that a store bills: requests, bytes, days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.stores.remote import PART
from bondstore.text import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bondstore.stores.archive import StorageClass

COUNTED = ("objects", "bytes", "requests", "short")
_MUCH = 0.1
"""Of the bytes themselves, from which on what small objects are billed on top is worth a word."""


def written(sizes: Iterable[int], smallest: int = 0) -> dict[str, int]:
    """Count objects of some sizes, their bytes, the requests, and the bytes by which they are too small."""
    counts = dict.fromkeys(COUNTED, 0)
    for size in sizes:
        counts["objects"] += 1
        counts["bytes"] += size
        counts["requests"] += 1 if size <= PART else -(-size // PART) + 2  # begin, parts, complete
        counts["short"] += max(smallest - size, 0)
    return counts


@dataclass(frozen=True, slots=True)
class Costs:
    """What a run will write into a storage class.

    Parameters
    ----------
    storage_class : StorageClass
        The class.
    objects, bytes, requests : int
        What is written; an object in parts takes a request for each, and two more.
    short : int
        Bytes by which objects are smaller than the class bills at least.
    packed : bool
        Whether small files go into packs.
    """

    storage_class: StorageClass
    objects: int
    bytes: int
    requests: int
    short: int = 0
    packed: bool = False

    @property
    def overhead(self) -> Mapping[str, int]:
        """Bytes that are billed on top, by the class that they are billed in."""
        known = self.storage_class
        billed = {known.name: self.objects * known.overhead + self.short, "STANDARD": self.objects * known.index}
        return {name: size for name, size in billed.items() if size}

    @property
    def is_dear(self) -> bool:
        """Whether many objects are so small that packs would save much."""
        return not self.packed and self.objects > 1 and sum(self.overhead.values()) > _MUCH * self.bytes

    def record(self) -> dict[str, Any]:
        """Return it as a record."""
        return {
            "kind": "costs",
            "class": self.storage_class.name,
            "objects": self.objects,
            "bytes": self.bytes,
            "requests": self.requests,
            "days": self.storage_class.stay,
            "overhead": dict(self.overhead),
            "advice": "--pack" if self.is_dear else None,
        }

    def lines(self) -> Iterator[str]:
        """Yield it in words; what each costs is in the store's price list."""
        name, about = self.storage_class.name, "about " if self.packed else ""
        size, requests = bytes_text(self.bytes), counted(self.requests, "request")
        yield f"{name}: {about}{counted(self.objects, 'object')} ({size}), {about}{requests} to write them."
        if self.storage_class.stay:
            yield f"  Each is billed for {self.storage_class.stay} days at least, also if it is removed before."
        if self.overhead:
            billed = " and ".join(f"{bytes_text(size)} in {one}" for one, size in self.overhead.items())
            yield f"  Billed on top for small objects: {about}{billed}."
        if self.is_dear:
            yield "  Many objects are small: --pack 512MB puts them into a few large ones."
