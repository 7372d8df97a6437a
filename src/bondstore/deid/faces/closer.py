"""A closer look at what the first look was not sure of: cut out, brought to one size, and turned each way.

A small or a turned face leaves a trace in a quick look over the whole picture, though often a weak one. Cut out with
what is round it and brought to the size the network knows best, it is told from a pattern in a brick wall far better
than by looking at the whole picture at more sizes and turns, and for a fraction of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from bondstore.deid.faces.boxes import suppress, turn_back

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.boxes import Rows

    LookMany: TypeAlias = Callable[[NDArray[np.uint8]], list[Rows]]
    """Finds candidates in each of several pictures of one size, shape (n, height, width, 3)."""

SURE = 0.5
"""From this score on the first look is believed."""
INSIDE = 0.7
"""Share of a candidate in a sure box from which it is left alone."""
SMALL = 48
"""Pixels of the longer side under which a candidate is small."""
FOR_LARGE = 0.25
"""Share of the closer looks that is kept for large candidates: in the tuning sets a face was among the first three."""
TURNS = (0, 1, 2, 3)
AT_ONCE = 8
"""Candidates whose cuts go through the network together: few enough that memory stays small."""


@dataclass(frozen=True, slots=True)
class Glass:
    """How a candidate is brought before the network again."""

    face: int  # pixels that its longer side is brought to
    cut: int  # pixels of the square cut out round it, at that size: a multiple of 32


QUICK, CLOSE = Glass(32, 64), Glass(48, 128)
"""For a candidate of few pixels: more of them do not help it, and what is round it does."""
QUICK_NEAR, CLOSE_NEAR = Glass(40, 64), Glass(80, 128)
"""For the others: little round them. As many faces are found so, and less than half as much that is none."""
TINY = 24
"""Pixels of the longer side under which a candidate has few."""
WORTH = 0.15
"""Score in the quick cut from which the closer one is worth its time."""


def look_closer(look: LookMany, pixels: NDArray[np.uint8], rows: Rows, most: int) -> Rows:
    """Look again at the best `most` candidates that the first look was not sure of; the others keep their score."""
    import numpy as np

    unsure = _worth_looking(rows, most)
    tiny = _longer_side(unsure) < TINY
    far, quick = _look_twice(look, pixels, unsure[tiny], QUICK, CLOSE)
    # The quick look at a large candidate says only which way it may be turned: it takes a ball for a face.
    near, _ = _look_twice(look, pixels, unsure[~tiny], QUICK_NEAR, CLOSE_NEAR)
    return suppress(np.concatenate([rows, quick, far, near]))


def _look_twice(look: LookMany, pixels: NDArray[np.uint8], rows: Rows, quick: Glass, close: Glass) -> tuple[Rows, Rows]:
    """Return what a closer look answers for those that a quick one, turned each way, finds worth it; and the quick."""
    import numpy as np

    first, turns = _look_at(look, pixels, rows, [TURNS] * len(rows), quick)
    worth = np.nonzero(first[:, 4] >= WORTH)[0]
    # Which way a face is turned is known by now; upright is tried again, because most of them are.
    return _look_at(look, pixels, rows[worth], [(0, turns[one] or 2) for one in worth], close)[0], first


def _look_at(
    look: LookMany, pixels: NDArray[np.uint8], rows: Rows, turns: Sequence[Sequence[int]], glass: Glass
) -> tuple[Rows, list[int]]:
    """Return for each candidate the best box at its place and its turn; its own box with no score, where none is."""
    import numpy as np

    answers, best_turns = rows.copy(), [0] * len(rows)
    answers[:, 4] = 0
    for start in range(0, len(rows), AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, len(rows)))
        places = {number: _square(rows[number], glass) for number in numbers}
        upright = {number: _cut(pixels, place, glass.cut) for number, place in places.items()}
        tried = [(number, turn) for number in numbers for turn in turns[number]]
        found = look(np.stack([np.rot90(upright[number], turn) for number, turn in tried]))
        for (number, turn), one in zip(tried, found, strict=True):
            central = _central(turn_back(one, turn, glass.cut, glass.cut), glass)
            if len(central) and (best := central[np.argmax(central[:, 4])])[4] > answers[number, 4]:
                left, top, scale = places[number]
                answers[number, :4] = best[:4] * scale + np.array([left, top, left, top], np.float32)
                answers[number, 4] = best[4]
                best_turns[number] = turn
    return answers, best_turns


def _worth_looking(rows: Rows, most: int) -> Rows:
    """Return the best of the candidates that are neither sure nor inside one that is, small ones before large ones.

    A small face leaves a weak trace among many of the kind; a large one that is not sure is soon told.
    """
    import numpy as np

    open_ = rows[(rows[:, 4] < SURE) & ~_inside(rows, rows[rows[:, 4] >= SURE])]
    small = _longer_side(open_) < SMALL
    of_small = min(int(small.sum()), max(most - math.ceil(most * FOR_LARGE), most - int((~small).sum())))
    return np.concatenate([open_[small][:of_small], open_[~small][: most - of_small]])


def _longer_side(rows: Rows) -> NDArray[np.float32]:
    import numpy as np

    longer: NDArray[np.float32] = np.maximum(rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1])
    return longer


def _inside(rows: Rows, sure: Rows) -> NDArray[np.bool_]:
    """Tell which candidates lie for the most part in a box that is sure, and are covered with it in any case."""
    import numpy as np

    one, other = rows[:, None], sure[None]
    wide = np.minimum(one[..., 2], other[..., 2]) - np.maximum(one[..., 0], other[..., 0])
    high = np.minimum(one[..., 3], other[..., 3]) - np.maximum(one[..., 1], other[..., 1])
    common = np.maximum(wide, 0) * np.maximum(high, 0)
    own = (one[..., 2] - one[..., 0]) * (one[..., 3] - one[..., 1])
    inside: NDArray[np.bool_] = (common >= INSIDE * own).any(axis=1)
    return inside


def _square(row: NDArray[np.float32], glass: Glass) -> tuple[int, int, float]:
    """Return where the square round a candidate begins, and its pixels for each pixel of the cut."""
    left, top, right, bottom = row[:4].tolist()
    side = max(4, round(max(right - left, bottom - top) * glass.cut / glass.face))
    return round((left + right - side) / 2), round((top + bottom - side) / 2), side / glass.cut


def _cut(pixels: NDArray[np.uint8], place: tuple[int, int, float], size: int) -> NDArray[np.uint8]:
    """Cut a square out and bring it to a size; beyond the picture its edge goes on."""
    import numpy as np
    from PIL import Image

    left, top, scale = place
    side = round(scale * size)
    height, width = pixels.shape[:2]
    part = pixels[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    missing = (
        (max(0, -top), max(0, top + side - height)),
        (max(0, -left), max(0, left + side - width)),
    )
    if any(map(any, missing)):
        part = np.pad(part, (*missing, (0, 0)), mode="edge")
    image = Image.fromarray(np.ascontiguousarray(part))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _central(rows: Rows, glass: Glass) -> Rows:
    """Return the boxes that have their middle where the candidate is."""
    middle, reach = glass.cut / 2, glass.face / 2
    across = abs((rows[:, 0] + rows[:, 2]) / 2 - middle) <= reach
    down = abs((rows[:, 1] + rows[:, 3]) / 2 - middle) <= reach
    return rows[across & down]
