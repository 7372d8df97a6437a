"""Draw synthetic phone screenshots: a status bar, text lines, cards and soft picture blocks; no faces unless pasted."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

Faces = Sequence[tuple[float, float, float, float]]
"""Boxes (x, y, width, height) in pixels."""

Paste = Callable[["Image.Image", random.Random], Faces]
"""Puts faces into a picture, in place, and says where."""


def draw(text: str, size: tuple[int, int], rng: random.Random, paste: Paste | None = None) -> tuple[Image.Image, Faces]:
    """Draw one screenshot that shows `text` among blocks; everything follows from `rng`.

    Returns
    -------
    tuple
        The picture (RGB) and the boxes of the faces that `paste` put there.
    """
    from PIL import Image, ImageDraw

    width, height = size
    dark = rng.random() < 0.3
    paper = _shade(rng, 10, 40) if dark else _shade(rng, 225, 255)
    ink = (235, 235, 235) if dark else (25, 25, 25)
    picture = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(picture)
    unit = max(height // 48, 6)
    pen.rectangle((0, 0, width, unit * 2), fill=_shade(rng, 20, 200))
    y = unit * 3
    words = text.split()
    while y < height - unit * 4:
        if rng.random() < 0.2:
            tall = unit * rng.randint(3, 8)
            block(picture, (unit, y, width - unit, min(y + tall, height - unit)), rng)
            y += tall + unit
            continue
        line = words[: (count := rng.randint(2, 6))]
        words = words[count:] or text.split()
        pen.text((unit, y), " ".join(line), fill=ink, font=font(unit))
        y += unit * 2
    pen.rectangle((0, height - unit * 2, width, height), fill=_shade(rng, 40, 220))
    return picture, (paste(picture, rng) if paste else ())


def jpeg(picture: Image.Image, quality: int = 50) -> bytes:
    """Encode as the app does: JPEG of low quality."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def block(picture: Image.Image, box: tuple[int, int, int, int], rng: random.Random) -> None:
    """Fill a box with a blurred mosaic: what a photo costs a codec, and nothing that looks like somebody."""
    from PIL import Image

    wide, tall = box[2] - box[0], box[3] - box[1]
    if wide < 4 or tall < 4:
        return
    cells = (max(wide // 24, 2), max(tall // 24, 2))
    mosaic = Image.frombytes("RGB", cells, rng.randbytes(cells[0] * cells[1] * 3))
    picture.paste(mosaic.resize((wide, tall), Image.Resampling.BICUBIC), box[:2])


_fonts: dict[int, Any] = {}


def font(size: int) -> Any:
    """Return the typeface of all drawn text at one size."""
    from PIL import ImageFont

    if size not in _fonts:
        _fonts[size] = ImageFont.load_default(size)
    return _fonts[size]


def _shade(rng: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return rng.randint(low, high), rng.randint(low, high), rng.randint(low, high)
