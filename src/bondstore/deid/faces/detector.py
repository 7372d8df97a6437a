"""The detector behind a small interface: three efforts, CenterFace or a model that the user brings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property, partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bondstore.deid.faces import centerface, yunet
from bondstore.deid.faces.boxes import Box
from bondstore.deid.faces.changes import Looks, look_at_changes
from bondstore.deid.faces.closer import look_closer
from bondstore.deid.faces.graphs import Graph, clean, read_graph, run
from bondstore.deid.faces.passes import Pass, look_often
from bondstore.deid.faces.series import Before
from bondstore.deid.faces.weights import INSTALL, MODEL_HINT, read_centerface, read_model
from bondstore.errors import ConfigurationError, MissingExtraError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.boxes import Rows

    Find: TypeAlias = Callable[[NDArray[np.uint8]], list[Box]]

CUT_FLOOR = 0.05
"""Scores in a closer look below which nothing is there."""
FEWEST = 4
"""Candidates that are looked at more closely in the smallest picture."""
VERSION = 2
"""Counted up when the same weights and settings come to find something else."""


class Detector(Protocol):
    """Finds faces in pixels."""

    @property
    def digest(self) -> str:
        """sha256 in hex of the weights and of the settings that decide what is found."""

    @property
    def weights(self) -> str:
        """sha256 in hex of the weights alone."""

    @property
    def threshold(self) -> float:
        """The score from which a candidate is taken for a face, as measured for these settings."""

    def find(self, pixels: NDArray[np.uint8]) -> list[Box]:
        """Return all candidates, best first."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to look."""

    passes: tuple[Pass, ...]
    threshold: float  # score from which a candidate is taken for a face
    floor: float  # score in a look at the whole picture from which something is a candidate at all
    closer: int  # candidates looked at more closely, for every million pixels; never fewer than `FEWEST`


_TURNED = tuple(Pass(0.5, turns) for turns in (1, 2, 3))
SETTINGS = MappingProxyType(
    {
        "fast": Effort((Pass(0.5), Pass(1 / 6)), threshold=0.3, floor=0.02, closer=6),
        "default": Effort((Pass(13 / 16), Pass(1 / 6)), threshold=0.3, floor=0.02, closer=10),
        "careful": Effort((Pass(1), Pass(0.5), Pass(0.25), *_TURNED), threshold=0.25, floor=0.02, closer=40),
    }
)
"""The three efforts for CenterFace; ``python -m benchmarks.faces`` shows what each finds and costs."""
YUNET = MappingProxyType(
    {
        "fast": Effort((Pass(0.5), Pass(0.25)), threshold=0.6, floor=0.3, closer=0),
        "default": Effort((Pass(1), Pass(0.25)), threshold=0.6, floor=0.3, closer=0),
        "careful": Effort((Pass(1), Pass(0.5), Pass(0.25), *_TURNED), threshold=0.5, floor=0.3, closer=0),
    }
)
"""The same for YuNet, whose scores are spread otherwise; no closer look, which was tuned for CenterFace alone."""
EFFORTS = tuple(SETTINGS)


@dataclass(frozen=True)
class OnnxDetector:
    """CenterFace or YuNet through onnxruntime. Holds settings only: it can be sent to another process."""

    effort: Effort
    model: Path | None = None
    threads: int = 1

    @property
    def threshold(self) -> float:
        """The score from which a candidate is taken for a face."""
        return self.effort.threshold

    @property
    def weights(self) -> str:
        """sha256 in hex of the weights alone."""
        return _prepared(self.model).weights

    @cached_property
    def digest(self) -> str:
        """sha256 in hex of the weights and of the settings that decide what is found."""
        settings = [VERSION, _prepared(self.model).weights, asdict(self.effort)]
        return sha256(json.dumps(settings).encode()).hexdigest()

    def find(self, pixels: NDArray[np.uint8]) -> list[Box]:
        """Return all candidates, best first."""
        return self._find(pixels, None)

    def following(self) -> Find:
        """Return what finds candidates in pictures that follow each other, and knows some from the one before."""
        return partial(self._find, before=Before())

    def _find(self, pixels: NDArray[np.uint8], before: Before | None) -> list[Box]:
        network, effort = _prepared(self.model), self.effort
        look = partial(_look, network, self.threads)
        close = partial(look, CUT_FLOOR)

        def whole(one: NDArray[np.uint8]) -> Rows:
            return look(effort.floor, one[None])[0]

        most = max(FEWEST, math.ceil(effort.closer * pixels.shape[0] * pixels.shape[1] / 1e6))
        if before is not None and not network.graph.size and not any(one.turns for one in effort.passes):
            rows = look_at_changes(Looks(whole, close, effort.passes, most if effort.closer else 0), pixels, before)
        else:
            rows = look_often(whole, pixels, effort.passes, network.graph.size)
            if effort.closer:
                rows = look_closer(close, pixels, rows, most)
        return [Box(left, top, right - left, bottom - top, score) for left, top, right, bottom, score in rows.tolist()]


def follow(detector: Detector) -> Find:
    """Return what finds faces in pictures that follow each other, with less work where they are alike."""
    return detector.following() if isinstance(detector, OnnxDetector) else detector.find


@dataclass(frozen=True, slots=True)
class _Network:
    graph: Graph
    weights: str  # sha256 of the file as it came
    decode: Callable[..., list[Rows]]
    efforts: Mapping[str, Effort]
    order: int  # 1 where channels go in as RGB, -1 where as BGR


@cache
def _prepared(model: Path | None) -> _Network:
    """Read, check and clean a model, once per process."""
    content = read_centerface() if model is None else read_model(model)
    proto = read_graph(content)
    names = {output.name for output in proto.graph.output}
    digest = sha256(content).hexdigest()
    if names.issuperset(centerface.OUTPUTS):
        return _Network(clean(proto, centerface.OUTPUTS), digest, centerface.decode, SETTINGS, 1)
    if names.issuperset(yunet.OUTPUTS):
        return _Network(clean(proto, yunet.OUTPUTS), digest, yunet.decode, YUNET, -1)
    raise ConfigurationError("The model is neither a CenterFace nor a YuNet: its outputs are others.", hint=MODEL_HINT)


def _look(network: _Network, threads: int, floor: float, pixels: NDArray[np.uint8]) -> list[Rows]:
    return network.decode(run(network.graph, pixels[..., :: network.order], threads), *pixels.shape[1:3], floor)


def open_detector(effort: str = "default", model: Path | None = None, threads: int = 1) -> Detector:
    """Make a detector ready, and fail now if it could not look later.

    Examples
    --------
    >>> detector = open_detector("fast")  # doctest: +SKIP
    >>> detector.find(pixels)  # doctest: +SKIP
    [Box(x=412.3, y=118.0, width=96.2, height=121.7, score=0.91)]
    """
    if effort not in SETTINGS:
        raise UsageError(f"There is no effort {effort}; there are: {', '.join(EFFORTS)}.")
    missing = [module for module in ("onnxruntime", "onnx", "PIL") if find_spec(module) is None]
    if missing:
        raise MissingExtraError(
            f"Face detection needs packages that are not installed: {', '.join(missing)}.", hint=INSTALL
        )
    return OnnxDetector(_prepared(model).efforts[effort], model, threads)
