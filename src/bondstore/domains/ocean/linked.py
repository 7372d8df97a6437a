"""Files with what tests need beside their own levels: deployment, exclusion list, the float's last good profile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.domains.ocean.reading import read_many
from bondstore.errors import HOPELESS, BondstoreError, ChecksumError, NotFoundError
from bondstore.findings import NOT_FETCHED
from bondstore.ledger import Read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.write import Maker
    from bondstore.findings import Finding
    from bondstore.ledger import Item
    from bondstore.stores import Store

FILES, BYTES = 64, 4 << 20
"""What is tested together at most; the files of cycles before that are read along count too, each once."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The profiles of files by key, and what came up on the way."""

    batches: Mapping[str, Batch]
    findings: Mapping[str, list[Finding]]
    unsure: Mapping[str, tuple[str, BondstoreError]]
    """Files that cannot be judged now: the key of one before that could not be had, and why."""
    reads: list[Read] = field(default_factory=list)

    def not_fetched(self, key: str) -> Finding:
        """Say of a file that cannot be judged which one before it is missing."""
        one, error = self.unsure[key]
        return NOT_FETCHED.about(
            key, message=f"{one}, which it is to be compared with, could not be had: {error.message}"
        )


def link(read: Mapping[str, Batch], before: Mapping[str, Sequence[Item]], tool: Maker, store: Store) -> Linked:
    """Return the profiles of files that were read, each with what it is compared with; files before are read along.

    One of those that is gone or damaged is none. The tables are joined before anything is compared, as what they say of
    an earlier cycle decides whether it is good.
    """
    named = {key: befores for key, befores in before.items() if key in read}
    wanted = dict.fromkeys(one.key for befores in named.values() for one in befores if one.key not in read)
    more, reads, lost = _fetched(list(wanted), tool, store)
    joined, findings = {}, {}
    for key, batch in {**read, **more}.items():
        joined[key], findings[key] = tool.with_deployments(batch)
    batches = tool.with_predecessors(joined, {key: [one.key for one in befores] for key, befores in named.items()})
    unsure = {}
    for key, befores in named.items():
        missed = next((one.key for one in befores if one.key in lost), None)
        if missed is not None:
            unsure[key] = missed, lost[missed]
    return Linked({key: batches[key] for key in read}, {key: findings[key] for key in read}, unsure, reads)


def _fetched(
    keys: Sequence[str], tool: Maker, store: Store
) -> tuple[dict[str, Batch], list[Read], dict[str, BondstoreError]]:
    pairs: list[tuple[str, bytes]] = []
    reads: list[Read] = []
    lost: dict[str, BondstoreError] = {}
    for key, answer in zip(keys, store.get_many(keys), strict=True):
        if not isinstance(answer, BondstoreError):
            reads.append(Read(key, answer.info.etag, len(answer.data)))
            pairs.append((key, bytes(answer.data)))
        elif isinstance(answer, HOPELESS):
            raise answer
        elif not isinstance(answer, NotFoundError | ChecksumError):
            lost[key] = answer
    results = read_many(pairs, tool.columns)
    found = {key: one[0] for (key, _), one in zip(pairs, results, strict=True) if isinstance(one, tuple)}
    return found, reads, lost


def grouped_with(
    pairs: Iterable[tuple[Item, Sequence[Item]]], number: int = FILES, weight: int = BYTES
) -> Iterator[list[tuple[Item, Sequence[Item]]]]:
    """Yield files with those before them in groups that are bounded by number and bytes; each file counts once."""
    group: list[tuple[Item, Sequence[Item]]] = []
    held: dict[str, int] = {}
    for item, befores in pairs:
        own = {one.key: one.size for one in (item, *befores)}
        if group and (len(group) == number or sum((held | own).values()) > weight):
            yield group
            group, held = [], {}
        group.append((item, befores))
        held |= own
    if group:
        yield group
