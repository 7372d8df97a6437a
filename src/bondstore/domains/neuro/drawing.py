"""A few seconds of each signal as lines of an SVG: of each pixel the lowest and the highest value, so peaks stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bondstore.domains.neuro.reading import Recording, Samples
    from bondstore.domains.neuro.signals import Signal

LEFT, WIDTH, RIGHT = 150, 720, 110
"""Pixels for labels, lines, and the range of values."""
TALL, TOP, BOTTOM = 46, 26, 30
"""Pixels of a signal, and those above the first and below the last one."""
MOST_SAMPLES = 8_000_000
"""Of one signal: a header can state any rate."""
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Line:
    """One signal, drawn."""

    number: int
    """Its place among the signals."""
    path: str
    """The ``d`` of an SVG path; empty where the signal has no sample in this time."""
    top: int
    lowest: str
    highest: str
    unit: str
    """Empty where the header does not say how values are scaled: those shown are the numbers of the file."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Signals over the same seconds."""

    start_s: float
    stop_s: float
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    """Places across, and the seconds they stand for."""

    @property
    def height(self) -> int:
        """Pixels."""
        return TOP + TALL * len(self.lines) + BOTTOM

    def across(self, second: float) -> float:
        """Return the place of a second."""
        return round(LEFT + (second - self.start_s) / (self.stop_s - self.start_s) * WIDTH, 1)


def draw(recording: Recording, start_s: float, seconds: float, most: int = 64) -> Drawing:
    """Draw the first `most` signals, those that have a sampling rate and not too many samples in this time."""
    stop_s = start_s + seconds
    frame = Drawing(start_s, stop_s, (), ())
    lines: list[Line] = []
    for number, one in enumerate(recording.signals[:most]):
        if one.rate is not None and one.rate * seconds <= MOST_SAMPLES:
            found = recording.samples(number, start_s, stop_s, digital=one.scale is None)
            lines.append(_line(number, one, found, frame, TOP + TALL * len(lines)))
    step = next((step for step in _STEPS if seconds / step <= 12), seconds / 10)
    first = int(np.ceil(start_s / step - 1e-9))
    ticks = [n * step for n in range(first, first + 14) if n * step <= stop_s + 1e-9]
    return Drawing(start_s, stop_s, tuple(lines), tuple((frame.across(one), f"{round(one, 2):g} s") for one in ticks))


def _line(number: int, signal: Signal, found: Samples, frame: Drawing, top: int) -> Line:
    values = np.asarray(found.values, np.float64)
    unit = signal.unit if signal.scale is not None else ""
    if not values.size:
        return Line(number, "", top, "", "", unit)
    lowest, highest = float(values.min()), float(values.max())
    spread = highest - lowest or 1.0
    across = LEFT + (found.times - frame.start_s) / (frame.stop_s - frame.start_s) * WIDTH
    down = (
        top + 4 + (highest - values) / spread * (TALL - 8) if highest > lowest else np.full_like(across, top + TALL / 2)
    )
    assert signal.rate is not None
    breaks = np.flatnonzero(np.diff(found.times) > 1.5 / signal.rate) + 1
    parts = zip(np.split(across, breaks), np.split(down, breaks), strict=True)
    return Line(number, "".join(_path(*part) for part in parts), top, f"{lowest:.4g}", f"{highest:.4g}", unit)


def _path(across: NDArray[np.float64], down: NDArray[np.float64]) -> str:
    """Return a line without a gap; where there are many samples a pixel, it goes from the highest to the lowest."""
    if len(across) > 4 * WIDTH:
        pixels = np.floor(across)
        begins = np.flatnonzero(np.diff(pixels, prepend=-1))
        across = np.repeat(pixels[begins], 2)
        down = np.column_stack((np.minimum.reduceat(down, begins), np.maximum.reduceat(down, begins))).reshape(-1)
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
