"""A review as a person does it: the sheet in a browser, by key, by click and by drawing, and one command after it."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from demo.phones import Shape
from PIL import Image
from scipy.stats import beta

from tests.chromium_tab import WAIT, Tab, tab
from tests.cli.conftest import Call
from tests.conftest import IN_CI
from tests.domains.screenlake.pages import HOSTILE, Shots, box
from tests.phonelab import PhoneLab
from tests.servers.install import find_chromium

REVIEW = ("screenlake", "review")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Tab]:
    program = find_chromium()
    if program is None:
        if IN_CI:
            pytest.fail("Chromium is missing, and CI skips no test of the pages", pytrace=False)
        pytest.skip("Chromium is missing: python tests/servers/install.py")
    folder = tmp_path / "browser"
    folder.mkdir()
    with tab(program, folder) as made:
        yield made


def card(page: Tab, number: int) -> str:
    """A selector for the card of a number, of those that are shown."""
    page.value(
        "document.querySelectorAll('.card').forEach((c) => c.removeAttribute('data-test'));"
        f"[...document.querySelectorAll('.card')].filter((c) => !c.hidden)[{number}].setAttribute('data-test', 'x')"
    )
    return ".card[data-test='x']"


def current(page: Tab) -> int:
    return int(page.value("[...document.querySelectorAll('.card')].findIndex((c) => c.matches('.current'))"))


def shown(page: Tab) -> list[int]:
    found: list[int] = page.value(
        "[...document.querySelectorAll('.card')].map((c, at) => c.hidden ? -1 : at).filter((at) => at >= 0)"
    )
    return found


def answers(page: Tab) -> list[str]:
    """The answer of each card, in the order of the sheet."""
    found: list[str] = page.value("[...document.querySelectorAll('.card')].map((c) => c.dataset.answer)")
    return found


def kept(page: Tab) -> dict[str, Any]:
    """What the browser keeps for the sheet."""
    found: dict[str, Any] = json.loads(page.value("Object.values(localStorage)[0]"))
    return found


def saved(page: Tab, tmp_path: Path, query: str = "q") -> Path:
    page.click("#save")
    return page.saved(tmp_path / "browser", f"decisions-{query}.json")


def set_to(page: Tab, name: str, value: str) -> None:
    page.value(
        f"(() => {{ const e = document.querySelector('[name={name}]'); e.value = {json.dumps(value)};"
        " e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


@pytest.fixture
def shots(tmp_path: Path) -> Shots:
    """Worst first: 0 and 1 not covered in a.png, 2 in b.png, 3 the cover of c.png."""
    made = Shots(tmp_path / "results")
    made.add("a.png", unsure=[box(100, 100, 60, 80, 0.39), box(104, 104, 50, 70, 0.3)])
    made.add("b.png", unsure=[box(200, 400, 20, 22, 0.2)])
    made.add("c.png", covered=[box(100, 200, 80, 100, 0.5)], key="z2.zip")
    return made


def test_by_key_all_is_decided_and_one_file_says_it(cli: Call, page: Tab, shots: Shots, tmp_path: Path) -> None:
    assert cli(*REVIEW, str(shots.root), "--sample", "0").code == 0
    page.open(shots.root / "q" / "review.html")
    assert (current(page), page.text("#count")) == (0, "0 of 4 boxes decided")
    page.key("j")
    page.key("j")
    assert current(page) == 2
    page.key("k")
    page.key("k")
    page.key("k")
    assert current(page) == 0
    page.key("c")
    assert shown(page) == [0, 2, 3], "what is under the cover that was made is not asked again"
    assert current(page) == 2
    page.key("c")
    page.key("k")
    page.key("u")
    assert page.text("#count") == "1 of 4 boxes decided · 1 under a cover you made"
    page.key("l")
    page.key("l")
    assert page.text("#count") == "3 of 4 boxes decided · 1 under a cover you made"
    file = saved(page, tmp_path)
    said = json.loads(file.read_text())
    assert (said["kind"], said["query"]) == ("screenlake-review", "q")
    assert [one["verdict"] for one in said["decisions"]] == ["cover", "confirm", "clear"]
    assert page.complaints == []
    result = cli(*REVIEW, str(shots.root), "--decisions", str(file), "--json", "--sample", "0")
    assert result.code == 0
    assert result.records[-1]["decided"] == {"confirm": 1, "add-box": 1, "clear": 1}
    assert result.records[-1]["left"] == 0, "the box under the cover is gone from the next sheet, too"
    assert len(result.records) == 1
    lines = [json.loads(line) for line in (shots.root / "q" / "decisions.jsonl").read_text().splitlines()]
    assert sorted((one["verdict"], tuple(one["box"])) for one in lines) == [
        ("add-box", (100, 100, 60, 80)),
        ("clear", (100, 200, 80, 100)),
        ("confirm", (200, 400, 20, 22)),
    ]
    again = cli(*REVIEW, str(shots.root), "--decisions", str(file), "--json", "--sample", "0")
    assert (again.code, again.records[-1]["decided"]) == (0, {"confirm": 0, "add-box": 0, "clear": 0})


def test_by_click_and_the_same_as_a_command(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    page.click(f"{card(page, 2)} [data-do='cover']")
    page.click(f"{card(page, 3)} [data-do='cover']")
    page.click(f"{card(page, 0)} [data-do='leave']")
    page.click(f"{card(page, 0)} [data-do='leave']")
    assert page.value("document.querySelector('.card').dataset.answer") == "", "a second click takes it back"
    page.value("document.querySelector('#words').closest('details').open = true")
    words = page.text("#words").split()
    assert words[0::2] == ["--confirm", "--cover"]
    result = cli(*REVIEW, str(shots.root), *words, "--json")
    assert result.records[-1]["decided"] == {"confirm": 1, "add-box": 1, "clear": 0}


def test_one_answer_holds_for_the_same_image_under_two_names(cli: Call, page: Tab, tmp_path: Path) -> None:
    shots = Shots(tmp_path / "results")
    source = shots.add("a.png", unsure=[box(100, 100, 60, 80, 0.39)])
    shots.add("the same.png", unsure=[box(100, 100, 60, 80, 0.39)], source=source)
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    page.key("c")
    page.key("l")
    file = saved(page, tmp_path)
    assert {one["verdict"] for one in json.loads(file.read_text())["decisions"]} == {"confirm"}
    assert cli(*REVIEW, str(shots.root), "--decisions", str(file)).code == 0


def test_filters_by_size_score_and_kind(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    set_to(page, "size", "30")
    assert shown(page) == [0, 1, 3]
    assert "1 hidden by the filters" in page.text("#count")
    set_to(page, "low", "0.35")
    assert shown(page) == [0, 3]
    set_to(page, "high", "0.45")
    assert shown(page) == [0]
    set_to(page, "high", "1")
    set_to(page, "kind", "covered")
    assert shown(page) == [3]
    page.key("c")
    page.click("#by-open")
    assert shown(page) == []
    assert "None of these passes the filters" in page.text(".empty:not([hidden])")


def test_what_was_decided_is_still_there_when_the_page_is_opened_again(
    cli: Call, page: Tab, shots: Shots, tmp_path: Path
) -> None:
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    page.key("c")
    file = saved(page, tmp_path)
    assert "--decisions decisions-q.json" in page.text("#then")
    file.unlink()
    page.open(shots.root / "q" / "review.html")
    assert page.text("#count").startswith("1 of 4 boxes decided")
    assert page.value("document.querySelector('#unsaved').hidden"), "what was saved still is"
    page.key("c")
    file = saved(page, tmp_path, "q-2")
    assert "--decisions decisions-q-2.json" in page.text("#then"), "no second file of the same name"
    assert len(json.loads(file.read_text())["decisions"]) == 2


def test_undo_takes_the_last_step_back_wherever_one_is(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    page.key("u")
    assert page.text("#count") == "0 of 4 boxes decided"
    page.key("l")
    page.key("C")  # with Caps Lock on
    assert (page.text("#count"), current(page)) == ("2 of 4 boxes decided", 2)
    page.key("u")
    assert (page.text("#count"), current(page)) == ("1 of 4 boxes decided", 1)
    page.key("k")
    page.key("u")
    assert (page.text("#count"), current(page)) == ("0 of 4 boxes decided", 0)
    page.key("l")
    page.key("l")
    page.key("k")
    page.key("k")
    page.key("u")
    assert answers(page) == ["", "confirm", "", ""], "the answer in front goes first"
    page.click("[data-rest]")
    assert answers(page) == ["confirm", "confirm", "confirm", ""]
    page.key("u")
    assert answers(page) == ["", "confirm", "", ""], "three at once are one step"


def test_keys_work_while_a_filter_is_in_use(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    page.value("document.querySelector('#by-kind').focus()")
    page.key("l")
    page.key("c")  # would choose "covered" there
    assert page.value("document.querySelector('#by-kind').value") == "all"
    assert answers(page) == ["confirm", "cover", "", ""]


def test_a_box_may_begin_and_end_beside_the_image_and_in_any_corner(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root))
    page.open(shots.root / "q" / "review.html")
    page.key("o")
    left, top, width, height = page.place("#whole")
    page.drag((left + 200, top + 200), (left + 100, top + 150))
    page.drag((left - 30, top + 50), (left + 60, top + 90))
    page.drag((left + width - 50, top + height - 40), (left + width + 60, top + height - 5))
    page.drag((left + 70, top + 70), (left + 70, top + 70))
    page.drag((left + 70, top + 70), (left + 90, top + 70))
    said = kept(page)["drawn"]
    across = page.value("document.querySelector('#whole').naturalWidth") / width
    sides = [[round(side / across) for side in one["box"]] for one in said]
    expected = [(100, 150, 100, 50), (0, 50, 60, 40), (width - 50, height - 40, 50, 35)]
    assert np.abs(np.array(sides) - np.array(expected)).max() <= 2
    assert page.value("document.querySelector('#viewer').hidden") is False
    page.drag((left - 30, top + 50), (left - 30, top + 50))
    assert page.value("document.querySelector('#viewer').hidden") is True, "a click beside it closes it"


def test_an_image_with_a_box_drawn_on_it_shows_a_face(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root), "--sample", "3")
    page.open(shots.root / "q" / "review.html")
    first = page.value("document.querySelector('.card[data-kind=sample]').dataset.source")
    page.click(f".card[data-kind='box'][data-source='{first}'] [data-do='open']")
    left, top, *_ = page.place("#whole")
    page.drag((left + 20, top + 20), (left + 90, top + 90))
    page.key("Escape")
    page.click(".card[data-kind='sample'] [data-do='leave']")
    assert page.text(".card[data-kind='sample'] .answer") == "A face showed: 1 box drawn"
    assert page.text("#bound").startswith("You looked at 1 image; 1 showed a face.")
    assert "1 image of the sample looked at" in page.text("#count")


def test_what_was_carried_out_or_is_otherwise_now_does_not_come_back(
    cli: Call, page: Tab, shots: Shots, tmp_path: Path
) -> None:
    """The browser keeps answers for a sheet; the next sheet of the same query may ask about something else."""
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    page.key("o")
    left, top, *_ = page.place("#whole")
    page.drag((left + 200, top + 300), (left + 290, top + 390))
    page.key("Escape")
    page.key("j")
    page.key("j")
    page.key("l")
    file = saved(page, tmp_path)
    assert cli(*REVIEW, str(shots.root), "--decisions", str(file)).code == 0
    page.open(shots.root / "q" / "review.html")
    assert page.text("#count") == "0 of 3 boxes decided"
    page.key("l")
    other = Shots(shots.root)
    other.add("a.png", covered=[box(100, 100, 60, 80, 0.39)], unsure=[box(400, 400, 50, 70, 0.3)])
    page.value("document.querySelector('#save').click()")
    assert cli(*REVIEW, str(shots.root)).code == 0
    page.open(shots.root / "q" / "review.html")
    assert "cover" not in answers(page)
    assert "confirm" not in answers(page), "that it is right was said while it was not covered"


def test_two_windows_of_one_sheet_know_of_each_other(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root), "--sample", "0")
    page.open(shots.root / "q" / "review.html")
    page.key("l")
    first = page.session
    target = page.send("Target.createTarget", url=(shots.root / "q" / "review.html").as_uri())["targetId"]
    page.session = page.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    wait(page, "document.querySelector('.card.current') !== null")
    page.value("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'l', bubbles: true}))")
    page.session = first
    wait(page, "document.querySelector('#count').innerText === '2 of 4 boxes decided'")


def wait(page: Tab, until: str) -> None:
    end = time.monotonic() + WAIT
    while not page.value(until):
        assert time.monotonic() < end, until
        time.sleep(0.05)


def test_the_limit_that_the_page_says_is_clopper_and_pearsons(cli: Call, page: Tab, tmp_path: Path) -> None:
    shots = Shots(tmp_path / "results", size=(60, 80))
    for number in range(12):
        shots.add(f"{number}.png")
    cli(*REVIEW, str(shots.root))
    page.open(shots.root / "q" / "review.html")
    assert page.text("#bound") == "You looked at none yet."
    for number in range(1, 12):
        page.key("l")
        limit = beta.ppf(0.95, 1, number)
        shown_limit = f"under {np.ceil(limit * 1000 - 1e-6) / 10:.1f} % of the images show a face"
        assert shown_limit in page.text("#bound"), number
    page.key("c")
    page.key("Escape")
    limit = beta.ppf(0.95, 2, 11)
    assert page.text("#bound") == (
        "You looked at 12 images; 1 showed a face. With 95 % confidence, "
        f"under {np.ceil(limit * 1000) / 10:.1f} % of the images show a face."
    )
    file = saved(page, tmp_path)
    result = cli(*REVIEW, str(shots.root), "--decisions", str(file), "--json")
    sample = result.records[-1]["sample"]
    assert (sample["images"], sample["looked"], sample["missed"]) == (12, 12, 1)
    assert sample["limit_95"] == pytest.approx(limit, abs=1e-9)
    told = cli(*REVIEW, str(shots.root)).err
    assert "Sample: 12 of 12 images looked at, 1 showed a face. With 95 % confidence, under 33.9 %" in told


def test_hostile_names_run_nothing_and_ask_nobody(cli: Call, page: Tab, tmp_path: Path) -> None:
    name = HOSTILE.replace("/", "_")
    shots = Shots(tmp_path / "results", panelist=name)
    shots.add(f"{name}.png", unsure=[box(10, 10, 40, 40, 0.2)])
    path = shots.root / "q" / "review.html"
    assert cli(*REVIEW, str(shots.root)).code == 0
    page.open(path)
    page.key("o")
    assert "<img src=x onerror=alert(1)>" in page.text(".card .of")
    assert page.value("document.querySelectorAll('[onerror], img[src=x]').length") == 0
    page.key("Escape")
    page.key("l")
    assert page.complaints == []
    assert {one for one in page.asked if not one.startswith("data:")} == {path.as_uri()}
    # The policy holds: neither a script that somebody put in nor a picture from elsewhere.
    page.value("document.body.insertAdjacentHTML('beforeend', '<img src=\"http://192.0.2.1/x\"><b onclick=\"x=1\">')")
    page.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))")
    assert page.value("window.bad === undefined")
    assert page.complaints


SIZE = (360, 780)
DRAWN = (60, 520, 120, 150)
"""Left, top, width and height, in pixels of the image, of the box that is drawn."""


def test_a_box_that_is_drawn_is_black_after_the_next_run(cli: Call, page: Tab, tmp_path: Path) -> None:
    """From the zips through the sheet and one command to the pixels: one face is covered, one shown, one box drawn."""
    from skimage import data

    astronaut = Image.fromarray(data.astronaut()).resize((260, 260))

    def paste(picture: Image.Image, rng: random.Random) -> tuple[tuple[float, float, float, float]]:
        picture.paste((250, 250, 250), (0, 0, *SIZE))
        picture.paste(astronaut, (20, 40))
        picture.paste((rng.randrange(200), 0, 0), (300, 740, 340, 760))
        return ((110, 70, 50, 70),)

    lab = PhoneLab(tmp_path)
    lab.fill(Shape(panelists=1, zips=1, screenshots=2, size=SIZE, paste=paste))
    job = ("screenlake", "process", str(lab.source), str(lab.dest), "--query-id", "q", "--fast", "--jobs", "1", "--yes")
    assert cli(*job).code == 0
    (panelist,) = lab.results().values()
    before = {name: pixels(data) for name, data in panelist.images.items()}
    assert all(face(one) < 40 for one in before.values()), "the face was found and covered"
    assert cli(*REVIEW, str(lab.dest), "--sample", "2").code == 0

    page.open(lab.dest / "q" / "review.html")
    assert page.value("document.querySelectorAll('.card[data-kind=box][data-covered=true]').length") == 2
    set_to(page, "kind", "covered")
    first = page.value("document.querySelector('.card.current').dataset.source")
    page.key("l")  # no face, the person says: it is shown again
    page.key("c")
    page.click(".card[data-kind='sample'] [data-do='cover']")  # opens the whole image
    sampled = page.value("document.querySelector('.card[data-kind=sample]').dataset.source")
    left, top, width, height = page.place("#whole")
    across, down = width / SIZE[0], height / SIZE[1]
    x, y, wide, high = DRAWN
    page.drag((left + x * across, top + y * down), (left + (x + wide) * across, top + (y + high) * down))
    page.key("u")
    assert page.value("document.querySelectorAll('.mark.own:not(#rubber)').length") == 0
    page.key("z")
    left, top, width, height = page.place("#whole")
    assert (round(width), round(height)) == SIZE, "in its own size"
    page.drag((left + x, top + y), (left + x + wide, top + y + high))
    page.key("Escape")
    page.key("j")
    page.key("l")
    file = saved(page, tmp_path)
    said = json.loads(file.read_text())["decisions"]
    (drawn,) = (one["box"] for one in said if one["verdict"] == "add-box")
    assert np.abs(np.array(drawn) - DRAWN).max() <= 2
    assert page.complaints == []

    handed = cli(*REVIEW, "--decisions", str(file), str(lab.dest))
    assert handed.code == 0
    assert "Written down: 1 box to be covered, 1 box to be left open, 1 box right as they are." in handed.err
    assert cli(*job).code == 0
    (panelist,) = lab.results().values()
    for line in panelist.redactions:
        one = pixels(panelist.images[line["image"]])
        inside = one[y + 3 : y + high - 3, x + 3 : x + wide - 3]
        assert (inside.max() < 40) == (line["sha256_before"] == sampled), "only where it was drawn"
        assert (face(one) > 40) == (line["sha256_before"] == first), "only where the person said that it is no face"
    after = cli(*REVIEW, str(lab.dest), "--sample", "2")
    assert "Sample: 2 of 2 images looked at, 1 showed a face." in after.err


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def face(one: np.ndarray) -> float:
    """How bright it is where the face was."""
    return float(one[80:130, 118:152].mean())


def test_without_a_script_the_commands_are_there(cli: Call, page: Tab, shots: Shots) -> None:
    cli(*REVIEW, str(shots.root))
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    page.open(shots.root / "q" / "review.html")
    page.send("Emulation.setScriptExecutionDisabled", value=False)
    assert page.value("getComputedStyle(document.querySelector('.verdict')).display") != "none"
    assert page.value("getComputedStyle(document.querySelector('.bench')).display") == "none"
