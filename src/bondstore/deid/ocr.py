"""Text in pictures: lines that hold an address or a number are found by rapidocr, whose models lie in its wheel."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from bondstore.deid import offline
from bondstore.deid.faces.boxes import Box
from bondstore.deid.text import redact_text
from bondstore.errors import BondstoreError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTALL = "Install it with: pip install 'bondstore[ocr]'"
_QUIET = {"Global.log_level": "critical", "EngineConfig.onnxruntime.inter_op_num_threads": 1}
_ONE_THREAD = "EngineConfig.onnxruntime.intra_op_num_threads"


def ocr_digest() -> str:
    """Return what decides which text is found: the reader and its version."""
    try:
        return f"rapidocr {version('rapidocr')}"
    except PackageNotFoundError:
        raise MissingExtraError("Text in images is read by rapidocr, which is not installed.", hint=INSTALL) from None


def find_lines(pixels: NDArray[np.uint8]) -> list[tuple[str, Box]]:
    """Read the lines of text in a picture."""
    reader = _reader()
    try:
        found = reader(pixels[:, :, ::-1])  # it takes the channels as BGR
    except (RuntimeError, ValueError) as error:
        raise BondstoreError("The text of a picture could not be read.", hint="It is withheld.") from error
    if found.txts is None:
        return []
    return [
        (text, _box(corners, score)) for text, corners, score in zip(found.txts, found.boxes, found.scores, strict=True)
    ]


def pattern_boxes(pixels: NDArray[np.uint8]) -> list[Box]:
    """Return the lines of a picture that hold an e-mail address, a number or a URL as `deid.text` knows them.

    The whole line is covered: where in it the pattern stands is known less surely than that it is there. A pattern that
    goes on in the next line is found where one of its halves is a pattern itself.
    """
    return [box for text, box in find_lines(pixels) if redact_text(text, screen=True)[1]]


def _box(corners: NDArray[np.float32], score: float) -> Box:
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    return Box(left, top, right - left, bottom - top, float(score))


@cache
def _reader() -> Any:
    """Return this process's reader; one thread, as there are as many processes as cores."""
    ocr_digest()
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    offline.onnxruntime()
    from rapidocr import RapidOCR

    return RapidOCR(params={**_QUIET, _ONE_THREAD: 1})
