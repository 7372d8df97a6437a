"""A picture in cells: which of them hang together, as few rectangles round them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    """One value a cell, shape (rows, columns)."""

CELL = 32
"""Pixels of a cell's side."""
SAVED = 0.98
"""Share of a rectangle's cost below which it is cut in two."""


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of cells: from `top` and `left` up to, but without, `bottom` and `right`."""

    top: int
    left: int
    bottom: int
    right: int


def halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels at half size, filled up to whole cells by what stands at the edge."""
    import numpy as np
    from PIL import Image

    half = np.asarray(Image.fromarray(pixels).reduce(2))
    side = CELL // 2
    more = (-half.shape[0] % side, -half.shape[1] % side)
    return np.pad(half, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge") if any(more) else half


def cells_of(half: NDArray[np.uint8]) -> tuple[int, int]:
    """Return how many rows and columns of cells a picture of half size has."""
    return half.shape[0] * 2 // CELL, half.shape[1] * 2 // CELL


def shrunk(mask: Mask, by: int) -> Mask:
    """Keep the cells that have nothing but set ones as far as `by` round them; beyond the picture all is set."""
    import numpy as np

    padded = np.pad(mask, by, constant_values=True)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * by + 1, 2 * by + 1))
    kept: Mask = np.all(windows, axis=(2, 3))
    return kept


def rectangles(mask: Mask, rim: float) -> list[Place]:
    """Return rectangles that hold all set cells, with little else: each costs `rim` cells more on every side."""
    whole = _tight(mask, Place(0, 0, *mask.shape))
    return _parted(mask, whole, rim) if whole else []


def _parted(mask: Mask, place: Place, rim: float) -> list[Place]:
    """Cut a rectangle in two, and the parts again, where the parts without their empty edges cost less than it."""
    best, least = None, SAVED * _cost(place, rim)
    cuts = [
        *(
            (Place(place.top, place.left, at, place.right), Place(at, place.left, place.bottom, place.right))
            for at in range(place.top + 1, place.bottom)
        ),
        *(
            (Place(place.top, place.left, place.bottom, at), Place(place.top, at, place.bottom, place.right))
            for at in range(place.left + 1, place.right)
        ),
    ]
    for cut in cuts:
        parts = [part for one in cut if (part := _tight(mask, one))]
        if (cost := sum(_cost(one, rim) for one in parts)) < least:
            best, least = parts, cost
    return [part for one in best for part in _parted(mask, one, rim)] if best else [place]


def _cost(place: Place, rim: float) -> float:
    return (place.bottom - place.top + 2 * rim) * (place.right - place.left + 2 * rim)


def _tight(mask: Mask, place: Place) -> Place | None:
    """Return a rectangle without its empty edges; None where it is all empty."""
    import numpy as np

    part = mask[place.top : place.bottom, place.left : place.right]
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if not rows.size:
        return None
    top, left = place.top + int(rows[0]), place.left + int(columns[0])
    return Place(top, left, place.top + int(rows[-1]) + 1, place.left + int(columns[-1]) + 1)
