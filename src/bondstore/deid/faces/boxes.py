"""A box round a face, and what is done with many of them: turn back, and keep the best of those that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows: TypeAlias = NDArray[np.float32]
    """Candidates, shape (n, 5): left, top, right, bottom in pixels, score from 0 to 1."""

OVERLAP = 0.3
"""Share of intersection in union from which two boxes stand for one face; the value CenterFace's authors use."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright picture, with the detector's score."""

    x: float
    y: float
    width: float
    height: float
    score: float  # how sure the detector is, from 0 to 1; a person's box has 1


def suppress(rows: Rows, overlap: float = OVERLAP) -> Rows:
    """Keep the best of the candidates that overlap, best first."""
    import numpy as np

    # Equals stand in the order of their position, so that the answer does not depend on the order of the passes.
    rows = rows[np.lexsort((rows[:, 2], rows[:, 3], rows[:, 0], rows[:, 1], -rows[:, 4]))]
    areas = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
    left = np.arange(len(rows))
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        wide = np.minimum(rows[best, 2], rows[left, 2]) - np.maximum(rows[best, 0], rows[left, 0])
        high = np.minimum(rows[best, 3], rows[left, 3]) - np.maximum(rows[best, 1], rows[left, 1])
        common = np.maximum(wide, 0) * np.maximum(high, 0)
        left = left[common < overlap * (areas[best] + areas[left] - common)]
    return rows[kept]


def turn_back(rows: Rows, turns: int, height: int, width: int) -> Rows:
    """Give candidates of a picture turned by quarter turns, as `numpy.rot90` counts them, their upright places."""
    import numpy as np

    left, top, right, bottom, score = rows.T
    sides = {
        0: (left, top, right, bottom),
        1: (width - bottom, left, width - top, right),
        2: (width - right, height - bottom, width - left, height - top),
        3: (top, height - right, bottom, height - left),
    }[turns % 4]
    return np.stack((*sides, score), axis=1)
