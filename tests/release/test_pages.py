"""The landing page as a browser shows it, and the STAC items as others read them."""

from __future__ import annotations

import functools
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pystac
import pytest
from matplotlib.path import Path as Outline
from PIL import Image

from bondstore.release.page import chart
from bondstore.release.publish import publish
from bondstore.release.recall import recall
from bondstore.release.settings import About, Order
from tests.conftest import IN_CI
from tests.domains.screenlake.test_pages_in_chromium import QUIET, asked_for
from tests.release.lab import SVG, Files, add, good_files, png
from tests.release.places import Place, folder_place
from tests.servers.install import find_chromium

pytestmark = pytest.mark.usefixtures("home")
HOSTILE = "<script>alert(1)</script>\"'&\u202eevil"
ABOUT = About(
    title=f"Ocean profiles {HOSTILE}",
    description="Temperature.\nSecond line.",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    citation="A. Author (2024).",
)
PAPER = {"light": (251, 250, 247), "dark": (20, 23, 27)}


@pytest.fixture
def public(tmp_path: Path) -> Place:
    private, made = folder_place(tmp_path / "private"), folder_place(tmp_path / "public")
    files: Files = {"plots/<a b>#1.png": png(200, 40), "plots/c.svg": SVG}
    add(files, "2024/p1%20 #?&'\"<b>.nc", title="<img src=x onerror=alert(1)>", plots=["plots/<a b>#1.png"])
    add(files, "2024/p2.nc", platform=HOSTILE.replace("\u202e", ""), plots=["plots/c.svg"], grade="probably_good",
        levels={"TEMP": {"probably_good": 1}}, bounds=[-179.9, -42, -179.5, -41])  # fmt: skip
    add(files, "2024/p3.nc", first=None, last=None, bounds=None)
    add(files, "2024/p4.nc", bounds=[179.0, -40.0, -179.0, -39.0])
    private.fill(files)
    publish(private.store, made.store, Order(about=ABOUT, stac=True))
    return made


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def served(public: Place, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The public store behind a plain web server, and what was asked of it."""
    asked: list[str] = []

    class Handler(_Quiet):
        def send_head(self):  # type: ignore[no-untyped-def]
            asked.append(self.path)
            return super().send_head()

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path / "public"))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def chromium(folder: Path, url: str, *words: str) -> str:
    program = find_chromium()
    if program is None:
        if IN_CI:
            pytest.fail("Chromium is missing, and CI skips no test of the pages", pytrace=False)
        pytest.skip("Chromium is missing: python tests/servers/install.py")
    quiet = [word for word in QUIET if "resolver" not in word]
    rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    done = subprocess.run(
        [program, *quiet, rules, f"--user-data-dir={folder / 'profile'}", "--window-size=1100,2600", *words, url],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if ":CONSOLE:" in line] == []
    return done.stdout


@pytest.mark.parametrize("page", ["index.html", "releases"])
def test_a_browser_shows_it_and_runs_nothing(
    page: str, served: tuple[str, list[str]], public: Place, tmp_path: Path
) -> None:
    base, asked = served
    folder = json.loads(public.tree()["latest.json"])["release"]
    url = f"{base}/{page}" if page == "index.html" else f"{base}/releases/{folder}/index.html"
    document = chromium(
        tmp_path, url, f"--log-net-log={tmp_path / 'net.json'}", "--virtual-time-budget=3000", "--dump-dom"
    )
    assert "<script" not in document
    assert "onerror=alert(1)>" not in document.replace("&gt;", "")
    assert "Ocean profiles &lt;script&gt;" in document
    assert "\u202e" not in document
    foreign = {one for one in asked_for(tmp_path / "net.json", Path("/")) if not one.startswith(base)}
    assert foreign == set()
    pictures = [path for path in asked if path.startswith("/data/")]
    assert len(pictures) == 2, "both plots were loaded"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_both_schemes(scheme: str, served: tuple[str, list[str]], tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    chromium(
        tmp_path, f"{served[0]}/index.html", f"--screenshot={shot}",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
    )  # fmt: skip
    with Image.open(shot) as picture:
        seen = picture.convert("RGB").getcolors(maxcolors=1 << 24) or []
    counts = {colour: number for number, colour in seen}  # type: ignore[misc]
    assert counts.get(PAPER[scheme], 0) > 100_000
    assert counts.get((200, 90, 120), 0) > 500, "the plot is to be seen"


def test_links_lead_to_what_is_there(served: tuple[str, list[str]], public: Place) -> None:
    from urllib.request import urlopen

    from tests.release.lab import _Links

    parser = _Links()
    parser.feed(public.tree()["index.html"].decode())
    links = {link for link in parser.links if not link.startswith("https:")}
    assert len(links) == 4 + 2 + 4
    for link in links:
        with urlopen(f"{served[0]}/{link}") as answer:
            assert answer.status == 200


def test_stac_items_are_valid(public: Place, tmp_path: Path) -> None:
    tree = public.tree()
    release = json.loads(tree["latest.json"])["release"]
    for path in ("stac.json", f"releases/{release}/stac.json"):
        content = json.loads(tree[path])
        collection = pystac.ItemCollection.from_dict(content)
        assert len(collection.items) == 3, "one without a time has no item"
        assert len({item.id for item in collection.items}) == 3
        for item in collection.items:
            assert item.to_dict()["stac_version"] == "1.1.0"
            assert item.properties["start_datetime"] <= item.properties["end_datetime"]
            for asset in item.assets.values():
                from urllib.parse import unquote

                there = (tmp_path / "public" / path).parent / unquote(asset.href)
                assert there.resolve().is_file()
    crossing = next(item for item in json.loads(tree["stac.json"])["features"] if item["bbox"][0] > item["bbox"][2])
    assert crossing["geometry"]["type"] == "MultiPolygon"


def test_without_stac_no_items_stay_behind(public: Place, tmp_path: Path) -> None:
    private = folder_place(tmp_path / "private")
    publish(private.store, public.store, Order(about=ABOUT))
    assert json.loads(public.tree()["stac.json"])["features"] == []
    assert "stac.json" not in public.tree()["index.html"].decode()


def test_the_page_of_what_was_taken_back(public: Place, served: tuple[str, list[str]], tmp_path: Path) -> None:
    release = json.loads(public.tree()["latest.json"])["release"]
    recall(public.store, release, reason=HOSTILE.replace("\u202e", ""))
    for page in (f"releases/{release}/index.html", "index.html"):
        document = chromium(tmp_path, f"{served[0]}/{page}", "--dump-dom")
        assert "taken back" in document
        assert "<script" not in document


def test_many_files_stay_a_page(tmp_path: Path) -> None:
    private, public = folder_place(tmp_path / "p"), folder_place(tmp_path / "q")
    private.fill(good_files(3))
    from bondstore.release import page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "MOST_ROWS", 2)
        publish(private.store, public.store)
    text = public.tree()["index.html"].decode()
    assert text.count("download=") == 2
    assert "1 more files are in index.csv" in text


def test_the_map_of_a_page_has_a_coast_where_it_is() -> None:
    """Nelson lies on land and the Cook Strait does not; both are on the map of a profile between them."""
    made = chart([(173.8, -41.0, 173.8, -41.0)])
    assert made is not None
    [place] = made.points
    rings = [[tuple(map(int, dot.split())) for dot in path[1:-1].split("L")] for path in made.land]

    def pixel(longitude: float, latitude: float) -> tuple[float, float]:
        (left, west), (right, east) = made.meridians[0], made.meridians[-1]
        (top, north), (bottom, south) = made.parallels[0], made.parallels[-1]
        across = (right - left) / (degrees(east) - degrees(west))
        down = (bottom - top) / (degrees(south) - degrees(north))
        return left + (longitude - degrees(west)) * across, top + (latitude - degrees(north)) * down

    def is_land(longitude: float, latitude: float) -> bool:
        return any(Outline(ring).contains_point(pixel(longitude, latitude)) for ring in rings)

    assert pixel(173.8, -41.0) == pytest.approx(place, abs=0.2)
    assert is_land(172.9, -41.6)
    assert not is_land(174.6, -40.6)


def degrees(text: str) -> float:
    """Return what is written at a line of the map as a number."""
    return float(text[:-2]) * (-1 if text[-1] in "SW" else 1)


def test_a_map_across_the_date_line_is_whole() -> None:
    made = chart([(179.5, -38.0, 179.6, -37.9), (-179.0, -36.0, -178.9, -35.9)])
    assert made is not None
    (one, _), (other, _) = made.points
    assert abs(one - other) < 200
