"""Faces found and pictures a second against what a user would run: ``python -m benchmarks.faces [COUNT [SEED]]``.

Every way redacts the same labelled pictures (`benchmarks.faces_set`; the efforts were tuned on other seeds) from files
to files. What it hid is then read off the pixels, the same for all: a face is hidden when at least 70 % of its ellipse
turned black; a false box is a black patch in a picture without faces. The ratio is that of processor time, which other
work on the machine hardly changes. Prints tables in Markdown and decides nothing.
"""

from __future__ import annotations

import io
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.faces_others import CACHE, deface, script
from benchmarks.faces_set import Face, Labelled, make
from bondstore.deid.faces import EFFORTS, open_detector
from bondstore.deid.faces.detector import SETTINGS, Effort, OnnxDetector
from bondstore.deid.faces.passes import Pass
from bondstore.deid.pictures import Cover, redact

COUNT, SEED = 120, 2025
PROCESSES = 2
BINS = ((12, 20), (20, 40), (40, 80), (80, 160), (160, 320), (320, 601))
HIDDEN = 0.7
LIGHT, BLACK = 48, 20
"""What was brighter than the one and is darker than the other has turned black: the noise of a JPEG is less."""
BLOCK = 6
"""Black patches are counted on a grid of so many pixels: noise of the JPEG is no patch."""
CURVE = {
    "full size": Effort((Pass(1),), 0.2, 0.02, 0),
    "full and quarter size": Effort((Pass(1), Pass(0.25)), 0.2, 0.02, 0),
    "the same, and turned at half size": Effort(
        (Pass(1), Pass(0.25), *(Pass(0.5, turn) for turn in (1, 2, 3))), 0.2, 0.02, 0
    ),
    "1/2 and 1/6, closer look at 6/MP (fast)": SETTINGS["fast"],
    "3/4 and 1/6, closer look at 10/MP": Effort((Pass(0.75), Pass(1 / 6)), 0.3, 0.02, 10),
    "13/16 and 1/6, closer look at 10/MP (default)": SETTINGS["default"],
    "full and 1/6, closer look at 10/MP": Effort((Pass(1), Pass(1 / 6)), 0.3, 0.02, 10),
    "six looks, closer look at 40/MP (careful)": SETTINGS["careful"],
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one way did."""

    faces: tuple[tuple[Face, bool], ...]
    false: float
    """Black patches per picture without faces."""
    speed: float
    """Pictures a second by the clock."""
    spent: float
    """Seconds of processor for a picture."""

    def recall(self, low: float = 20, high: float = 1e9, turned: tuple[int, int] = (0, 360)) -> str:
        """Share of hidden faces of some size and turn."""
        hits = [hit for face, hit in self.faces if low <= face.size < high and turned[0] <= abs(face.angle) < turned[1]]
        return f"{sum(hits) / len(hits):.3f}" if hits else "–"


def measure(pictures: list[Labelled], folder: Path, clock: float, spent: float) -> Result:
    """Read off the written pictures what was hidden."""
    faces, patches, faceless = [], 0, 0
    for number, picture in enumerate(pictures):
        before, after = (opened(data) for data in (picture.data, (folder / f"{number:04}.jpg").read_bytes()))
        light = before.max(axis=2) >= LIGHT
        black = light & (after.max(axis=2) < BLACK)
        faces += [(face, hidden(face, light, black)) for face in picture.faces]
        if not picture.faces:
            faceless += 1
            patches += count_patches(black)
    count = len(pictures)
    return Result(tuple(faces), patches / faceless, count / clock, spent / count)


def opened(data: bytes) -> NDArray[np.uint8]:
    """The pixels of a file."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def hidden(face: Face, light: NDArray[np.bool_], black: NDArray[np.bool_]) -> bool:
    """Whether most of a face's ellipse turned black; what was dark before says nothing."""
    rows, columns = np.ogrid[: light.shape[0], : light.shape[1]]
    x, y = face.x + face.width / 2, face.y + face.height / 2
    inside = ((columns + 0.5 - x) / face.width) ** 2 + ((rows + 0.5 - y) / face.height) ** 2 <= 0.25
    return bool((black & inside).sum() >= HIDDEN * max(1, (light & inside).sum()))


def count_patches(black: NDArray[np.bool_]) -> int:
    """Count the black patches that do not touch."""
    height, width = (side // BLOCK for side in black.shape)
    grid = black[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK).mean(axis=(1, 3)) > 0.5
    left = {(int(row), int(column)) for row, column in np.argwhere(grid)}
    count = 0
    while left:
        count += 1
        edge = [left.pop()]
        while edge:
            row, column = edge.pop()
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & left
            left -= near
            edge += near
    return count


def redact_file(effort: str, out: Path, path: Path) -> float:
    """Our chain: one picture, from file to file; return its seconds of processor."""
    start = time.process_time()
    (out / path.name).write_bytes(redact(path.read_bytes(), open_detector(effort), Cover()).data)
    return time.process_time() - start


def ours(effort: str, folder: Path, out: Path) -> tuple[float, float]:
    """Redact a folder as a run does: several processes, one thread each; seconds by the clock and of processor."""
    paths = sorted(folder.glob("*.jpg"))
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        list(pool.map(partial(redact_file, effort, out), paths[: 2 * PROCESSES]))
        start = time.perf_counter()
        spent = sum(pool.map(partial(redact_file, effort, out), paths))
        return time.perf_counter() - start, spent


def curve(pictures: list[Labelled]) -> None:
    """Print what other settings find and cost: detection alone, one process, boxes grown by the margin."""
    print("\n| looks | threshold | recall from 20 px | turned | false boxes per faceless picture | ms per picture |")
    print("|---|---|---|---|---|---|")
    pixels = [opened(picture.data) for picture in pictures]
    for name, effort in CURVE.items():
        detector = OnnxDetector(effort)
        start = time.perf_counter()
        found = [detector.find(one) for one in pixels]
        spent = (time.perf_counter() - start) / len(pixels) * 1000
        for threshold in (0.2, 0.3, 0.4):
            faces, false = [], 0
            for picture, one, boxes in zip(pictures, pixels, found, strict=True):
                black = np.zeros(one.shape[:2], bool)
                sure = [box for box in boxes if box.score >= threshold]
                for box in sure:
                    grown_x, grown_y = box.width * 0.2, box.height * 0.2
                    rows = slice(max(0, int(box.y - grown_y)), int(box.y + box.height + grown_y) + 1)
                    black[rows, max(0, int(box.x - grown_x)) : int(box.x + box.width + grown_x) + 1] = True
                faces += [(face, hidden(face, np.ones_like(black), black)) for face in picture.faces]
                false += 0 if picture.faces else len(sure)
            result = Result(tuple(faces), false / sum(not picture.faces for picture in pictures), 0, 0)
            cells = (result.recall(), result.recall(turned=(90, 360)), f"{result.false:.2f}", f"{spent:.0f}")
            print(f"| {name} | {threshold} | " + " | ".join(cells) + " |", flush=True)


def main(count: int = COUNT, seed: int = SEED) -> None:
    """Measure and print."""
    pictures = make(seed, count)
    folder = CACHE / f"set-{seed}-{count}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        (folder / f"{number:04}.jpg").write_bytes(picture.data)
    truth = [face for picture in pictures for face in picture.faces]
    print(f"{count} pictures of seed {seed}, a third of them with faces: {len(truth)}, of which ", end="")
    print(f"{sum(face.size >= 20 for face in truth)} of 20 px and more. {PROCESSES} processes each.\n")
    ways = {f"ours, {effort}": partial(ours, effort) for effort in EFFORTS}
    others = {
        "script, minNeighbors 5": partial(script, neighbours=5, processes=PROCESSES),
        "script, minNeighbors 4": partial(script, neighbours=4, processes=PROCESSES),
        "deface 1.5.0": deface,
    }
    heads = [f"{low}–{high - high % 10} px" for low, high in BINS]
    print(
        "| way | from 20 px | "
        + " | ".join(heads)
        + " | tilted | turned | false boxes | pictures/s | CPU s | speed ÷ script |"
    )
    print("|---" * (len(BINS) + 8) + "|")
    results = {}
    for name, way in ({**others, **ways}).items():
        out = CACHE / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        results[name] = measure(pictures, out, *way(folder, out))
        result, base = results[name], results["script, minNeighbors 5"]
        cells = [result.recall(), *(result.recall(low, high) for low, high in BINS)]
        cells += [result.recall(turned=(1, 90)), result.recall(turned=(90, 360))]
        cells += [
            f"{result.false:.2f}",
            f"{result.speed:.2f}",
            f"{result.spent:.2f}",
            f"{base.spent / result.spent:.1f} ×",
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    curve(pictures[: max(3, count // 2)])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
