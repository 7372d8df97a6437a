"""The report over all adds up the panelists' summaries, and is made anew when one of them is another."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from demo.phones import Shape

from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.report import StudyReport
from bondstore.domains.screenlake.selection import Selection
from bondstore.domains.screenlake.summary import PanelistSummary, TableSummary
from bondstore.errors import ConfigurationError
from bondstore.ledger import Item, State
from bondstore.runs.context import RunContext
from bondstore.runs.executors import Processes, Serial
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.record import record
from tests.domains.screenlake.pages import Page, Shots, box, overall_report
from tests.domains.screenlake.test_report import KEPT, NOBODY, summary
from tests.phonelab import PhoneLab


def context_of(lab: PhoneLab, run: str = "r") -> RunContext:
    job = lab.job()
    return RunContext(run, job.name, "me@here", job.store, FolderDestination(lab.dest))


def pending(lab: PhoneLab) -> list[Any]:
    with FolderDestination(lab.dest).ledger() as ledger:
        return list(StudyReport("q").shards(ledger, context_of(lab)))


@pytest.fixture
def done(lab: PhoneLab) -> PhoneLab:
    lab.fill(Shape(panelists=3, zips=2, opted_out=1))
    lab.run()
    return lab


def overall(lab: PhoneLab) -> Page:
    return Page((lab.dest / "q" / "report.html").read_bytes())


def test_the_report_over_all_adds_up(done: PhoneLab) -> None:
    page, truth = overall(done), done.expected()
    images = sum(len(one.images) for one in truth.values())
    rows = sum(len(rows) for one in truth.values() for rows in one.rows.values())
    assert f"6 zips of 3 panelists, {images} images in them." in page.text
    assert page.tiles["images written"] == str(images)
    assert page.tiles["rows"] == f"{rows:,}"
    assert NOBODY in page.text
    assert KEPT in page.text
    links = page.values("a", "href")
    assert links == [f"combined/panelists/{one}/report.html" for one in sorted(truth)]
    for one in sorted(truth):
        assert (done.dest / "q" / "combined" / "panelists" / one / "report.html").is_file()
        numbers = f"{one} 2 {len(truth[one].images)} 0 0 0 {sum(map(len, truth[one].rows.values()))}"
        assert numbers in page.text


def test_it_is_made_once_and_again_when_something_changed(done: PhoneLab) -> None:
    assert pending(done) == []
    path = done.dest / "q" / "report.html"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"Query", b"QUERY"))
    assert len(pending(done)) == 1
    done.run()
    assert path.read_bytes() == before
    path.unlink()
    assert len(pending(done)) == 1
    done.run()
    assert path.read_bytes() == before
    done.fill(Shape(panelists=4, zips=2, opted_out=1))
    done.run()
    assert "of 4 panelists" in overall(done).text
    assert pending(done) == []


def test_it_is_made_again_when_one_summary_is_another(done: PhoneLab) -> None:
    job = done.job()
    with FolderDestination(done.dest).ledger() as ledger:
        some = next(one for one in ledger.outputs.walk(job.name) if one.path.endswith("/summary.json"))
        other = dataclasses.replace(some, sha256=b"\1" * 32)
        with ledger.transaction():
            ledger.outputs.put(job.name, "r", [other])
    assert len(pending(done)) == 1


def test_zips_that_were_not_fetched_are_named(done: PhoneLab) -> None:
    assert "could not be fetched" not in overall(done).text
    job = done.job()
    with FolderDestination(done.dest).ledger() as ledger, ledger.transaction():
        ledger.items.put(job.name, "r", [Item("k", "", 1, "o", State.FAILED, "fetch-failed")])
    (shard,) = pending(done)
    receipt = pickle.loads(pickle.dumps(shard)).run()
    with FolderDestination(done.dest).ledger() as ledger:
        record(ledger, context_of(done), [receipt])
    assert "1 zip could not be fetched What they hold is missing here." in overall(done).text
    assert pending(done) == []


def test_it_is_the_same_at_any_width(lab: PhoneLab, tmp_path: Path) -> None:
    lab.fill(Shape(panelists=2, zips=1))
    lab.run(executor=Serial())
    lab.run(executor=Processes(2), dest=tmp_path / "other")
    for path in ("q/report.html", *(f"q/combined/panelists/{one}/report.html" for one in lab.results())):
        assert (lab.dest / path).read_bytes() == (tmp_path / "other" / path).read_bytes()


def test_without_any_zip_it_says_so(lab: PhoneLab) -> None:
    lab.fill(Shape(panelists=1, zips=1))
    lab.run(selection=Selection(since=date(2099, 1, 1)))
    assert "There is none" in overall(lab).text


def folder_of(root: Path, name: str, made: PanelistSummary) -> Path:
    folder = root / "q" / "combined" / "panelists" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_bytes(made.json())
    return folder


def test_links_lead_to_folders_with_odd_names(tmp_path: Path) -> None:
    name = "100% <b>?#&"
    folder = folder_of(tmp_path, name, summary(panelist=name, boxes=0))
    page = Page(b"".join(overall_report("q", [folder], 0)))
    (link,) = page.values("a", "href")
    from urllib.parse import unquote, urlsplit

    assert urlsplit(link).query == urlsplit(link).fragment == ""
    assert unquote(link) == f"combined/panelists/{name}/report.html"
    assert "b" not in page.tags


def test_examples_are_taken_from_several_panelists(tmp_path: Path) -> None:
    folders = []
    for name in ("a", "b", "c", "d"):
        shots = Shots(tmp_path, panelist=name)
        shots.add("none.png", unsure=[box(1, 1, 20, 20, 0.1)])
        for number in range(4 if name != "b" else 0):
            shots.add(f"{name}{number}.png", covered=[box(50, 50, 40, 40, 0.9)])
        folders.append(folder_of(tmp_path, name, summary(panelist=name, boxes=4 if name != "b" else 0)))
    (tmp_path / "q/combined/panelists/a/images/a0.png").write_bytes(b"damaged")
    page = Page(b"".join(overall_report("q", folders, 0)))
    assert page.below("figcaption", "span") == ["a1.png", "a2.png", "c0.png", "c1.png", "d0.png", "d1.png"]


def test_summaries_add_up_in_every_number(tmp_path: Path) -> None:
    other = summary(
        panelist="other",
        images={"kept": 1, "face-stays": 2, "could-not-look": 1},
        tables={"log_data": TableSummary(2, 3, 4, 5), "session_data": TableSummary(1, 0, 0, 1)},
        findings=[["member-damaged", "error", "x", 1, 4], ["not-utf8", "warning", "x", 1, 1]],
    )
    folders = [folder_of(tmp_path, "a", summary()), folder_of(tmp_path, "b", other)]
    for folder in folders:
        (folder / "redactions.jsonl").write_text("")
    page = Page(b"".join(overall_report("q", folders, 0)))
    assert page.tiles == {
        "zips": "24",
        "images written": "1,235",
        "faces covered": "300",
        "unsure boxes": "34",
        "images withheld": "8",
        "rows": "1,283",
    }
    assert "Looked at, and a face was still found after covering 4" in page.text
    assert "log_data 42 3 4 17 screenshot_data 1,240 20 3 12 session_data 1 0 0 1" in page.text
    assert "18 rows held quotes" in page.text
    assert "member-damaged 3 7" in page.text
    assert "not-utf8 1 1" in page.text
    assert "quotes-repaired 4 9" in page.text


def test_memory_does_not_grow_with_panelists(tmp_path: Path) -> None:
    folders = [folder_of(tmp_path, f"p{n}", summary(panelist="x" * 2000, boxes=0)) for n in range(400)]
    list(overall_report("q", folders[:2], 0))
    tracemalloc.start()
    written = sum(len(piece) for piece in overall_report("q", folders, 0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert written > 800_000
    assert peak < written / 2


def test_a_summary_that_somebody_changed_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "p", summary())
    (folder / "summary.json").write_text(json.dumps({"panelist": "secret value"})[:-1])
    with pytest.raises(ConfigurationError, match=re.escape("summary.json cannot be read")) as raised:
        list(overall_report("q", [folder], 0))
    assert "secret" not in str(raised.value)


def test_both_reports_say_what_was_asked_for_by_the_summary_that_was_written(lab: PhoneLab) -> None:
    """No summary made by hand: what the one side writes, the other must read."""
    phones = lab.fill(Shape(panelists=3, zips=1))
    wanted = tuple(sorted({phone.panelist for phone in phones})[:2])
    asked = Selection(date(2020, 1, 1), date(2099, 12, 31), "captured", "Europe/Berlin", wanted)
    lab.run(Handling(redact="none", text="patterns", parquet=True), asked)
    pages = [lab.dest / "q" / "report.html", *lab.dest.glob("q/combined/panelists/*/report.html")]
    assert len(pages) == 3
    for path in pages:
        text = Page(path.read_bytes()).text
        assert "2020-01-01 to 2099-12-31, both included, by the day of capture in Europe/Berlin" in text
        assert f"only 2 named ones: {wanted[0]}, {wanted[1]}" in text
        assert "Nobody looked for faces; nothing was covered" in text
        assert "Addresses and numbers replaced by marks such as [EMAIL]" in text
        assert "CSV and Parquet" in text
    written = json.loads(next(lab.dest.rglob("summary.json")).read_bytes())["handling"]
    assert {"redact", "effort", "text", "ocr", "parquet", "model", "detector", "selection"} == set(written)
