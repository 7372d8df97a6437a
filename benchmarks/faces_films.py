"""Pictures of a video with every face covered, and what one costs: ``python -m benchmarks.faces_films [COUNT [SEED]]``.

Films are drawn from a seed: faces of `benchmarks.faces_sources`, cut out, move over a photo, with the noise of a
camera. No detector has a say in what is in them. Each is encoded, its faces are covered from file to file, and what is
hidden is read off the pictures of the result: at least 70 % of a face's ellipse turned black. A drawn face turns in the
plane of the picture; it does not turn away from the camera. Prints tables in Markdown and decides nothing.
"""

from __future__ import annotations

import io
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import faces_sources
from benchmarks.faces import BLACK, LIGHT, hidden, rate
from benchmarks.faces_faceless import SCENES, photo
from benchmarks.faces_set import TURNS, Face, Wanted, cut_out
from bondstore.deid.faces import open_detector
from bondstore.deid.video import VideoCopy, copy_video

COUNT, SEED = 40, 2026
RATE = 25
LENGTH = 4.0
"""Seconds of a film."""
SIZE = (640, 480)
FACES = (30, 200)
"""Pixels of height of the smallest and the largest face."""
AT_LEAST = 0.5
"""Share of a face's ellipse that must be in the picture for it to count."""
COVERS = ("none", "glasses", "mask", "hat", "hand")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is in one picture: the shift in heights of the face, its turn in degrees, and whether it shows."""

    across: float = 0.0
    down: float = 0.0
    turn: float = 0.0
    shows: bool = True


def _crossing(share: float) -> Place:
    return Place(across=(share - 0.5) * 8)


def _shaking(share: float) -> Place:
    """Four times a second, as far as a third of the face to each side."""
    way = math.sin(share * LENGTH * 4 * 2 * math.pi)
    return Place(0.3 * way, 0.1 * way, 12 * way)


MOVES: dict[str, Callable[[float], Place]] = {
    "lies still": lambda share: Place(down=0.01 * math.sin(share * LENGTH * 1.5)),
    "crosses the picture": _crossing,
    "shakes": _shaking,
    "turns over": lambda share: Place(0.5 * math.sin(share * math.pi), turn=120 * math.sin(share * math.pi)),
    "appears": lambda share: Place(shows=share >= 0.45),
    "is hidden for a second": lambda share: Place(shows=not 0.4 <= share < 0.65),
}


@dataclass(frozen=True)
class Film:
    """Pictures, and the faces in each."""

    move: str
    how: Wanted
    pictures: list[NDArray[np.uint8]]
    faces: list[list[Face]]


def film(seed: int, number: int, people: Sequence[str], size: tuple[int, int] = SIZE, length: float = LENGTH) -> Film:
    """Draw one film; the moves come in turn."""
    rng = random.Random(f"{seed}/film/{number}")
    noise = np.random.default_rng([seed, number])
    move = list(MOVES)[number % len(MOVES)]
    turn = list(TURNS)[number // len(MOVES) % len(TURNS)]
    low, high = (math.log(one * size[1] / SIZE[1]) for one in FACES)
    how = Wanted(
        math.exp(rng.uniform(low, high)),
        (0, 0),
        turn,
        rng.choice(TURNS[turn]),
        rng.choice(COVERS),
        rng.choice(("as it is", "dim", "compressed")),
        rng.choice(people),
    )
    card = cut_out(how, rng)
    scene = photo(faces_sources.scene(rng.choice(SCENES)), rng, size).convert("RGB")
    middle = rng.uniform(0.35, 0.65) * size[0], rng.uniform(0.4, 0.6) * size[1]
    pictures, faces = [], []
    for at in range(round(length * RATE)):
        place = MOVES[move](at / (length * RATE))
        image, face = scene.copy(), None
        if place.shows:
            face = _paste(
                image, card, how, (middle[0] + place.across * how.size, middle[1] + place.down * how.size), place
            )
        seen = np.asarray(image) + noise.normal(0, 2, (size[1], size[0], 1))
        pictures.append(seen.clip(0, 255).astype(np.uint8))
        faces.append([face] if face else [])
    return Film(move, how, pictures, faces)


def _paste(image: Image.Image, card: Any, how: Wanted, middle: tuple[float, float], place: Place) -> Face | None:
    """Put a card where its face has its middle there; return the face where enough of it is in the picture."""
    side = 2 * math.ceil(math.hypot(*card.image.size)) + 2
    whole = Image.new("RGBA", (side, side))
    left, top = round(side / 2 - card.x), round(side / 2 - card.y)
    whole.paste(card.image, (left, top))
    own = left + card.x, top + card.y
    turned = whole.rotate(place.turn, Image.Resampling.BICUBIC, center=own) if place.turn else whole
    corner = round(middle[0] - own[0]), round(middle[1] - own[1])
    image.paste(turned, corner, turned.getchannel("A"))
    x, y = corner[0] + own[0], corner[1] + own[1]
    reach = math.hypot(card.width, card.height) / 2
    shown = (
        max(0, math.floor(x - reach)),
        max(0, math.floor(y - reach)),
        min(image.width, math.ceil(x + reach)),
        min(image.height, math.ceil(y + reach)),
    )
    face = Face(x, y, card.width, card.height, shown, replace(how, angle=round(how.angle + place.turn)))
    inside = shown[0] < shown[2] and shown[1] < shown[3] and _seen(face) >= AT_LEAST
    return face if inside else None


def _seen(face: Face) -> float:
    left, top, right, bottom = face.shown
    every = np.ones((max(bottom, 0) + 1, max(right, 0) + 1), bool)
    rows, columns = np.ogrid[top:bottom, left:right]
    angle = np.radians(face.how.angle)
    x, y = columns + 0.5 - face.x, rows + 0.5 - face.y
    across, down = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    inside = (across / face.width) ** 2 + (down / face.height) ** 2 <= 0.25
    return float((inside & every[top:bottom, left:right]).sum() / (math.pi / 4 * face.width * face.height))


def coded(pictures: Sequence[NDArray[np.uint8]], rate: int = RATE) -> bytes:
    """Return a film as an MP4, as a camera codes it."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as video:
        stream: Any = video.add_stream("libx264", rate=rate, options={"crf": "23", "preset": "veryfast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number, one in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(one)
            frame.pts = number
            video.mux(stream.encode(frame))
        video.mux(stream.encode(None))
    return out.getvalue()


def covered(content: bytes) -> tuple[bytes, VideoCopy]:
    """Cover the faces of a film."""
    out = io.BytesIO()
    done = copy_video(io.BytesIO(content), out, open_detector())
    return out.getvalue(), done


def decoded(content: bytes) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of a film."""
    with av.open(io.BytesIO(content)) as video:
        for frame in video.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def results(one: Film, after: bytes) -> list[bool | None]:
    """Tell of each picture whether all its faces are covered; None where there is none."""
    told: list[bool | None] = []
    for before, now, faces in zip(one.pictures, decoded(after), one.faces, strict=True):
        light, black = before.max(axis=2) >= LIGHT, now.max(axis=2) < BLACK
        told.append(all(hidden(face, light, light & black) for face in faces) if faces else None)
    return told


def main(count: int = COUNT, seed: int = SEED) -> None:
    """Print the rates, and what a picture costs."""
    people = [one.name for one in faces_sources.PEOPLE]
    rows: dict[str, list[bool]] = {}
    extra: list[bool] = []
    for number in range(count):
        one = film(seed, number, people)
        after, done = covered(coded(one.pictures))
        told = results(one, after)
        for key in (
            "all",
            one.move,
            one.how.turn,
            f"cover: {one.how.cover}",
            f"{'<' if one.how.size < 60 else '>'} 60 px",
        ):
            rows.setdefault(key, []).extend(hit for hit in told if hit is not None)
        assert done.covered
        shown = [hit for hit in told if hit is not None]
        extra.append(all(shown))
        print(number, one.move, one.how, f"{sum(shown)}/{len(shown)}", done.covered, file=sys.stderr)
    for key, hits in rows.items():
        print(f"| {key} | {rate(hits)} |")
    print(f"| films with every face covered in all pictures | {rate(extra)} |")
    for size in ((640, 480), (1920, 1080)):
        for move in (0, 1):
            content = coded(film(seed, move, people[:2], size).pictures)
            start, count = time.process_time(), round(LENGTH * RATE)
            after, _ = covered(content)
            spent = (time.process_time() - start) / count * 1000
            print(f"| {size}, {list(MOVES)[move]} | {spent:.0f} ms | {len(after) / len(content):.2f} of the bytes |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
