"""What people wear or hold before a face, drawn over a picture by the labelled places of eyes, mouth and chin.

Nothing here is cut from a photograph. Colours, outlines and folds are drawn at random; where cloth lies over a face,
its light and shade show through a little.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

COVERS = ("none", "glasses", "mask", "hat", "hand", "hood", "close-up")
"""A hood comes with a mask, and the head is seen from below; a close-up is a masked face cut off above the brows, below
the nose and at the cheeks."""
_MASKS = ((150, 190, 215), (240, 240, 238), (35, 36, 40), (120, 165, 140), (200, 150, 165), (70, 80, 120))
_CLOTHS = ((40, 42, 48), (90, 30, 35), (35, 60, 45), (150, 150, 155), (60, 70, 110), (190, 170, 130))

_Point = tuple[float, float]
_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a face's parts are in a picture, in its pixels."""

    eyes: tuple[_Point, _Point]
    mouth: _Point
    face: tuple[float, float, float, float]

    @property
    def eye(self) -> _Point:
        """The middle between the eyes."""
        (left, right) = self.eyes
        return (left[0] + right[0]) / 2, (left[1] + right[1]) / 2

    def at(self, across: float, down: float) -> _Point:
        """Return a place: `across` from -1, the face's left edge, to 1; `down` from 0, the eyes, over 1, the mouth."""
        x, y = self.eye
        x, y = x + down * (self.mouth[0] - x), y + down * (self.mouth[1] - y)
        half = self.face[2] - x if across > 0 else x - self.face[0]
        run = (self.eyes[1][0] - self.eyes[0][0], self.eyes[1][1] - self.eyes[0][1])
        slope = run[1] / run[0]
        return x + across * half, y + across * half * slope

    @property
    def chin(self) -> float:
        """How far down the chin is."""
        return (self.face[3] - self.eye[1]) / (self.mouth[1] - self.eye[1])

    @property
    def top(self) -> float:
        """How far up, below zero, the hairline is."""
        return (self.face[1] - self.eye[1]) / (self.mouth[1] - self.eye[1])

    @property
    def unit(self) -> float:
        """Pixels of a tenth of the face's height."""
        return (self.face[3] - self.face[1]) / 10


def cover(image: Image.Image, marks: Marks, kind: str, rng: random.Random) -> Image.Image:
    """Return the picture with the cover drawn over the face."""
    if kind == "none":
        return image
    if kind == "glasses":
        return _glasses(image, marks, rng)
    if kind == "hat":
        return _hat(image, marks, rng)
    if kind == "hand":
        return _hand(image, marks, rng)
    masked = _mask(image, marks, rng)
    return _hood(masked, marks, rng) if kind == "hood" else masked


def _laid(image: Image.Image, over: Image.Image, shape: Image.Image, through: float = 0.0) -> Image.Image:
    """Lay one picture over another where the shape is; some of the light and shade below shows through."""
    if through:
        grey = image.convert("L").resize((24, 24), Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)
        inside = np.asarray(grey)[np.asarray(shape) > 0]
        middle = float(np.median(inside)) if inside.size else 128.0
        shade = grey.point(
            lambda light: min(255, round(255 * (1 - through + through * min(1.6, light / middle)) / 1.25))
        )
        over = ImageChops.multiply(over, Image.merge("RGB", (shade,) * 3))
    return Image.composite(over, image, shape.filter(ImageFilter.GaussianBlur(image.height / 400)))


def _shape(image: Image.Image) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    shape = Image.new("L", image.size)
    return shape, ImageDraw.Draw(shape)


def _coloured(image: Image.Image, colours: tuple[_Colour, ...], rng: random.Random) -> tuple[Image.Image, _Colour]:
    red, green, blue = (min(255, max(0, part + rng.randint(-18, 18))) for part in rng.choice(colours))
    return Image.new("RGB", image.size, (red, green, blue)), (red, green, blue)


def _darker(colour: _Colour, share: float = 0.75) -> _Colour:
    red, green, blue = (round(part * share) for part in colour)
    return red, green, blue


def _mask(image: Image.Image, marks: Marks, rng: random.Random) -> Image.Image:
    """Draw a surgical mask or one of cloth, from the nose to under the chin, with its loops."""
    over, colour = _coloured(image, _MASKS, rng)
    up, chin = rng.uniform(0.15, 0.42), marks.chin
    half = [(0.0, up), (0.3, up + 0.1), (0.97, up + 0.22), (0.97, 0.95), (0.7, 1.35), (0.3, chin + 0.08)]
    outline = [marks.at(*one) for one in half] + [marks.at(0, chin + 0.12)]
    outline += [marks.at(-across, down) for across, down in reversed(half[1:])]
    pen = ImageDraw.Draw(over)
    width = max(1, round(marks.unit / 10))
    for fold in (0.75, 1.0, 1.25) if rng.random() < 0.7 else ():
        pen.line(
            [marks.at(across / 4, fold + 0.06 * (1 - abs(across) / 4)) for across in range(-4, 5)],
            _darker(colour),
            width,
        )
    pen.line([*outline, outline[0]], _darker(colour, 0.85), 2 * width)
    image = image.copy()
    loops = ImageDraw.Draw(image)
    for side in (-1, 1):
        for down, ear in ((up + 0.24, 0.05), (0.95, 0.45)):
            loops.line([marks.at(side * 0.95, down), marks.at(side * 1.12, ear)], _darker(colour, 0.95), 2 * width)
    shape, draw = _shape(image)
    draw.polygon(outline, fill=255)
    return _laid(image, over, shape, 0.6)


def _glasses(image: Image.Image, marks: Marks, rng: random.Random) -> Image.Image:
    """Draw sunglasses, or glasses in a broad frame with a glare on them."""
    dark = rng.random() < 0.6
    glass = (rng.randint(5, 50), rng.randint(5, 45), rng.randint(5, 45)) if dark else (215, 225, 230)
    frame = _darker((rng.randint(20, 90), rng.randint(15, 60), rng.randint(10, 50)))
    over = image.copy()
    pen = ImageDraw.Draw(over)
    shape, draw = _shape(image)
    unit, width = marks.unit, max(2, round(marks.unit / 4))
    gap = abs(marks.eyes[1][0] - marks.eyes[0][0])
    wide, high = min(gap * 0.46, 1.6 * unit), unit * rng.uniform(0.75, 1.2)
    glare = Image.new("L", image.size)
    round_ = rng.random() < 0.5
    for (x, y), side in zip(marks.eyes, (-1, 1), strict=True):
        box = (x - wide, y - 0.8 * high, x + wide, y + 1.1 * high)
        for surface, fill in ((draw, 255), (pen, glass)):
            if round_:
                surface.ellipse(box, fill=fill)
            else:
                surface.rounded_rectangle(box, radius=high / 2, fill=fill)
        if not dark:
            ImageDraw.Draw(glare).ellipse((box[0] + wide / 4, box[1] + 2, x + wide / 2, y), fill=150)
        pen.ellipse(box, outline=frame, width=width) if round_ else pen.rounded_rectangle(
            box, radius=high / 2, outline=frame, width=width
        )
        line = [(x + side * wide, y - 0.3 * high), marks.at(side * 1.05, -0.05)]
        for surface, fill in ((draw, 255), (pen, frame)):
            surface.line(line, fill=fill, width=width)
    bridge = [(marks.eyes[0][0] + wide * 0.9, marks.eyes[0][1]), (marks.eyes[1][0] - wide * 0.9, marks.eyes[1][1])]
    for surface, fill in ((draw, 255), (pen, frame)):
        surface.line(bridge, fill=fill, width=width)
    if dark:
        return _laid(image, over, shape)
    # Clear glass: only the frame and the glare are drawn.
    rim = (
        ImageChops.difference(over, Image.new("RGB", image.size, frame)).convert("L").point(lambda off: 255 * (off < 2))
    )
    framed = _laid(image, over, ImageChops.multiply(rim, shape))
    return Image.composite(Image.new("RGB", image.size, (255, 255, 255)), framed, glare)


def _hat(image: Image.Image, marks: Marks, rng: random.Random) -> Image.Image:
    """Draw a woollen hat down to the brows, or a cap whose peak shades them."""
    over, colour = _coloured(image, _CLOTHS, rng)
    brow, top = rng.uniform(-0.5, -0.3), marks.top - rng.uniform(0.5, 0.8)
    pen = ImageDraw.Draw(over)
    shape, draw = _shape(image)
    arch = [(-1.3, brow), (-1.36, marks.top / 2), (-1.1, (marks.top + top) / 2), (-0.55, top), (0.55, top)]
    arch += [(1.1, (marks.top + top) / 2), (1.36, marks.top / 2), (1.3, brow), (0, brow - 0.12)]
    draw.polygon([marks.at(*one) for one in arch], fill=255)
    if rng.random() < 0.5:
        for rib in range(-11, 12):
            pen.line(
                [marks.at(rib / 9, brow), marks.at(rib / 12, top)], _darker(colour, 0.9), max(1, round(marks.unit / 6))
            )
        edge = [marks.at(-1.3, brow), marks.at(0, brow - 0.12), marks.at(1.3, brow)]
        pen.line(edge, _darker(colour), round(marks.unit))
    else:
        peak = [
            marks.at(*one) for one in ((-1.05, brow - 0.15), (1.05, brow - 0.15), (0.8, brow + 0.22), (0, brow + 0.32))
        ]
        peak.append(marks.at(-0.8, brow + 0.22))
        for surface, fill in ((draw, 255), (pen, _darker(colour))):
            surface.polygon(peak, fill=fill)
    return _laid(image, over, shape, 0.3)


def _hand(image: Image.Image, marks: Marks, rng: random.Random) -> Image.Image:
    """Draw four fingers in the colour of the face, over the mouth or the cheek, and the hand they belong to."""
    pixels = np.asarray(image)
    x, y = marks.at(0.4, 0.6)
    near = pixels[max(0, int(y) - 4) : int(y) + 5, max(0, int(x) - 4) : int(x) + 5].reshape(-1, 3)
    light = rng.uniform(0.95, 1.25)
    red, green, blue = (min(255, round(float(part) * light)) for part in near.mean(axis=0))
    skin = (red, green, blue)
    over = Image.new("RGB", image.size, skin)
    pen = ImageDraw.Draw(over)
    shape, draw = _shape(image)
    side, thick = rng.choice((-1, 1)), max(3, round(1.15 * marks.unit))
    aim, base = (rng.uniform(-0.6, -0.1), rng.uniform(0.6, 0.9)), (1.15, rng.uniform(1.2, 1.5))
    palm_x, palm_y = marks.at(side * base[0], base[1] + 0.25)
    for surface, fill in ((draw, 255), (pen, _darker(skin, 0.92))):
        surface.ellipse(
            (
                palm_x - 2.4 * marks.unit,
                palm_y - 1.8 * marks.unit,
                palm_x + 2.4 * marks.unit,
                palm_y + 3.4 * marks.unit,
            ),
            fill=fill,
        )
    for finger in range(4):
        tip = marks.at(side * (aim[0] + 0.1 * abs(finger - 1)), aim[1] + 0.27 * finger)
        root = marks.at(side * base[0], base[1] + 0.14 * (finger - 2))
        for surface, fill, width in (
            (draw, 255, thick),
            (pen, _darker(skin, 0.6), thick),
            (pen, skin, round(thick * 0.84)),
        ):
            surface.line([tip, root], fill=fill, width=width)
            for middle_x, middle_y in (tip, root):
                surface.ellipse(
                    (middle_x - width / 2, middle_y - width / 2, middle_x + width / 2, middle_y + width / 2), fill=fill
                )
    return _laid(image, over, shape, 0.15)


def _hood(image: Image.Image, marks: Marks, rng: random.Random) -> Image.Image:
    """Draw a hood round the head, from the brows over the cheeks to the shoulders."""
    over, colour = _coloured(image, _CLOTHS, rng)
    pen = ImageDraw.Draw(over)
    shape, draw = _shape(image)
    left, top, right, bottom = marks.face
    wide, high = right - left, bottom - top
    reach, drop = rng.uniform(0.3, 0.5), rng.uniform(0.12, 0.24)
    draw.ellipse((left - reach * wide, top - 0.35 * high, right + reach * wide, bottom + 0.5 * high), fill=255)
    draw.polygon(
        [
            (left - reach * wide, bottom - 0.2 * high),
            (right + reach * wide, bottom - 0.2 * high),
            (right + 1.2 * wide, bottom + high),
            (left - 1.2 * wide, bottom + high),
        ],
        fill=255,
    )
    opening = (left + 0.03 * wide, top + drop * high, right - 0.03 * wide, bottom + 0.12 * high)
    draw.ellipse(opening, fill=0)
    grown = tuple(side + step * marks.unit / 3 for side, step in zip(opening, (-1, -1, 1, 1), strict=True))
    pen.ellipse(grown, outline=_darker(colour, 0.6), width=max(2, round(marks.unit / 2)))
    for fold in (0.12, 0.24):
        pen.arc(
            (left - fold * wide, top - fold * high, right + fold * wide, bottom + fold * high),
            150,
            390,
            _darker(colour, 0.85),
            max(1, round(marks.unit / 5)),
        )
    return _laid(image, over, shape, 0.2)
