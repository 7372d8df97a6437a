"""A random sample of the images, to say how many may show a face that nobody was unsure of."""

from __future__ import annotations

import hashlib
import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.review.boxes import images_in, record_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.domains.screenlake.review.boxes import ImageRecord
    from bondstore.domains.screenlake.review.decisions import Decided
    from bondstore.runs.destination import Destination

SAMPLE = 59
"""The least images of which none may show a face for a limit of 5 %."""
MOST = 3000
CONFIDENCE = 0.95
SHARES = (10, 5, 2, 1)
"""Limits in per cent that the sheet names the number of images for."""


def upper_limit(looked: int, found: int, confidence: float = CONFIDENCE) -> float:
    """Return the share of all images that is not exceeded, when so many of a random sample show a face.

    The one-sided limit of Clopper and Pearson (Biometrika 26, 1934): exact for independent draws, and on the safe side
    for draws without putting back, as here.
    """
    if not looked or found >= looked:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(looked, found, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(number: int, most: int, share: float) -> float:
    """Return the chance of at most so many in so many draws; in logarithms, as the first terms may be tiny."""
    terms = (
        math.lgamma(number + 1)
        - math.lgamma(count + 1)
        - math.lgamma(number - count + 1)
        + count * math.log(share)
        + (number - count) * math.log1p(-share)
        for count in range(most + 1)
    )
    return math.fsum(map(math.exp, terms))


def images_needed(share: float, confidence: float = CONFIDENCE) -> int:
    """Return how many images without a face it takes to say that at most so many of all show one."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-share))


@dataclass(frozen=True, slots=True)
class Sample:
    """Images drawn at random, the same ones each time, and what came of those that somebody looked at."""

    images: int  # images in the results
    drawn: int
    looked: int = 0
    missed: int = 0  # of these, in which a face showed
    open: Sequence[ImageRecord] = ()  # nobody looked at them yet

    @property
    def limit(self) -> float:
        """The share of images that show a face is under this, at 95 % confidence."""
        return upper_limit(self.looked, self.missed)

    def told(self) -> str:
        """Return what may be said, as a sentence; empty where nobody looked."""
        if not self.looked:
            return ""
        showed = f"{self.missed:,} showed a face" if self.missed else "none showed a face"
        return (
            f"Sample: {self.looked:,} of {self.images:,} images looked at, {showed}. "
            f"With 95 % confidence, under {math.ceil(self.limit * 1000 - 1e-6) / 10:.1f} % of the images show a face."
        )

    def record(self) -> dict[str, object]:
        """Return it as a record to show."""
        limit = self.limit if self.looked else None
        return {
            "images": self.images,
            "drawn": self.drawn,
            "looked": self.looked,
            "missed": self.missed,
            "limit_95": limit,
        }


def draw(dest: Destination, query: str, size: int, known: Decided) -> Sample:
    """Draw images: those with the least digests, so that a larger sample holds the smaller, and none is favoured."""
    heap: list[tuple[int, int, ImageRecord]] = []  # with the largest digest on top
    number = 0
    for file in record_files(dest, query):
        seen: set[str] = set()
        for image in images_in(dest, file, holding=('"sha256_after": "',)):
            if not image.image or image.image in seen:
                continue
            seen.add(image.image)
            number += 1
            said = f"{query}\n{image.panelist}\n{image.image}\n{image.source}"
            digest = int.from_bytes(hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest())
            if len(heap) < size:
                heapq.heappush(heap, (-digest, number, image))
            elif heap and -heap[0][0] > digest:
                heapq.heapreplace(heap, (-digest, number, image))
    drawn = [image for *_, image in sorted(heap, key=lambda one: -one[0])]
    words = [known.seen.get((image.source, image.how)) for image in drawn]
    return Sample(
        number,
        len(drawn),
        sum(word is not None for word in words),
        words.count("missed"),
        # The same bytes under two names are shown once.
        list({image.source: image for image, word in zip(drawn, words, strict=True) if word is None}.values()),
    )
