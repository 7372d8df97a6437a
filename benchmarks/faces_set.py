"""A labelled set of screenshots: real faces out of Python packages, pasted on drawn screens and photos; from a seed.

A third of the pictures hold one to six faces, the others none. Faces are 12 to 600 px high (even in the logarithm), of
two kinds of source: two portraits at all sizes, and a hundred news faces of 25 px and less. Of
twenty, seventeen stand upright, two are tilted by up to 25 degrees and one is turned by a quarter or a half. They are
mirrored, brightened, darkened and made grey at random, cut out as a card or as a round avatar, and everything is saved
as a phone does it: 1080 by 2340, JPEG of quality 50.
"""

from __future__ import annotations

import io
import math
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

SIZE = (1080, 2340)
SMALLEST, LARGEST = 12, 600
NEWS_FACE = 25
"""Pixels of height up to which the news faces are used: they have 25, and are never enlarged."""
SCENES = (
    *("coffee", "chelsea", "rocket", "brick", "grass", "gravel", "hubble_deep_field", "motorcycle_left"),
    *("retina", "ihc", "page", "moon"),
)
"""Photos without a face; the coins of that package have heads on them."""
WORDS = ("meet", "at", "noon", "near", "old", "bridge", "talk", "about", "weather", "tea", "bus", "ticket", "music")


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture.

    Parameters
    ----------
    x, y, width, height : float
        The box round it, in pixels.
    size : float
        Height of the face as it was before it was turned.
    angle : int
        Degrees counter-clockwise.
    source : str
        Which face it is.
    """

    x: float
    y: float
    width: float
    height: float
    size: float
    angle: int
    source: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and the truth about it."""

    data: bytes
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A picture with one face, and the ellipse of that face: middle, width and height."""

    image: Image.Image
    x: float
    y: float
    width: float
    height: float


def make(seed: int, count: int) -> list[Labelled]:
    """Return `count` labelled pictures; every one follows from the seed and its number alone."""
    return [_picture(random.Random(f"{seed}/{number}"), faces=number % 3 == 0) for number in range(count)]


def _picture(rng: random.Random, *, faces: bool) -> Labelled:
    image = _screen(rng) if rng.random() < 0.8 else _photo(rng, SIZE)
    put: list[Face] = []
    taken: list[tuple[int, int, int, int]] = []
    for _ in range(rng.randint(1, 6) if faces else 0):
        size = math.exp(rng.uniform(math.log(SMALLEST), math.log(LARGEST)))
        _paste(image, rng, size, put, taken)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=50)
    return Labelled(out.getvalue(), tuple(put))


def _paste(
    image: Image.Image, rng: random.Random, size: float, put: list[Face], taken: list[tuple[int, int, int, int]]
) -> None:
    """Paste one face where there is room; leave it out where there is none."""
    name = rng.choice(("astronaut", "hopper", "news") if size <= NEWS_FACE else ("astronaut", "hopper"))
    chance, angle = rng.random(), 0
    if chance >= 0.85:
        angle = rng.choice((90, 180, 270)) if chance >= 0.95 else rng.choice((-1, 1)) * rng.randint(8, 25)
    source = _news(rng.randrange(100)) if name == "news" else _portraits()[name]
    card, box = _card(source, rng, size, angle, tight=name == "news")
    for _ in range(30):
        if card.width > image.width or card.height > image.height:
            return
        left, top = rng.randint(0, image.width - card.width), rng.randint(0, image.height - card.height)
        place = (left, top, left + card.width, top + card.height)
        if all(place[2] < a or c < place[0] or place[3] < b or d < place[1] for a, b, c, d in taken):
            image.paste(card, (left, top), card.getchannel("A"))
            taken.append(place)
            put.append(Face(left + box[0], top + box[1], box[2], box[3], size, angle, name))
            return


def _card(
    source: _Source, rng: random.Random, size: float, angle: int, *, tight: bool
) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """Cut a face out with what is round it, at a size, turned; return it and the box of the face in it."""
    scale = size / source.height
    whole = source.image.resize(
        (max(1, round(source.image.width * scale)), max(1, round(source.image.height * scale))),
        Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC,
    )
    x, y = source.x * scale, source.y * scale
    if angle:
        x, y, whole = _turn(x, y, whole, angle)
    turned = math.radians(angle)
    half_x = math.hypot(source.width * math.cos(turned), source.height * math.sin(turned)) * scale / 2
    half_y = math.hypot(source.width * math.sin(turned), source.height * math.cos(turned)) * scale / 2
    room = 1.04 if tight else rng.uniform(1.3, 2.2)
    reach = max(half_x, half_y) * room
    left, top = max(0, math.floor(x - reach)), max(0, math.floor(y - reach))
    right, bottom = min(whole.width, math.ceil(x + reach)), min(whole.height, math.ceil(y + reach))
    card = whole.crop((left, top, right, bottom))
    card = _shaded(card, rng)
    mask = Image.new("L", card.size, 255)
    if not tight and rng.random() < 0.35:
        mask = Image.new("L", (card.width * 4, card.height * 4))
        ImageDraw.Draw(mask).ellipse((0, 0, card.width * 4 - 1, card.height * 4 - 1), fill=255)
        mask = mask.resize(card.size, Image.Resampling.BOX)
    card.putalpha(mask)
    box = (x - left - half_x, y - top - half_y, 2 * half_x, 2 * half_y)
    if rng.random() < 0.5:
        return ImageOps.mirror(card), (card.width - box[0] - box[2], *box[1:])
    return card, box


def _turn(x: float, y: float, image: Image.Image, angle: int) -> tuple[float, float, Image.Image]:
    """Turn a picture, enlarged to hold all of itself, and follow a point in it."""
    turned = image.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    from_x, from_y = x - image.width / 2, y - image.height / 2
    return (
        turned.width / 2 + from_x * cosine + from_y * sine,
        turned.height / 2 - from_x * sine + from_y * cosine,
        turned,
    )


def _shaded(image: Image.Image, rng: random.Random) -> Image.Image:
    """Change light, contrast and colour a little."""
    if rng.random() < 0.2:
        image = image.convert("L").convert("RGB")
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.6, 1.25))
    return ImageEnhance.Contrast(image).enhance(rng.uniform(0.7, 1.2))


def _screen(rng: random.Random) -> Image.Image:
    """Draw a screen of an app: bars, lines of text, cards with photos."""
    from demo import screens

    def cards(image: Image.Image, rng: random.Random) -> tuple[()]:
        for _ in range(rng.randint(0, 3)):
            size = (rng.randint(200, 1000), rng.randint(200, 700))
            image.paste(_photo(rng, size), (rng.randint(0, SIZE[0] - size[0]), rng.randint(100, SIZE[1] - size[1])))
        return ()

    return screens.draw(" ".join(rng.choices(WORDS, k=200)), SIZE, rng, cards)[0]


def _photo(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Cut a piece of a faceless photo to fill a size."""
    scene = _scene(rng.choice(SCENES))
    share = rng.uniform(0.5, 1)
    wide, high = round(scene.width * share), round(scene.height * share)
    left, top = rng.randint(0, scene.width - wide), rng.randint(0, scene.height - high)
    return ImageOps.fit(scene.crop((left, top, left + wide, top + high)), size, Image.Resampling.BICUBIC)


@cache
def _scene(name: str) -> Image.Image:
    (path,) = _skimage().glob(f"{name}.*")
    return Image.open(path).convert("RGB")


@cache
def _portraits() -> dict[str, _Source]:
    import matplotlib

    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return {
        "astronaut": _Source(Image.open(_skimage() / "astronaut.png").convert("RGB"), 225.5, 117.5, 88, 119),
        "hopper": _Source(Image.open(hopper).convert("RGB"), 268, 220, 177, 218),
    }


@cache
def _news(number: int) -> _Source:
    pixels = (np.load(_skimage() / "lfw_subset.npy")[number] * 255).clip(0, 255).astype(np.uint8)
    return _Source(Image.fromarray(pixels).convert("RGB"), 12.5, 12.5, 21, 25)


def _skimage() -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data"
