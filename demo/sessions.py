"""Screenshots as a phone takes them, one every few seconds: most of the next one is the same, or the same moved up.

Someone opens an app, and there reads (a scroll, then some screens that stand still), goes through a feed (a scroll
each time), or watches a video, in a page or on the whole screen; then changes to another app. Everything follows from
the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import screens

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[float, float, float, float]
"""x, y, width and height in pixels."""

SIZE = (1080, 2340)
HEAD, FOOT = 176, 144
"""Pixels of the bars at the top and the bottom, which stay while a page moves."""
TALL = 6
"""Height of a page in screens."""
SHOWN = 0.6
"""Share of a face from which it counts as shown."""
WITH_FACES = 0.5
"""Share of the parts of a page, and of the frames of a video, in which faces are pasted."""
WORDS = ("meet", "at", "noon", "near", "old", "bridge", "talk", "about", "weather", "tea", "bus", "ticket", "music")
DOINGS = {
    "read": (45, (3, 8)),
    "feed": (18, (3, 8)),
    "video": (12, (4, 8)),
    "full": (8, (3, 6)),
    "switch": (17, (1, 1)),
}
"""How often each is what someone does next, in per cent, and for how many screenshots."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One screenshot and the faces in it."""

    data: bytes
    faces: tuple[Box, ...]
    step: str


def session(seed: int, count: int, paste: screens.Paste | None = None, quality: int = 50) -> Iterator[Shot]:
    """Yield the screenshots of one session."""
    rng = random.Random(f"session/{seed}")
    app = _App(rng, paste)
    minute = rng.randrange(1440)
    steps = _steps(rng)
    for _ in range(count):
        step = next(steps)
        if step == "switch":
            app = _App(rng, paste)
        minute += rng.random() < 0.07
        picture, faces = app.next(step, f"{minute // 60 % 24:02}:{minute % 60:02}")
        yield Shot(screens.jpeg(picture, quality), faces, step)


def _steps(rng: random.Random) -> Iterator[str]:
    """Yield what happens before each screenshot: switch, scroll, still, video or full."""
    yield "switch"
    while True:
        (doing,) = rng.choices(list(DOINGS), [often for often, _ in DOINGS.values()])
        count = rng.randint(*DOINGS[doing][1])
        if doing == "read":
            yield "scroll"
            yield from ["still"] * (count - 1)
        else:
            yield from ["scroll" if doing == "feed" else doing] * count


class _App:
    """One app: a page that can be scrolled, with a place for a video."""

    def __init__(self, rng: random.Random, paste: screens.Paste | None) -> None:
        from PIL import Image

        self._rng, self._paste = rng, paste
        self._faces: list[Box] = []
        bar = SIZE[1] // 48 * 2
        part = SIZE[1] - 2 * bar
        self._page = Image.new("RGB", (SIZE[0], TALL * part))
        for number in range(TALL):
            text = " ".join(rng.choices(WORDS, k=200))
            drawn, faces = screens.draw(text, SIZE, rng, paste if rng.random() < WITH_FACES else None)
            self._page.paste(drawn.crop((0, bar, SIZE[0], bar + part)), (0, number * part))
            self._faces += [(x, y - bar + number * part, wide, high) for x, y, wide, high in faces]
        self._bar = (rng.randint(20, 200), rng.randint(20, 200), rng.randint(20, 200))
        self._top = rng.randint(0, self._page.height // 2)
        self._video = rng.randint(HEAD + 100, SIZE[1] // 2)

    def next(self, step: str, clock: str) -> tuple[Image.Image, tuple[Box, ...]]:
        """Return the screen after one step."""
        from PIL import Image, ImageDraw

        if step == "scroll":
            down = self._rng.randint(120, 1600) * self._rng.choice((1, 1, 1, 1, -1))
            self._top = min(max(0, self._top + down), self._page.height - SIZE[1])
        screen = Image.new("RGB", SIZE, self._bar)
        view = self._page.crop((0, self._top, SIZE[0], self._top + SIZE[1] - HEAD - FOOT))
        screen.paste(view, (0, HEAD))
        faces = [(x, y - self._top + HEAD, width, height) for x, y, width, height in self._faces]
        faces = [face for face in faces if _shown(face)]
        if step in ("video", "full"):
            place = (0, self._video, SIZE[0], self._video + SIZE[0] * 9 // 16) if step == "video" else (0, 0, *SIZE)
            faces = [face for face in faces if not _covered(face, place)]
            frame, more = _frame((place[2] - place[0], place[3] - place[1]), self._rng, self._paste)
            screen.paste(frame, place[:2])
            faces += [(x + place[0], y + place[1], width, height) for x, y, width, height in more]
        ImageDraw.Draw(screen).text((40, 30), clock, fill="white", font=screens.font(40))
        return screen, tuple(faces)


def _frame(
    size: tuple[int, int], rng: random.Random, paste: screens.Paste | None
) -> tuple[Image.Image, tuple[Box, ...]]:
    """Draw one frame of a video: soft shapes that are elsewhere in each, and sometimes a face."""
    from PIL import Image

    frame = Image.new("RGB", size)
    screens.block(frame, (0, 0, *size), rng)
    return frame, tuple(paste(frame, rng)) if paste and rng.random() < WITH_FACES else ()


def _shown(face: Box) -> bool:
    """Whether most of a face is between the bars."""
    _, y, _, height = face
    return min(y + height, SIZE[1] - FOOT) - max(y, HEAD) >= SHOWN * height


def _covered(face: Box, place: tuple[int, int, int, int]) -> bool:
    """Whether any of a face lies under a video."""
    _, y, _, height = face
    return y < place[3] and y + height > place[1]
