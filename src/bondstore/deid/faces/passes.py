"""Several looks at one picture: at several sizes and turned, large ones in tiles; and their answers merged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from bondstore.deid.faces.boxes import suppress, turn_back

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.boxes import Rows

    Look: TypeAlias = Callable[[NDArray[np.uint8]], Rows]
    """Finds candidates in pixels whose sides are multiples of `GRID` (or have the model's one size)."""

GRID = 32
"""Both networks halve their input five times."""
TILE_PIXELS = 3 << 20
"""A larger look is cut into tiles: it holds a phone's screen whole, and memory stays under about a gigabyte."""
TILE_OVERLAP = 384
"""Pixels that neighbouring tiles share, more than the largest face that a look at this size is for."""
SMALLEST_LOOK = 640
"""Further looks, each a quarter the size of the last, are taken until the longer side is no more than this: a face that
fills the picture is then one the network knows."""


STRETCH = 0.06
"""How much a scaled picture may be stretched each way so that its sides fall on the grid."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One look at the whole picture."""

    scale: float
    turns: int = 0


def look_often(
    look: Look, pixels: NDArray[np.uint8], passes: Sequence[Pass], tile: tuple[int, int] | None, *, more: bool = True
) -> Rows:
    """Find candidates in all passes and keep the best of those that overlap."""
    import numpy as np

    height, width = pixels.shape[:2]
    found = []
    scaled: dict[float, NDArray[np.uint8]] = {}
    for one in with_smaller(passes, max(height, width)) if more else passes:
        if one.scale not in scaled:
            scaled[one.scale] = resize(pixels, one.scale)
        small = scaled[one.scale]
        rows = turn_back(_look_in_tiles(look, np.rot90(small, one.turns), tile), one.turns, *small.shape[:2])
        rows[:, :4] *= np.array([width / small.shape[1], height / small.shape[0]] * 2, np.float32)
        found.append(rows)
    return suppress(np.concatenate(found))


def with_smaller(passes: Sequence[Pass], longest: int) -> list[Pass]:
    """Add looks at ever smaller sizes, unturned, until a face that fills the picture is found too."""
    scale = min(one.scale for one in passes if not one.turns)
    more = []
    while longest * scale > SMALLEST_LOOK:
        scale /= 4
        more.append(Pass(scale))
    return [*passes, *more]


def resize(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return pixels at another size, averaged over what each new pixel covers."""
    import numpy as np
    from PIL import Image

    if scale == 1:
        return pixels
    image = Image.fromarray(pixels)
    size = scaled_size(image.height, image.width, scale)[::-1]
    # Hamming keeps small faces sharper than a bilinear filter does, for the same time.
    return np.asarray(image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.0))


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Return the height and width of a picture at another size."""
    return _fit(height * scale), _fit(width * scale)


def _fit(length: float) -> int:
    """Return a length on the grid where that changes it little, and nothing has to be filled up; else the nearest."""
    fit = round(length / GRID) * GRID
    return fit if abs(fit - length) <= STRETCH * length else max(1, round(length))


def _look_in_tiles(look: Look, pixels: NDArray[np.uint8], tile: tuple[int, int] | None) -> Rows:
    """Look at pixels of any size: filled up to the grid, and cut into tiles where they are many."""
    import numpy as np

    height, width = pixels.shape[:2]
    tile_height, tile_width = tile or _tile(height, width)
    found = []
    for top in _starts(height, tile_height):
        for left in _starts(width, tile_width):
            part = pixels[top : top + tile_height, left : left + tile_width]
            more = (tile_height - part.shape[0], tile_width - part.shape[1])
            # What is filled in repeats the edge: a black rim would be an outline that the picture does not have.
            whole = np.pad(part, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
            rows = look(whole)
            inside = ((rows[:, 0] + rows[:, 2]) / 2 < part.shape[1]) & ((rows[:, 1] + rows[:, 3]) / 2 < part.shape[0])
            rows = rows[inside]
            rows[:, 2] = np.minimum(rows[:, 2], part.shape[1])
            rows[:, 3] = np.minimum(rows[:, 3], part.shape[0])
            rows[:, :4] += np.array([left, top, left, top], np.float32)
            found.append(rows)
    return np.concatenate(found)


def _tile(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of equal tiles under the limit, on the grid."""
    rows = columns = 1
    while True:
        high = _up(math.ceil((height + (rows - 1) * TILE_OVERLAP) / rows))
        wide = _up(math.ceil((width + (columns - 1) * TILE_OVERLAP) / columns))
        if high * wide <= TILE_PIXELS:
            return high, wide
        if high >= wide:
            rows += 1
        else:
            columns += 1


def _up(pixels: int) -> int:
    return -(-pixels // GRID) * GRID


def _starts(length: int, tile: int) -> Iterator[int]:
    """Yield where tiles begin: evenly, the last one ends with the picture, neighbours share the overlap."""
    if length <= tile:
        yield 0
        return
    step = max(GRID, tile - min(TILE_OVERLAP, tile // 2))
    count = math.ceil((length - tile) / step) + 1
    for number in range(count):
        yield round(number * (length - tile) / (count - 1))
