"""Drawing without a screen: the same bytes for the same data, whatever settings a user's matplotlib has."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from bondstore.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    """Draw a figure and return it as a file's bytes, which depend on nothing but what is drawn.

    matplotlib's settings are global: they are ours while this draws, one thread at a time, and the user's again after.

    Parameters
    ----------
    draw : callable
        Draws into the figure it is given.
    width, height : float
        In inches.
    form : {"png", "svg"}
        Which kind of file.
    description : str
        The picture in words; an SVG carries it for those who cannot see it.

    Raises
    ------
    UsageError
        The form is another one.
    MissingExtraError
        matplotlib is not installed.
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
    """Return the `matplotlib` module.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtraError(
            "Pictures are drawn with matplotlib, which is not installed.",
            hint="Install it with `pip install 'bondstore[plots]'`.",
        ) from None
    return mpl
