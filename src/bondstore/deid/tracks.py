"""Faces in pictures that follow each other: found now and then, and tracked between, forwards and backwards.

A look at a picture costs as much as hundreds of steps of a tracker. So the detector looks a few times a second, and
what it finds is tracked: on until it is found again, or was not for some time, and back to the look before. A face that
was not known is tracked back farther: it was there before the detector saw it. Pictures are held until that can no
longer happen. All errs on the side of covering: a track that lost its face stays where it was.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from bondstore.deid.covers import share_in_union
from bondstore.deid.faces.boxes import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EVERY, MOST_BETWEEN = 0.2, 12
"""Seconds, and pictures, after which the detector looks again."""
BACK, HELD = 1.0, 128 << 20
"""Seconds that a new face is tracked back, and bytes of pictures that are held for it at most."""
STAYS = 3.0
"""Seconds that a face stays covered after it was last found."""
KEEPS = 0.5
"""Share of the threshold from which a candidate at a track's place keeps it."""
SAME = 0.2
"""Share of intersection in union from which what was found is what was tracked."""
CUT = 12.0
"""Levels, of 255, by which a picture differs from the last in the mean where the scene is another."""
SMALL = 320
"""Pixels of the longer side of the grey picture that faces are tracked on."""
_FACE, _REACH = 16, 12
"""Pixels that a face is brought to, and how far it may move between two pictures, to each side."""
_SURE = 0.5
"""Correlation from which a face is where it fits best."""

Picture = TypeVar("Picture")


@dataclass(frozen=True)
class Tracked:
    """A face, what it looks like, and when it was last found."""

    box: Box
    pattern: NDArray[np.float32]
    found: float

    @classmethod
    def on(cls, grey: Grey, box: Box, moment: float) -> Tracked:
        """Begin a track on a picture."""
        return cls(box, _normal(_cut(grey, box, 0)), moment)

    def moved(self, grey: Grey) -> Tracked:
        """Find it on the picture beside: where it fits best, or else where it was."""
        import numpy as np

        around = _cut(grey, self.box, _REACH)
        windows = np.lib.stride_tricks.sliding_window_view(around, (_FACE, _FACE))
        flat = windows.reshape(*windows.shape[:2], -1)
        spread = np.sqrt(np.maximum(flat.var(axis=2) * flat.shape[2], 1))
        fits = flat @ self.pattern / spread
        down, across = np.unravel_index(int(np.argmax(fits)), fits.shape)
        if fits[down, across] < max(_SURE, fits[_REACH, _REACH]):
            return self
        left = self.box.x + (int(across) - _REACH) * self.box.width / _FACE
        top = self.box.y + (int(down) - _REACH) * self.box.height / _FACE
        return replace(self, box=_inside(replace(self.box, x=left, y=top), grey))


@dataclass(frozen=True)
class Grey:
    """A picture in small, to track faces on."""

    pixels: NDArray[np.uint8]
    scale: int
    """Pixels of the picture for each of these."""

    @classmethod
    def of(cls, luma: NDArray[np.uint8]) -> Grey:
        """Make it from the brightness of a picture."""
        import numpy as np
        from PIL import Image

        scale = max(1, math.ceil(max(luma.shape) / SMALL))
        return cls(np.asarray(Image.fromarray(np.ascontiguousarray(luma)).reduce(scale)), scale)

    def differs(self, other: Grey) -> bool:
        """Whether it shows another scene."""
        import numpy as np

        one, two = self.pixels, other.pixels
        return one.shape != two.shape or bool(np.abs(one.astype(np.int16) - two).mean() > CUT)


@dataclass
class _Waiting(Generic[Picture]):
    picture: Picture
    grey: Grey
    moment: float
    boxes: list[Box] = field(default_factory=list)


class Tracks(Generic[Picture]):
    """Takes pictures one after the other, and gives them back with boxes round the faces in them."""

    def __init__(self, threshold: float, size: int) -> None:
        self._threshold = threshold
        self._most = max(1, HELD // max(1, size))
        self._waiting: deque[_Waiting[Picture]] = deque()
        self._tracks: list[Tracked] = []
        self._looked, self._since = -math.inf, 0

    def add(
        self, picture: Picture, luma: NDArray[np.uint8], moment: float, look: Callable[[], list[Box]]
    ) -> Iterator[tuple[Picture, list[Box]]]:
        """Take the next picture, at a moment in seconds; yield those of which all is known."""
        new = _Waiting(picture, Grey.of(luma), moment)
        self._tracks = [one.moved(new.grey) for one in self._tracks if abs(moment - one.found) <= STAYS]
        last = self._waiting[-1] if self._waiting else None
        is_due = not 0 <= moment - self._looked < EVERY - _EARLY or self._since >= MOST_BETWEEN
        if is_due or last is None or new.grey.differs(last.grey):
            self._look(new, look())
        self._since += 1
        new.boxes += [one.box for one in self._tracks]
        self._waiting.append(new)
        while len(self._waiting) > self._most or (
            len(self._waiting) > _FEWEST and abs(moment - self._waiting[0].moment) > BACK
        ):
            done = self._waiting.popleft()
            yield done.picture, done.boxes

    def rest(self) -> Iterator[tuple[Picture, list[Box]]]:
        """Yield the pictures that are still held."""
        while self._waiting:
            done = self._waiting.popleft()
            yield done.picture, done.boxes

    def _look(self, new: _Waiting[Picture], found: list[Box]) -> None:
        kept: list[Tracked] = []
        left = self._tracks
        for box in found:
            known = [one for one in left if share_in_union(one.box, box) >= SAME]
            if box.score < self._threshold * (KEEPS if known else 1):
                continue
            left = [one for one in left if one not in known]
            kept.append(Tracked.on(new.grey, box, new.moment))
            self._track_back(kept[-1], self._since if known else len(self._waiting))
        self._tracks = kept + left
        self._looked, self._since = new.moment, 0

    def _track_back(self, track: Tracked, pictures: int) -> None:
        """Cover a face in so many of the pictures that are held."""
        for number in range(1, min(pictures, len(self._waiting)) + 1):
            before = self._waiting[-number]
            track = track.moved(before.grey)
            before.boxes.append(track.box)


_FEWEST = 3
"""Pictures that are held where they are seconds apart."""
_EARLY = 0.001
"""Seconds: moments are rounded."""


def _inside(box: Box, grey: Grey) -> Box:
    """Keep the middle of a box on the picture."""
    height, width = (side * grey.scale for side in grey.pixels.shape)
    left, top = ((-box.width / 2, width - box.width / 2), (-box.height / 2, height - box.height / 2))
    return replace(box, x=min(max(box.x, left[0]), left[1]), y=min(max(box.y, top[0]), top[1]))


def _cut(grey: Grey, box: Box, more: int) -> NDArray[np.float32]:
    """Cut a face out at its size in the pattern, with so many pixels of that size round it; edges go on."""
    import numpy as np
    from PIL import Image

    wide, high = max(box.width / grey.scale, 1.0), max(box.height / grey.scale, 1.0)
    left, top = box.x / grey.scale - wide * more / _FACE, box.y / grey.scale - high * more / _FACE
    right, bottom = left + wide * (1 + 2 * more / _FACE), top + high * (1 + 2 * more / _FACE)
    height, width = grey.pixels.shape
    first = max(0, math.floor(top)), max(0, math.floor(left))
    last = max(first[0] + 1, math.ceil(bottom)), max(first[1] + 1, math.ceil(right))
    part = grey.pixels[min(first[0], height - 1) : last[0], min(first[1], width - 1) : last[1]]
    padding = (
        (max(0, -math.floor(top)), max(0, last[0] - height)),
        (max(0, -math.floor(left)), max(0, last[1] - width)),
    )
    part = np.pad(part, padding, mode="edge")
    side = _FACE + 2 * more
    x, y = left - math.floor(left), top - math.floor(top)
    area = (x, y, min(x + right - left, part.shape[1]), min(y + bottom - top, part.shape[0]))
    image = Image.fromarray(part).resize((side, side), Image.Resampling.BILINEAR, area)
    return np.asarray(image, np.float32)


def _normal(pattern: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    flat = (pattern - pattern.mean()).ravel()
    length = max(float(np.sqrt((flat * flat).sum())), 1.0)
    normal: NDArray[np.float32] = (flat / length).astype(np.float32)
    return normal
