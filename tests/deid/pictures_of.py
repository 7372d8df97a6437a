"""Pictures for the tests: made by Pillow, with all that a redacted picture must not carry on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import skimage
from PIL import Image, PngImagePlugin

from bondstore.deid.faces import Box

FACE = (181, 58, 270, 178)
"""Left, top, right, bottom of the face in the astronaut, read off by eye."""


def astronaut() -> Image.Image:
    """A real face, 512 by 512."""
    return Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB")


def faceless() -> Image.Image:
    """A cup of coffee."""
    return Image.open(Path(skimage.__file__).parent / "data" / "coffee.png").convert("RGB")


def saved(image: Image.Image, form: str = "JPEG", **settings: Any) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """The file as a picture."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pixels(image: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """RGB, so that differences do not wrap around."""
    return np.asarray(image.convert("RGB"))


def chatty_exif(orientation: int = 1) -> Image.Exif:
    """EXIF with a name, a place and an orientation."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x0112] = "SecretPhone", "SecretName", orientation
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: "SecretDay"})
    return exif


def chatty_png() -> PngImagePlugin.PngInfo:
    """Text chunks of all three kinds."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "SecretText")
    info.add_text("Zipped", "SecretZip", zip=True)
    info.add_itxt("Title", "SecretTitle")
    return info


class Finder:
    """A detector that finds what it is told, look by look; the last answer goes on."""

    digest = "0" * 64
    weights = "0" * 64
    threshold = 0.5

    def __init__(self, *answers: list[Box]) -> None:
        self.answers = answers
        self.seen: list[np.ndarray[Any, np.dtype[np.uint8]]] = []

    def find(self, seen: np.ndarray[Any, np.dtype[np.uint8]]) -> list[Box]:
        """Answer, and keep what was looked at."""
        self.seen.append(seen.copy())
        return self.answers[min(len(self.seen), len(self.answers)) - 1]
