"""Small pictures for the reports and for review, made of images that were written already."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

WIDE = 240
"""Pixels that a picture in a report is wide."""
CROP = 288
"""Pixels that a picture for review is wide and high."""
_CONTEXT = 3.0
"""A picture for review shows this many times the box, so that one sees where it lies."""
_LEAST = 120
"""Pixels of the image that it shows at least."""
_FILE_LIMIT = 256 << 20
_FORMATS = ("JPEG", "PNG", "WEBP")
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)


def thumbnail(path: Path) -> bytes | None:
    """Return a shrunk copy of an image as JPEG, or None where it cannot be read.

    Parameters
    ----------
    path : Path
        The image.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                image.draft("RGB", (WIDE, WIDE * image.height // max(1, image.width)))
                image.thumbnail((WIDE, 4 * WIDE))
                return _jpeg(image.convert("RGB"), 72)
    except (*_UNREADABLE, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def crops(path: Path, boxes: Sequence[tuple[float, ...]]) -> list[bytes | None]:
    """Return, for each box, its surroundings in an image with the box drawn round it; None where it cannot be read.

    Parameters
    ----------
    path : Path
        The image.
    boxes : sequence of (x, y, width, height)
        In pixels of the image.
    """
    from PIL import Image

    from bondstore.deid.images import decode

    try:
        if path.stat().st_size > _FILE_LIMIT:
            return [None] * len(boxes)
        image = Image.fromarray(decode(path.read_bytes()).pixels)
    except (OSError, DamagedError):
        return [None] * len(boxes)
    return [_crop(image, box) for box in boxes]


def _crop(image: Image, box: tuple[float, ...]) -> bytes:
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
    return _jpeg(piece, 80, subsampling=0)  # the thin frame keeps its colour


def _jpeg(image: Image, quality: int, subsampling: int = 2) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=subsampling)
    return out.getvalue()
