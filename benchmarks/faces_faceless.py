"""Pictures in which nobody shows: animals, crowds of round things, text, textures, screens, and what is no face."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from benchmarks import faces_sources
from benchmarks.faces_sources import ANIMALS, SCENES, TEXTS, TEXTURES

SIZE = (1080, 2340)
FACELESS = ("animals", "round things", "text", "textures", "no faces", "screens", "photos")
"""“No faces” are the hundred patches that scikit-image has beside its faces."""
WORDS = ("meet", "at", "noon", "near", "old", "bridge", "talk", "about", "weather", "tea", "bus", "ticket", "music")


def faceless(kind: str, rng: random.Random, number: int) -> Image.Image:
    """Return a picture of a kind; the number goes through what there is of the kind."""
    if kind == "animals":
        return _animals(rng, number)
    if kind == "round things":
        return _round_things(rng)
    if kind == "text":
        return (
            photo(faces_sources.scene(TEXTS[number % 2]), rng, SIZE) if number % 3 == 0 else _screen(rng, cards=False)
        )
    if kind == "textures":
        return photo(faces_sources.scene(rng.choice(TEXTURES)), rng, SIZE)
    if kind == "no faces":
        return _no_faces(rng)
    if kind == "screens":
        return _screen(rng)
    return photo(faces_sources.scene(rng.choice(SCENES)), rng, SIZE)


def background(rng: random.Random) -> Image.Image:
    """Return what faces are pasted on: mostly a screen, else a photo or a texture."""
    if rng.random() < 0.8:
        return _screen(rng)
    return photo(faces_sources.scene(rng.choice((*SCENES, *TEXTURES))), rng, SIZE)


def _screen(rng: random.Random, *, cards: bool = True) -> Image.Image:
    """Draw a screen of an app: bars, lines of text, cards with photos."""
    from demo import screens

    def paste(image: Image.Image, rng: random.Random) -> tuple[()]:
        for _ in range(rng.randint(0, 3)):
            size = (rng.randint(200, 1000), rng.randint(200, 700))
            card = photo(faces_sources.scene(rng.choice((*SCENES, *TEXTURES))), rng, size)
            image.paste(card, (rng.randint(0, SIZE[0] - size[0]), rng.randint(100, SIZE[1] - size[1])))
        return ()

    return screens.draw(" ".join(rng.choices(WORDS, k=200)), SIZE, rng, paste if cards else None)[0]


def photo(scene: Image.Image, rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Cut a piece of a photo to fill a size."""
    share = rng.uniform(0.5, 1)
    wide, high = round(scene.width * share), round(scene.height * share)
    left, top = rng.randint(0, scene.width - wide), rng.randint(0, scene.height - high)
    return ImageOps.fit(scene.crop((left, top, left + wide, top + high)), size, Image.Resampling.BICUBIC)


def _animals(rng: random.Random, number: int, names: tuple[str, ...] = tuple(ANIMALS)) -> Image.Image:
    """Put an animal on a screen, as a large photo and as small ones."""
    animal = faces_sources.animal(names[number % len(names)])
    screen = _screen(rng, cards=False)
    top = 120
    for wide in (1080, rng.randint(360, 760), rng.randint(120, 320)):
        one = animal if rng.random() < 0.5 else ImageOps.mirror(animal)
        one = one.resize((wide, round(animal.height * wide / animal.width)), Image.Resampling.BICUBIC)
        screen.paste(one, (rng.randint(0, SIZE[0] - wide), top))
        top += one.height + 30
    return screen


def cat(rng: random.Random) -> Image.Image:
    """Return the animal that is here without a download."""
    return _animals(rng, 0, ("cat",))


def _round_things(rng: random.Random) -> Image.Image:
    """Draw a crowd of balls, plates, buttons and wheels in light from one side."""
    image = photo(faces_sources.scene(rng.choice(TEXTURES)), rng, SIZE).filter(ImageFilter.GaussianBlur(6))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(60, 140)):
        radius = round(2 ** rng.uniform(3, 7.2))
        x, y = rng.randint(0, SIZE[0]), rng.randint(0, SIZE[1])
        colour = tuple(rng.randint(60, 240) for _ in range(3))
        squash = rng.uniform(0.8, 1.25)
        for step in range(6):
            light = 0.6 + 0.08 * step
            small, shift = radius * (1 - step / 7), radius * step / 14
            shade = tuple(min(255, round(part * light)) for part in colour)
            pen.ellipse(
                (x - shift - small, y - shift - small * squash, x - shift + small, y - shift + small * squash),
                fill=shade,
            )
        if rng.random() < 0.4:  # a button: two or four holes
            hole = max(1, radius // 8)
            for across in (-1, 1):
                for down in (-1, 1) if rng.random() < 0.5 else (0,):
                    middle_x, middle_y = x + across * radius / 3, y + down * radius / 3
                    pen.ellipse((middle_x - hole, middle_y - hole, middle_x + hole, middle_y + hole), fill=(30, 25, 25))
    return image


def _no_faces(rng: random.Random) -> Image.Image:
    screen = _screen(rng, cards=False)
    for number in rng.sample(range(100, 200), 40):
        side = rng.randint(25, 160)
        patch = faces_sources.news(number).resize((side, side), Image.Resampling.BICUBIC)
        screen.paste(patch, (rng.randint(0, SIZE[0] - side), rng.randint(100, SIZE[1] - side)))
    return screen
