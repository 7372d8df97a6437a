"""Looks at a picture that follows another: at large sizes only at what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.deid.faces.boxes import suppress
from bondstore.deid.faces.cells import CELL, Place, cells_of, halved, rectangles
from bondstore.deid.faces.closer import SURE, look_closer
from bondstore.deid.faces.passes import GRID, Pass, look_often, scaled_size, with_smaller

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.boxes import Rows
    from bondstore.deid.faces.cells import Mask
    from bondstore.deid.faces.closer import LookMany
    from bondstore.deid.faces.passes import Look
    from bondstore.deid.faces.series import Before


LARGE = 0.4
"""Scale from which a look is taken only at what changed; smaller ones cost little and are taken whole."""
HALO = 32
"""Pixels round a rectangle that the network sees with it; a rectangle holds `AROUND` cells of what did not change."""
PIECE = 1 << 20
"""Pixels of the largest piece that is looked at in one go."""
MOST = 0.8
"""Share of a picture from which it is looked at whole: what is round the rectangles would cost more than they save."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What a detector can do: look at a picture, look at several small ones, and at which sizes."""

    whole: Look
    close: LookMany
    passes: Sequence[Pass]
    most: int  # candidates that are looked at more closely


def look_at_changes(looks: Looks, pixels: NDArray[np.uint8], before: Before) -> Rows:
    """Find candidates in one picture, and hold what is known of it for the next."""
    import numpy as np

    half = halved(pixels)
    kept = before.kept(pixels, half)
    known: Mask = np.logical_or.reduce([one.cells for one in kept]) if kept else np.zeros(cells_of(half), bool)
    looked = np.zeros_like(known)
    places = rectangles(~known, HALO / CELL)
    for place in places:
        looked[place.top : place.bottom, place.left : place.right] = True
    if looked.mean() > MOST:
        looked[:], places = True, []
    every = with_smaller(looks.passes, max(pixels.shape[:2]))
    whole = [one for one in every if one.scale < LARGE or looked.all()]
    found = [_look_at_places(looks.whole, pixels, one.scale, places) for one in every if one not in whole and places]
    if whole:
        found.append(look_often(looks.whole, pixels, whole, None, more=False))
    rows = suppress(np.concatenate([*found, before.answers(kept)]))
    if looks.most:
        new = _reaches(rows, ~known | looked)
        close = look_closer(looks.close, pixels, rows[new | (rows[:, 4] >= SURE)], looks.most)
        rows = suppress(np.concatenate([close, rows[~new]]))
    before.hold(pixels, half, rows, kept, looked)
    return rows


def _reaches(rows: Rows, open_: Mask) -> Mask:
    """Tell which candidates have a part in open cells; the others were looked at closely before."""
    import numpy as np

    sums = np.zeros((open_.shape[0] + 1, open_.shape[1] + 1), int)
    sums[1:, 1:] = open_.cumsum(axis=0).cumsum(axis=1)
    left, top = (rows[:, side] // CELL for side in (0, 1))
    right, bottom = (rows[:, side] // CELL + 1 for side in (2, 3))
    left, right = (side.astype(int).clip(0, open_.shape[1]) for side in (left, right))
    top, bottom = (side.astype(int).clip(0, open_.shape[0]) for side in (top, bottom))
    reached: Mask = (sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]) > 0
    return reached


def _look_at_places(look: Look, pixels: NDArray[np.uint8], scale: float, places: Sequence[Place]) -> Rows:
    """Look at rectangles of cells at one scale; a candidate counts where its middle is in the rectangle."""
    import numpy as np
    from PIL import Image

    height, width = pixels.shape[:2]
    high, wide = scaled_size(height, width, scale)
    across, down = width / wide, height / high
    image = Image.fromarray(pixels)
    found = [np.zeros((0, 5), np.float32)]
    for left, top, right, bottom in _pieces(places, wide / width, high / height, wide, high):
        x, end_x = _span(left, right, wide)
        y, end_y = _span(top, bottom, high)
        box = (x * across, y * down, min(width, end_x * across), min(height, end_y * down))
        part = np.asarray(image.resize((end_x - x, end_y - y), Image.Resampling.HAMMING, box))
        more = (-part.shape[0] % GRID, -part.shape[1] % GRID)
        rows = look(np.pad(part, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge") if any(more) else part)
        rows[:, :4] += np.array([x, y, x, y], np.float32)
        middle_x, middle_y = (rows[:, 0] + rows[:, 2]) / 2, (rows[:, 1] + rows[:, 3]) / 2
        rows = rows[(middle_x >= left) & (middle_x < right) & (middle_y >= top) & (middle_y < bottom)]
        rows[:, 2:4] = np.minimum(rows[:, 2:4], np.array([end_x, end_y], np.float32))
        rows[:, :4] *= np.array([across, down] * 2, np.float32)
        found.append(rows)
    return np.concatenate(found)


def _span(first: int, last: int, length: int) -> tuple[int, int]:
    """Return where a piece begins and ends with what is round it: whole steps of the grid where there is room."""
    start, end = max(0, first - HALO), min(length, last + HALO)
    short = -(end - start) % GRID
    end = min(length, end + short)
    return max(0, start - (-(end - start) % GRID)), end


def _pieces(
    places: Sequence[Place], across: float, down: float, width: int, height: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield rectangles in pixels of the scaled picture, cut so that none is much larger than `PIECE`."""
    for place in places:
        left, right = round(place.left * CELL * across), min(width, round(place.right * CELL * across))
        top, bottom = round(place.top * CELL * down), min(height, round(place.bottom * CELL * down))
        wide, high = right - left, bottom - top
        columns = rows = 1
        while (wide / columns + HALO) * (high / rows + HALO) > PIECE:
            if high / rows >= wide / columns:
                rows += 1
            else:
                columns += 1
        for row in range(rows):
            for column in range(columns):
                yield (
                    left + wide * column // columns,
                    top + high * row // rows,
                    left + wide * (column + 1) // columns,
                    top + high * (row + 1) // rows,
                )
