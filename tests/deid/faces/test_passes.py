"""Looks at several sizes, turned and in tiles all put a bright square where it is."""

from __future__ import annotations

import numpy as np
import pytest

from bondstore.deid.faces import passes
from bondstore.deid.faces.passes import Pass, look_often, resize, with_smaller


class Seeker:
    """Finds the bright pixels, as one box; keeps the sizes of what it looked at."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.sizes.append(pixels.shape[:2])
        bright = np.argwhere(pixels[:, :, 0] > 128)
        if not len(bright):
            return np.zeros((0, 5), np.float32)
        (top, left), (bottom, right) = bright.min(axis=0), bright.max(axis=0) + 1
        return np.array([[left, top, right, bottom, 0.9]], np.float32)


def picture(height: int, width: int, left: int, top: int, side: int) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top : top + side, left : left + side] = 255
    return pixels


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("scale", [1, 0.75, 0.5, 0.25, 2])
def test_every_pass_gives_pixels_of_the_picture(scale: float, turns: int) -> None:
    seeker = Seeker()
    rows = look_often(seeker, picture(331, 517, 400, 60, 48), [Pass(1), Pass(scale, turns)], None)
    assert len(rows) == 1
    assert np.abs(rows[0, :4] - [400, 60, 448, 108]).max() <= 4
    assert all(height % 32 == 0 and width % 32 == 0 for height, width in seeker.sizes)


def test_a_large_picture_is_looked_at_in_tiles_and_no_place_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "TILE_PIXELS", 1 << 18)
    monkeypatch.setattr(passes, "TILE_OVERLAP", 96)
    rng = np.random.default_rng(3)
    for height, width in ((2000, 700), (300, 3000), (1500, 1500), (513, 511)):
        for _ in range(12):
            side = int(rng.integers(4, 90))
            left, top = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
            seeker = Seeker()
            pixels = picture(height, width, left, top, side)
            rows = passes._look_in_tiles(seeker, pixels, None)
            assert max(high * wide for high, wide in seeker.sizes) <= 1 << 18
            whole = [left, top, left + side, top + side]
            assert any(row[:4].tolist() == whole for row in rows)


def test_a_model_of_one_size_is_given_no_other() -> None:
    seeker = Seeker()
    rows = look_often(seeker, picture(900, 400, 350, 870, 30), [Pass(1), Pass(0.5)], (320, 320))
    assert set(seeker.sizes) == {(320, 320)}
    assert np.abs(rows[0, :4] - [350, 870, 380, 900]).max() < 2


def test_what_is_found_in_the_filled_up_rim_is_not_in_the_picture() -> None:
    def at_the_end(pixels: np.ndarray) -> np.ndarray:
        high, wide = pixels.shape[:2]
        return np.array([[wide - 20, high - 20, wide, high, 0.9]], np.float32)

    assert not len(look_often(at_the_end, picture(33, 33, 0, 0, 1), [Pass(1)], None))


def test_smaller_looks_follow_until_the_picture_is_small() -> None:
    assert with_smaller([Pass(1)], 600) == [Pass(1)]
    assert with_smaller([Pass(1), Pass(0.25), Pass(0.5, 1)], 2340)[3:] == []
    assert with_smaller([Pass(1), Pass(0.25)], 8000)[2:] == [Pass(0.0625)]


def test_resizing_averages() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[::2] = 200
    assert set(np.unique(resize(pixels, 0.5))) == {100}
    assert resize(pixels, 0.01).shape == (1, 1, 3)
    assert resize(pixels, 1) is pixels
