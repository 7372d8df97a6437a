"""Pictures that follow each other: what stands as it stood in the one before keeps its answer.

A phone takes a screenshot every few seconds, and most of the next one is the same, or the same moved up. A cell keeps
its answer when it and all round it (`AROUND` cells, half the largest face that a look at full size is for) show what
they showed when they were last looked at, at the same place or moved by one scroll. What was last looked at is held
cell by cell, so that a picture that changes slowly cannot drift away from its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bondstore.deid.faces.cells import CELL, halved, shrunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.boxes import Rows
    from bondstore.deid.faces.cells import Mask

AROUND = 3
"""Cells round one that must be as they were: faces of more than twice this are for the looks at small sizes."""
EQUAL, STILL, MOVED = (0, 0), (6, 40), (16, 64)
"""Levels, of 255, by which patches of 8 by 8 pixels and single pixels may differ. The blocks of JPEG fall otherwise on
what moved: of cells of the same content at quality 50, 99 of 100 then differ by 12 and 37 levels at most."""
PATCH = 4
"""Side of a patch, in pixels of a half-size picture."""
BANDS = 6
"""Upright bands of a picture by which a scroll is found."""
STOOD = 0.9
"""Share of cells that stand still from which no scroll is looked for: it would cost more than it saves."""
LEAST_LEFT = 256
"""Rows of pixels that must still be seen after a scroll, for it to be worth finding."""
LARGEST = 12_000_000
"""Pixels of the largest picture that is held for the next one."""


@dataclass(frozen=True)
class Kept:
    """Cells that show what they showed before, where everything stood `down` pixels lower."""

    down: int
    alike: Mask

    @cached_property
    def cells(self) -> Mask:
        """Those that need no new look, as all round them is alike too."""
        return shrunk(self.alike, AROUND)


class Before:
    """What the pictures before say about the next one."""

    def __init__(self) -> None:
        self._held: _Held | None = None

    def kept(self, pixels: NDArray[np.uint8], half: NDArray[np.uint8]) -> list[Kept]:
        """Find the cells that show what they showed before."""
        if (held := self._held) is None or held.pixels.shape != pixels.shape:
            return []
        # What equals the picture before to the last bit is as that was; that adds up to no drift.
        still = _alike(half, held.half, STILL) | _alike(half, held.last, EQUAL)
        found = [Kept(0, still)]
        if still.mean() < STOOD and (down := _scrolled(held.pixels, pixels)):
            found.append(Kept(down, _alike_moved(held.pixels, pixels, down, still.shape)))
        return found

    def answers(self, kept: Sequence[Kept]) -> Rows:
        """Return the candidates whose middle lies in a cell that is as it was, looked at again or not."""
        import numpy as np

        found = [np.zeros((0, 5), np.float32)]
        for one in kept:
            assert self._held is not None
            rows = self._held.rows.copy()
            rows[:, 1:4:2] -= one.down
            across, down = np.floor((rows[:, :2] + rows[:, 2:4]).T / (2 * CELL)).astype(int)
            inside = (down >= 0) & (down < one.alike.shape[0]) & (across < one.alike.shape[1])
            rows, across, down = rows[inside], across[inside], down[inside]
            found.append(rows[one.alike[down, across]])
        return np.concatenate(found)

    def hold(
        self, pixels: NDArray[np.uint8], half: NDArray[np.uint8], rows: Rows, kept: Sequence[Kept], looked: Mask
    ) -> None:
        """Take a picture and its answer for the next one."""
        import numpy as np

        before, open_ = self._held, ~looked
        if before is not None and any(not one.down and one.cells.all() for one in kept):
            self._held = replace(before, last=half, rows=rows)
            return
        if pixels.shape[0] * pixels.shape[1] > LARGEST:
            self._held = None
            return
        held = pixels.copy()
        for one in kept:
            assert before is not None
            cells = one.cells & open_
            now, then = _overlap(held, before.pixels, one.down)
            first = max(0, -one.down)
            for row in np.flatnonzero(cells.any(axis=1)).tolist():
                top, bottom = max(row * CELL, first), min((row + 1) * CELL, first + len(now))
                where = np.repeat(cells[row], CELL)[None, : now.shape[1], None]
                np.copyto(now[top - first : bottom - first], then[top - first : bottom - first], where=where)
            open_ &= ~one.cells
        self._held = _Held(held, halved(held) if kept else half, half, rows)


@dataclass(frozen=True, slots=True)
class _Held:
    pixels: NDArray[np.uint8]  # of each place as it was when it was last looked at
    half: NDArray[np.uint8]  # the same at half size
    last: NDArray[np.uint8]  # the picture before, at half size
    rows: Rows


def _overlap(
    now: NDArray[np.uint8], before: NDArray[np.uint8], down: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the rows of two pictures that show the same, where the one before stood `down` pixels lower."""
    height = now.shape[0]
    if down >= 0:
        return now[: height - down], before[down:]
    return now[-down:], before[: height + down]


def _alike(one: NDArray[np.uint8], other: NDArray[np.uint8], most: tuple[int, int]) -> Mask:
    """Tell in which cells two pictures of half size show the same."""
    import numpy as np

    side = CELL // 2
    rows, columns = one.shape[0] // side, one.shape[1] // side
    shape = (rows, side, columns, side * 3)
    alike: Mask = (one.reshape(shape) == other.reshape(shape)).all(axis=(1, 3))
    # Most cells of a screen that stands still are equal to the last bit; only the others are worth arithmetic.
    places = np.nonzero(~alike)
    now, then = (
        picture.reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4)[places].astype(np.int16)
        for picture in (one, other)
    )
    off = now - then
    patches = off.reshape(-1, side // PATCH, PATCH, side // PATCH, PATCH, 3).sum(axis=(2, 4), dtype=np.int16)
    near = np.abs(patches).max(axis=(1, 2, 3)) <= most[0] * PATCH * PATCH
    alike[places] = near & (np.abs(off).max(axis=(1, 2, 3)) <= most[1])
    return alike


def _alike_moved(before: NDArray[np.uint8], pixels: NDArray[np.uint8], down: int, shape: tuple[int, ...]) -> Mask:
    """The same after a scroll: what was not in the picture before is not alike."""
    import numpy as np

    now, then = _overlap(pixels, before, down)
    # Cells lie as in the whole picture: where its upper rows are new, whole cells of them are left out.
    skip = -(-max(0, -down) // CELL) * CELL - max(0, -down)
    part = _alike(halved(now[skip:]), halved(then[skip:]), MOVED)
    whole = now[skip:].shape[0] // CELL
    out = np.zeros(shape, bool)
    first = (max(0, -down) + skip) // CELL
    out[first : first + whole] = part[:whole]
    return out


def _scrolled(before: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> int:
    """Return how many pixels lower most of what changed stood before; 0 where nothing says so."""
    import numpy as np

    height, width = pixels.shape[:2]
    band = width // BANDS
    if height <= LEAST_LEFT or not band:
        return 0
    now, then = (
        np.diff(one[:, : band * BANDS, 1].reshape(height, BANDS, band).mean(axis=2, dtype=np.float32), axis=0)
        for one in (pixels, before)
    )
    now[np.abs(now - then).max(axis=1) < 1] = 0  # what stood still would speak for no scroll
    size = 2 * height
    common = (np.conj(np.fft.rfft(now, size, axis=0)) * np.fft.rfft(then, size, axis=0)).sum(axis=1)
    fits = np.fft.irfft(common, size)
    fits[height - LEAST_LEFT : height + LEAST_LEFT + 1] = -np.inf
    fits[0] = -np.inf
    best = int(np.argmax(fits))
    return best if best < height else best - size
