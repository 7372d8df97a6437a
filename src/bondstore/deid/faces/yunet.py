"""What YuNet answers, read as boxes; for people who bring that model themselves.

At strides of 8, 16 and 32 pixels each cell has a class score and an object score, whose geometric mean is the score,
and a box: centre relative to the cell, logarithms of width and height, all in strides. Pictures go in as BGR from 0 to
255 (the layout of the models from 2023 on, as in OpenCV's FaceDetectorYN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.boxes import Rows

STRIDES = (8, 16, 32)
OUTPUTS = tuple(f"{word}_{stride}" for word in ("cls", "obj", "bbox") for stride in STRIDES)


def decode(answers: Sequence[NDArray[np.float32]], height: int, width: int, floor: float) -> list[Rows]:
    """Read the answers to one picture as candidates, not yet thinned out."""
    import numpy as np

    found = []
    # Answers stand in the order of `OUTPUTS`; the cells of one stride row by row.
    for place, stride in enumerate(STRIDES):
        sure, object_, boxes = (answers[place + 3 * group].reshape(-1, last) for group, last in enumerate((1, 1, 4)))
        scores = np.sqrt(np.clip(sure[:, 0], 0, 1) * np.clip(object_[:, 0], 0, 1))
        (cells,) = np.nonzero(scores > floor)
        rows, columns = np.divmod(cells, width // stride)
        right, down, wide, high = boxes[cells].T
        middle_x, middle_y = (columns + right) * stride, (rows + down) * stride
        half_x, half_y = np.exp(wide) * stride / 2, np.exp(high) * stride / 2
        sides = (
            np.clip(middle_x - half_x, 0, width),
            np.clip(middle_y - half_y, 0, height),
            np.clip(middle_x + half_x, 0, width),
            np.clip(middle_y + half_y, 0, height),
        )
        found.append(np.stack((*sides, scores[cells]), axis=1))
    return [np.concatenate(found).astype(np.float32)]
