"""Faces in sessions of screenshots: ``python -m benchmarks.sessions [SESSIONS [SEED [COUNT]]]``.

Every screenshot (`demo.sessions`) is looked at twice, by turns: alone, and as what follows the one before. Prints the
processor time of detection by what the person did, the ratio, the share of faces found (half of a face's box lies in
one that is sure) with its interval, and sure boxes in screenshots without faces. It decides nothing.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from demo.sessions import Box as Place
from demo.sessions import session
from PIL import Image

from benchmarks.faces import interval, opened
from benchmarks.faces_sources import PEOPLE, person
from bondstore.deid.faces import Box, follow, open_detector

SESSIONS, SEED, COUNT = 2, 2026, 50
SMALLEST, LARGEST = 20, 400
AROUND = 0.5
"""How far a pasted card goes beyond the face, in heights of the face."""


def paste(image: Image.Image, rng: random.Random) -> Sequence[Place]:
    """Paste one to three faces where there is room; return their boxes."""
    put: list[Place] = []
    taken: list[tuple[int, int, int, int]] = []
    for _ in range(rng.randint(1, 3)):
        source, one = person(rng.choice([known.name for known in PEOPLE if known.installed]))
        left, top, right, bottom = one.face
        scale = math.exp(rng.uniform(math.log(SMALLEST), math.log(LARGEST))) / (bottom - top)
        more = AROUND * (bottom - top)
        around = source.crop(tuple(map(round, (left - more, top - more, right + more, bottom + more))))
        card = around.resize((round(around.width * scale), round(around.height * scale)), Image.Resampling.LANCZOS)
        if card.width > image.width or card.height > image.height:
            continue
        x, y = rng.randint(0, image.width - card.width), rng.randint(0, image.height - card.height)
        place = (x, y, x + card.width, y + card.height)
        if all(place[2] < a or c < place[0] or place[3] < b or d < place[1] for a, b, c, d in taken):
            image.paste(card, (x, y))
            taken.append(place)
            put.append((x + more * scale, y + more * scale, (right - left) * scale, (bottom - top) * scale))
    return put


def found(face: Place, boxes: Sequence[Box]) -> bool:
    """Whether half of a face lies in one of the boxes."""
    x, y, width, height = face
    return any(
        max(0, min(box.x + box.width, x + width) - max(box.x, x))
        * max(0, min(box.y + box.height, y + height) - max(box.y, y))
        >= width * height / 2
        for box in boxes
    )


def main(sessions: int = SESSIONS, seed: int = SEED, count: int = COUNT) -> None:
    """Measure and print."""
    detector = open_detector()
    detector.find(np.zeros((2340, 1080, 3), np.uint8))
    spent: dict[str, Counter[str]] = defaultdict(Counter)
    hits: dict[str, list[bool]] = defaultdict(list)
    false, faceless = Counter[str](), 0
    for number in range(sessions):
        ways = {"alone": detector.find, "following": follow(detector)}
        for shot in session(seed + number, count, paste):
            pixels = opened(shot.data)
            for way, find in ways.items():
                start = time.process_time()
                boxes = [box for box in find(pixels) if box.score >= detector.threshold]
                spent[shot.step][way] += time.process_time() - start
                hits[way] += [found(face, boxes) for face in shot.faces]
                false[way] += 0 if shot.faces else len(boxes)
            spent[shot.step]["shots"] += 1
            faceless += not shot.faces
    print(f"{sessions} sessions of {count} screenshots from seed {seed}; {faceless} screenshots without faces.\n")
    print("| screenshots | number | ms each, alone | ms each, following | ratio |\n|---|---|---|---|---|")
    total = sum(spent.values(), Counter[str]())
    for step, one in [*spent.items(), ("all", total)]:
        times = [f"{1000 * one[way] / one['shots']:.0f}" for way in ("alone", "following")]
        print(f"| {step} | {one['shots']:.0f} | {' | '.join(times)} | {one['alone'] / one['following']:.2f} |")
    print("\n| way | faces found | interval of 95 % | false boxes |\n|---|---|---|---|")
    for way, which in hits.items():
        low, high = interval(sum(which), len(which))
        print(f"| {way} | {sum(which)} of {len(which)} | {low:.3f} to {high:.3f} | {false[way]} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
