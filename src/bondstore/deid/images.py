"""Pictures from bytes to upright pixels and back; the way back carries pixels and nothing else."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bondstore.deid.findings import unfit
from bondstore.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP")
PIXEL_LIMIT = 64_000_000
"""Pixels of the largest picture that is opened: a phone's camera has 12 to 50 million.

48 million take 1.6 GB at work, a phone's screen half a gigabyte.
"""
WEBP_QUALITY = 90
PNG_LEVEL = 3
"""A third of the time of zlib's default for a few per cent more bytes."""
_HOSTILE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise on bytes that are not what they say."""
_UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""EXIF's orientation as Pillow's `Transpose`: 0 and 1 mirror, 2 to 4 turn by 90, 180 and 270, 5 and 6 do both."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture ready to be looked at."""

    pixels: NDArray[np.uint8]  # (height, width, 3), upright RGB; see-through ones stand on white
    format: str
    grey: bool
    settings: dict[str, Any]  # how Pillow encodes with the loss of the source


def decode(data: bytes) -> Decoded:
    """Open a picture, whole or not at all."""
    import numpy as np

    flat, form, settings = _open(data)
    grey = flat.mode == "L"
    return Decoded(np.array(flat.convert("RGB") if grey else flat), form, grey, settings)


def parts(data: bytes, places: Sequence[tuple[slice, slice]]) -> list[NDArray[np.uint8]]:
    """Open a picture and return parts of it, without holding all of its pixels twice."""
    import numpy as np

    flat, _, _ = _open(data)
    boxes = [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in places]
    return [np.array(flat.crop(box).convert("RGB")) for box in boxes]


def encode(pixels: NDArray[np.uint8], like: Decoded) -> bytes:
    """Make a file from pixels alone: no EXIF, place, thumbnail, profile, comment or text of the source is in it."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]) if like.grey else pixels)
    out = BytesIO()
    image.save(out, like.format, **like.settings)
    return out.getvalue()


def need_pillow() -> None:
    """Say before anything is done that pictures cannot be read here."""
    if find_spec("PIL") is None:
        raise MissingExtraError(
            "Pictures need Pillow, which is not installed.", hint="Install it with: pip install 'bondstore[faces]'"
        )


def _open(data: bytes) -> tuple[Image, str, dict[str, Any]]:
    """Return an upright picture, grey or RGB, with its format and how to encode it."""
    need_pillow()
    from PIL import Image, ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    bomb = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=FORMATS)
            if image.width * image.height > PIXEL_LIMIT:
                raise unfit("image-too-large")
            if getattr(image, "n_frames", 1) != 1:
                raise unfit("image-undecodable", "The picture has several frames; only single pictures are looked at.")
            image.load()
            settings = _settings(image, data)
            flat = _flat(image)
            turned = _UPRIGHT.get(_orientation(image))
    except bomb:
        raise unfit("image-too-large") from None
    except _HOSTILE:
        raise unfit("image-undecodable") from None
    return flat if turned is None else flat.transpose(Image.Transpose(turned)), image.format or "", settings


def _settings(image: Image, data: bytes) -> dict[str, Any]:
    """Return how to encode with the loss of the source."""
    if image.format == "JPEG":
        from PIL import JpegImagePlugin

        sampling = JpegImagePlugin.get_sampling(image)
        tables = getattr(image, "quantization", {})
        return {"qtables": [list(tables[place]) for place in sorted(tables)], "subsampling": max(0, sampling)}
    if image.format == "PNG":
        return {"compress_level": PNG_LEVEL}
    return {"lossless": True} if _without_loss(data) else {"quality": WEBP_QUALITY}


def _without_loss(webp: bytes) -> bool:
    """Tell whether the picture of a WebP file is coded without loss; it may stand behind other chunks."""
    place = 12
    while place + 8 <= len(webp):
        if webp[place : place + 4] == b"VP8L":
            return True
        length = int.from_bytes(webp[place + 4 : place + 8], "little")
        place += 8 + length + length % 2
    return False


def _flat(image: Image) -> Image:
    """Bring any mode to grey or RGB of 8 bits: what a viewer shows, and nothing that it hides."""
    import numpy as np
    from PIL import Image as Pillow

    if image.mode.startswith("I"):
        # The upper byte of 16 bits, as viewers show it; Pillow's own conversion cuts everything over 255 to white.
        return Pillow.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        # What lies under see-through pixels is still in the file: it is flattened away, never looked past.
        above = image.convert("RGBA")
        return Pillow.alpha_composite(Pillow.new("RGBA", above.size, "white"), above).convert("RGB")
    wanted = "L" if image.mode in {"1", "L"} else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _orientation(image: Image) -> int:
    """Return EXIF's word on how to hold the picture: 1 where there is none."""
    value = image.getexif().get(0x0112, 1)
    return value if isinstance(value, int) else 1
