"""Text in pixels: what is drawn is read, and the lines that hold a pattern are covered."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from bondstore.deid.covers import Cover
from bondstore.deid.ocr import find_lines, pattern_boxes
from bondstore.deid.pictures import redact

LINES = {
    60: "Meeting tomorrow with ada.quill@example.org",
    160: "weather milk bread garden song",
    260: "call +1 202-555-0143 now",
}


@pytest.fixture(scope="module")
def screen() -> Image.Image:
    picture = Image.new("RGB", (800, 360), (250, 250, 250))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(30)
    for top, text in LINES.items():
        pen.text((30, top), text, fill=(10, 10, 10), font=font)
    return picture


def test_what_is_drawn_is_read_where_it_stands(screen: Image.Image) -> None:
    found = find_lines(np.asarray(screen))
    assert [text for text, _ in found] == list(LINES.values())
    for (_, box), top in zip(found, LINES, strict=True):
        assert abs(box.y - top) < 20
        assert 20 < box.height < 60


def test_lines_that_hold_a_pattern_are_covered_and_no_others(screen: Image.Image) -> None:
    out = io.BytesIO()
    screen.save(out, "PNG")
    picture = redact(out.getvalue(), None, Cover("none"), texts=pattern_boxes)
    assert len(picture.texts) == 2
    pixels = np.asarray(Image.open(io.BytesIO(picture.data)))
    before = np.asarray(screen)
    for top in (60, 260):
        assert (pixels[top + 10 : top + 25, 40:200] == pixels[top + 10, 40]).all(), "one colour, nothing to be read"
    assert np.array_equal(pixels[150:210], before[150:210])
    assert [text for text, _ in find_lines(pixels)] == [LINES[160]]


def test_a_picture_without_text_has_none() -> None:
    assert pattern_boxes(np.full((200, 300, 3), 128, np.uint8)) == []
