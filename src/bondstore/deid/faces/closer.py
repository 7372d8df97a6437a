"""A closer look at what the first look was not sure of: cut out, brought to one size, and turned each way.

A small or a turned face leaves a trace in a quick look over the whole picture, though often a weak one. Cut out with
what is round it and brought to the size the network knows best, it is told from a pattern in a brick wall far better
than by looking at the whole picture at more sizes and turns, and for a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
TURNS = (0, 1, 2, 3)
AT_ONCE = 8
"""Candidates whose cuts go through the network together: few enough that memory stays small."""


@dataclass(frozen=True, slots=True)
class Glass:
    """How a candidate is brought before the network again.

    Parameters
    ----------
    face : int
        Pixels that its longer side is brought to.
    cut : int
        Pixels of the square that is cut out round it, at that size: a multiple of 32.
    """

    face: int
    cut: int


QUICK = Glass(32, 64)
CLOSE = Glass(64, 160)
WORTH = 0.15
"""Score in the quick cut from which the closer one is worth its time: no face of the tuning set was below."""


def look_closer(look: LookMany, pixels: NDArray[np.uint8], rows: Rows, most: int) -> Rows:
    """Look again at the candidates that the first look was not sure of.

    Parameters
    ----------
    look : callable
        Finds candidates in several cuts.
    pixels : ndarray of uint8, shape (height, width, 3)
        The upright picture.
    rows : ndarray, shape (n, 5)
        Candidates of the first look, best first.
    most : int
        How many are looked at again, the best of those that are not sure. The others keep the score they have.

    Returns
    -------
    ndarray of float32, shape (m, 5)
        All of them, with the box and the score of the look that was surest of it, best first.
    """
    import numpy as np

    unsure = np.nonzero(rows[:, 4] < SURE)[0][:most]
    quick = _look_at(look, pixels, rows[unsure], QUICK)
    worth = quick[:, 4] >= WORTH
    close = _look_at(look, pixels, rows[unsure][worth], CLOSE)
    return suppress(np.concatenate([rows, quick, close]))


def _look_at(look: LookMany, pixels: NDArray[np.uint8], rows: Rows, glass: Glass) -> Rows:
    """Return for each candidate the best box at its place; its own with no score, where there is none."""
    import numpy as np

    answers = rows.copy()
    answers[:, 4] = 0
    for start in range(0, len(rows), AT_ONCE):
        places = [_square(row, glass) for row in rows[start : start + AT_ONCE]]
        cuts = [np.rot90(_cut(pixels, place, glass.cut), turns) for place in places for turns in TURNS]
        found = look(np.stack(cuts))
        for number, (left, top, scale) in enumerate(places):
            turned = found[number * len(TURNS) : (number + 1) * len(TURNS)]
            upright = [turn_back(one, turns, glass.cut, glass.cut) for turns, one in zip(TURNS, turned, strict=True)]
            central = np.concatenate([one[list(_central(one, glass))] for one in upright])
            if len(central):
                best = suppress(central)[0]
                best[:4] = best[:4] * scale + np.array([left, top, left, top], np.float32)
                answers[start + number] = best
    return answers


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


def _central(rows: Rows, glass: Glass) -> Iterator[int]:
    """Yield which boxes have their middle where the candidate is."""
    middle, reach = glass.cut / 2, glass.face / 2
    for number, (left, top, right, bottom, _) in enumerate(rows.tolist()):
        if abs((left + right) / 2 - middle) <= reach and abs((top + bottom) / 2 - middle) <= reach:
            yield number
