"""A closer look cuts out the right place, turns it each way, and gives the box back where it is."""

from __future__ import annotations

import numpy as np
import pytest

from bondstore.deid.faces.closer import CLOSE, QUICK, SURE, TINY, look_closer


class Seeker:
    """Finds the bright rectangle in each cut when it is as upright as asked; keeps how many cuts it saw."""

    def __init__(self, score: float, *, tall_only: bool = False) -> None:
        self.score, self.tall_only, self.sizes = score, tall_only, []

    def __call__(self, cuts: np.ndarray) -> list[np.ndarray]:
        self.sizes += [cuts.shape[1]] * len(cuts)
        return [self.one(cut) for cut in cuts]

    def one(self, cut: np.ndarray) -> np.ndarray:
        bright = np.argwhere(cut[:, :, 0] > 128)
        if not len(bright):
            return np.zeros((0, 5), np.float32)
        (top, left), (bottom, right) = bright.min(axis=0), bright.max(axis=0) + 1
        if self.tall_only and right - left > bottom - top:
            return np.zeros((0, 5), np.float32)
        return np.array([[left, top, right, bottom, self.score]], np.float32)


def scene(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[top:bottom, left:right] = 255
    return pixels


@pytest.mark.parametrize("place", [(300, 200, 320, 230), (3, 2, 27, 32), (557, 335, 597, 395), (100, 50, 400, 350)])
def test_the_box_comes_back_where_it_is_also_near_the_edge(place: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = place
    rough = np.array([[left + 2, top - 3, right + 3, bottom + 2, 0.1]], np.float32)
    best = look_closer(Seeker(0.9), scene(*place), rough, 5)[0]
    size = max(right - left, bottom - top)
    assert best[4] == pytest.approx(0.9)
    assert np.abs(best[:4] - place).max() <= size / QUICK.face * 2


def test_a_lying_one_is_found_by_turning() -> None:
    rough = np.array([[300, 200, 340, 220, 0.1]], np.float32)
    best = look_closer(Seeker(0.8, tall_only=True), scene(300, 200, 340, 220), rough, 5)[0]
    assert best[4] == pytest.approx(0.8)
    assert np.abs(best[:4] - [300, 200, 340, 220]).max() <= 3


def test_sure_ones_are_not_looked_at_again_and_the_weakest_not_at_all() -> None:
    rows = np.array([[40.0 * n, 0, 40.0 * n + 20, 20, score] for n, score in enumerate((0.9, SURE, 0.4, 0.1, 0.05))])
    seeker = Seeker(0)
    answer = look_closer(seeker, scene(0, 300, 1, 301), rows.astype(np.float32), 2)
    assert seeker.sizes == [QUICK.cut] * 8
    assert answer[:5, 4].tolist() == pytest.approx([0.9, 0.5, 0.4, 0.1, 0.05])


def test_only_what_is_worth_it_is_looked_at_closely() -> None:
    rough = np.array([[300, 200, 320, 230, 0.1]], np.float32)
    for score, sizes in ((0.1, {QUICK.cut}), (0.3, {QUICK.cut, CLOSE.cut})):
        seeker = Seeker(score)
        look_closer(seeker, scene(300, 200, 320, 230), rough, 5)
        assert set(seeker.sizes) == sizes


@pytest.mark.parametrize("side", [TINY - 2, TINY + 2, 200])
def test_what_only_the_quick_look_takes_for_a_face_counts_where_it_is_tiny(side: int) -> None:
    """A ball looks like a face in few pixels, and not close by; a tiny face has no more pixels to show."""

    class Hasty(Seeker):
        def __call__(self, cuts: np.ndarray) -> list[np.ndarray]:
            self.score = 0.9 if cuts.shape[1] == QUICK.cut else 0.01
            return super().__call__(cuts)

    rough = np.array([[200, 100, 200 + side, 100 + side, 0.1]], np.float32)
    seeker = Hasty(0)
    best = look_closer(seeker, scene(200, 100, 200 + side, 100 + side), rough, 5)[0]
    assert CLOSE.cut in seeker.sizes
    assert best[4] == pytest.approx(0.9 if side < TINY else 0.1)


def test_nothing_to_look_at() -> None:
    assert look_closer(Seeker(1), scene(0, 0, 9, 9), np.zeros((0, 5), np.float32), 5).shape == (0, 5)
