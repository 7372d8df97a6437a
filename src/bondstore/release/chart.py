"""A small map of where the files of a release lie: an SVG of points on a grid of degrees, without a coast."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from bondstore.release.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 720, 320
_MARGIN = 34
_MOST = 5000
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60, 90)


def chart(boxes: Sequence[tuple[float, float, float, float]]) -> Markup | None:
    """Draw the middle of each box.

    Parameters
    ----------
    boxes : sequence of four float
        West, south, east, north in degrees; west over east where one crosses the date line.

    Returns
    -------
    Markup or None
        None where there is nothing to draw.
    """
    points = [_middle(box) for box in boxes[:_MOST]]
    if not points:
        return None
    points = _together(points)
    (left, right), (low, high) = (_span([p[axis] for p in points]) for axis in (0, 1))

    def x(longitude: float) -> float:
        return _MARGIN + (longitude - left) / (right - left) * (WIDTH - 2 * _MARGIN)

    def y(latitude: float) -> float:
        return HEIGHT - _MARGIN - (latitude - low) / (high - low) * (HEIGHT - 2 * _MARGIN)

    parts: list[Markup] = []
    for longitude in _lines(left, right):
        parts.append(_line(x(longitude), _MARGIN, x(longitude), HEIGHT - _MARGIN))
        parts.append(_label(x(longitude), HEIGHT - _MARGIN + 16, _east(longitude), "middle"))
    for latitude in _lines(low, high):
        parts.append(_line(_MARGIN, y(latitude), WIDTH - _MARGIN, y(latitude)))
        parts.append(_label(_MARGIN - 6, y(latitude) + 4, _north(latitude), "end"))
    for longitude, latitude in dict.fromkeys((round(x(p[0]), 1), round(y(p[1]), 1)) for p in points):
        parts.append(element("circle", cx=str(longitude), cy=str(latitude), r="3"))
    said = f"Positions of {len(points):,} files on a grid of degrees"
    return element("svg", parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=said, class_="chart")


def _middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    west, south, east, north = box
    east = east + 360 if east < west else east
    return ((west + east) / 2 + 180) % 360 - 180, (south + north) / 2


def _together(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cut the globe where the widest gap is, so that points on both sides of the date line stay close."""
    turned = sorted({point[0] for point in points})
    gaps = [(after - before, after) for before, after in pairwise(turned)]
    widest, cut = max(gaps, default=(0.0, 0.0))
    if widest <= turned[0] + 360 - turned[-1]:
        return points
    return [(longitude + 360 if longitude < cut else longitude, latitude) for longitude, latitude in points]


def _span(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = max((high - low) * 0.08, 0.05)
    return low - pad, high + pad


def _lines(low: float, high: float) -> list[float]:
    step = next((one for one in _STEPS if (high - low) / one <= 6), _STEPS[-1])
    first = int(low // step) + 1
    return [round(number * step, 6) for number in range(first, int(high // step) + 1)]


def _east(longitude: float) -> str:
    signed = (longitude + 180) % 360 - 180
    return f"{abs(signed):g}°{'' if signed in (0, -180) else 'E' if signed > 0 else 'W'}"


def _north(latitude: float) -> str:
    return f"{abs(latitude):g}°{'' if latitude == 0 else 'N' if latitude > 0 else 'S'}"


def _line(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return element("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}")


def _label(x: float, y: float, text: str, anchor: str) -> Markup:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)
