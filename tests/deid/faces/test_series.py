"""What stands as in the picture before keeps its answer, and nothing is lost by it.

The looks here find red squares, by their colour alone, so that the right answer is known without a network.
"""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage

from bondstore.deid.faces import follow, open_detector
from bondstore.deid.faces.boxes import Box
from bondstore.deid.faces.cells import rectangles
from bondstore.deid.faces.changes import LARGE, Looks, look_at_changes
from bondstore.deid.faces.passes import Pass
from bondstore.deid.faces.series import Before
from demo import screens
from tests.deid.pictures_of import FACE, astronaut

WIDTH, HEIGHT = 544, 1184
HEAD, FOOT = 96, 64
WORDS = "meet at noon near the old bridge and talk about tea " * 20
PASSES = (Pass(1), Pass(1 / 6))


class Eye:
    """Finds red squares from 12 pixels on, and remembers how many pixels it was shown at full size."""

    def __init__(self) -> None:
        self.seen = 0

    def whole(self, pixels):
        """Return a row for each patch of red."""
        self.seen += pixels.shape[0] * pixels.shape[1]
        red = (pixels[..., 0] > 90) & (pixels[..., 1:].max(axis=-1).astype(int) + 50 < pixels[..., 0])
        found = [(down, across) for down, across in ndimage.find_objects(ndimage.label(red)[0])]
        rows = [
            (across.start, down.start, across.stop, down.stop, 0.9)
            for down, across in found
            if min(down.stop - down.start, across.stop - across.start) >= 10
        ]
        return np.array(rows, np.float32).reshape(-1, 5)

    def looks(self, passes=PASSES):
        """Return what a detector that sees with this eye can do; it is sure, and looks at nothing more closely."""
        return Looks(self.whole, self.whole, passes, 0)


def page(seed, squares, height=4 * HEIGHT):
    """Draw a long page of text with red squares at their places."""
    picture = Image.new("RGB", (WIDTH, height), "white")
    pen, rng = ImageDraw.Draw(picture), random.Random(seed)
    for top in range(20, height, 60):
        pen.text((20, top), " ".join(rng.sample(WORDS.split(), 4)), fill=(20, 20, 20), font=screens.font(28))
    for x, y, side in squares:
        for line in range(side):  # from dark to bright: of one flat colour it would be a letter's stroke
            red = 110 + 140 * line // side
            pen.line((x, y + line, x + side - 1, y + line), fill=(red, red // 8, red // 8))
    return picture


def screen(drawn, top, clock="12:00"):
    """Show a part of a page between two bars that stay."""
    shown = Image.new("RGB", (WIDTH, HEIGHT), (40, 60, 120))
    shown.paste(drawn.crop((0, top, WIDTH, top + HEIGHT - HEAD - FOOT)), (0, HEAD))
    ImageDraw.Draw(shown).text((20, 20), clock, fill="white", font=screens.font(28))
    return shown


def shot(picture, quality=50):
    """Take it as a phone does: with what JPEG leaves."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def face(size, *, grey=False, dark=False, rim=0.0):
    """A real face of a height, with so much of what is round it as a share of that."""
    left, top, right, bottom = FACE
    more = rim * (bottom - top)
    cut = astronaut().crop((round(left - more), round(top - more), round(right + more), round(bottom + more)))
    scale = size / (bottom - top)
    cut = cut.resize((round(cut.width * scale), round(cut.height * scale)), Image.Resampling.LANCZOS)
    if grey:
        cut = cut.convert("L").convert("RGB")
    return cut.point(lambda value: value // 3) if dark else cut


def places(rows):
    """The middles of what was found."""
    return sorted((round(float(row[0] + row[2]) / 2), round(float(row[1] + row[3]) / 2)) for row in rows)


def near(found, right, reach=4):
    """Whether each of the one has its own in the other."""
    return len(found) == len(right) and all(
        any(abs(x - a) <= reach and abs(y - b) <= reach for x, y in found) for a, b in right
    )


SQUARES = st.lists(
    st.tuples(st.integers(10, WIDTH - 80), st.integers(10, 4 * HEIGHT - 80), st.integers(20, 60)), max_size=12
)
STEPS = st.lists(st.one_of(st.integers(-900, 900), st.just(0), st.just("blink"), st.just("other")), max_size=5)


@settings(max_examples=15, deadline=None)
@given(squares=SQUARES, steps=STEPS, start=st.integers(0, 2000))
def test_a_series_finds_what_a_fresh_look_at_each_picture_finds(squares, steps, start):
    eye, before, top, shown = Eye(), Before(), start, page(1, squares)
    for number, step in enumerate([0, *steps]):
        if step == "other":
            shown = page(number + 2, [(WIDTH - 80 - x, y, side) for x, y, side in squares if x < WIDTH - 90])
        elif step != "blink":
            top = min(max(0, top + step), 3 * HEIGHT)
        pixels = shot(screen(shown, top, f"12:{number:02}"))
        fresh = eye.whole(pixels)
        found = places(look_at_changes(eye.looks(), pixels, before))
        # A square that a bar cuts may count as whole or as cut; of those it is only asked that they are squares.
        assert all(near_any(at, found) for at in places(fresh) if HEAD + 70 < at[1] < HEIGHT - FOOT - 70)
        assert all(near_any(at, places(fresh), 40) for at in found)


def near_any(at, others, reach=4):
    """Whether something is at a place."""
    return any(abs(at[0] - x) <= reach and abs(at[1] - y) <= reach for x, y in others)


def test_a_picture_as_before_is_looked_at_small_only():
    eye, before = Eye(), Before()
    pixels = shot(screen(page(1, [(100, 300, 40), (300, 700, 20)]), 0))
    first = look_at_changes(eye.looks(), pixels, before)
    eye.seen = 0
    second = look_at_changes(eye.looks(), pixels, before)
    assert len(first) == 2
    assert np.array_equal(first, second)
    assert eye.seen < 0.05 * WIDTH * HEIGHT


@pytest.mark.parametrize("down", [64, 101, -64])
def test_what_moved_up_or_down_keeps_its_answer_and_only_what_came_is_looked_at(down):
    eye, before = Eye(), Before()
    drawn = page(3, [(100, 900, 40), (300, 1100, 24), (200, 1300, 50)])
    look_at_changes(eye.looks((Pass(1),)), shot(screen(drawn, 500)), before)
    eye.seen = 0
    found = look_at_changes(eye.looks((Pass(1),)), shot(screen(drawn, 500 + down)), before)
    moved = [(100 + 20, 900 + 20), (300 + 12, 1100 + 12), (200 + 25, 1300 + 25)]
    assert near(places(found), [(x, y - 500 - down + HEAD) for x, y in moved])
    assert eye.seen < 0.8 * WIDTH * HEIGHT


def test_a_screen_that_stands_still_after_a_scroll_is_looked_at_small_only():
    eye, before = Eye(), Before()
    drawn = page(3, [(100, 900, 40), (300, 1100, 24)])
    for top in (500, 577, 577):
        eye.seen = 0
        found = look_at_changes(eye.looks(), shot(screen(drawn, top)), before)
    assert near(places(found), [(120, 920 - 577 + HEAD), (312, 1112 - 577 + HEAD)])
    assert eye.seen < 0.05 * WIDTH * HEIGHT


def test_what_was_found_stays_found_while_its_pixels_stand_though_what_is_near_it_changes():
    # A network may see a face in the whole picture and not in a part of it.
    eye, before = Eye(), Before()
    drawn = screen(page(1, [(200, 500, 40)]), 0)
    first = look_at_changes(eye.looks((Pass(1),)), shot(drawn), before)
    ImageDraw.Draw(drawn).rectangle((330, 600, 420, 640), fill="black")
    blind = Looks(lambda pixels: np.zeros((0, 5), np.float32), eye.whole, (Pass(1),), 0)
    assert near(places(look_at_changes(blind, shot(drawn), before)), places(first))
    ImageDraw.Draw(drawn).rectangle((200, 590, 250, 640), fill="white")
    assert len(look_at_changes(blind, shot(drawn), before)) == 0


def test_a_face_that_comes_in_slowly_is_found():
    # Every picture differs from the one before by less than what counts as alike; the last from the first by far more.
    eye, before = Eye(), Before()
    white = screen(page(1, []), 0)
    red = screen(page(1, [(200, 500, 48)]), 0)
    for share in np.linspace(0, 1, 64):
        found = look_at_changes(eye.looks((Pass(1),)), shot(Image.blend(white, red, float(share)), 90), before)
    assert near(places(found), [(224, 524 + HEAD)])


def test_what_is_covered_and_shown_again_is_found():
    eye, before = Eye(), Before()
    drawn = page(1, [(200, 500, 48)])
    bare = screen(drawn, 0)
    above = bare.copy()
    ImageDraw.Draw(above).rectangle((100, 400, 500, 800), fill="black")
    answers = [places(look_at_changes(eye.looks(), shot(one), before)) for one in (bare, above, bare)]
    assert answers[1] == []
    assert near(answers[0], [(224, 524 + HEAD)])
    assert near(answers[2], [(224, 524 + HEAD)])


def test_pictures_of_other_sizes_follow_each_other():
    eye, before = Eye(), Before()
    drawn = screen(page(1, [(200, 500, 48)]), 0)
    for picture in (drawn, drawn.rotate(90, expand=True), drawn.resize((33, 70)), drawn):
        pixels = shot(picture)
        assert near(places(look_at_changes(eye.looks((Pass(1),)), pixels, before)), places(eye.whole(pixels)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_rectangles_hold_every_set_cell_and_stay_inside(data):
    rows, columns = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns)), bool)
    mask = mask.reshape(rows, columns)
    covered = np.zeros_like(mask)
    for one in rectangles(mask, 1.25):
        assert 0 <= one.top < one.bottom <= rows
        assert 0 <= one.left < one.right <= columns
        covered[one.top : one.bottom, one.left : one.right] = True
    assert not (mask & ~covered).any()
    assert covered.any() == mask.any()


def test_only_large_looks_are_spared():
    # The small look is what finds faces larger than the cells that are compared: it is taken of every picture.
    assert LARGE > 1 / 6
    eye, before = Eye(), Before()
    pixels = shot(screen(page(1, []), 0))
    for _ in range(3):
        eye.seen = 0
        look_at_changes(eye.looks(), pixels, before)
        assert eye.seen > 0.02 * WIDTH * HEIGHT


def test_the_network_covers_the_same_faces_in_a_session_as_in_each_picture_alone():
    detector = open_detector()
    find = follow(detector)
    drawn = Image.new("RGB", (720, 3000), "white")
    pen = ImageDraw.Draw(drawn)
    for top in range(20, 3000, 80):
        pen.text((30, top), WORDS[:40], fill=(20, 20, 20), font=screens.font(32))
    faces = [(60, 200, 120), (420, 700, 60), (200, 1400, 240), (500, 1900, 32)]
    for x, y, size in faces:
        drawn.paste(face(size, rim=0.6), (x, y))
    for top in (0, 0, 230, 900, 900, 517):
        pixels = shot(drawn.crop((0, top, 720, top + 1400)))
        alone = [box for box in detector.find(pixels) if box.score >= detector.threshold]
        found = [box for box in find(pixels) if box.score >= detector.threshold]
        for box in alone:
            assert any(_share(box, other) > 0.5 for other in found), (top, box)
        assert len(found) <= len(alone) + 1


def _share(one: Box, other: Box) -> float:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0, wide) * max(0, high) / (one.width * one.height)
