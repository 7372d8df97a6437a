"""A labelled set of pictures, from a seed; no detector has a say in what is in it.

Every face has a size (12 to 960 px, even in the logarithm within each of `SIZES`), a turn, a cover, a quality and a
person. Of each factor all levels come in equal numbers, shuffled by the seed for each factor alone, so that what is
told of one level is an average over all levels of the others. Faces are cut out as a card or a round avatar with more
or less round them and pasted on drawn screens or photos of 1080 by 2340, JPEG of quality 50, as a phone saves them. A
face for which there is no room begins the next picture: none is left out. To these come pictures with the faces of a
hundred further people at 15 to 25 px, without covers, and pictures without faces of the kinds in `FACELESS`.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from benchmarks import faces_sources
from benchmarks.faces_covers import COVERS, Marks, cover
from benchmarks.faces_faceless import FACELESS, SIZE, background, faceless

SIZES = ((12, 20), (20, 40), (40, 80), (80, 160), (160, 320), (320, 600), (600, 960))
TURNS = {"upright": (0,), "tilted": (-25, 25), "lying": (90, 270), "upside down": (180,)}
QUALITIES = ("as it is", "dim", "compressed", "blurred")
DRAWN_AT = 360, 480
"""Pixels of height that a face has at least and at most while a cover is drawn over it."""
AROUND = 1.5
"""Heights of the face that are cut out round its middle on each side, before it is turned."""
NEWS_AT_ONCE = 10
MOST = 6
"""Faces on one picture."""

_Level = TypeVar("_Level")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a face is to be."""

    size: float
    bin: tuple[int, int]
    turn: str
    angle: int  # degrees counter-clockwise
    cover: str
    quality: str
    person: str


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture: an ellipse turned by the angle, and the part of the picture in which it shows."""

    x: float
    y: float
    width: float
    height: float  # before it was turned
    shown: tuple[int, int, int, int]  # left, top, right, bottom
    how: Wanted


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and the truth about it."""

    data: bytes
    faces: tuple[Face, ...]
    kind: str  # "faces", "news", or one of FACELESS


def make(seed: int, faces: int, others: int, people: Sequence[str] | None = None) -> list[Labelled]:
    """Return pictures with so many faces, one with further people for every seven faces, and `others` without any."""
    people = people or [one.name for one in faces_sources.PEOPLE]
    pictures = with_faces(seed, design(seed, faces, people))
    pictures += [_news(random.Random(f"{seed}/news/{number}")) for number in range(faces // 7 // NEWS_AT_ONCE)]
    for number in range(others):
        kind, rng = FACELESS[number % len(FACELESS)], random.Random(f"{seed}/faceless/{number}")
        pictures.append(Labelled(_saved(faceless(kind, rng, number // len(FACELESS))), (), kind))
    return pictures


def design(
    seed: int,
    count: int,
    people: Sequence[str],
    sizes: Sequence[tuple[int, int]] = SIZES,
    covers: Sequence[str] = COVERS,
) -> list[Wanted]:
    """Draw the factors of each face: all levels of a factor equally often, and each factor without the others."""
    rng = random.Random(f"{seed}/design")
    bins, turns = _evenly(sizes, count, rng), _evenly(list(TURNS), count, rng)
    covers, qualities, names = (_evenly(levels, count, rng) for levels in (covers, QUALITIES, people))
    return [
        Wanted(math.exp(rng.uniform(*map(math.log, bin_))), bin_, turn, rng.choice(TURNS[turn]), *rest)
        for bin_, turn, *rest in zip(bins, turns, covers, qualities, names, strict=True)
    ]


def _evenly(levels: Sequence[_Level], count: int, rng: random.Random) -> list[_Level]:
    rest = rng.sample(list(levels), count % len(levels))
    drawn = [*levels] * (count // len(levels)) + rest
    rng.shuffle(drawn)
    return drawn


def with_faces(seed: int, wanted: Sequence[Wanted]) -> list[Labelled]:
    """Return pictures on which all these faces are, in their order."""
    pictures: list[Labelled] = []
    canvas: _Canvas | None = None
    for number, one in enumerate(wanted):
        rng = random.Random(f"{seed}/face/{number}")
        card = cut_out(one, rng)
        if canvas is None or not canvas.paste(card, one, rng):
            if canvas:
                pictures.append(Labelled(_saved(canvas.image), tuple(canvas.faces), "faces"))
            canvas = _Canvas(random.Random(f"{seed}/picture/{len(pictures)}"))
            placed = canvas.paste(card, one, rng)
            assert placed, "an empty picture has room for every card"
    if canvas:
        pictures.append(Labelled(_saved(canvas.image), tuple(canvas.faces), "faces"))
    return pictures


class _Canvas:
    """A picture in the making, with what lies on it."""

    def __init__(self, rng: random.Random) -> None:
        self.image = background(rng)
        self.faces: list[Face] = []
        self.most = rng.randint(1, MOST)

    def paste(self, card: _Card, how: Wanted, rng: random.Random) -> bool:
        """Put a card where nothing lies; say whether there was room."""
        if len(self.faces) >= self.most:
            return False
        wide, high = card.image.size
        for _ in range(40):
            left, top = rng.randint(0, SIZE[0] - wide), rng.randint(0, SIZE[1] - high)
            place = (left, top, left + wide, top + high)
            if all(place[2] < a or c < place[0] or place[3] < b or d < place[1] for a, b, c, d in self._taken()):
                self.image.paste(card.image, (left, top), card.image.getchannel("A"))
                self.faces.append(Face(left + card.x, top + card.y, card.width, card.height, place, how))
                return True
        return False

    def _taken(self) -> list[tuple[int, int, int, int]]:
        return [face.shown for face in self.faces]


@dataclass(frozen=True, slots=True)
class _Card:
    image: Image.Image
    x: float
    y: float
    width: float
    height: float


def cut_out(how: Wanted, rng: random.Random) -> _Card:
    """Cut a face out with what is round it, covered, at its size, turned, and in its quality."""
    source, one = faces_sources.person(how.person)
    left, top, right, bottom = one.face
    x, y, wide, high = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    # What is round the head, enough to be turned; beyond the picture its edge goes on in its mean colour.
    reach = AROUND * high
    box = tuple(round(side) for side in (x - reach, y - reach, x + reach, y + reach))
    scale = min(max(how.size, DRAWN_AT[0]), DRAWN_AT[1]) / high
    around = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), _mean(how.person))
    around.paste(source, (-box[0], -box[1]))
    side = round(around.width * scale)
    large = around.resize((side, side), Image.Resampling.BICUBIC)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] - box[0]) * scale, (point[1] - box[1]) * scale

    marks = Marks((at(one.eyes[0]), at(one.eyes[1])), at(one.mouth), (*at((left, top)), *at((right, bottom))))
    large = cover(large, marks, how.cover, rng)
    middle, wide, high = at((x, y)), wide * scale, high * scale
    if how.cover == "hood":
        large, middle, high = _from_below(large, middle, high, _mean(how.person))
    share = how.size / high
    large = large.resize((max(1, round(side * share)),) * 2, Image.Resampling.LANCZOS)
    middle, wide, high, marks_share = (middle[0] * share, middle[1] * share), wide * share, high * share, share
    room = (wide / 2 * (r := rng.uniform(1.25, 2.4)), high / 2 * r, wide / 2 * r, high / 2 * r)
    if how.cover == "close-up":
        brow, nose = (marks.at(0, down)[1] * marks_share for down in (rng.uniform(-0.55, -0.3), rng.uniform(0.7, 1.0)))
        room = (0.49 * wide, middle[1] - brow, 0.49 * wide, nose - middle[1])
    if rng.random() < 0.5:
        large, middle = ImageOps.mirror(large), (large.width - middle[0], middle[1])
    return _cut(large, middle, (wide, high), room, how, rng)


@cache
def _mean(name: str) -> tuple[int, int, int]:
    red, green, blue = np.asarray(faces_sources.person(name)[0]).mean(axis=(0, 1)).round().astype(int).tolist()
    return red, green, blue


def _from_below(
    image: Image.Image, middle: tuple[float, float], high: float, fill: tuple[int, int, int]
) -> tuple[Image.Image, tuple[float, float], float]:
    """Show a head as it is seen from below: lower, and narrow at the top."""
    side, squash = image.width, 0.8
    out = round(side * squash)
    tilt = 0.14 * side
    quad = (-tilt, 0, tilt * 0.5, side, side - tilt * 0.5, side, side + tilt, 0)
    seen = image.transform((side, out), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC, fillcolor=fill)
    whole = Image.new("RGB", (side, side), fill)
    whole.paste(seen, (0, 0))
    return whole, (middle[0], middle[1] * squash), high * squash


def _cut(
    image: Image.Image,
    middle: tuple[float, float],
    face: tuple[float, float],
    room: tuple[float, float, float, float],
    how: Wanted,
    rng: random.Random,
) -> _Card:
    """Turn a picture round its face, cut it to the room that the face is to have, and bring it to its quality."""
    wide, high = face
    turned = image.rotate(how.angle, Image.Resampling.BICUBIC, center=middle) if how.angle else image
    angle = math.radians(how.angle)
    corners = [(x, y) for x in (-room[0], room[2]) for y in (-room[1], room[3])]
    places = [
        (x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)) for x, y in corners
    ]
    if how.turn == "tilted" and how.cover != "close-up":
        places = corners
    sides = [pick(one[axis] for one in places) for pick in (min, max) for axis in (0, 1)]
    left, top = max(0, round(middle[0] + sides[0])), max(0, round(middle[1] + sides[1]))
    right = max(left + 4, min(turned.width, round(middle[0] + sides[2]), left + SIZE[0]))
    bottom = max(top + 4, min(turned.height, round(middle[1] + sides[3]), top + SIZE[1]))
    if middle[0] + wide / 2 > right:  # a wide card is cut to the screen on both sides of the face
        left, right = max(0, round(middle[0] - SIZE[0] / 2)), min(turned.width, round(middle[0] + SIZE[0] / 2))
    card = in_quality(turned.crop((left, top, right, bottom)), how.quality, rng)
    shape = Image.new("L", card.size, 255)
    if how.cover != "close-up" and rng.random() < 0.3:
        shape = Image.new("L", (card.width * 2, card.height * 2))
        ImageDraw.Draw(shape).ellipse((0, 0, card.width * 2 - 1, card.height * 2 - 1), fill=255)
        shape = shape.resize(card.size, Image.Resampling.BOX)
    card.putalpha(shape)
    return _Card(card, middle[0] - left, middle[1] - top, wide, high)


def in_quality(image: Image.Image, quality: str, rng: random.Random) -> Image.Image:
    """Return a picture as it is seen in the dark, after it was sent around, or out of focus."""
    if quality == "dim":
        dark = ImageEnhance.Brightness(image).enhance(rng.uniform(0.2, 0.4))
        noise = np.random.default_rng(rng.randrange(1 << 32)).normal(0, 4, (image.height, image.width, 3))
        return Image.fromarray((np.asarray(dark) + noise).clip(0, 255).astype(np.uint8))
    if quality == "compressed":
        out = io.BytesIO()
        image.save(out, "JPEG", quality=rng.randint(15, 30))
        return Image.open(out).convert("RGB")
    if quality == "blurred":
        return image.filter(ImageFilter.GaussianBlur(max(0.7, min(image.size) * rng.uniform(0.006, 0.014))))
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2))
    return image.convert("L").convert("RGB") if rng.random() < 0.15 else image


def _news(rng: random.Random) -> Labelled:
    """Put faces of 25 px and less, of ten people, on a screen."""
    canvas = _Canvas(rng)
    canvas.most = NEWS_AT_ONCE
    for number in rng.sample(range(100), NEWS_AT_ONCE):
        size = rng.randint(15, 25)
        image = faces_sources.news(number).resize((size, size), Image.Resampling.LANCZOS)
        image.putalpha(255)
        how = Wanted(size, (12, 20) if size < 20 else (20, 40), "upright", 0, "none", "as it is", f"news {number}")
        canvas.paste(_Card(image, size / 2, size / 2, size * 0.84, size), how, rng)
    return Labelled(_saved(canvas.image), tuple(canvas.faces), "news")


def _saved(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=50)
    return out.getvalue()
