"""What CenterFace answers, read as boxes.

The network says for every cell of 4 by 4 pixels how sure it is that a face has its centre there, the logarithm of the
face's height and width in cells, and where in the cell the centre lies (Xu et al., CenterFace: Joint Face Detection and
Alignment Using Face as Point, 2019). The heat map is the sigmoid's output; pictures go in as RGB from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces.boxes import Rows

OUTPUTS = ("537", "538", "539")
"""Heat map, sizes and offsets; 540 holds landmarks and is not used."""
STRIDE = 4


def decode(answers: Sequence[NDArray[np.float32]], height: int, width: int, floor: float) -> list[Rows]:
    """Read the answers to several pictures of one size as candidates, not yet thinned out."""
    import numpy as np

    heat, sizes, offsets = answers
    pictures, rows, columns = np.nonzero(heat[:, 0] > floor)
    high, wide = np.exp(sizes[pictures, :, rows, columns].T) * STRIDE
    down, right = offsets[pictures, :, rows, columns].T
    left = np.clip((columns + right + 0.5) * STRIDE - wide / 2, 0, width)
    top = np.clip((rows + down + 0.5) * STRIDE - high / 2, 0, height)
    sides = (left, top, np.minimum(left + wide, width), np.minimum(top + high, height))
    found = np.stack((*sides, heat[pictures, 0, rows, columns]), axis=1).astype(np.float32)
    return np.split(found, np.searchsorted(pictures, np.arange(1, len(heat))))
