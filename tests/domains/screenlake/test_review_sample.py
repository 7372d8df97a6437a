"""The sample that says how much was missed, the file that a sheet saves, and boxes in animations."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scipy.stats import beta

from bondstore.domains.screenlake.review.decisions import by_image, read_decisions
from bondstore.domains.screenlake.review.sample import images_needed, upper_limit
from bondstore.errors import NotFoundError, UsageError
from bondstore.runs.folder_destination import FolderDestination
from tests.domains.screenlake.pages import Page, Shots, box, review

PANELISTS = 3


@pytest.mark.parametrize("looked", [1, 2, 10, 59, 299, 3000])
@pytest.mark.parametrize("found", [0, 1, 2, 7])
def test_the_limit_is_clopper_and_pearsons(looked: int, found: int) -> None:
    expected = 1.0 if found >= looked else float(beta.ppf(0.95, found + 1, looked - found))
    assert upper_limit(looked, found) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("found", "looked"), [(0, 59), (1, 93), (2, 124), (3, 153), (4, 181)])
def test_the_published_numbers_for_95_and_95(found: int, looked: int) -> None:
    """Wilks (1941) for 95 % content at 95 % confidence, as tabled since: 59, 93, 124, 153, 181."""
    assert upper_limit(looked, found) < 0.05 <= upper_limit(looked - 1, found)


def test_how_many_images_it_takes() -> None:
    assert [images_needed(share) for share in (0.1, 0.05, 0.02, 0.01)] == [29, 59, 149, 299]
    for share in (0.1, 0.05, 0.02, 0.01):  # the rule of three (Hanley and Lippman-Hand, JAMA 1983)
        assert images_needed(share) == pytest.approx(3 / share, rel=0.04)


@pytest.fixture
def many(tmp_path: Path) -> Shots:
    shots = [Shots(tmp_path, panelist=f"p{number}", size=(20, 30)) for number in range(PANELISTS)]
    for number in range(60):
        shots[number % PANELISTS].add(f"{number}.png", covered=[box(1, 1, 4, 4, 0.9)] if number % 4 == 0 else [])
    shots[0].add("gone.png", outcome="face-stays", written=False)
    return shots[0]


def test_the_sample_is_random_the_same_each_time_and_grows(many: Shots) -> None:
    small, again, large = (review(many.root, sample=size).sample for size in (10, 10, 40))
    names = [[one.image for one in some.open] for some in (small, again, large)]
    assert names[0] == names[1] == names[2][:10]
    assert (small.images, small.drawn, large.drawn) == (60, 10, 40)
    assert review(many.root, sample=100).sample.drawn == 60
    assert len({one.panelist for one in large.open}) == PANELISTS
    assert names[2] != sorted(names[2])


def handed(shots: Shots, decisions: list[dict[str, Any]], **words: Any) -> Any:
    path = shots.root / "said.json"
    path.write_text(
        json.dumps({"kind": "screenlake-review", "version": 1, "query": "q", "decisions": decisions} | words)
    )
    return review(shots.root, decisions=path, sample=10)


def test_what_was_seen_counts_until_other_eyes_look(many: Shots) -> None:
    first, second, *_ = review(many.root, sample=10).sample.open
    done = handed(
        many,
        [
            {"verdict": "looked", "image": first.source},
            {"verdict": "missed", "image": second.source},
            {"verdict": "add-box", "image": second.source, "box": [2, 3, 8, 9]},
        ],
    )
    assert (done.sample.looked, done.sample.missed) == (2, 1)
    assert {first.source, second.source}.isdisjoint(one.source for one in done.sample.open)
    assert done.zips == 1, "to have looked changes no zip"
    assert done.sample.told() == (
        "Sample: 2 of 60 images looked at, 1 showed a face. "
        "With 95 % confidence, under 97.5 % of the images show a face."
    )
    # Another detector: nobody looked at what came of it.
    for shots in many.root.glob("q/combined/panelists/*/redactions.jsonl"):
        shots.write_text(shots.read_text().replace('"' + "d" * 64 + '"', '"' + "e" * 64 + '"'))
    assert review(many.root, sample=10).sample.looked == 0


def test_what_was_seen_is_about_the_images_as_they_were_then(many: Shots) -> None:
    """A sheet that is still open after another detector looked."""
    (first, *_) = review(many.root, sample=10).sample.open
    for record in many.root.glob("q/combined/panelists/*/redactions.jsonl"):
        record.write_text(record.read_text().replace('"' + "d" * 64 + '"', '"' + "e" * 64 + '"'))
    done = handed(many, [{"verdict": "looked", "image": first.source, "how": first.how}])
    assert done.sample.looked == 0
    assert [one.how for one in read_decisions(FolderDestination(many.root), "q")] == [first.how]


def test_a_file_without_decisions_is_refused(many: Shots) -> None:
    with pytest.raises(UsageError, match="holds no decisions"):
        handed(many, [])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"kind": "another", "version": 1, "query": "q", "decisions": []}',
        '{"kind": "screenlake-review", "version": 2, "query": "q", "decisions": []}',
        *(
            json.dumps({"kind": "screenlake-review", "version": 1, "query": "q", "decisions": [one]})
            for one in (
                {"verdict": "confirm", "id": "../x"},
                {"verdict": "remove", "image": "a" * 64},
                {"verdict": "add-box", "image": "a" * 64, "box": [1, 2, 3]},
                {"verdict": "add-box", "image": "a.png", "box": [1, 2, 3, 4]},
                {"verdict": "looked", "image": 7},
                {"verdict": "looked", "image": "a" * 64, "how": "x"},
                "confirm",
            )
        ),
    ],
)
def test_a_file_that_no_sheet_saved_is_refused_whole(many: Shots, content: str) -> None:
    path = many.root / "said.json"
    path.write_text(content)
    with pytest.raises(UsageError, match="is not a file that a review sheet saved"):
        review(many.root, decisions=path)
    assert not (many.root / "q" / "decisions.jsonl").exists()


def test_a_file_about_something_else_is_refused(many: Shots) -> None:
    with pytest.raises(NotFoundError, match="There is no file"):
        review(many.root, decisions=many.root / "none.json")
    with pytest.raises(NotFoundError, match="There are no results of a query 'other'"):
        handed(many, [{"verdict": "looked", "image": "f" * 64}], query="other")
    source = many.lines[0]["sha256_before"]
    with pytest.raises(UsageError, match="stands with two answers"):
        handed(many, [{"verdict": "looked", "image": source}, {"verdict": "missed", "image": source}])
    with pytest.raises(UsageError, match="does not lie within"):
        handed(many, [{"verdict": "add-box", "image": source, "box": [1, 1, 100, 100]}])
    with pytest.raises(NotFoundError):
        handed(many, [{"verdict": "looked", "image": "f" * 64}])
    with pytest.raises(UsageError):
        review(many.root, sample=5000)


# --- animations


def framed(one: dict[str, float], first: int, last: int, frame: int) -> dict[str, float]:
    return one | {"first_frame": first, "last_frame": last, "frame": frame}


@pytest.fixture
def moving(tmp_path: Path) -> Shots:
    """Four frames: red, green, blue, white; a box in the third, one in the last, one that nobody can find again."""
    shots = Shots(tmp_path)
    place = box(100, 100, 60, 80, 0.3)
    unsure = [framed(place, 2, 2, 2), framed(place | {"score": 0.2}, 3, 3, 3), framed(place | {"score": 0.1}, 0, 1, -1)]
    shots.add("moving.gif", unsure=unsure)
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (250, 250, 250)]
    made = [Image.new("RGB", shots.size, colour) for colour in colours]
    made[0].save(shots.folder / "images" / "moving.gif", "GIF", save_all=True, append_images=made[1:], duration=100)
    return shots


def test_a_face_in_an_animation_is_judged_in_its_own_frame(moving: Shots) -> None:
    done = review(moving.root)
    assert [one.score for one in done.shown] == [0.3, 0.2, 0.1], "the same place in other frames is another box"
    assert len({one.id for one in done.shown}) == 3
    page = Page(Path(done.path).read_bytes())
    crops = [
        Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB").getpixel((40, 40))
        for source in page.values("img", "src")
    ]
    assert len(crops) == 2
    assert crops[0][2] > 150 > max(crops[0][:2])  # type: ignore[index,arg-type]
    assert min(crops[1]) > 200  # type: ignore[arg-type]
    assert page.text.count("This image could not be opened.") == 1, "a frame that nobody can tell is not guessed"
    assert "frame 3 of an animation" in page.text
    assert "frame 1 to 2 of an animation" in page.text


def test_what_is_no_face_in_one_frame_may_be_one_in_another(tmp_path: Path) -> None:
    shots = Shots(tmp_path)
    place = box(100, 100, 60, 80, 0.5)
    shots.add("moving.png", covered=[framed(place, 2, 2, 2), framed(place, 5, 6, 5)])
    first, second = review(shots.root).shown
    done = review(shots.root, clear=[first.short])
    assert [one.frames for one in done.shown] == [second.frames]
    (said,) = by_image(read_decisions(FolderDestination(shots.root), "q")).values()
    (cleared,) = said.clear_in
    assert cleared[1:] == first.frames[:2]
    assert said.clear == ()
    number = first.frames[0]
    assert said.at(number, ()).clear
    assert not said.at(second.frames[0], ()).clear
    done = review(shots.root, cover=[first.short])
    (said,) = by_image(read_decisions(FolderDestination(shots.root), "q")).values()
    assert (said.clear, said.clear_in) == ((), ()), "to cover holds in all frames, and is over what was said before"
    assert len(said.add) == 1


def test_a_cover_of_other_frames_hides_nothing(tmp_path: Path) -> None:
    shots = Shots(tmp_path)
    place = box(100, 100, 60, 80, 0.9)
    near, far = framed(place | {"score": 0.2}, 3, 3, 3), framed(place | {"score": 0.1}, 7, 7, 7)
    shots.add("moving.png", covered=[framed(place, 2, 2, 2)], unsure=[near, far])
    assert [one.score for one in review(shots.root).shown if not one.covered] == [0.1]
