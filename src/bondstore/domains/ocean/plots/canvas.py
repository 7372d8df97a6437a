"""Drawing without a screen, the same bytes for the same data whatever settings a user has; and how flags look."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bondstore.domains.ocean.plots.words import FLAG_WORDS
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from bondstore.domains.ocean.profiles import Floats


Form = Literal["png", "svg"]


FORMS: tuple[Form, ...] = ("png", "svg")


DPI = 144


INK, FAINT, GRID = "#1f2430", "#5c6470", "#dfe3e8"


_LOCK = threading.Lock()


_STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": ["DejaVu Sans"],
        "font.size": 8.5,
        "text.color": INK,
        "text.parse_math": False,  # a name with dollar signs is a name, not a formula
        "text.usetex": False,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.labelsize": 8.5,
        "axes.linewidth": 0.7,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "axes.formatter.use_mathtext": False,
        "axes.formatter.useoffset": False,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "timezone": "UTC",
        "svg.hashsalt": "bondstore",
        "svg.fonttype": "path",
    }
)


def render(draw: Callable[[Figure], None], width: float, height: float, form: Form, description: str) -> bytes:
    """Draw a figure (sizes in inches) and return it as a file's bytes, which depend on nothing but what is drawn.

    An SVG carries the description for those who cannot see it. matplotlib's settings are global: they are ours while
    this draws, one thread at a time, and the user's again after.
    """
    if form not in FORMS:
        raise UsageError(f"The form {form!r} is unknown.", hint=f"Choose one of: {', '.join(FORMS)}.")
    matplotlib = need_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _LOCK, matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        try:
            draw(figure)
            return _written(figure, form, description)
        finally:
            figure.clear()


def _written(figure: Figure, form: Form, description: str) -> bytes:
    metadata: dict[str, Any] = (
        {"Software": None} if form == "png" else {"Date": None, "Creator": None, "Description": description}
    )
    file = io.BytesIO()
    figure.savefig(file, format=form, metadata=metadata)
    return file.getvalue()


def need_matplotlib() -> Any:
    """Return the `matplotlib` module; raise `MissingExtraError` where it is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtraError(
            "Pictures are drawn with matplotlib, which is not installed.",
            hint="Install it with `pip install 'bondstore[plots]'`.",
        ) from None
    return mpl


@dataclass(frozen=True, slots=True)
class Mark:
    """How the levels of a flag are drawn: colour, shape and lightness differ, so that one of them is enough."""

    flag: Flag
    colour: str  # of the palette of Okabe and Ito, which people tell apart whatever colours they see
    shape: str  # of matplotlib's markers
    size: float  # in points
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


def draw_legend(figure: Figure, flags: Flags, title: str, place: tuple[float, float], **more: Any) -> int:
    """Draw the legend of the flags that are there, below a place; return how many lines it has."""
    handles, words = keys(flags)
    legend = figure.legend(
        handles,
        words,
        title=title,
        loc="upper left",
        bbox_to_anchor=place,
        frameon=False,
        fontsize=7.5,
        title_fontsize=8,
        alignment="left",
        **more,
    )
    legend.get_title().set_fontweight("bold")
    return len(words)


def say_empty(axes: Axes, text: str) -> None:
    """Write in the middle of axes that have nothing to show."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT)
