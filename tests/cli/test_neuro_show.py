"""``bondstore neuro show``: on the terminal, as JSON, and as a page that a browser draws."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from demo.recordings import PLACES, Identity, recording

from tests.chromium_tab import Tab, tab
from tests.cli.conftest import Call
from tests.conftest import IN_CI
from tests.servers.install import find_chromium

WHO = Identity("Wilhelmina", "Vosskamp", date(1961, 7, 23), "MRN0456712")
SECRETS = ("vosskamp", "wilhelmina", "0456712", "23-jul-1961")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in.edf"
    path.write_bytes(recording("EDF+C", WHO, PLACES).data)
    return path


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Tab]:
    program = find_chromium()
    if program is None:
        if IN_CI:
            pytest.fail("Chromium is missing, and CI skips no test of the pages", pytrace=False)
        pytest.skip("Chromium is missing: python tests/servers/install.py")
    (tmp_path / "browser").mkdir()
    with tab(program, tmp_path / "browser") as made:
        yield made


def test_what_a_person_reads(file: Path, cli: Call) -> None:
    before = file.read_bytes()
    done = cli("neuro", "show", str(file))
    assert done.code == 0
    assert re.search(r"^patient +name, birth date, record number +subject code$", done.out, re.M)
    assert "Identity found" in done.out
    assert "edf-records-surplus" in done.err
    assert "edf-record-cut" in done.err
    assert not any(one in (done.out + done.err).casefold() for one in SECRETS)
    assert file.read_bytes() == before


def test_the_same_as_json(file: Path, cli: Call) -> None:
    records = cli("neuro", "show", str(file), "--json").records
    first = records[0]
    assert (first["kind"], first["format"], first["verdict"]) == ("recording", "EDF+C", "identified")
    assert {one["kind"] for one in records} == {"recording", "identity", "field", "signal", "annotation", "finding"}
    assert {"place": "patient", "what": "name", "count": 1, "kind": "identity"} in records
    assert sum(one["kind"] == "signal" for one in records) == first["signals"] == 3
    assert sum(one["kind"] == "annotation" for one in records) == first["annotations"]


def test_a_page_that_a_browser_draws(file: Path, cli: Call, browser: Tab, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ("neuro", "show", str(file), "--html", str(page), "--seconds", "6")
    assert cli(*words).code == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    again = cli(*words)
    assert again.code == 2
    assert "exists already" in again.err
    assert cli(*words, "--replace").code == 0
    browser.open(page)
    assert browser.complaints == []
    assert browser.asked == {page.as_uri()}
    assert browser.text(".notice h3") == "Identity found"
    # the second signal's lowest value is no number in this file: it is drawn in the numbers of the file
    assert browser.value("document.querySelectorAll('.curve').length") == 3
    marks = browser.value("document.querySelectorAll('line.mark').length")
    assert marks == browser.value("document.querySelectorAll('line.mark.hides').length") > 0
    assert browser.value("document.querySelectorAll('mark').length") > 0
    left, top, width, height = map(int, browser.place(".curve"))
    pixels = np.asarray(browser.picture()).astype(int)[top : top + height, left : left + width]
    inked = (pixels[..., 2] - pixels[..., 0] > 40).any(axis=0)
    assert inked.mean() > 0.95, "the line goes all the way"


@pytest.mark.parametrize(
    ("page", "match"),
    [("page.txt", "ends in .html"), ("s3://b/page.html", "ends in .html"), ("no/page.html", "in none")],
)
def test_a_page_of_a_wrong_name(page: str, match: str, file: Path, cli: Call, tmp_path: Path) -> None:
    done = cli("neuro", "show", str(file), "--html", page if "://" in page else str(tmp_path / page))
    assert done.code == 2
    assert match in done.err


def test_what_is_no_recording(cli: Call, tmp_path: Path) -> None:
    (tmp_path / "text.edf").write_text("notes")
    shown = cli("neuro", "show", str(tmp_path / "text.edf"))
    assert shown.code == 5
    assert "written" not in shown.err  # nothing is, ever
    assert cli("neuro", "show", str(tmp_path / "none.edf")).code == 3
