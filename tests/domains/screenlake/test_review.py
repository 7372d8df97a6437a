"""What the detector was unsure of is shown worst first, and what people decide reaches every zip it is about."""

from __future__ import annotations

import base64
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo.phones import Shape
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bondstore.domains.screenlake.paths import queries
from bondstore.domains.screenlake.review.boxes import Candidate, worst
from bondstore.domains.screenlake.review.decisions import Decision, by_image, digests, read_decisions
from bondstore.domains.screenlake.review.sheet import Reviewed
from bondstore.errors import ConfigurationError, NotFoundError, UsageError
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.process import whoami
from tests.domains.screenlake.pages import DARK, HOSTILE, PALE, Page, Shots, box, review
from tests.phonelab import PhoneLab

YELLOW = (255, 210, 63)


@pytest.fixture
def shots(tmp_path: Path) -> Shots:
    """Four images: two with boxes that were not covered, two with covered ones."""
    made = Shots(tmp_path)
    made.add("low.png", unsure=[box(100, 100, 60, 80, 0.11)])
    made.add("high.png", unsure=[box(200, 300, 50, 50, 0.38), box(20, 20, 30, 30, 0.05)], key="z2.zip")
    made.add("sure.png", covered=[box(100, 200, 80, 100, 0.97)])
    made.add("weak.png", covered=[box(60, 500, 80, 100, 0.45)], unsure=[box(70, 510, 20, 20, 0.3)])
    made.add("plain.png")
    return made


def page(done: Reviewed) -> Page:
    return Page(Path(done.path).read_bytes())


def decisions(shots: Shots) -> list[Decision]:
    return read_decisions(FolderDestination(shots.root), shots.query)


def id_of(shots: Shots, image: str, score: float) -> str:
    """The id of a box, as the sheet shows it."""
    shown = review(shots.root, limit=1000).shown
    return next(one.short for one in shown if one.image == image and one.score == score)


def test_worst_first(shots: Shots) -> None:
    done = review(shots.root)
    assert [(one.image, one.score, one.covered) for one in done.shown] == [
        ("high.png", 0.38, False),
        ("low.png", 0.11, False),
        ("high.png", 0.05, False),
        ("weak.png", 0.45, True),
        ("sure.png", 0.97, True),
    ]
    assert done.path == str(shots.root / "q" / "review.html")
    ids = [one.short for one in done.shown]
    assert page(done).values("article", "id") == ids
    assert len(set(ids)) == 5
    assert {len(one) for one in ids} == {10}
    assert [one.short for one in review(shots.root).shown] == ids, "ids are stable"


def test_what_lies_under_a_cover_is_not_shown(shots: Shots) -> None:
    assert 0.3 not in [one.score for one in review(shots.root).shown]


def test_the_limit_leaves_the_rest_for_later(shots: Shots) -> None:
    done = review(shots.root, limit=2)
    assert [one.score for one in done.shown] == [0.38, 0.11]
    assert done.left == 3
    assert "2 boxes to look at, worst first. 3 more wait behind them." in page(done).text
    with pytest.raises(UsageError):
        review(shots.root, limit=0)


def test_an_image_that_came_twice_is_shown_once(shots: Shots) -> None:
    source = shots.lines[0]["sha256_before"]
    shots.add("low.png", unsure=[box(100, 100, 60, 80, 0.11)], key="z9.zip", source=source)
    done = review(shots.root, limit=2)
    assert [one.score for one in done.shown] == [0.38, 0.11]
    assert done.left == 3


@given(
    rows=st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.floats(0, 1)), max_size=40),
    limit=st.integers(1, 10),
)
@settings(max_examples=150, deadline=None)
def test_the_bounded_choice_is_the_sorted_one(rows: list[tuple[int, bool, float]], limit: int) -> None:
    by_id = {f"{number:032x}": (covered, score) for number, covered, score in rows}
    some = [
        Candidate(
            f"{number:032x}", "p", "i", "s", "k", (0, 0, 1, 1), by_id[f"{number:032x}"][1], by_id[f"{number:032x}"][0]
        )
        for number, _, _ in rows
    ]
    expected = sorted(set(some), key=lambda one: (one.covered, one.score if one.covered else -one.score, one.id))
    assert worst(some, limit) == expected[:limit]


def test_the_choice_remembers_no_more_than_it_keeps() -> None:
    def rising(number: int) -> Iterator[Candidate]:
        for place in range(number):
            yield Candidate(f"{place:032x}", "p", "i", "s", "k", (0, 0, 1, 1), place / number, covered=False)

    worst(rising(10), 3)
    tracemalloc.start()
    assert [one.score for one in worst(rising(20_000), 3)] == [0.99995, 0.9999, 0.99985]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def crop(done: Reviewed, number: int) -> Image.Image:
    data = page(done).values("img", "src")[number].removeprefix("data:image/jpeg;base64,")
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 60 for one, other in zip(pixel, colour, strict=True))


def test_crops_come_from_the_images_as_written_with_the_box_drawn(shots: Shots) -> None:
    done = review(shots.root)
    covered, open_ = crop(done, 4), crop(done, 0)
    middle = covered.width // 2
    assert covered.size == open_.size == (288, 288)
    assert near(covered.getpixel((middle, middle)), DARK)
    assert near(covered.getpixel((280, middle)), PALE)
    assert near(open_.getpixel((middle, middle)), PALE)
    # the box is 50 of the 150 pixels shown: its frame stands a third from each edge
    frame = [x for x in range(open_.width) if near(open_.getpixel((x, middle)), YELLOW)]
    assert frame
    assert all(abs(x - 96) <= 4 or abs(x - 192) <= 4 for x in frame)
    assert "What is covered is covered here too" in page(done).text


def test_a_box_at_the_edge_has_its_picture(tmp_path: Path) -> None:
    shots = Shots(tmp_path)
    shots.add("edge.png", unsure=[box(380, 780, 20, 20, 0.2), box(-5, -5, 30, 30, 0.1)])
    assert len(page(review(tmp_path)).values("img", "src")) == 2


def test_an_image_that_cannot_be_opened_is_shown_without_a_picture(shots: Shots) -> None:
    (shots.folder / "images" / "high.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (shots.folder / "images" / "low.png").unlink()
    done = review(shots.root)
    assert len(done.shown) == 5
    assert page(done).text.count("This image could not be opened.") == 3


def test_every_card_has_the_commands_to_type(shots: Shots) -> None:
    done = review(shots.root)
    lines = ["".join(text for path, text in page(done).texts if "code" in path)]
    start = f"bondstore screenlake review {shots.root} --query-id q"
    for one in done.shown:
        verdicts = ("--confirm", "--clear") if one.covered else ("--cover", "--confirm")
        for verdict in verdicts:
            assert f"{start} {verdict} {one.short}" in lines[0]
    assert f"{start} --confirm {','.join(one.short for one in done.shown if one.covered)}" in lines[0]


def test_what_is_confirmed_is_not_shown_again(shots: Shots) -> None:
    one, other = id_of(shots, "high.png", 0.38), id_of(shots, "sure.png", 0.97)
    done = review(shots.root, confirm=[one, other])
    assert {found.short for found in done.shown}.isdisjoint({one, other})
    assert [found.score for found in done.shown] == [0.11, 0.05, 0.45], "the other box of the image is still there"
    assert done.boxes == {"confirm": 2, "add-box": 0, "clear": 0}
    assert done.zips == done.waiting == 0
    assert digests(decisions(shots)) == {}, "no zip is done anew for it"


def test_a_confirmed_box_changes_nothing_when_its_zip_is_done_anew(shots: Shots) -> None:
    review(shots.root, confirm=[id_of(shots, "sure.png", 0.97)])
    assert not any(said.clear or said.add for said in by_image(decisions(shots)).values())


def test_a_decision_says_who_when_and_about_what(shots: Shots) -> None:
    done = review(shots.root, cover=[id_of(shots, "high.png", 0.38)], clear=[id_of(shots, "weak.png", 0.45)])
    add, clear = sorted(decisions(shots), key=lambda one: one.verdict)
    assert (add.verdict, add.source, add.key) == ("add-box", shots.lines[1]["sha256_before"], "z2.zip")
    assert add.box == (200, 300, 50, 50)
    assert add.who == whoami()
    assert add.at.endswith("+00:00")
    assert (clear.verdict, clear.source, clear.key) == ("clear", shots.lines[3]["sha256_before"], "z1.zip")
    assert clear.box == (60, 500, 80, 100)
    assert done.zips == 2
    assert done.waiting == 2
    assert list(done.told()) == [
        "Written down: 1 box to be covered, 1 box to be left open.",
        "The next run of the same `bondstore screenlake process` does 2 zips anew.",
    ]
    assert "2 decided boxes not carried out yet" in page(done).text
    assert [one.score for one in done.shown] == [0.11, 0.05, 0.97]


def test_a_decision_reaches_every_zip_that_the_image_came_in(shots: Shots) -> None:
    source = shots.lines[1]["sha256_before"]
    other = Shots(shots.root, panelist="p2")
    other.add("the same under another name.png", unsure=[box(200, 300, 50, 50, 0.38)], key="z7.zip", source=source)
    done = review(shots.root, cover=[id_of(shots, "high.png", 0.38)])
    assert {one.key for one in decisions(shots)} == {"z2.zip", "z7.zip"}
    assert done.boxes["add-box"] == 1
    assert done.zips == 2


def test_the_same_decision_is_written_once(shots: Shots) -> None:
    one = id_of(shots, "high.png", 0.38)
    review(shots.root, cover=[one, one])
    again = review(shots.root, cover=[one])
    assert len(decisions(shots)) == 1
    assert again.decided == []
    assert "1 decided box waits" in " ".join(again.told())


def test_hostile_names_are_text(tmp_path: Path) -> None:
    name = HOSTILE.replace("/", "_") + ".png"
    shots = Shots(tmp_path, panelist=name)
    shots.add(name, unsure=[box(10, 10, 50, 50, 0.3)])
    shots.add(f"2{name}", outcome="face-stays", written=False)
    found = page(review(tmp_path))
    assert found.scripts() == 1, "its own, told by its hash; blocks of data run nothing"
    assert found.tags.count("img") == 1 + 1, "and the empty one for whole images"
    assert found.text.count("<img src=x onerror=alert(1)>") >= 3
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]


def test_a_record_that_leads_elsewhere_is_refused(shots: Shots) -> None:
    secret = shots.root / "secret.png"
    Image.new("RGB", (10, 10)).save(secret)
    for image in ("../../../../../secret.png", str(secret), ".."):
        line = shots.lines[0] | {"image": image}
        (shots.folder / "redactions.jsonl").write_text(json.dumps(line) + "\n")
        with pytest.raises(ConfigurationError, match=r"Line 1 of .*redactions\.jsonl is not as it was written"):
            review(shots.root)


def test_a_cut_record_is_named_with_its_line(shots: Shots) -> None:
    path = shots.folder / "redactions.jsonl"
    path.write_bytes(path.read_bytes()[:-40] + b'"score"')
    with pytest.raises(ConfigurationError, match="Line 5 of"):
        review(shots.root)


def test_which_query_is_meant(shots: Shots) -> None:
    assert queries(FolderDestination(shots.root)) == ["q"]
    Shots(shots.root, query="other").add("a.png")
    with pytest.raises(UsageError) as several:
        review(shots.root)
    assert "--query-id: other, q" in str(several.value.hint)
    assert review(shots.root, "q").query == "q"
    for wrong in ("r", "..", "q/../q", ".bondstore", ""):
        with pytest.raises(NotFoundError):
            review(shots.root, wrong)
    with pytest.raises(NotFoundError):
        review(shots.root / "nowhere")


def test_with_nothing_to_look_at_the_sheet_says_so(tmp_path: Path) -> None:
    Shots(tmp_path).add("plain.png")
    assert "There is nothing left to look at." in page(review(tmp_path)).text


def test_nothing_but_the_sheet_and_the_decisions_is_written(shots: Shots) -> None:
    before = {path for path in shots.root.rglob("*") if path.is_file()}
    review(shots.root, add_box=[("plain.png", (1, 1, 5, 5))])
    after = set(shots.root.rglob("*"))
    assert {path.relative_to(shots.root).as_posix() for path in after - before if path.is_file()} == {
        "q/review.html",
        "q/decisions.jsonl",
    }
    assert not [path for path in after if path.name.startswith(".review")]


def test_the_next_run_carries_a_box_out_and_no_more(lab: PhoneLab) -> None:
    lab.fill(Shape(panelists=2, zips=2))
    lab.run()
    line = next(iter(lab.results().values())).redactions[0]
    path = next(iter(lab.results().values())).folder / "images" / line["image"]
    others = {one: one.read_bytes() for one in lab.dest.rglob("*.jpg") if one != path}
    done = review(lab.dest, add_box=[(line["image"], (60, 60, 80, 100))])
    assert done.query == "q"
    with Image.open(path) as image:
        assert image.convert("L").crop((60, 60, 140, 160)).getextrema()[1] > 40
    result = lab.run()
    assert result.tally.objects() | {} == {"planned": 4, "done": 1, "skipped": 3, "quarantined": 0, "failed": 0}
    with Image.open(path) as image:
        assert image.convert("L").crop((60, 60, 140, 160)).getextrema()[1] < 40
    assert {one: one.read_bytes() for one in others} == others
    assert review(lab.dest).waiting == 0
    assert lab.run().tally.done.objects == 0


def test_the_ledger_says_which_queries_there_are_newest_first(lab: PhoneLab) -> None:
    lab.fill(Shape(panelists=1, zips=1))
    lab.run()
    from bondstore.runs.engine import execute
    from bondstore.runs.executors import Serial

    execute(lab.job(query="a-newer-one"), FolderDestination(lab.dest), Serial())
    assert queries(FolderDestination(lab.dest)) == ["a-newer-one", "q"]
