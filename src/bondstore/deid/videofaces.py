"""Pictures of a video with faces covered: decoded, filled, and encoded again.

Sound is not touched. Moments, size, shape of pixels, how the picture is turned, colours, and fields stay as they are.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bondstore.deid.covers import Cover, area
from bondstore.deid.faces.boxes import Box
from bondstore.deid.faces.detector import follow
from bondstore.deid.tracks import Tracks
from bondstore.errors import DamagedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.detector import Detector

QUALITY, COARSENESS = "18", 2
"""Of H.264 (its encoder's constant rate factor) and of the others (quantiser): hardly to be told from the original."""
ENCODERS = {"vob": "mpeg2video", "asf": "msmpeg4v3", "avi": "mpeg4"}
"""Of containers that cannot say of each picture of H.264 when it is shown; all others get that."""
LONGEST = 1280
"""Pixels of the longer side that a larger picture is brought to before it is looked at."""
TURNS = (0, 1, 2, 3)
"""Quarters that a picture is turned by before it is looked at, one look after the other."""
LARGEST = 139_264 * 256
"""Pixels of the largest picture that is opened: the largest of H.264 (Rec. ITU-T H.264, table A-1, level 6.2)."""
_STEP = 4
"""Covers begin and end on such rows and columns: so each has whole pixels of colour, in both fields."""
_BLACK = (16, 128, 128)
_FIELDS = 1 << 18 | 1 << 29
"""The encoder's flags for pictures of two fields."""
_BITEXACT = 1 << 23
_LAMBDA = 118
"""The library's steps of quality for one of the quantiser (FF_QP2LAMBDA)."""


@dataclass(frozen=True, slots=True)
class CoveredPictures:
    """What was done to the pictures of a video."""

    encoder: str
    pictures: int = 0
    with_covers: int = 0
    """Pictures in which something was covered."""
    covers: int = 0
    lost: int = 0
    """Pieces of the video that could not be decoded; the copy does not have them."""

    def plus(self, pictures: int = 0, with_covers: int = 0, covers: int = 0, lost: int = 0) -> CoveredPictures:
        """Return it with more done."""
        return CoveredPictures(
            self.encoder,
            self.pictures + pictures,
            self.with_covers + with_covers,
            self.covers + covers,
            self.lost + lost,
        )


class CoveredStream:
    """One stream of pictures on its way."""

    def __init__(self, source: Any, copy: Any, detector: Detector) -> None:
        self._source = source
        self.done = CoveredPictures(ENCODERS.get(copy.format.name, "libx264"))
        context = source.codec_context
        # threads would decide what is made of damaged pictures, and what the encoder does
        context.thread_count, context.thread_type = 1, "NONE"
        context.options = {"max_pixels": str(LARGEST)}
        self._stream = _encoder(self.done.encoder, source, copy)
        self._size = (self._stream.width, self._stream.height)
        self._finds, self._turns, self._looks = [follow(detector) for _ in TURNS], 0, 0
        self._tracks: Tracks[Any] = Tracks(detector.threshold, self._size[0] * self._size[1] * 3 // 2)
        self._last: int | None = None
        self._moments: deque[tuple[int, int]] = deque()
        """When pictures are shown that the encoder still has, and for how long: it is told their numbers alone."""

    def take(self, packet: Any) -> Iterator[Any]:
        """Take a piece of the video, or None at its end; yield what is ready to be written."""
        import av

        try:
            frames = self._source.decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            self.done = self.done.plus(lost=1)
            return
        for frame in frames:
            yield from self._frame(frame)

    def rest(self) -> Iterator[Any]:
        """Yield what is left when all was taken."""
        yield from self.take(None)
        for frame, boxes in self._tracks.rest():
            yield from self._filled(frame, boxes)
        if not self.done.pictures:
            raise DamagedError("No picture of the video can be decoded.", kind="video-unreadable")
        yield from self._encoded(None)

    def _frame(self, frame: Any) -> Iterator[Any]:
        if self._last is None:
            _turn(self._stream, frame)
            self._turns = round(frame.rotation / 90) % 4
        pts = frame.pts if frame.pts is not None else frame.dts
        self._last = pts if self._last is None and pts is not None else max(pts or 0, (self._last or 0) + 1)
        moment = float(self._last * self._source.time_base)
        new = _in_form(frame, self._size, self._stream.pix_fmt)
        new.pts, new.dts, new.time_base, new.pict_type = self._last, None, self._source.time_base, 0
        luma = _planes(new)[0]
        for ready, boxes in self._tracks.add(new, luma, moment, lambda: self._look(new)):
            yield from self._filled(ready, boxes)

    def _look(self, frame: Any) -> list[Box]:
        """Find faces in a picture, brought to a size that is looked at; patients lie, so each look turns it further."""
        import numpy as np

        width, height = self._size
        share = min(1.0, LONGEST / max(width, height))
        wide, high = max(1, round(width * share)), max(1, round(height * share))
        pixels = frame.to_ndarray(format="rgb24", width=wide, height=high)
        number = self._looks % len(TURNS)
        self._looks += 1
        turns = (self._turns + TURNS[number]) % 4
        boxes = self._finds[number](np.ascontiguousarray(np.rot90(pixels, turns)))
        across, down = width / wide, height / high
        turned = (_turned_back(one, turns, high, wide) for one in boxes)
        return [Box(one.x * across, one.y * down, one.width * across, one.height * down, one.score) for one in turned]

    def _filled(self, frame: Any, boxes: Sequence[Box]) -> Iterator[Any]:
        if boxes:
            frame.make_writable()  # the decoder may need its own for the next one
            _fill(_planes(frame), boxes)
        self.done = self.done.plus(1, bool(boxes), len(boxes))
        self._moments.append((frame.pts, frame.duration or 0))
        frame.pts, frame.time_base = self.done.pictures, 1 / self._stream.codec_context.framerate
        yield from self._encoded(frame)

    def _encoded(self, frame: Any) -> Iterator[Any]:
        for packet in self._stream.encode(frame):
            moment, packet.duration = self._moments.popleft()
            packet.pts = packet.dts = moment
            packet.time_base = self._source.time_base
            yield packet


def _encoder(name: str, source: Any, copy: Any) -> Any:
    """Add a stream like another one, to be encoded."""
    context = source.codec_context
    if not 0 < context.width * context.height <= LARGEST:
        raise DamagedError("The pictures of the video are too large.", kind="video-unreadable")
    options = {"threads": "1", "bf": "0"}  # no picture is written before an earlier one: not all containers can say so
    if name == "libx264":
        options |= {"preset": "veryfast", "crf": QUALITY, "a53cc": "0"}  # captions are texts
    else:
        options |= {"strict": "experimental", "a53cc": "0"}  # any rate of pictures
    rate = Fraction(source.average_rate or source.guessed_rate or 25).limit_denominator(1001)  # as encoders know them
    stream = copy.add_stream(name, rate=rate or Fraction(1, 1001), options=options)
    new = stream.codec_context
    new.width, new.height = context.width, context.height
    # Colours are halved each way, as all players know it; H.264 cannot with an odd size.
    is_odd = name == "libx264" and (new.width % 2 or new.height % 2)
    new.pix_fmt = "yuv444p" if is_odd else "yuv420p"
    stream.time_base = source.time_base
    if name != "libx264":
        new.qscale, new.global_quality = True, COARSENESS * _LAMBDA
    if source.sample_aspect_ratio:
        new.sample_aspect_ratio = source.sample_aspect_ratio
    for each in ("color_range", "color_primaries", "color_trc", "colorspace"):
        setattr(new, each, getattr(context, each))
    new.flags |= _BITEXACT
    if context.field_order > 1:
        new.flags |= _FIELDS
    return stream


def _turn(stream: Any, frame: Any) -> None:
    """Say of a stream how it is to be turned, as its first picture has it."""
    import numpy as np

    for one in frame.side_data:
        if one.type.name == "DISPLAYMATRIX":
            stream.set_display_matrix(np.frombuffer(one, np.int32).tolist())


def _in_form(frame: Any, size: tuple[int, int], form: str) -> Any:
    """Return a picture in the form that is encoded."""
    width, height = size
    return frame.reformat(width=width, height=height, format=form)


def _planes(frame: Any) -> list[NDArray[np.uint8]]:
    """Return brightness and colours of a picture, to be looked at or written."""
    import numpy as np

    return [np.frombuffer(one, np.uint8).reshape(one.height, one.line_size)[:, : one.width] for one in frame.planes]


def _fill(planes: Sequence[NDArray[np.uint8]], boxes: Sequence[Box]) -> None:
    """Make boxes black, with their margin."""
    height, width = planes[0].shape
    for box in boxes:
        rows, columns = area(box, Cover().margin, height, width)
        if rows.start == rows.stop or columns.start == columns.stop:
            continue
        for plane, level in zip(planes, _BLACK, strict=True):
            down, across = -(-height // plane.shape[0]), -(-width // plane.shape[1])
            plane[_whole(rows, down), _whole(columns, across)] = level


def _whole(way: slice, by: int) -> slice:
    """Return rows or columns of a plane that has one for `by` of the picture's, in whole steps."""
    return slice(way.start // _STEP * _STEP // by, math.ceil(way.stop / _STEP) * _STEP // by)


def _turned_back(box: Box, turns: int, height: int, width: int) -> Box:
    """Give a box of a picture that was turned by quarters its place in the picture of that height and width."""
    import numpy as np

    from bondstore.deid.faces.boxes import turn_back

    row = np.array([[box.x, box.y, box.x + box.width, box.y + box.height, box.score]], np.float32)
    left, top, right, bottom, _ = turn_back(row, turns, height, width)[0].tolist()
    return Box(left, top, right - left, bottom - top, box.score)
