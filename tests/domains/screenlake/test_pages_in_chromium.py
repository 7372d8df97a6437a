"""The pages as a browser shows them: what a person sees, no word of complaint, nothing asked of any network."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.pages import panelist_report
from bondstore.domains.screenlake.summary import PanelistSummary, TableSummary
from tests import chromium_tab
from tests.conftest import IN_CI
from tests.domains.screenlake.pages import HOSTILE, Page, Shots, box, overall_report, review
from tests.servers.install import find_chromium

QUIET = (*chromium_tab.QUIET, "--enable-logging=stderr")
RED_NOTICE = {"light": (252, 236, 234), "dark": (47, 25, 23)}
PAPER = {"light": (250, 249, 246), "dark": (20, 23, 28)}


@dataclass
class Seen:
    """What a browser made of a page.

    Parameters
    ----------
    page : Page
        The document after it was loaded.
    picture : Image
        What is to be seen of it.
    console : list of str
        What the browser complained about.
    asked : set of str
        Addresses that the page made the browser ask for; its own file is left out.
    """

    page: Page
    picture: Image.Image
    console: list[str]
    asked: set[str] = field(default_factory=set)

    def shows(self, colour: tuple[int, int, int]) -> int:
        """How many pixels have a colour."""
        counts = self.picture.getcolors(maxcolors=1 << 24) or []
        return sum(number for number, one in counts if one == colour)


@dataclass(frozen=True)
class Browser:
    """A headless Chromium with a folder of its own."""

    program: str
    folder: Path

    def open(self, path: Path, *, scheme: str = "light", size: tuple[int, int] = (1100, 2600)) -> Seen:
        log, shot = self.folder / "net.json", self.folder / "shot.png"
        options = (
            *QUIET,
            f"--user-data-dir={self.folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
            f"--window-size={size[0]},{size[1]}",
        )
        # one call for the document and one for the picture: a call gives either
        first = self._call(*options, f"--log-net-log={log}", "--virtual-time-budget=2000", "--dump-dom", path.as_uri())
        second = self._call(*options, f"--screenshot={shot}", path.as_uri())
        complaints = [line for line in f"{first.stderr}{second.stderr}".splitlines() if ":CONSOLE:" in line]
        with Image.open(shot) as picture:
            return Seen(Page(first.stdout.encode()), picture.convert("RGB"), complaints, asked_for(log, path))

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done


def asked_for(log: Path, path: Path) -> set[str]:
    """Read the browser's own log of the network; what it asks for on its own behalf has no page behind it."""
    said = json.loads(log.read_text())
    found = set()
    for event in said["events"]:
        told: dict[str, Any] = event.get("params", {})
        if "url" in told and "initiator" in told and told["initiator"] != "not an origin":
            found.add(told["url"])
    return {one for one in found if not one.startswith(("data:", path.as_uri()))}


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    program = find_chromium()
    if program is None:
        if IN_CI:
            pytest.fail("Chromium is missing, and CI skips no test of the pages", pytrace=False)
        pytest.skip("Chromium is missing: python tests/servers/install.py")
    folder = tmp_path / "browser"
    folder.mkdir()
    return Browser(program, folder)


def summary(panelist: str = "panelist-1", **changes: Any) -> PanelistSummary:
    made = PanelistSummary(
        panelist,
        zips=12,
        images={"kept": 1100, "redacted": 134, "image-undecodable": 3},
        boxes=150,
        unsure=17,
        tables={"screenshot_data": TableSummary(1240, 20, 3, 12)},
        findings=[["image-undecodable", "error", "It is so.", 2, 3], ["quotes-repaired", "info", "Repaired.", 4, 9]],
        handling={**Handling().params(), "detector": "ab" * 32, "window": {"by": "uploaded", "zone": "UTC"}},
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def shots_of(root: Path, panelist: str = "p1") -> Shots:
    made = Shots(root, panelist=panelist)
    made.add("open.png", unsure=[box(100, 100, 60, 80, 0.31)])
    made.add("covered.png", covered=[box(100, 200, 80, 100, 0.52)])
    return made


def harmless(seen: Seen, scripts: int = 0) -> None:
    assert seen.console == []
    assert seen.asked == set()
    assert seen.page.scripts() == scripts
    assert all(source.startswith("data:image/jpeg;base64,") for source in seen.page.values("img", "src"))


def test_what_the_browser_does_wrong_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text('<!doctype html><html><head></head><body><img src="http://192.0.2.1/a.png"><p>x</p></body></html>')
    assert browser.open(path).asked == {"http://192.0.2.1/a.png"}
    path.write_text('<!doctype html><html><head></head><body><script>console.error("boom")</script></body></html>')
    assert "boom" in browser.open(path).console[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_of_a_panelist(browser: Browser, tmp_path: Path, scheme: str) -> None:
    image = tmp_path / "covered.png"
    Image.new("RGB", (540, 1170), (10, 200, 10)).save(image)
    path = tmp_path / "report.html"
    path.write_bytes(panelist_report(summary(), [("covered.png", image.read_bytes())]))
    seen = browser.open(path, scheme=scheme)
    harmless(seen)
    assert seen.page.tiles["images written"] == "1,234"
    assert seen.page.tiles["faces covered"] == "150"
    assert "Could not look is not the same as no face" in seen.page.text
    assert "Everything that was on the screen is still in the tables' text columns" in seen.page.text
    assert seen.picture.getpixel((5, 5)) == PAPER[scheme], "the style is applied, and follows light and dark"
    assert seen.shows(RED_NOTICE[scheme]) > 10_000, "the warning stands out"
    green = [one for one in seen.picture.getcolors(1 << 24) or [] if one[1][1] > 180 and max(one[1][0], one[1][2]) < 40]
    assert sum(number for number, _ in green) > 10_000, "the example is shown"


def test_nothing_runs_over_the_edge_of_a_narrow_window(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(panelist_report(summary("f" * 64), []))
    seen = browser.open(path, size=(500, 3600))
    harmless(seen)
    edge = [seen.picture.getpixel((seen.picture.width - 3, y)) for y in range(0, 3600, 7)]
    assert set(edge) == {PAPER["light"]}


def test_the_report_over_all(browser: Browser, tmp_path: Path) -> None:
    folders = []
    for panelist in ("p1", "p2"):
        shots = shots_of(tmp_path, panelist)
        (shots.folder / "summary.json").write_bytes(summary(panelist).json())
        folders.append(shots.folder)
    path = tmp_path / "q" / "report.html"
    path.write_bytes(b"".join(overall_report("q", folders, 2)))
    seen = browser.open(path)
    harmless(seen)
    assert "24 zips of 2 panelists" in seen.page.text
    assert "2 zips could not be fetched" in seen.page.text
    assert seen.page.tiles["images written"] == "2,468"
    assert len(seen.page.values("img", "src")) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sheet_for_review(browser: Browser, tmp_path: Path, scheme: str) -> None:
    shots_of(tmp_path)
    done = review(tmp_path)
    seen = browser.open(Path(done.path), scheme=scheme, size=(1100, 1500))
    harmless(seen, scripts=1)
    assert "2 boxes to look at, worst first." in seen.page.text
    assert "What is covered is covered here too" in seen.page.text
    for one in done.shown:
        assert f"--confirm {one.short}" in seen.page.text
    assert seen.picture.getpixel((5, 5)) == PAPER[scheme]
    yellow = [one for one in seen.picture.getcolors(1 << 24) or [] if near_yellow(one[1])]
    assert sum(number for number, _ in yellow) > 1000, "the frames are shown"


def near_yellow(pixel: Any) -> bool:
    return all(abs(one - other) < 40 for one, other in zip(pixel, (255, 210, 63), strict=True))


def test_hostile_names_are_seen_as_text(browser: Browser, tmp_path: Path) -> None:
    name = HOSTILE.replace("/", "_")
    shots = shots_of(tmp_path, name)
    shots.add(f"{name}.png", unsure=[box(10, 10, 40, 40, 0.2)])
    (shots.folder / "summary.json").write_bytes(summary(HOSTILE).json())
    path = tmp_path / "q" / "report.html"
    path.write_bytes(b"".join(overall_report("q", [shots.folder], 0)))
    own = tmp_path / "own.html"
    tables = {HOSTILE: TableSummary(1)}
    findings = [[HOSTILE, "error", HOSTILE, 1, 1]]
    own.write_bytes(panelist_report(summary(HOSTILE, tables=tables, findings=findings), []))
    for page in (path, own, Path(review(tmp_path).path)):
        seen = browser.open(page)
        harmless(seen, scripts=int(page.name == "review.html"))
        assert "<img src=x onerror=alert(1)>" in seen.page.text
        assert not [name for _, name, _ in seen.page.attributes if name.startswith("on")]
