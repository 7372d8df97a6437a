"""The command for review: the sheet, the decisions, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.domains.screenlake.pages import Shots, box

WORDS = ("screenlake", "review")


@pytest.fixture
def shots(tmp_path: Path) -> Shots:
    made = Shots(tmp_path / "results")
    made.add("a.png", unsure=[box(100, 100, 60, 80, 0.3), box(200, 400, 60, 80, 0.2)])
    made.add("b.png", covered=[box(100, 200, 80, 100, 0.5)], key="z2.zip")
    return made


def test_the_sheet_is_written_and_named(cli: Call, shots: Shots) -> None:
    result = cli(*WORDS, str(shots.root))
    assert (result.code, result.err) == (0, "")
    assert f"sheet        {shots.root}/q/review.html" in result.out
    assert "not covered  2" in result.out
    assert "covered      1" in result.out
    assert (shots.root / "q" / "review.html").read_text().startswith("<!doctype html>")


def test_json_has_a_line_for_each_box_and_one_for_the_sheet(cli: Call, shots: Shots) -> None:
    *boxes, sheet = cli(*WORDS, str(shots.root), "--json", "--limit", "2").records
    assert [(one["kind"], one["image"], one["score"], one["covered"]) for one in boxes] == [
        ("candidate", "a.png", 0.3, False),
        ("candidate", "a.png", 0.2, False),
    ]
    assert boxes[0]["box"] == [100, 100, 60, 80]
    assert sheet["kind"] == "sheet"
    assert sheet["path"] == str(shots.root / "q" / "review.html")
    assert (sheet["not_covered"], sheet["covered"], sheet["left"]) == (2, 0, 1)


def test_the_commands_on_the_sheet_do_what_they_say(cli: Call, shots: Shots) -> None:
    ids = [one["id"] for one in cli(*WORDS, str(shots.root), "--json").records[:-1]]
    result = cli(
        *WORDS, str(shots.root), "--query-id", "q", "--cover", ids[0], "--confirm", f"{ids[1]},{ids[2]}",
        "--add-box", "b.png@1,2,3,4", "--add-box", "a.png@5,6,7,8",
    )  # fmt: skip
    assert result.code == 0
    assert result.err.splitlines() == [
        "Written down: 3 boxes to be covered, 2 boxes right as they are.",
        "The next run of the same `bondstore screenlake process` does 2 zips anew.",
    ]
    assert "not covered  0" in result.out
    lines = [json.loads(line) for line in (shots.root / "q" / "decisions.jsonl").read_text().splitlines()]
    assert sorted((one["verdict"], one["key"], tuple(one["box"])) for one in lines) == [
        ("add-box", "z1.zip", (5, 6, 7, 8)),
        ("add-box", "z1.zip", (100, 100, 60, 80)),
        ("add-box", "z2.zip", (1, 2, 3, 4)),
        ("confirm", "z1.zip", (200, 400, 60, 80)),
        ("confirm", "z2.zip", (100, 200, 80, 100)),
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--confirm", "ffffffffff"), 3),
        (("--confirm", "no-id"), 2),
        (("--add-box", "a.png"), 2),
        (("--add-box", "a.png@390,1,20,20"), 2),
        (("--add-box", "none.png@1,1,2,2"), 3),
        (("--query-id", "none"), 3),
        (("--limit", "0"), 2),
    ],
)
def test_what_does_not_fit_ends_with_its_code(cli: Call, shots: Shots, words: tuple[str, ...], code: int) -> None:
    assert cli(*WORDS, str(shots.root), *words).code == code
    result = cli(*WORDS, str(shots.root), *words, "--json")
    assert result.code == code
    assert result.records[-1]["kind"] == "error"
    assert not (shots.root / "q" / "decisions.jsonl").exists()


def test_a_folder_without_results_ends_with_3(cli: Call, tmp_path: Path) -> None:
    result = cli(*WORDS, str(tmp_path))
    assert result.code == 3
    assert "screenlake process" in result.err
