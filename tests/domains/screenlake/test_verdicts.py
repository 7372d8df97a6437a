"""What people decide is about something that is known, fits, and contradicts nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from bondstore.domains.screenlake.review.boxes import candidates
from bondstore.domains.screenlake.review.decisions import read_decisions
from bondstore.domains.screenlake.review.sheet import box_of
from bondstore.errors import BondstoreError, NotFoundError, UsageError
from bondstore.runs.folder_destination import FolderDestination
from tests.domains.screenlake.pages import Shots, box, review
from tests.domains.screenlake.test_review import decisions, id_of, page, shots

__all__ = ["shots"]


def test_a_start_of_an_id_will_do_and_too_little_of_it_will_not(tmp_path: Path) -> None:
    shots = Shots(tmp_path)
    spots = [(x, y) for x in range(0, 390, 6) for y in range(0, 790, 6)]
    random.Random(1).shuffle(spots)
    shots.add("many.png", unsure=[box(x, y, 4, 4, 0.1) for x, y in spots[:2500]])
    ids = [one.id for one in candidates(FolderDestination(tmp_path), "q")]
    starts = {start: [one for one in ids if one.startswith(start)] for start in {one[:4] for one in ids}}
    shared = next(start for start, some in starts.items() if len(some) == 2)
    single = next(start for start, some in starts.items() if len(some) == 1)
    with pytest.raises(UsageError, match=f"Two boxes have ids that begin with {shared}") as raised:
        review(tmp_path, confirm=[shared], limit=1)
    assert raised.value.hint is not None
    words = [word for word in raised.value.hint.split() if word.startswith(shared)]
    assert len(words) == 2
    for word in words:
        assert sum(one.startswith(word) for one in ids) == 1, "what the error names is enough"
    assert not (tmp_path / "q" / "decisions.jsonl").exists()
    assert len(review(tmp_path, confirm=[single.upper()], limit=1).decided) == 1


def test_contradictions_are_refused_and_nothing_is_written(shots: Shots) -> None:
    unsure, covered = id_of(shots, "high.png", 0.38), id_of(shots, "weak.png", 0.45)
    refused: list[tuple[dict[str, Any], type[BondstoreError]]] = [
        ({"confirm": [unsure], "cover": [unsure]}, UsageError),
        ({"confirm": [unsure], "cover": [unsure[:6]]}, UsageError),
        ({"cover": [covered]}, UsageError),
        ({"clear": [unsure]}, UsageError),
        ({"confirm": ["zz"]}, UsageError),
        ({"confirm": ["../../x"]}, UsageError),
        ({"confirm": [unsure], "clear": ["ffffffffff"]}, NotFoundError),
        ({"confirm": [unsure], "add_box": [("no.png", (1.0, 1.0, 5.0, 5.0))]}, NotFoundError),
    ]
    before = (shots.root / "q" / "review.html").read_bytes()
    for words, kind in refused:
        with pytest.raises(kind) as raised:
            review(shots.root, **words)
        assert raised.value.hint
    assert decisions(shots) == []
    assert (shots.root / "q" / "review.html").read_bytes() == before


def test_a_mind_can_be_changed_towards_covering_only(shots: Shots) -> None:
    covered, unsure = id_of(shots, "weak.png", 0.45), id_of(shots, "high.png", 0.38)
    review(shots.root, clear=[covered], confirm=[unsure])
    review(shots.root, cover=[covered, unsure])
    assert [one.verdict for one in decisions(shots)].count("add-box") == 2
    with pytest.raises(UsageError, match="decided about the box") as raised:
        review(shots.root, clear=[covered])
    assert "decisions.jsonl" in str(raised.value.hint)


@pytest.mark.parametrize(
    "wrong",
    [
        (350, 10, 51, 20),
        (10, 790, 20, 11),
        (-1, 5, 5, 5),
        (5, 5, 0, 5),
        (5, 5, 5, float("nan")),
        (0, 0, float("inf"), 1),
    ],
)
def test_a_box_must_lie_within_its_image(shots: Shots, wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(UsageError, match=r"does not lie within the image plain\.png of 400 x 800 pixels"):
        review(shots.root, add_box=[("plain.png", wrong)])
    assert decisions(shots) == []


@pytest.mark.parametrize("name", ["plain.png", "p1/plain.png"])
def test_a_box_is_added_to_an_image_by_its_name(shots: Shots, name: str) -> None:
    done = review(shots.root, add_box=[(name, (0, 0, 400, 800)), (name, (10, 20, 30, 40))])
    assert [one.box for one in decisions(shots)] == [(0, 0, 400, 800), (10, 20, 30, 40)]
    assert {one.source for one in decisions(shots)} == {shots.lines[4]["sha256_before"]}
    assert done.boxes["add-box"] == 2
    assert done.zips == 1
    assert done.waiting == 2


def test_a_name_that_two_panelists_have_must_say_whose(shots: Shots) -> None:
    other = Shots(shots.root, panelist="p2")
    source = other.add("plain.png", key="z5.zip")
    with pytest.raises(UsageError, match=r"More than one image is called plain\.png") as raised:
        review(shots.root, add_box=[("plain.png", (1, 1, 5, 5))])
    assert "PANELIST/NAME" in str(raised.value.hint)
    assert source in str(raised.value.hint)
    review(shots.root, add_box=[("p2/plain.png", (1, 1, 5, 5)), (source, (7, 7, 5, 5))])
    assert {one.key for one in decisions(shots)} == {"z5.zip"}
    assert len(decisions(shots)) == 2


def test_withheld_images_take_boxes_where_that_may_help(shots: Shots) -> None:
    stays = shots.add("stays.png", outcome="face-stays", written=False, key="z3.zip")
    shots.add("broken.png", outcome="image-undecodable", written=False)
    done = review(shots.root)
    assert "Withheld, as a face stays: 1 image" in page(done).text
    assert "stays.png" in page(done).text
    assert "broken.png" not in page(done).text
    review(shots.root, add_box=[("stays.png", (100, 100, 900, 900))])
    assert [(one.source, one.key) for one in decisions(shots)] == [(stays, "z3.zip")]
    with pytest.raises(UsageError, match="not in the results"):
        review(shots.root, add_box=[("broken.png", (1, 1, 5, 5))])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jpg@1,2,3,4", ("a.jpg", (1, 2, 3, 4))),
        ("me@home.jpg@1.5, 2,3,4", ("me@home.jpg", (1.5, 2, 3, 4))),
        ("p/a b.jpg@0,0,10,10", ("p/a b.jpg", (0, 0, 10, 10))),
    ],
)
def test_a_box_is_read(text: str, expected: object) -> None:
    assert box_of(text) == expected


@pytest.mark.parametrize("text", ["", "a.jpg", "a.jpg@1,2,3", "a.jpg@1,2,3,4,5", "@1,2,3,4", "a.jpg@1,2,x,4"])
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="IMAGE@X,Y,W,H"):
        box_of(text)


def test_a_sheet_that_was_carried_out_in_part_may_be_handed_over_again(shots: Shots) -> None:
    """Whoever goes on with a sheet that is still open saves what was done before, too."""
    unsure, covered = id_of(shots, "high.png", 0.38), id_of(shots, "weak.png", 0.45)
    assert len(review(shots.root, cover=[unsure], clear=[covered]).decided) == 2
    record = shots.folder / "redactions.jsonl"
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    for line in lines:  # as the next run writes them
        if line["image"] == "weak.png":
            line["boxes"] = [one for one in line["boxes"] if one["score"] != 0.45]
        if line["image"] == "high.png":
            done = [one for one in line["unsure"] if one["score"] == 0.38]
            line["boxes"], line["unsure"] = done, [one for one in line["unsure"] if one not in done]
    record.write_text("".join(json.dumps(line) + "\n" for line in lines))
    again = review(shots.root, cover=[unsure], clear=[covered])
    assert again.decided == []
    assert next(again.told()) == "Nothing new: all of it was written down before."
    other = next(one.id for one in candidates(FolderDestination(shots.root), "q") if not one.covered)
    assert len(review(shots.root, cover=[unsure], clear=[covered], confirm=[other]).decided) == 1
    with pytest.raises(NotFoundError, match="No box has the id"):
        review(shots.root, confirm=[covered])


def test_killed_at_any_byte_of_what_it_writes_and_done_again_all_is_there_once(shots: Shots) -> None:
    words = {"confirm": [id_of(shots, "high.png", 0.38)], "clear": [id_of(shots, "weak.png", 0.45)]}
    review(shots.root, **words)
    path = shots.root / "q" / "decisions.jsonl"
    whole = path.read_bytes()

    def said() -> list[tuple[str, tuple[float, ...]]]:
        return sorted((one.verdict, one.box) for one in read_decisions(FolderDestination(shots.root), "q"))

    expected = said()
    for length in (*range(0, len(whole), 23), len(whole) - 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        review(shots.root, sample=0, limit=1)
        review(shots.root, sample=0, limit=1, **words)
        assert said() == expected, length
    path.write_bytes(whole[:-1])  # as an editor leaves it
    review(shots.root, sample=0, limit=1, confirm=[id_of(shots, "low.png", 0.11)])
    assert len(said()) == 3
