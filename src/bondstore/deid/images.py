"""Pictures from bytes to upright pixels and back; the way back carries pixels and nothing else."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bondstore.deid.findings import unfit
from bondstore.errors import DamagedError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""Those that Pillow was built without, or has no plug-in for (pillow-heif for HEIC), are read nowhere here."""
MOST_FRAMES = 2_000
PIXEL_LIMIT = 64_000_000
"""Pixels of the largest picture that is opened: a phone's camera has 12 to 50 million.

48 million take 1.6 GB at work, a phone's screen half a gigabyte.
"""
ANIMATION_LIMIT = PIXEL_LIMIT
"""Pixels of all frames of an animation together."""
QUALITY = 90
"""Of formats whose files do not say how much they lost."""
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
_SETTINGS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": PNG_LEVEL},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_deflate"},
}
_UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""EXIF's orientation as Pillow's `Transpose`: 0 and 1 mirror, 2 to 4 turn by 90, 180 and 270, 5 and 6 do both."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture ready to be looked at."""

    pixels: NDArray[np.uint8]  # (height, width, 3), upright RGB; see-through ones stand on white
    format: str
    grey: bool
    settings: dict[str, Any]  # how Pillow encodes with the loss of the source


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the frames of an animation are shown."""

    durations: tuple[int, ...]  # ms; empty where the format has none
    loop: int | None


def decode(data: bytes) -> Decoded:
    """Open a single picture, whole or not at all."""
    with _explained():
        image = _opened(data)
        if getattr(image, "n_frames", 1) != 1:
            raise unfit("image-undecodable", "The picture has several frames, and one was expected.")
        return _decoded(image, data)


def frame_count(data: bytes) -> int:
    """Return how many frames a picture has."""
    with _explained():
        image = _opened(data)
        count = getattr(image, "n_frames", 1)
        total = 0
        for number in range(count if count <= MOST_FRAMES else 0):
            # Pages of a TIFF have sizes of their own; in other formats all frames are as large as the first.
            if image.format == "TIFF":
                image.seek(number)
            if image.width * image.height > PIXEL_LIMIT:
                raise unfit("image-too-large")
            total += image.width * image.height
        if count > MOST_FRAMES or (count > 1 and total > ANIMATION_LIMIT):
            raise unfit("image-too-large", "The picture has more frames than are looked at.")
        return count


def frames(data: bytes) -> Iterator[tuple[Decoded, int | None]]:
    """Open the frames of a picture one by one, each with how long it is shown in ms: all whole, or an error."""
    with _explained():
        image = _opened(data)
        count = getattr(image, "n_frames", 1)
    for number in range(count):
        with _explained():
            image.seek(number)
            frame = _decoded(image, data)
            duration = image.info.get("duration")
        yield frame, round(duration) if isinstance(duration, int | float) and 0 <= duration < 1 << 24 else None


def loops(data: bytes) -> int | None:
    """Return how often an animation is shown: 0 without end, None where it does not say."""
    with _explained():
        loop = _opened(data).info.get("loop")
    return loop if isinstance(loop, int) and 0 <= loop < 1 << 16 else None


def parts(data: bytes, places: Sequence[tuple[slice, slice]]) -> list[NDArray[np.uint8]]:
    """Open a picture and return parts of it, without holding all of its pixels twice."""
    import numpy as np

    with _explained():
        flat = _upright(_opened(data))
    boxes = [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in places]
    return [np.array(flat.crop(box).convert("RGB")) for box in boxes]


def encode(pixels: NDArray[np.uint8], like: Decoded) -> bytes:
    """Make a file from pixels alone: no EXIF, place, thumbnail, profile, comment or text of the source is in it."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]) if like.grey else pixels)
    return _saved(image, like.format, like.settings)


def encode_frames(packed: Sequence[bytes], like: Decoded, timing: Timing) -> bytes:
    """Make an animation from frames that `pack` made: pixels and how long they are shown, nothing else."""
    from PIL import Image

    def opened(one: bytes) -> Image.Image:
        return Image.open(BytesIO(one), formats=("PNG",))

    more: dict[str, Any] = {"save_all": True, "append_images": [opened(one) for one in packed[1:]]}
    if timing.durations:
        more["duration"] = list(timing.durations)
    if timing.loop is not None and like.format in ("GIF", "PNG", "WEBP"):
        more["loop"] = timing.loop
    return _saved(opened(packed[0]), like.format, like.settings | more)


def pack(pixels: NDArray[np.uint8]) -> bytes:
    """Make a frame small, without loss, until its animation is put together."""
    from PIL import Image

    return _saved(Image.fromarray(pixels), "PNG", {"compress_level": 1})


def _saved(image: Image, form: str, settings: dict[str, Any]) -> bytes:
    out = BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def need_pillow() -> None:
    """Say before anything is done that pictures cannot be read here."""
    if find_spec("PIL") is None:
        raise MissingExtraError(
            "Pictures need Pillow, which is not installed.", hint="Install it with: pip install 'bondstore[faces]'"
        )


@contextmanager
def _explained() -> Iterator[None]:
    """Turn whatever Pillow raises into the one error that says a picture cannot be looked at."""
    need_pillow()
    from PIL import Image, ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise unfit("image-too-large") from None
    except DamagedError:
        raise
    except _HOSTILE:
        raise unfit("image-undecodable") from None


def _opened(data: bytes) -> Image:
    from PIL import Image

    image = Image.open(BytesIO(data), formats=formats())
    if image.width * image.height > PIXEL_LIMIT:
        raise unfit("image-too-large")
    return image


@cache
def formats() -> tuple[str, ...]:
    """Return the formats that are read here."""
    from PIL import Image

    Image.init()
    if find_spec("pillow_heif") is not None:
        import_module("pillow_heif").register_heif_opener()
    return tuple(form for form in FORMATS if form in Image.OPEN)


def _decoded(image: Image, data: bytes) -> Decoded:
    import numpy as np

    image.load()
    settings = _settings(image, data)
    flat = _upright(image)
    grey = flat.mode == "L"
    return Decoded(np.array(flat.convert("RGB") if grey else flat), image.format or "", grey, settings)


def _upright(image: Image) -> Image:
    """Return a picture as one sees it, grey or RGB."""
    from PIL import Image as Pillow

    image.load()
    flat, turned = _flat(image), _UPRIGHT.get(_orientation(image))
    return flat if turned is None else flat.transpose(Pillow.Transpose(turned))


def _settings(image: Image, data: bytes) -> dict[str, Any]:
    """Return how to encode with the loss of the source."""
    if image.format == "JPEG":
        from PIL import JpegImagePlugin

        sampling = JpegImagePlugin.get_sampling(image)
        tables = getattr(image, "quantization", {})
        return {"qtables": [list(tables[place]) for place in sorted(tables)], "subsampling": max(0, sampling)}
    if image.format == "WEBP" and _without_loss(data):
        return {"lossless": True}
    return dict(_SETTINGS.get(image.format or "", {"quality": QUALITY}))


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
