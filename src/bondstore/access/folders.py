"""Counts by folder, in bounded memory: where there are more folders than that, the deepest are put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

DEEPEST = 8
"""How many levels of folders are told apart."""
MOST = 20_000
"""How many folders are kept at a time."""


class KeyOutcome(IntEnum):
    """What came of a key, beside what was meant."""

    GRANTED = 0
    EXTRA = 1
    """Granted, and not meant."""
    DENIED = 2
    MISSING = 3
    """Meant, and not granted."""
    UNKNOWN = 4


Counts = list[int]
"""A number for each `KeyOutcome`."""


@dataclass(frozen=True, slots=True)
class FolderRow:
    """One folder with all in it, or what is left of a folder beside its other rows."""

    folder: str
    counts: tuple[int, ...]
    others: int = 0
    """So many folders directly in it, of which nothing is granted; 0: the folder itself."""
    directly: bool = False
    """Only keys directly in it."""


class FolderCounts:
    """Counts what comes of keys, by the folder that each is in."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._counts: dict[str, Counts] = {}
        self._whole: set[str] = set()  # folders that are told apart no further

    def total(self) -> tuple[int, ...]:
        """Return the counts of all."""
        return tuple(sum(one[number] for one in self._counts.values()) for number in KeyOutcome)

    def rows(self) -> Iterator[FolderRow]:
        """Yield folders in order: one row where all in a folder is alike, and one for all siblings that are shut."""
        inside: dict[str, list[str]] = defaultdict(list)
        totals: dict[str, Counts] = {}
        for folder, counts in self._counts.items():
            for one in _way(folder):
                if one not in totals:
                    totals[one] = [0] * len(KeyOutcome)
                    if one:
                        inside[_parent(one)].append(one)
                _add(totals[one], counts)
        yield from self._below("", inside, totals)

    def _below(self, folder: str, inside: dict[str, list[str]], totals: dict[str, Counts]) -> Iterator[FolderRow]:
        if _alike(totals[folder]) or folder not in inside:
            if any(totals[folder]):
                yield FolderRow(folder, tuple(totals[folder]))
            return
        if any(own := self._counts.get(folder, [])):
            yield FolderRow(folder, tuple(own), directly=True)
        shut = [one for one in inside[folder] if totals[one][KeyOutcome.DENIED] == sum(totals[one])]
        for one in sorted(inside[folder] if len(shut) < 2 else set(inside[folder]).difference(shut)):
            yield from self._below(one, inside, totals)
        if len(shut) > 1:
            counts = [0] * len(KeyOutcome)
            counts[KeyOutcome.DENIED] = sum(totals[one][KeyOutcome.DENIED] for one in shut)
            yield FolderRow(folder, tuple(counts), others=len(shut))

    def of(self, folder: str) -> Counts:
        """Return the counts of a folder to add to, until another one is asked for."""
        found = self._counts.get(folder)
        if found is None:
            if len(self._counts) >= self._most:
                self._fold()
            way = _way(folder)[: DEEPEST + 1]
            place = next((one for one in way if one in self._whole), way[-1])
            found = self._counts.setdefault(place, [0] * len(KeyOutcome))
        return found

    def _fold(self) -> None:
        """Put folders together, the deepest first; before all others those in which all is alike."""
        for alike in (True, False):
            for depth in range(DEEPEST, 0, -1):
                if len(self._counts) <= self._most // 2:
                    return
                siblings: dict[str, list[str]] = defaultdict(list)
                for folder in self._counts:
                    if folder.count("/") == depth:
                        siblings[_parent(folder)].append(folder)
                for parent, folders in siblings.items():
                    together = list(self._counts.get(parent, [0] * len(KeyOutcome)))
                    for one in folders:
                        _add(together, self._counts[one])
                    if not alike or _alike(together):
                        for one in folders:
                            del self._counts[one]
                            self._whole.discard(one)
                        self._counts[parent] = together
                        self._whole.add(parent)


def _add(to: Counts, counts: Counts) -> None:
    for number, count in enumerate(counts):
        to[number] += count


def _alike(counts: Counts) -> bool:
    return sum(1 for one in counts if one) <= 1


def _parent(folder: str) -> str:
    return folder[: folder.rfind("/", 0, -1) + 1]


def _way(folder: str) -> list[str]:
    """Return a folder and all that it is in, the outermost first: that is the bucket itself."""
    return ["", *(folder[: at + 1] for at, sign in enumerate(folder) if sign == "/")]
