"""The page of a release: it stands alone, loads nothing but the release's own plots, and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import cos, radians
from typing import TYPE_CHECKING

from bondstore.pages import render

if TYPE_CHECKING:
    from bondstore.release.manifest import Manifest
    from bondstore.release.pointer import Latest

MOST_ROWS = 5000
"""Files that a page shows; all are in the index."""
WIDTH, HEIGHT = 720, 320
_LEFT, _MARGIN = 56, 34
_MOST_POINTS = 5000
_ROOM = 1.16
"""How much larger a map is than what it shows."""
_LEAST = 3.0
"""Degrees of latitude that it shows at least: so far a coast tells where it is."""
_FLATTEST = 0.15
_DOTS = 3
"""Pixels that an island has at least to be drawn."""
_MOST_RECALLS = 5
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60, 90)
_GRADES = {"good": "good", "probably_good": "probably good", "suspect": "suspect", "bad": "mixed"}

Box = tuple[float, float, float, float]


def landing(manifest: Manifest, latest: Latest | None = None, up: str = "") -> bytes:
    """Return the page of a release.

    `latest` is for the page at the root of the store: it says what was taken back. `up` is the way from the page to
    that root, ``""`` or ``"../../"``.
    """
    entries = manifest.entries
    return render(
        "bondstore.release/landing.html",
        title=manifest.about.title or "Released data",
        manifest=manifest,
        about=manifest.about,
        recalls=latest.recalls[: -_MOST_RECALLS - 1 : -1] if latest else (),
        up=up,
        rows=entries[:MOST_ROWS],
        grades=_GRADES,
        size=sum(entry.size for entry in entries),
        platforms=len({entry.platform for entry in entries if entry.platform}),
        first=min((entry.first for entry in entries if entry.first), default=None),
        last=max((entry.last for entry in entries if entry.last), default=None),
        chart=chart([entry.bounds for entry in entries if entry.bounds]) if manifest.overview is None else None,
    ).encode()


def taken_back(release: str, at: str, reason: str, count: int) -> bytes:
    """Return the page that stands where a release was; `count` files and plots were taken back."""
    return render("bondstore.release/recalled.html", release=release, at=at, reason=reason, count=count).encode()


@dataclass(frozen=True, slots=True)
class Chart:
    """Points on a grid of degrees, with the coast; all in pixels from the upper left."""

    points: Sequence[tuple[float, float]]
    meridians: Sequence[tuple[float, str]]  # where each vertical line is, and its longitude as text
    parallels: Sequence[tuple[float, str]]
    count: int  # how many files the points stand for
    land: Sequence[str]  # the coast as paths of SVG
    lakes: Sequence[str]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    margin: int = _MARGIN


def chart(boxes: Sequence[Box]) -> Chart | None:
    """Lay out the middles of boxes (west, south, east, north in degrees; west over east across the date line)."""
    points = _together([_middle(box) for box in boxes[:_MOST_POINTS]])
    if not points:
        return None
    west, east, south, north = _frame(points)

    def x(longitude: float) -> float:
        return _LEFT + (longitude - west) / (east - west) * (WIDTH - _LEFT - _MARGIN)

    def y(latitude: float) -> float:
        return HEIGHT - _MARGIN - (latitude - south) / (north - south) * (HEIGHT - 2 * _MARGIN)

    return Chart(
        # many files from one mooring are one point
        list(dict.fromkeys((round(x(longitude), 1), round(y(latitude), 1)) for longitude, latitude in points)),
        [(x(one), _degrees((one + 180) % 360 - 180, "EW")) for one in _lines(west, east)],
        [(y(one), _degrees(one, "NS")) for one in _lines(south, north)],
        len(points),
        land=_paths("land", (west, east, south, north), x, y),
        lakes=_paths("lake", (west, east, south, north), x, y),
    )


def _paths(name: str, frame: Box, x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    """Return what of the coast is in the frame; of points that are one on the page, one is enough."""
    from bondstore.pages.coast import coast_within

    paths = []
    for ring in coast_within(name, frame, least=_DOTS * (frame[1] - frame[0]) / WIDTH):
        dots = [dot for dot, _ in groupby((round(x(east)), round(y(north))) for east, north in ring.tolist())]
        if len(dots) > 2:
            paths.append("M" + "L".join(f"{across} {down}" for across, down in dots) + "Z")
    return paths


def _middle(box: Box) -> tuple[float, float]:
    west, south, east, north = box
    east = east + 360 if east < west else east
    return ((west + east) / 2 + 180) % 360 - 180, (south + north) / 2


def _together(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cut the globe where the widest gap is, so that points on both sides of the date line stay close."""
    longitudes = sorted({longitude for longitude, _ in points})
    widest, cut = max(((after - before, after) for before, after in pairwise(longitudes)), default=(0.0, 0.0))
    if not points or widest <= longitudes[0] + 360 - longitudes[-1]:
        return points
    return [(longitude + 360 if longitude < cut else longitude, latitude) for longitude, latitude in points]


def _frame(points: list[tuple[float, float]]) -> Box:
    """Return west, east, south and north of a map of points, in true shape at its middle unless it spans the earth."""
    (west, east), (south, north) = ((min(values), max(values)) for values in zip(*points, strict=True))
    middle, across = (south + north) / 2, (west + east) / 2
    ratio = (WIDTH - _LEFT - _MARGIN) / (HEIGHT - 2 * _MARGIN) / max(cos(radians(middle)), _FLATTEST)
    high = min(max((north - south) * _ROOM, (east - west) * _ROOM / ratio, _LEAST), 180.0)
    half = min(max(high * ratio, (east - west) * _ROOM), 360.0) / 2
    low = min(max(middle - high / 2, -90.0), 90.0 - high)
    return across - half, across + half, low, low + high


def _lines(low: float, high: float) -> list[float]:
    step = next((one for one in _STEPS if (high - low) / one <= 6), _STEPS[-1])
    return [round(number * step, 6) for number in range(int(low // step) + 1, int(high // step) + 1)]


def _degrees(value: float, letters: str) -> str:
    letter = "" if value in (0, -180) else letters[value < 0]
    return f"{abs(value):g}°{letter}"
