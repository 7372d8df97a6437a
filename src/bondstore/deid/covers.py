"""What is done to the pixels of a face: filled or blurred; and what a person decided about it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from bondstore.deid.faces.boxes import Box
from bondstore.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODES = ("fill", "blur", "none")
BLUR_CELLS = 4
"""A blurred face keeps this many averages each way, smoothly joined: there is nothing sharper to be got back."""
REACH = 96
"""Pixels round a cover that are looked at again, at least: beyond, the network sees what it saw before."""
SAME = 0.5
"""Share of intersection in union from which a candidate is the one that a person cleared."""


@dataclass(frozen=True, slots=True)
class Cover:
    """How faces are covered; with the mode ``none`` pictures are not looked at either."""

    mode: Literal["fill", "blur", "none"] = "fill"
    threshold: float | None = None  # score from which a candidate is covered; None for the detector's own
    margin: float = 0.2  # what a box grows by on each side, as a share of its width and height

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"There is no cover {self.mode}; there are: {', '.join(MODES)}.")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise UsageError("The threshold of a face is a number between 0 and 1.")
        if not 0 <= self.margin <= 2:
            raise UsageError("The margin round a face is a share of its size from 0 to 2.")

    def digest(self) -> str:
        """Return the sha256 in hex of these settings."""
        return sha256(json.dumps([VERSION, asdict(self)], sort_keys=True).encode()).hexdigest()


VERSION = 1
"""Counted up when the same settings come to cover something else."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """A person's word about one picture."""

    add: tuple[Box, ...] = ()  # covered in any case
    clear: tuple[Box, ...] = ()  # no face: a candidate that is the same box is left as it is
    clear_in: tuple[tuple[Box, int, int], ...] = ()  # the same, from one frame of an animation to another

    def at(self, frame: int, carried: tuple[Box, ...]) -> Decisions:
        """Return what holds for one frame, with what is covered in the frame before."""
        here = (box for box, first, last in self.clear_in if first <= frame <= last)
        return Decisions((*self.add, *carried), (*self.clear, *here))

    def cleared(self, box: Box) -> bool:
        """Tell whether a person said that this candidate is no face."""
        return any(share_in_union(box, one) >= SAME for one in self.clear)


def share_in_union(one: Box, other: Box) -> float:
    """Return what two boxes have in common as a share of what they cover together."""
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    common = max(0.0, wide) * max(0.0, high)
    union = one.width * one.height + other.width * other.height - common
    return common / union if union > 0 else 0.0


def area(box: Box, margin: float, height: int, width: int) -> tuple[slice, slice]:
    """Return rows and columns of whole pixels that a box covers with its margin, inside the picture."""
    grown_x, grown_y = box.width * margin, box.height * margin
    top, bottom = math.floor(box.y - grown_y), math.ceil(box.y + box.height + grown_y)
    left, right = math.floor(box.x - grown_x), math.ceil(box.x + box.width + grown_x)
    return _inside(top, bottom, height), _inside(left, right, width)


def _inside(start: int, stop: int, length: int) -> slice:
    return slice(min(max(0, start), length), min(max(0, stop), length))


def reach(place: tuple[slice, slice], height: int, width: int) -> tuple[slice, slice]:
    """Return the part of a picture that a cover may have changed the look of: half as much again on each side."""
    more = [max(REACH, (way.stop - way.start) // 2) for way in place]
    rows, columns = (
        _inside(way.start - reach, way.stop + reach, length)
        for way, reach, length in zip(place, more, (height, width), strict=True)
    )
    return rows, columns


def fill(pixels: NDArray[np.uint8], boxes: Iterable[Box], margin: float) -> None:
    """Make boxes black, in place."""
    for box in boxes:
        pixels[area(box, margin, *pixels.shape[:2])] = 0


def blur(pixels: NDArray[np.uint8], boxes: Iterable[Box], margin: float) -> None:
    """Leave of each box a few averages, smoothly joined, in place."""
    import numpy as np
    from PIL import Image

    for box in boxes:
        place = area(box, margin, *pixels.shape[:2])
        part = pixels[place]
        if not part.size:
            continue
        image = Image.fromarray(np.ascontiguousarray(part))
        cells = image.resize((BLUR_CELLS, BLUR_CELLS), Image.Resampling.BOX)
        pixels[place] = np.asarray(cells.resize(image.size, Image.Resampling.BICUBIC))
