"""What a person can decide about: boxes that the detector drew, worst first, each with an id of its own."""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.paths import token_of
from bondstore.domains.screenlake.redactions import WITH_BOXES, Corners, looked_at, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bondstore.domains.screenlake.decisions import Decision
    from bondstore.domains.screenlake.redactions import Looked

MARGIN = 0.2
"""A cover is so much larger than its box on each side; see `bondstore.deid.covers.Cover`."""
SHORT = 10
"""Digits of an id that are shown: enough to tell millions of boxes apart, and any start will do that only one has."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A box in an image.

    Parameters
    ----------
    id : str
        The same as long as the image and the box are the same; in hex.
    panelist, image : str
        The panelist's folder, and the image's file in it.
    source, key : str
        SHA-256 of the image as it came, in hex; and a zip it came in.
    box : (x, y, width, height)
        In pixels of the image.
    score : float
        How sure the detector was, from 0 to 1.
    covered : bool
        Whether it was covered.
    """

    id: str
    panelist: str
    image: str
    source: str
    key: str
    box: Corners
    score: float
    covered: bool

    @property
    def short(self) -> str:
        """The id as it is shown."""
        return self.id[:SHORT]

    @property
    def order(self) -> tuple[bool, float, str]:
        """Worst first: what was not covered by falling score, then what was covered by rising score."""
        return self.covered, self.score if self.covered else -self.score, self.id

    def record(self) -> dict[str, object]:
        """Return it as a record to show."""
        return {
            "kind": "candidate",
            "id": self.short,
            "covered": self.covered,
            "score": self.score,
            "panelist": self.panelist,
            "image": self.image,
            "box": list(self.box),
        }


def candidates(root: Path, query: str) -> Iterator[Candidate]:
    """Yield all boxes of a query's images; one whose image came in several zips comes as often.

    Parameters
    ----------
    root : Path
        The destination.
    query : str
        The query's id.
    """
    for record in records(root, query):
        for looked in looked_at(record, holding=WITH_BOXES):
            if looked.image:
                yield from _of_image(looked)


def _of_image(looked: Looked) -> Iterator[Candidate]:
    covered = [_grown(box) for box, _ in looked.covered]
    for box, score in looked.covered:
        yield _candidate(looked, box, score, covered=True)
    for box, score in looked.unsure:
        if not any(_within(box, other) for other in covered):  # nothing of it is to be seen
            yield _candidate(looked, box, score, covered=False)


def _candidate(looked: Looked, box: Corners, score: float, *, covered: bool) -> Candidate:
    said = f"{token_of(looked.base, looked.source)} {place_of(box)}"
    digest = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
    return Candidate(digest, looked.panelist, looked.image, looked.source, looked.key, box, score, covered)


def place_of(box: Sequence[float]) -> str:
    """Return a box as text: equal for boxes that are equal as far as they are recorded."""
    return ",".join(f"{side:.3f}" for side in box)


def _grown(box: Corners) -> Corners:
    """Return what was really covered."""
    x, y, width, height = box
    wide, high = MARGIN * width, MARGIN * height
    return x - wide, y - high, width + 2 * wide, height + 2 * high


def _within(box: Corners, other: Corners) -> bool:
    return (
        box[0] >= other[0]
        and box[1] >= other[1]
        and box[0] + box[2] <= other[0] + other[2]
        and box[1] + box[3] <= other[1] + other[3]
    )


@dataclass(slots=True)
class Settled:
    """Which boxes somebody decided about already.

    Parameters
    ----------
    boxes : dict
        The last decision, by image and box.
    images : set of str
        Images that were confirmed as a whole.
    """

    boxes: dict[tuple[str, str], Decision] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)

    def last(self, candidate: Candidate) -> Decision | None:
        """Return the last decision about a box."""
        return self.boxes.get((candidate.source, place_of(candidate.box)))

    def has(self, candidate: Candidate) -> bool:
        """Whether a box needs no more looking at."""
        return candidate.source in self.images or self.last(candidate) is not None


def settled(decisions: Iterable[Decision]) -> Settled:
    """Sort decisions by what they are about."""
    found = Settled()
    for one in decisions:
        if one.box:
            found.boxes[one.source, place_of(one.box)] = one
        elif one.verdict == "confirm":
            found.images.add(one.source)
    return found


def worst(some: Iterable[Candidate], limit: int) -> list[Candidate]:
    """Return the first so many in the order of `Candidate.order`, each once. Memory grows with the limit alone.

    Parameters
    ----------
    some : iterable of Candidate
        In any order; the same one may come several times.
    limit : int
        How many; at least 1.
    """
    kept: list[_Turned] = []
    ids: set[str] = set()
    for one in some:
        if one.id in ids:
            continue
        entry = _Turned(one)
        if len(kept) < limit:
            heapq.heappush(kept, entry)
        elif kept[0] < entry:
            ids.discard(heapq.heapreplace(kept, entry).candidate.id)
        else:
            continue
        ids.add(one.id)
    return [entry.candidate for entry in sorted(kept, reverse=True)]


@dataclass(frozen=True, slots=True)
class _Turned:
    """Puts the least bad on top of the heap."""

    candidate: Candidate

    def __lt__(self, other: _Turned) -> bool:
        return self.candidate.order > other.candidate.order
