"""The default on real faces behind masks and hoods, and on what only looks like a face."""

from __future__ import annotations

import random

import numpy as np
import pytest
from benchmarks.faces import hidden, opened
from benchmarks.faces_faceless import cat, faceless
from benchmarks.faces_set import Face, Wanted, with_faces

from bondstore.deid.covers import Cover, area
from bondstore.deid.faces import Box, open_detector


def found(pixels: np.ndarray) -> list[Box]:
    detector = open_detector()
    return [box for box in detector.find(pixels) if box.score >= detector.threshold]


def is_covered(face: Face, boxes: list[Box], shape: tuple[int, ...]) -> bool:
    black = np.zeros(shape[:2], bool)
    for box in boxes:
        black[area(box, Cover().margin, *shape[:2])] = True
    return hidden(face, np.ones_like(black), black)


@pytest.mark.parametrize("size", [250, 640])
def test_masked_faces_without_a_head_and_hooded_ones_from_below_are_covered(size: int) -> None:
    """Sizes in pixels of the face; two people, who are in packages that are here."""
    wanted = [
        Wanted(size, (size, size + 1), "upright", 0, cover, "as it is", person)
        for cover in ("mask", "hood", "close-up")
        for person in ("astronaut", "hopper")
    ]
    missed = []
    for picture in with_faces(11, wanted):
        pixels = opened(picture.data)
        boxes = found(pixels)
        missed += [face.how for face in picture.faces if not is_covered(face, boxes, pixels.shape)]
    assert not missed


def test_a_cat_has_no_face_that_is_covered_more_than_once() -> None:
    """Three pictures of it, from 1080 to 120 px wide, on each screen."""
    counts = [len(found(np.asarray(cat(random.Random(number))))) for number in range(2)]
    assert max(counts) <= 1


def test_balls_and_buttons_are_seldom_taken_for_faces() -> None:
    """About a hundred on each picture, with two holes or four; of these three pictures 14 were once covered."""
    counts = [len(found(np.asarray(faceless("round things", random.Random(number), 0)))) for number in range(3)]
    assert sum(counts) <= 5
