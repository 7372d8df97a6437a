"""A picture comes out with its faces covered and looked at again, or not at all."""

from __future__ import annotations

import hashlib
import io
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bondstore.deid import images
from bondstore.deid.faces import Box, open_detector
from bondstore.deid.faces.detector import Detector
from bondstore.deid.findings import PICTURES
from bondstore.deid.pictures import Cover, Decisions, redact
from bondstore.errors import DamagedError, UsageError
from tests.deid.pictures_of import FACE, Finder, astronaut, chatty_exif, faceless, opened, pixels, saved

FILL = Cover()


def seen_from(left: int, top: int, box: Box) -> Box:
    """A box as a look finds it that begins there: the second look is only round the covers."""
    return replace(box, x=box.x - left, y=box.y - top)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return open_detector()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_face_is_black_afterwards_and_the_rest_is_as_it_was(detector: Detector, form: str) -> None:
    data = saved(astronaut(), form)
    picture = redact(data, detector, FILL)
    assert (picture.format, picture.width, picture.height) == (form, 512, 512)
    assert picture.covered[0].score > 0.5
    assert picture.looks >= 2
    before, after = pixels(opened(data)).astype(int), pixels(opened(picture.data)).astype(int)
    left, top, right, bottom = FACE
    assert after[top:bottom, left:right].max() < 40
    changed = np.abs(after - before).max(axis=2) > 48
    for box in picture.covered:
        low_x, low_y = max(0, int(box.x - 0.2 * box.width) - 8), max(0, int(box.y - 0.2 * box.height) - 8)
        changed[low_y : int(box.y + 1.2 * box.height) + 9, low_x : int(box.x + 1.2 * box.width) + 9] = False
    assert changed.mean() < 0.001


def test_the_same_bytes_and_settings_give_the_same_bytes(detector: Detector) -> None:
    data = saved(astronaut())
    once, again = redact(data, detector, FILL), redact(data, pickle.loads(pickle.dumps(detector)), FILL)
    assert once == again


def test_a_blur_leaves_a_few_averages(detector: Detector) -> None:
    data = saved(astronaut(), "PNG")
    picture = redact(data, detector, Cover("blur"))
    left, top, right, bottom = FACE
    face = pixels(opened(picture.data))[top:bottom, left:right].astype(int)
    was = pixels(astronaut())[top:bottom, left:right].astype(int)
    assert np.abs(np.diff(face, axis=1)).mean() < np.abs(np.diff(was, axis=1)).mean() / 3
    assert not [box for box in detector.find(pixels(opened(picture.data))) if box.score > 0.5]


def test_none_looks_at_nothing_and_still_carries_nothing_on() -> None:
    data = saved(astronaut(), exif=chatty_exif(6))
    picture = redact(data, None, Cover("none"))
    assert (picture.looks, picture.covered) == (0, ())
    assert b"Secret" not in picture.data
    left, top, right, bottom = FACE
    turned = pixels(astronaut().transpose(Image.Transpose.ROTATE_270))
    out = pixels(opened(picture.data))
    assert np.abs(out.astype(int) - turned).mean() < 4
    assert out[left:right, 512 - bottom : 512 - top].mean() > 40


def test_no_detector_is_never_no_face() -> None:
    with pytest.raises(UsageError):
        redact(saved(faceless()), None, FILL)


def test_a_picture_without_a_face_is_looked_at_once(detector: Detector) -> None:
    picture = redact(saved(faceless()), detector, FILL)
    assert (picture.covered, picture.looks) == ((), 1)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_face_is_found_in_the_picture_as_it_is_to_be_held(orientation: int) -> None:
    """The box is given in upright pixels, and lands there."""
    box = Box(100, 20, 40, 60, 0.9)
    finder = Finder([box], [])
    stored = Image.new("RGB", (400, 300), "white")
    picture = redact(saved(stored, "PNG", exif=chatty_exif(orientation)), finder, Cover(margin=0))
    out = pixels(opened(picture.data))
    assert out.shape[:2] == ((400, 300) if orientation in {6, 8} else (300, 400))
    black = np.argwhere((out == 0).all(axis=2))
    assert (*black.min(axis=0), *(black.max(axis=0) + 1)) == (20, 100, 80, 140)


def test_the_second_look_is_at_the_bytes_that_are_written() -> None:
    finder = Finder([Box(10, 10, 50, 50, 0.9)], [])
    picture = redact(saved(astronaut(), quality=20), finder, FILL)
    height, width = finder.seen[1].shape[:2]
    assert min(height, width) >= 60 + 50
    assert np.array_equal(finder.seen[1], pixels(opened(picture.data))[:height, :width])


def test_the_second_look_goes_wherever_a_cover_is_within_reach() -> None:
    far, near = Box(30, 20, 20, 30, 0.9), Box(1500, 900, 80, 90, 0.8)
    finder = Finder([far, near], [])
    redact(saved(Image.new("RGB", (2000, 1500), "white"), "PNG"), finder, FILL)
    assert [(seen == 0).all(axis=2).sum() for seen in finder.seen[1:]] == [28 * 42, 112 * 126]
    assert finder.seen[2].shape == (126 + 2 * 96, 112 + 2 * 96, 3)


def test_a_large_cover_is_looked_at_from_farther_off() -> None:
    first, second = Box(400, 300, 512, 512, 0.9), Box(10, 20, 30, 40, 0.8)
    finder = Finder([first], [second], [])
    picture = redact(saved(Image.new("RGB", (1500, 1500), "white"), "PNG"), finder, Cover(margin=0))
    assert finder.seen[1].shape[:2] == (256, 256)
    assert picture.covered[1] == Box(400 - 256 + 40, 300 - 256 + 80, 120, 160, 0.8)


def test_what_the_second_look_finds_lies_where_it_is_in_the_whole() -> None:
    first, second = Box(600, 400, 100, 100, 0.9), Box(30, 40, 50, 60, 0.8)
    finder = Finder([first], [second], [])
    picture = redact(saved(Image.new("RGB", (1000, 800), "white"), "PNG"), finder, Cover(margin=0))
    assert picture.covered[1] == Box(504 + 30, 304 + 40, 50, 60, 0.8)
    assert (pixels(opened(picture.data))[344:404, 534:584] == 0).all()


def test_what_is_found_again_is_filled_even_where_a_blur_was_asked_for() -> None:
    box = Box(100, 100, 50, 50, 0.9)
    finder = Finder([box], [seen_from(4, 4, box)], [])
    picture = redact(saved(astronaut(), "PNG"), finder, Cover("blur", margin=0))
    assert (picture.looks, picture.covered) == (3, (box, box))
    assert (pixels(opened(picture.data))[100:150, 100:150] == 0).all()


def test_a_black_box_that_is_taken_for_a_face_is_no_face() -> None:
    box = Box(100, 100, 50, 50, 0.9)
    inside = Box(95, 95, 60, 60, 0.6)
    again = seen_from(0, 0, inside)
    picture = redact(saved(astronaut(), "PNG"), Finder([box], [again]), FILL)
    assert (picture.looks, picture.covered) == (2, (box,))


def test_the_outline_of_a_covered_head_is_filled_and_withholds_nothing() -> None:
    box, outline = Box(100, 100, 50, 50, 0.9), Box(90, 80, 60, 60, 0.6)
    picture = redact(saved(astronaut(), "PNG"), Finder([box], [seen_from(4, 4, outline)]), Cover(margin=0))
    assert picture.looks == 2
    assert picture.covered == (box, outline)
    assert (pixels(opened(picture.data))[80:140, 90:150] == 0).all()


def test_a_face_that_stays_withholds_the_picture() -> None:
    moving = [[Box(20.0 * step, 0, 10, 10, 0.9)] for step in range(9)]
    with pytest.raises(DamagedError) as caught:
        redact(saved(astronaut()), Finder(*moving), Cover(margin=0))
    assert caught.value.kind == "face-stays"


def test_the_threshold_parts_covered_from_unsure() -> None:
    sure, less, least = (Box(100.0 * place, 0, 20, 20, score) for place, score in enumerate((0.9, 0.4, 0.3)))
    data = saved(astronaut(), "PNG")
    assert redact(data, Finder([sure, less, least], []), FILL).unsure == (less, least)
    picture = redact(data, Finder([sure, less, least], []), Cover(threshold=0.4))
    assert (picture.covered, picture.unsure) == ((sure, less), (least,))


def test_a_person_has_the_last_word() -> None:
    wrong, near, more = Box(10, 10, 40, 40, 0.9), Box(12, 11, 39, 41, 0.8), Box(200, 200, 30, 30, 1)
    word = Decisions(add=(more,), clear=(near,))
    picture = redact(saved(astronaut(), "PNG"), Finder([wrong], [seen_from(104, 104, wrong)]), Cover(margin=0), word)
    assert picture.covered == (more,)
    out = pixels(opened(picture.data))
    assert (out[200:230, 200:230] == 0).all()
    assert np.array_equal(out[10:50, 10:50], pixels(astronaut())[10:50, 10:50])
    alone = redact(saved(astronaut(), "PNG"), None, Cover("none"), word)
    assert (pixels(opened(alone.data))[200:230, 200:230] == 0).all()


def test_boxes_beyond_the_edge_end_there() -> None:
    boxes = [Box(-30, -20, 60, 60, 0.9), Box(500, 490, 80, 90, 0.8), Box(900, 900, 10, 10, 0.7)]
    for mode in ("fill", "blur"):
        picture = redact(saved(astronaut(), "PNG"), Finder(boxes, []), Cover(mode, margin=0.2))  # type: ignore[arg-type]
        assert len(picture.covered) == 3
        assert opened(picture.data).size == (512, 512)


def test_text_is_filled_and_told_apart_from_faces() -> None:
    written = Box(40, 50, 100, 20, 1)
    finder = Finder([])
    picture = redact(saved(astronaut(), "PNG"), finder, FILL, texts=lambda _: [written])
    assert finder.seen[0][50:70, 40:140].any()
    assert (picture.covered, picture.texts) == ((), (written,))
    assert (pixels(opened(picture.data))[50:70, 40:140] == 0).all()


def test_what_cannot_be_looked_at_is_never_given_to_the_detector() -> None:
    finder = Finder([])
    with pytest.raises(DamagedError) as caught:
        redact(saved(astronaut())[:-400], finder, FILL)
    assert caught.value.kind == "image-undecodable"
    assert not finder.seen
    assert {"image-undecodable", "image-too-large", "face-stays", "no-face"} == set(PICTURES)


def test_settings_have_digests_of_their_own() -> None:
    covers = [Cover(), Cover("blur"), Cover("none"), Cover(threshold=0.3), Cover(margin=0.5)]
    assert len({cover.digest() for cover in covers}) == len(covers)
    assert Cover().digest() == Cover("fill").digest()
    assert len(Cover().digest()) == hashlib.sha256().digest_size * 2


@pytest.mark.parametrize("wrong", [{"mode": "pixelate"}, {"threshold": 0}, {"threshold": 1.5}, {"margin": -0.1}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Cover(**wrong)  # type: ignore[arg-type]


# --- animations, and formats that keep several pictures

MOVING = [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("AVIF", {"quality": 95})]


def frames_of(data: bytes) -> list[Image.Image]:
    """All frames, each for itself."""
    image = Image.open(io.BytesIO(data))
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        found.append(image.convert("RGB").copy())
    return found


def moving(form: str, *, size: int = 512, **settings: Any) -> bytes:
    """A cup, then a face on the left, then the same face on the right, then the cup."""
    cup = faceless().resize((2 * size, size))
    shown = [cup.copy() for _ in range(4)]
    shown[1].paste(astronaut().resize((size, size)), (0, 0))
    shown[2].paste(astronaut().resize((size, size)), (size, 0))
    return saved(shown[0], form, save_all=True, append_images=shown[1:], duration=[100, 200, 300, 400], **settings)


@pytest.mark.parametrize(("form", "settings"), MOVING)
def test_every_frame_of_an_animation_is_looked_at_and_covered(form: str, settings: dict[str, Any]) -> None:
    detector = open_detector("fast")
    data = moving(form, **settings)
    assert len(frames_of(data)) == 4
    picture = redact(data, detector, FILL)
    assert picture.format == form
    out = frames_of(picture.data)
    assert len(out) == 4
    left, top, right, bottom = FACE
    for number, shift in ((1, 0), (2, 512)):
        assert pixels(out[number])[top:bottom, left + shift : right + shift].max() < 60, number
    for frame in out:
        assert not [box for box in detector.find(pixels(frame)) if box.score > detector.threshold]
    assert len(picture.covered) >= 2
    # A face that shows in one frame may be half seen in the frame before and behind: covered there too.
    assert pixels(out[0])[top:bottom, left:right].max() < 60
    assert pixels(out[3])[top:bottom, 512 + left : 512 + right].max() < 60


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_an_animation_keeps_its_pace_and_nothing_else(form: str) -> None:
    chatty = {"comment": b"SecretText"} if form == "GIF" else {"exif": chatty_exif()}
    data = moving(form, size=64, loop=3, **chatty)
    assert b"Secret" in data
    out = redact(data, None, Cover("none")).data
    assert b"Secret" not in out
    image = Image.open(io.BytesIO(out))
    found = []
    for number in range(4):
        image.seek(number)
        image.load()
        found.append(image.info["duration"])
    assert found == [100, 200, 300, 400]
    assert image.info["loop"] == 3


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_other_formats_come_out_covered_in_their_own_format(form: str) -> None:
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    data = saved(astronaut(), form)
    picture = redact(data, open_detector("fast"), FILL)
    out = opened(picture.data)
    assert (picture.format, out.format, out.size) == (form, form, (512, 512))
    left, top, right, bottom = FACE
    assert pixels(out)[top:bottom, left:right].max() < 60


def test_pages_may_have_sizes_of_their_own() -> None:
    data = saved(faceless().resize((60, 40)), "TIFF", save_all=True, append_images=[faceless().resize((30, 90))])
    out = redact(data, None, Cover("none"))
    assert [frame.size for frame in frames_of(out.data)] == [(60, 40), (30, 90)]


def test_an_animation_is_whole_or_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    data = moving("GIF", size=64)
    for part in (data[: len(data) * 2 // 3], data[:-200]):
        with pytest.raises(DamagedError):
            redact(part, None, Cover("none"))
    for name, limit in (("MOST_FRAMES", 3), ("ANIMATION_LIMIT", 4 * 128 * 64 - 1)):
        with monkeypatch.context() as patch:
            patch.setattr(images, name, limit)
            with pytest.raises(DamagedError) as caught:
                redact(data, None, Cover("none"))
        assert caught.value.kind == "image-too-large"


def shades(*values: int) -> list[Image.Image]:
    return [Image.new("RGB", (300, 300), (value, value, value)) for value in values]


def test_a_box_in_an_animation_is_told_with_its_frames() -> None:
    low = Box(100, 100, 60, 80, 0.2)
    first, *more = shades(40, 120, 122, 200)
    data = saved(first, "TIFF", save_all=True, append_images=more)
    picture = redact(data, Finder([], [low], [replace(low, score=0.3)], [low]), FILL)
    assert picture.covered == ()
    assert picture.unsure_in == ((1, 2, 1), (3, 3, 3)), "what looks the same is one box"
    assert [box.score for box in picture.unsure] == [0.3, 0.2]


@pytest.mark.parametrize(("form", "settings"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_the_frame_to_look_at_is_the_one_in_what_is_written(form: str, settings: dict[str, Any]) -> None:
    """Two frames that differ under a cover alone are the same afterwards, and encoders join them."""
    face, low = Box(100, 100, 60, 80, 0.9), Box(10, 10, 20, 20, 0.2)
    first, second, third = shades(250, 250, 120)
    second.paste((10, 200, 10), (110, 110, 150, 170))
    data = saved(first, form, save_all=True, append_images=[second, third], duration=[100, 100, 100], **settings)
    assert images.frame_count(data) == 3
    picture = redact(data, Finder([face], [], [face], [], [low]), FILL)
    ((start, end, frame),) = picture.unsure_in
    assert (start, end) == (2, 2)
    assert abs(int(pixels(frames_of(picture.data)[frame])[15, 15, 0]) - 120) < 3


def test_a_person_clears_the_frames_that_were_seen_and_no_others() -> None:
    face = Box(100, 100, 60, 80, 0.9)
    first, *more = shades(40, 120, 200)
    data = saved(first, "TIFF", save_all=True, append_images=more)
    seen_again: list[list[Box]] = [[face], [face], [], [face], []]
    picture = redact(data, Finder(*seen_again), FILL, Decisions(clear_in=((replace(face, score=1.0), 0, 0),)))
    dark = [bool(pixels(frame)[140, 130].max() < 40) for frame in frames_of(picture.data)]
    assert dark == [True, True, True], "what is covered in a frame is covered in the frames beside"
    assert picture.covered_in[0][:2] == (1, 1)
    picture = redact(
        data, Finder([face], [face], [face]), FILL, Decisions(clear_in=((replace(face, score=1.0), 0, 2),))
    )
    assert picture.covered == ()


def test_pages_that_grow_count_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small first page says nothing of those behind it."""
    pages = [faceless().resize(size) for size in ((10, 10), (300, 200), (300, 200))]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    total = 10 * 10 + 2 * 300 * 200
    monkeypatch.setattr(images, "ANIMATION_LIMIT", total)
    assert images.frame_count(data) == 3
    monkeypatch.setattr(images, "ANIMATION_LIMIT", total - 1)
    with pytest.raises(DamagedError) as caught:
        redact(data, None, Cover("none"))
    assert caught.value.kind == "image-too-large"
    monkeypatch.setattr(images, "ANIMATION_LIMIT", 10 * total)
    monkeypatch.setattr(images, "PIXEL_LIMIT", 300 * 200 - 1)
    with pytest.raises(DamagedError) as caught:
        redact(data, None, Cover("none"))
    assert caught.value.kind == "image-too-large"
