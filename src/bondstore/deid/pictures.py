"""One picture redacted: looked at, covered, encoded, and what was encoded looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from bondstore.deid.covers import SAME, Cover, Decisions, area, blur, fill, reach, share_in_union
from bondstore.deid.faces.boxes import Box
from bondstore.deid.faces.detector import follow
from bondstore.deid.faces.passes import resize
from bondstore.deid.findings import unfit
from bondstore.deid.images import (
    Decoded,
    Timing,
    decode,
    encode,
    encode_frames,
    frame_count,
    frames,
    loops,
    pack,
    parts,
)
from bondstore.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.detector import Detector, Find

    _Texts = Callable[[NDArray[np.uint8]], list[Box]]

__all__ = ["Cover", "Decisions", "RedactedPicture", "redact"]

UNSURE = 1 / 3
"""From this share of the threshold on, a candidate is one that a person should look at; below it lies noise."""
ROUNDS = 4
"""How often a picture is covered before it is withheld because a face is still found."""
FAR = 128
"""Pixels that a cover has at most in the second look."""
_LAST = 50
_ALIKE = 4.0
"""Levels, of 255, that what is in a box may change by in the mean from frame to frame."""
GHOST = 0.5
"""A box found again of which no more than this share shows is the outline of a head that was covered: hair, a hat,
shoulders round a black box. The rest of it is filled, but it is not a face that stays."""


Frames = tuple[int, int, int] | tuple[()]
"""First and last frame, from 0, in which a box was found, and the first one's number in what is written; empty for a
picture, and for a person's box, which holds in all frames."""


@dataclass(frozen=True, slots=True)
class RedactedPicture:
    """A redacted picture."""

    data: bytes
    format: str
    width: int
    height: int
    covered: tuple[Box, ...]  # without their margin
    unsure: tuple[Box, ...]  # below the threshold and left as they are, best first
    looks: int  # 0 where the detector was not asked, 1 where it found nothing to cover
    texts: tuple[Box, ...] = ()
    covered_in: tuple[Frames, ...] = ()  # of each of `covered` and `unsure`, where this is an animation
    unsure_in: tuple[Frames, ...] = ()


def redact(
    data: bytes,
    detector: Detector | None,
    cover: Cover,
    decisions: Decisions | None = None,
    texts: _Texts | None = None,
    *,
    find: Find | None = None,
) -> RedactedPicture:
    """Make the picture that may be given out; `find` is the first look where pictures follow each other.

    A picture in which something was covered is encoded, decoded again and looked at once more, wherever a cover is
    within reach. What is still found is filled, and so on; if a face shows even after `ROUNDS` of it, the picture is
    withheld. Of an animation each frame is such a picture, and what is covered in one is covered in the frames beside.
    """
    if detector is None and cover.mode != "none":
        raise UsageError("Faces cannot be covered without a detector.")
    decisions = decisions or Decisions()
    if frame_count(data) == 1:
        return _redacted(_Canvas(decode(data), cover, decisions), detector, texts, find)
    return _frame_by_frame(data, detector, cover, decisions, texts)


def _frame_by_frame(
    data: bytes, detector: Detector | None, cover: Cover, decisions: Decisions, texts: _Texts | None
) -> RedactedPicture:
    """Redact an animation; only two frames more than the one that is looked at are held as pixels."""
    done = _Animation(cover)
    find = follow(detector) if detector else None
    for number, (source, duration) in enumerate(frames(data)):
        original = source.pixels.copy()
        work = _Canvas(source, cover, decisions.at(number, done.carried))
        done.add(_redacted(work, detector, texts, find), work, original, duration)
    return done.picture(decisions.add, loops(data))


class _Animation:
    """Frames that were redacted, in their order; what is covered in one is covered in the frames beside it."""

    def __init__(self, cover: Cover) -> None:
        self.carried: tuple[Box, ...] = ()  # what the last frame showed: the next one has it covered
        self._margin = cover.margin
        self._first: Decoded | None = None  # without its pixels
        self._last: NDArray[np.uint8] | None = None
        self._packed: list[bytes] = []  # all frames but the last: what the next one shows is still put over it
        self._durations: list[int | None] = []
        self._pictures: list[RedactedPicture] = []
        self._covered, self._unsure = _Spans(), _Spans()

    def add(self, picture: RedactedPicture, work: _Canvas, original: NDArray[np.uint8], duration: int | None) -> None:
        """Take the next frame; `original` are its pixels before anything was covered."""
        number, own = len(self._pictures), picture.covered[len(work.decisions.add) :]
        self._covered.add(number, own, original)
        self._unsure.add(number, picture.unsure, original)
        if self._last is not None:
            fill(self._last, own, self._margin)
            self._packed.append(pack(self._last))
        self._first = self._first or replace(work.source, pixels=work.pixels[:0])
        self._last, self.carried = work.pixels, own
        self._durations.append(duration)
        self._pictures.append(picture)

    def picture(self, added: tuple[Box, ...], count: int | None) -> RedactedPicture:
        """Put the frames together, to be shown so many times; `added` are the boxes of a person."""
        assert self._first is not None
        assert self._last is not None
        packed = [*self._packed, pack(self._last)]
        out = encode_frames(packed, self._first, Timing(_all_known(self._durations), count))
        places = _places(packed, frame_count(out))
        return RedactedPicture(
            out,
            self._first.format,
            self._pictures[0].width,
            self._pictures[0].height,
            (*added, *self._covered.boxes),
            self._unsure.boxes,
            max(one.looks for one in self._pictures),
            _distinct(box for one in self._pictures for box in one.texts),
            ((),) * len(added) + self._covered.frames(places),
            self._unsure.frames(places),
        )


def _all_known(durations: Sequence[int | None]) -> tuple[int, ...]:
    """Return how long each frame is shown, or nothing where that is not said of all."""
    known = tuple(one for one in durations if one is not None)
    return known if len(known) == len(durations) else ()


class _Spans:
    """Boxes of an animation, each once for as long as it stays at its place and what is in it looks the same."""

    def __init__(self) -> None:
        self._found: list[tuple[Box, int, int, NDArray[np.uint8]]] = []

    @property
    def boxes(self) -> tuple[Box, ...]:
        return tuple(box for box, *_ in self._found)

    def frames(self, places: Sequence[int]) -> tuple[Frames, ...]:
        return tuple((first, last, places[first]) for _, first, last, _ in self._found)

    def add(self, number: int, boxes: Iterable[Box], pixels: NDArray[np.uint8]) -> None:
        """Take the boxes of the next frame, from its pixels before anything was covered."""
        for box in boxes:
            for at in range(max(0, len(self._found) - _LAST), len(self._found)):
                held, first, last, seen = self._found[at]
                if last >= number - 1 and share_in_union(box, held) >= SAME and _alike(seen, pixels, held):
                    self._found[at] = (replace(held, score=max(held.score, box.score)), first, number, seen)
                    break
            else:
                self._found.append((box, number, number, pixels[area(box, 0, *pixels.shape[:2])].copy()))


def _alike(seen: NDArray[np.uint8], pixels: NDArray[np.uint8], box: Box) -> bool:
    """Whether a person who saw one need not see the other."""
    import numpy as np

    now = pixels[area(box, 0, *pixels.shape[:2])]
    return now.shape == seen.shape and bool(np.abs(now.astype(np.int16) - seen).mean() <= _ALIKE) if seen.size else True


def _places(packed: Sequence[bytes], count: int) -> list[int]:
    """Return which frame of the file shows each: encoders join frames that are the same; -1 where nobody can tell."""
    if count == len(packed):
        return list(range(count))
    places = [0]
    for one, other in pairwise(packed):
        places.append(places[-1] + (one != other))
    return places if places[-1] + 1 == count else [-1] * len(packed)


def _distinct(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Return boxes of many frames without those that are nearly the same as one of the last few."""
    found: list[Box] = []
    for box in boxes:
        if not any(share_in_union(box, one) >= SAME for one in found[-_LAST:]):
            found.append(box)
    return tuple(found)


def _redacted(work: _Canvas, detector: Detector | None, texts: _Texts | None, find: Find | None) -> RedactedPicture:
    source, cover = work.source, work.cover
    written = texts(source.pixels) if texts else []
    if cover.mode == "none" or detector is None:
        fill(work.pixels, written, 0)
        work.put(work.decisions.add)
        return work.picture(encode(work.pixels, source), looks=0, texts=written)
    threshold = detector.threshold if cover.threshold is None else cover.threshold
    candidates = [box for box in (find or detector.find)(source.pixels) if not work.decisions.cleared(box)]
    work.unsure = [box for box in candidates if threshold * UNSURE <= box.score < threshold]
    fill(work.pixels, written, 0)
    work.put((*work.decisions.add, *(box for box in candidates if box.score >= threshold)))
    out = encode(work.pixels, source)
    if not work.covered:
        return work.picture(out, 1, written)
    fresh = list(work.covered)
    for looks in range(2, ROUNDS + 2):
        again = _look_again(detector, out, fresh, work.places(fresh))
        found = [box for box in again if box.score >= threshold]
        shown = {box: work.shown(box) for box in found if not work.decisions.cleared(box)}
        rest = [box for box, share in shown.items() if share]
        fresh = [box for box in rest if shown[box] > GHOST]
        work.put(rest, again=True)
        if rest:
            out = encode(work.pixels, source)
        if not fresh:
            return work.picture(out, looks, written)
    raise unfit("face-stays")


def _look_again(detector: Detector, out: bytes, boxes: list[Box], places: list[tuple[slice, slice]]) -> list[Box]:
    """Look at what is to be written wherever a cover is within reach; the rest is as it was at the first look.

    A large cover is looked at from farther off: what may still show there is a face of its size.
    """
    found = []
    for box, (rows, columns), pixels in zip(boxes, places, parts(out, places), strict=True):
        if not pixels.size:
            continue
        small = resize(pixels, min(1.0, FAR / max(box.width, box.height)))
        across, down = pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]
        for one in detector.find(small):
            x, y = one.x * across + columns.start, one.y * down + rows.start
            found.append(Box(x, y, one.width * across, one.height * down, one.score))
    return found


class _Canvas:
    """The pixels of one picture while they are covered, in place: a picture may be large."""

    def __init__(self, source: Decoded, cover: Cover, decisions: Decisions) -> None:
        self.source = source
        self.cover = cover
        self.decisions = decisions
        self.pixels = source.pixels
        self.covered: list[Box] = []
        self.unsure: list[Box] = []
        self.filled = self.pixels[:, :, 0] < 0

    def put(self, boxes: tuple[Box, ...] | list[Box], *, again: bool = False) -> None:
        """Cover boxes. What is found again under a blur is filled: more of the same would not help."""
        if self.cover.mode == "blur" and not again:
            blur(self.pixels, boxes, self.cover.margin)
        else:
            fill(self.pixels, boxes, self.cover.margin)
            for box in boxes:
                self.filled[area(box, self.cover.margin, *self.filled.shape)] = True
        self.covered += boxes

    def places(self, boxes: list[Box]) -> list[tuple[slice, slice]]:
        """Return what lies within reach of the covers of boxes."""
        size = self.filled.shape
        return [reach(area(box, self.cover.margin, *size), *size) for box in boxes]

    def shown(self, box: Box) -> float:
        """Return which share of what was found again is not filled yet."""
        filled = self.filled[area(box, 0, *self.filled.shape)]
        return 1 - float(filled.mean()) if filled.size else 0.0

    def picture(self, out: bytes, looks: int, texts: list[Box]) -> RedactedPicture:
        """Put the answer together."""
        height, width = self.filled.shape
        covered, unsure = tuple(self.covered), tuple(self.unsure)
        return RedactedPicture(out, self.source.format, width, height, covered, unsure, looks, tuple(texts))
