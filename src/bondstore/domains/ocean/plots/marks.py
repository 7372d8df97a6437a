"""How flags look: each has its own colour, shape and lightness, so that one of them is enough to tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bondstore.domains.ocean.plots.canvas import INK
from bondstore.domains.ocean.plots.words import FLAG_WORDS
from bondstore.domains.ocean.qc.flags import Flag, Flags

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from bondstore.domains.ocean.profiles import Floats


@dataclass(frozen=True, slots=True)
class Mark:
    """How the levels of a flag are drawn.

    Parameters
    ----------
    flag : Flag
        The flag.
    colour : str
        From the palette of Okabe and Ito, which people tell apart whatever colours they see.
    shape : str
        Of matplotlib's markers.
    size : float
        In points.
    filled : bool
        Or only its outline.
    """

    flag: Flag
    colour: str
    shape: str
    size: float
    filled: bool = True

    @property
    def style(self) -> dict[str, Any]:
        """What matplotlib's ``plot`` takes."""
        return {
            "linestyle": "none",
            "marker": self.shape,
            "markersize": self.size,
            "markerfacecolor": self.colour if self.filled else "white",
            "markeredgecolor": self.colour if self.flag == Flag.GOOD else INK if self.filled else self.colour,
            "markeredgewidth": 0.0 if self.flag == Flag.GOOD else 0.6 if self.filled else 1.0,
        }


MARKS = (
    Mark(Flag.GOOD, "#0072B2", "o", 3.2),
    Mark(Flag.PROBABLY_GOOD, "#8CCBF2", "D", 3.8),
    Mark(Flag.UNEVALUATED, "#6b7280", "s", 3.8, filled=False),
    Mark(Flag.SUSPECT, "#F0B400", "^", 6.0),
    Mark(Flag.BAD, "#C8430A", "X", 6.5),
)
"""In the order of drawing: the worst on top."""


def draw_marks(axes: Axes, x: Floats, y: Floats, flags: Flags) -> None:
    """Draw points by their flags; points without a number are left out."""
    for layer, mark in enumerate(MARKS):
        here = (flags == mark.flag) & np.isfinite(x) & np.isfinite(y)
        if here.any():
            axes.plot(
                x[here], y[here], zorder=3 + layer, clip_on=False, rasterized=bool(here.sum() > 5000), **mark.style
            )


def keys(flags: Flags) -> tuple[list[Line2D], list[str]]:
    """Return the marks of a legend with their words and numbers; missing values come last, without a mark."""
    from matplotlib.lines import Line2D

    handles, words = [], []
    for mark in MARKS:
        if number := int(np.sum(flags == mark.flag)):
            handles.append(Line2D([], [], **mark.style))
            words.append(f"{FLAG_WORDS[mark.flag]}  {number:,}")
    if number := int(np.sum(flags == Flag.MISSING)):
        handles.append(Line2D([], [], linestyle="none"))
        words.append(f"{FLAG_WORDS[Flag.MISSING]} (not drawn)  {number:,}")
    return handles, words
