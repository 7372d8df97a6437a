"""Policies of limited size, filled so that one share more or less changes one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

Pieces = tuple[int, ...]
"""Which pieces of a share lie in a policy, by number."""
Bin = dict[str, Pieces]
"""What lies in one policy: shares by name, in order."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much each policy takes, and how large the pieces of each share are."""

    capacity: int
    sizes: Mapping[str, tuple[int, ...]]

    def of(self, share: str) -> Pieces:
        """Return all pieces of a share."""
        return tuple(range(len(self.sizes[share])))

    def whole(self, share: str) -> int:
        """Return the size of a share."""
        return sum(self.sizes[share])

    def used(self, one: Bin) -> int:
        """Return how much lies in a policy."""
        return sum(self.sizes[share][piece] for share, pieces in one.items() for piece in pieces)

    @property
    def lower_bound(self) -> int:
        """How many policies their characters need, were they a liquid."""
        return -(-sum(map(self.whole, self.sizes)) // self.capacity)


def fill(room: Room) -> list[Bin]:
    """Fill policies with shares, by name.

    Each share lies whole in one policy, unless that takes over one policy more than their characters need: then a share
    at which a policy is full is cut at its pieces.
    """
    whole = _whole(room, sorted(room.sizes))
    return whole if len(whole) <= room.lower_bound + 1 else _cut(room)


def refill(room: Room, before: Sequence[Bin]) -> list[Bin | None]:
    """Change as few policies as can be: what is gone leaves its room, what is new goes where there is some.

    A policy that is empty now is None.
    """
    placed: dict[str, list[int]] = {}
    for one in before:
        for share, pieces in one.items():
            placed.setdefault(share, []).extend(pieces)
    stay = {share for share in room.sizes if sorted(placed.get(share, ())) == list(room.of(share))}
    bins = [{share: pieces for share, pieces in one.items() if share in stay} for one in before]
    left = [room.capacity - room.used(one) for one in bins]
    for share in sorted(room.sizes.keys() - stay):
        size = room.whole(share)
        places = [number for number, one in enumerate(bins) if one and size <= left[number]]
        places += [number for number, one in enumerate(bins) if not one]
        if not places:
            places.append(len(bins))
            bins.append({})
            left.append(room.capacity)
        bins[places[0]][share] = room.of(share)
        left[places[0]] -= size
    return [one or None for one in bins]


def _whole(room: Room, shares: Iterable[str]) -> list[Bin]:
    bins: list[Bin] = []
    left = 0
    for share in shares:
        size = room.whole(share)
        if not bins or size > left:
            bins.append({})
            left = room.capacity
        bins[-1][share] = room.of(share)
        left -= size
    return bins


def _cut(room: Room) -> list[Bin]:
    """Fill each policy up with pieces of the share at which it is full; the others begin the next one."""
    bins: list[Bin] = [{}]
    left = room.capacity
    for share in sorted(room.sizes):
        sizes, pieces = room.sizes[share], room.of(share)
        if room.whole(share) > left:
            subsets = chain.from_iterable(combinations(pieces, number) for number in range(len(pieces)))
            fitting = {some: sum(sizes[one] for one in some) for some in subsets}
            here = max((some for some in fitting if fitting[some] <= left), key=lambda some: fitting[some])
            if here:
                bins[-1][share] = here
            pieces = tuple(one for one in pieces if one not in here)
            bins.append({})
            left = room.capacity
        bins[-1][share] = pieces
        left -= sum(sizes[one] for one in pieces)
    return bins
