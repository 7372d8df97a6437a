"""The reports say what happened, in words that cannot be misread, and nothing in them can act."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bondstore.deid.findings import PICTURES
from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.pages import content_of, panelist_report
from bondstore.domains.screenlake.summary import PanelistSummary, TableSummary
from bondstore.findings import Severity
from bondstore.runs.folder_destination import FolderDestination
from bondstore.zips import ZIPS
from tests.domains.screenlake.pages import HOSTILE, Page

MISSES = (
    "It misses faces, also in images in which it covered others, and some covers hide no face. "
    "It misses masked heads in hoods and masked faces cut off above the brows most, above all small ones."
)
KEPT = "Everything that was on the screen is still in the tables' text columns"
NOBODY = "Nobody looked for faces"


def summary(**changes: Any) -> PanelistSummary:
    made = PanelistSummary(
        "panelist-1",
        zips=12,
        images={"kept": 1100, "redacted": 134, "repeated": 7, "outside": 5, "image-undecodable": 3, "face-stays": 2},
        boxes=150,
        unsure=17,
        tables={"screenshot_data": TableSummary(1240, 20, 3, 12), "log_data": TableSummary(40, 0, 0, 12)},
        repaired=9,
        findings=[["member-damaged", "error", "It is so.", 2, 3], ["quotes-repaired", "info", "Repaired.", 4, 9]],
        handling={
            **Handling().params(),
            "detector": "abcdef0123456789" * 4,
            "selection": {"since": "2024-01-01", "until": "2024-03-31", "by": "captured", "zone": "Europe/Berlin"},
        },
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def read(made: PanelistSummary, examples: list[tuple[str, Path]] | None = None) -> Page:
    return Page(
        panelist_report(
            made, [(name, content_of(FolderDestination(path.parent), path.name)) for name, path in examples or []]
        )
    )


def handled(**changes: Any) -> dict[str, Any]:
    return summary().handling | changes


def test_the_numbers_are_those_of_the_summary() -> None:
    page = read(summary())
    assert page.tiles == {
        "zips": "12",
        "images written": "1,234",
        "faces covered": "150",
        "unsure boxes": "17",
        "images withheld": "5",
        "rows": "1,280",
    }
    assert "Panelist panelist-1" in page.text
    assert "1,251 images and 1,280 rows out of 12 zips." in page.text
    assert "screenshot_data 1,240 20 3 12" in page.text
    assert "9 rows held quotes" in page.text
    assert "bondstore screenlake review DEST" in page.text


def test_every_image_is_accounted_for() -> None:
    page = read(summary())
    cells = page.below("tbody", "tr", "td")[: len(summary().images)]
    images = [int(text.replace(",", "")) for text in cells]
    assert sorted(images) == sorted(summary().images.values())
    assert "All images in the zips 1,251" in page.text


def test_no_face_and_could_not_look_are_told_apart() -> None:
    text = read(summary()).text
    assert "Looked at, and no face was found 1,100" in text
    assert "Could not be looked at: damaged, cut short, or of a format that is not read here 3" in text
    assert "3 images could not be looked at Could not look is not the same as no face" in text
    assert "2 images withheld, as a face was still found" in text
    assert MISSES in text
    clean = read(summary(images={"kept": 3})).text
    assert "ould not look" not in clean
    assert "withheld, as" not in clean


def test_covered_faces_are_no_promise_that_there_are_no_others() -> None:
    text = read(summary(images={"redacted": 16}, unsure=2)).text
    assert MISSES in text
    assert "the 2 boxes that looked somewhat like a face, but not enough to be covered, and a random sample" in text
    assert "before you share the images: a random sample" in read(summary(images={"redacted": 16}, unsure=0)).text
    nobody = handled(redact="none", detector="")
    assert MISSES not in read(summary(handling=nobody, images={"unlooked": 30}, boxes=0, unsure=0)).text


def test_text_that_is_kept_is_named_plainly() -> None:
    assert KEPT in read(summary()).text
    assert KEPT not in read(summary(handling=handled(text="drop"))).text
    assert KEPT not in read(summary(tables={})).text, "no table, no text"


def test_patterns_say_which_marks_and_what_they_miss() -> None:
    page = read(summary(handling=handled(text="patterns"), marks={"EMAIL": 1204, "PHONE": 3}))
    assert "1,204 [EMAIL], 3 [PHONE]" in page.text
    assert "Patterns miss names" in page.text
    assert KEPT not in page.text
    assert "none was found" in read(summary(handling=handled(text="patterns"))).text


def test_dropped_text_is_counted() -> None:
    page = read(summary(handling=handled(text="drop"), marks={"DROPPED": 55, "URL": 2}))
    assert "55 values were taken out" in page.text
    assert "2 [URL]" in page.text
    assert "[DROPPED]" not in page.text


def test_where_nobody_looked_for_faces_that_is_said() -> None:
    page = read(summary(handling=handled(redact="none", detector=""), images={"unlooked": 30}, boxes=0, unsure=0))
    assert f"{NOBODY} Faces were neither looked for nor covered" in page.text
    assert "Nobody looked for faces in them 30" in page.text
    assert "no face was found" not in page.text.lower()
    assert NOBODY not in read(summary()).text


def test_images_of_an_earlier_run_that_nobody_looked_at_are_not_hidden_by_the_settings() -> None:
    page = read(summary(images={"kept": 10, "unlooked": 4}))
    assert "Nobody looked for faces in 4 images" in page.text


def test_text_in_images_is_named() -> None:
    assert (
        "Whatever was written on the screen, names and messages too, can be read in the images." in read(summary()).text
    )
    searched = read(summary(handling=handled(ocr=True))).text
    assert "all other text on the screen can be read in them" in searched
    assert "A face, or text with an address or a number, was found and covered" in searched


def test_findings_stand_worst_first_with_what_to_do() -> None:
    some = [
        ["quotes-repaired", "info", "x", 4, 9],
        ["member-name", "warning", "x", 1, 1],
        ["face-stays", "error", "x", 2, 2],
    ]
    page = read(summary(findings=some))
    text = page.text
    places = [text.index(word) for word in ("something is missing", "to know", "handled Values")]
    assert places == sorted(places)
    assert PICTURES["face-stays"].advice in text
    assert ZIPS["member-name"].advice in text
    assert " 4 9" in text
    assert "Nothing stood out." in read(summary(findings=[])).text


@pytest.mark.parametrize("kinds", [KINDS, PICTURES, ZIPS], ids=["phones", "pictures", "zips"])
def test_every_kind_has_its_sentence_and_advice(kinds: dict[str, Any]) -> None:
    page = read(summary(findings=[[one.word, one.severity.value, "MESSAGE", 1, 1] for one in kinds.values()]))
    for kind in kinds.values():
        assert kind.sentence in page.text
        for part in kind.advice.split("`"):
            assert part.strip() in page.text
        assert kind.word in page.text
    assert "MESSAGE" not in page.text, "a single finding's words may name what only that one has"


def test_a_kind_that_nobody_knows_is_shown_as_it_is() -> None:
    assert "Some sentence." in read(summary(findings=[["new-kind", "error", "Some sentence.", 1, 1]])).text


def test_every_reason_to_withhold_an_image_has_words() -> None:
    errors = [one for kinds in (PICTURES, ZIPS) for one in kinds.values() if one.severity is Severity.ERROR]
    page = read(summary(images={one.word: 1 for one in errors}))
    assert page.tiles["images withheld"] == str(len(errors))
    assert page.text.count("Could not be looked at:") == len(errors) - 1, "all but the one whose face stays"


def test_settings_are_named() -> None:
    text = read(summary()).text
    for said in (
        "Faces Filled with black",
        "Effort default",
        "Detector abcdef012345 (start of its digest)",
        "2024-01-01 to 2024-03-31, both included, by the day of capture in Europe/Berlin",
        "Tables CSV",
    ):
        assert said in text
    assert "abcdef0123456" not in text
    window = {"since": None, "until": None, "by": "uploaded", "zone": "UTC", "panelists": ["a", "b"]}
    other = read(
        summary(handling=handled(effort="careful", model="/home/me/yunet.onnx", selection=window, parquet=True))
    ).text
    assert "Days all Panelists only 2 named ones" in other
    assert "Model yunet.onnx" in other
    assert "/home/me" not in other
    assert "CSV and Parquet" in other
    window |= {"since": "2024-01-01"}
    assert "from 2024-01-01, that day included" in read(summary(handling=handled(selection=window))).text


def test_a_panelist_without_anything_has_a_page() -> None:
    page = read(PanelistSummary("p", zips=1, findings=[["not-a-zip", "error", "x", 1, 1]]))
    assert "No zip held an image." in page.text
    assert "No zip held a table." in page.text


def test_examples_are_small_and_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    good, cut, text = tmp_path / "good.jpg", tmp_path / "cut.jpg", tmp_path / "text.jpg"
    Image.linear_gradient("L").resize((1080, 2340)).convert("RGB").save(good, "JPEG")
    cut.write_bytes(good.read_bytes()[:300])
    text.write_text("no image")
    page = read(summary(), [("cut.jpg", cut), (HOSTILE, good), ("text.jpg", text), ("gone.jpg", tmp_path / "gone.jpg")])
    (shown,) = page.values("img", "src")
    assert shown.startswith("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))) as image:
        assert image.format == "JPEG"
        assert image.width == 240
        assert abs(image.height - 520) <= 1
    assert page.below("figcaption", "span") == [HOSTILE.replace("\u202e", "\\u202e")]


def test_the_page_allows_its_own_style_and_nothing_else() -> None:
    page = read(summary())
    (policy,) = [value for value in page.values("meta", "content") if "default-src" in value]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert len(page.style) > 1000
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert "script" not in page.tags
    assert not [name for _, name, _ in page.attributes if name == "style" or name.startswith("on")]
    assert page.values("link", "href") == ["data:,"]
    assert page.values("a", "href") == []


def test_hostile_names_are_text() -> None:
    page = read(
        summary(
            panelist=HOSTILE,
            tables={HOSTILE: TableSummary(1)},
            images={HOSTILE: 1},
            marks={HOSTILE: 1},
            findings=[[HOSTILE, "error", HOSTILE, 1, 1]],
            handling=handled(
                text="patterns", model=HOSTILE, effort=HOSTILE, detector=HOSTILE, selection={"by": HOSTILE}
            ),
        )
    )
    assert "img" not in page.tags
    assert "script" not in page.tags
    assert page.text.count("<img src=x onerror=alert(1)>") >= 5
    assert "\u202e" not in page.text
    assert "\\u202egpj.exe" in page.text


@given(word=st.text(min_size=1, max_size=40).filter(lambda word: not {word} & {*KINDS, *PICTURES, *ZIPS}))
@settings(max_examples=60, deadline=None)
def test_no_name_changes_what_the_page_is_built_of(word: str) -> None:
    def made(name: str) -> Page:
        return read(summary(panelist=name, tables={name: TableSummary(1)}, findings=[[name, "error", name, 1, 1]]))

    strange, plain = made(word), made("plain")
    assert strange.tags == plain.tags
    assert [one for one in strange.attributes if one[1] != "title"] == plain.attributes


def test_the_same_summary_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (300, 500), "red").save(path)
    examples = [("a.png", path.read_bytes())]
    assert panelist_report(summary(), examples) == panelist_report(summary(), examples)
