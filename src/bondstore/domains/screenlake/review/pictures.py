"""The pictures of a sheet: crops round boxes, and whole images to look at and to draw on."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.paths import content_of, images_folder
from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from PIL.Image import Image

    from bondstore.deid.images import Decoded
    from bondstore.domains.screenlake.review.boxes import Candidate, Corners, ImageRecord
    from bondstore.runs.destination import Destination

CROP = 288
"""Pixels that a crop is wide and high."""
_CONTEXT = 3.0
"""A crop shows this many times the box, so that one sees where it lies."""
_LEAST = 120
"""Pixels of the image that it shows at least."""
_WHOLE = 1600
"""Pixels that a whole image is wide or high at most: a face of 20 pixels on a phone's screen is still seen."""
_THUMB = 480
_BUDGET = 64 << 20
"""Bytes of whole images on one sheet; boxes in further ones are decided by their crops."""


@dataclass(slots=True)
class Pictures:
    """What a sheet shows, as ``data:`` URLs; None where an image could not be read."""

    crops: dict[str, str | None] = field(default_factory=dict)  # by the candidate's id
    thumbs: dict[str, str | None] = field(default_factory=dict)  # of the sample, by the image's source
    wholes: dict[str, dict[str, object]] = field(default_factory=dict)  # by source and frame: as the page's code has it
    size: int = 0


def frame_of(candidate: Candidate) -> int:
    """Return the frame that a box is shown in: 0 of a picture, -1 where nobody can tell."""
    return candidate.frames[2] if candidate.frames else 0


def pictures_of(
    dest: Destination,
    query: str,
    shown: Sequence[Candidate],
    sample: Iterable[ImageRecord],
    covers: Mapping[str, Sequence[Corners]],
) -> Pictures:
    """Make all pictures of a sheet, opening each image once; `covers` are boxes that people decided to cover."""
    by_image: dict[tuple[str, str, str], list[Candidate]] = {}
    for one in shown:
        by_image.setdefault((one.panelist, one.image, one.source), []).append(one)
    drawn = {(one.panelist, one.image, one.source) for one in sample}
    made = Pictures({one.id: None for one in shown}, {source: None for *_, source in drawn})
    for place in dict.fromkeys((*by_image, *sorted(drawn))):
        panelist, image, source = place
        boxes = by_image.get(place, [])
        wanted = {frame_of(one) for one in boxes} | ({0} if place in drawn else set())
        for number, frame in _frames(content_of(dest, f"{images_folder(query, panelist)}{image}"), wanted):
            _take(made, source, number, frame, boxes, thumb=place in drawn and number == 0)
    for key, whole in made.wholes.items():
        whole["decided"] = covers.get(key.partition("-")[0], ())
    return made


def _take(made: Pictures, source: str, number: int, frame: Decoded, boxes: Sequence[Candidate], *, thumb: bool) -> None:
    from PIL import Image

    image = Image.fromarray(frame.pixels)
    for one in boxes:
        if frame_of(one) == number:
            made.crops[one.id] = _url(_crop(image, one.box))
    if thumb:
        made.thumbs[source] = _url(_scaled(image, _THUMB))
    if made.size < _BUDGET:
        jpeg = _scaled(image, _WHOLE)
        made.size += len(jpeg)
        key = f"{source}-{number}"
        whole = {"key": key, "width": image.width, "height": image.height, "jpeg": b64encode(jpeg).decode()}
        made.wholes[key] = whole


def _frames(data: bytes | None, wanted: set[int]) -> Iterator[tuple[int, Decoded]]:
    """Yield some frames of an image, as far as it can be read."""
    from bondstore.deid.images import frames

    if data is None:
        return
    try:
        for number, (frame, _) in zip(range(max(wanted, default=-1) + 1), frames(data), strict=False):
            if number in wanted:
                yield number, frame
    except (OSError, DamagedError):
        return


def _url(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def _scaled(image: Image, most: int) -> bytes:
    copy = image.convert("RGB")
    copy.thumbnail((most, most))
    return _jpeg(copy, quality=75)


def _jpeg(image: Image, **settings: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", **settings)
    return out.getvalue()


def _crop(image: Image, box: Corners) -> bytes:
    """Cut out a square round a box; what lies outside the image is grey."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    x, y, width, height = box
    side = max(_CONTEXT * max(width, height), _LEAST)
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    scale = CROP / side
    piece = image.transform(
        (CROP, CROP),
        Pillow.Transform.AFFINE,
        (1 / scale, 0, left, 0, 1 / scale, top),
        Pillow.Resampling.BICUBIC,
        fillcolor=(127, 127, 127),
    )
    edges = ((x - left) * scale, (y - top) * scale, (x - left + width) * scale, (y - top + height) * scale)
    draw = ImageDraw.Draw(piece)
    for grown, colour in ((4, "black"), (3, "#ffd23f"), (2, "#ffd23f"), (1, "#ffd23f"), (0, "black")):  # on any ground
        draw.rectangle((edges[0] - grown, edges[1] - grown, edges[2] + grown, edges[3] + grown), outline=colour)
    return _jpeg(piece, quality=80, subsampling=0)  # the thin frame keeps its colour
