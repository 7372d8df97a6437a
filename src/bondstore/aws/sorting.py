"""Which of our stores an object that arrived belongs to, and under which key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.aws.report import Handled, Outcome
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.aws.events import Arrival

SUFFIXES = (".csv", ".nc")


def sort_arrivals(
    arrivals: Sequence[Arrival], sources: Sequence[str], own: Sequence[str]
) -> tuple[dict[str, dict[str, tuple[str, ...]]], list[Handled]]:
    """Group what arrived by store; each object once, however often it was told of.

    Parameters
    ----------
    arrivals : sequence of Arrival
        From an event.
    sources : sequence of str
        Addresses of stores that objects are taken from, the most special first; none for every bucket.
    own : sequence of str
        Addresses of stores that are written to: what arrives there is never taken, or one event would make the next.

    Returns
    -------
    tuple of (dict, list of Handled)
        By store's address: the records that told of each key. And what is none of ours.
    """
    places: dict[tuple[str, str], dict[str, None]] = {}
    for one in arrivals:
        places.setdefault((one.bucket, one.key), {})[one.record] = None
    groups: dict[str, dict[str, tuple[str, ...]]] = {}
    ignored = []
    for (bucket, key), records in places.items():
        source = next((url for url in (sources or (f"s3://{bucket}",)) if within(url, bucket, key) is not None), None)
        made_here = any(within(url, bucket, key) is not None for url in own)
        if source is None or made_here or not key.lower().endswith(SUFFIXES):
            why = "own-output" if made_here else "not-ours" if source is None else "no-profile"
            ignored.append(Handled(bucket, key, Outcome.IGNORED, (why,), tuple(records)))
        else:
            groups.setdefault(source, {})[within(source, bucket, key) or key] = tuple(records)
    return groups, ignored


def within(url: str, bucket: str, key: str) -> str | None:
    """Return a key as a store has it, without the prefix; None where the store does not hold the object."""
    address = parse_address(url)
    if (address.kind, address.place) != ("s3", bucket):
        return None
    prefix = f"{address.prefix}/" if address.prefix else ""
    return key[len(prefix) :] if key.startswith(prefix) and len(key) > len(prefix) else None
