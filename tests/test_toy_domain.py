"""A kind of data that somebody else brings as a package of its own: installed, and used from the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.aws.samples import s3_event
from tests.waiting import wait_until

SOURCE = Path(__file__).parent / "toy_domain"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
TEXTS = {
    "fish/one.txt": b"cod hake cod",
    "fish/two.txt": b"hake Cod",
    "birds/gull.txt": b"gull gull tern",
    "birds/broken.txt": b"\xff\xfe\xff",
    "birds/notes.pdf": b"%PDF",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a wheel of the package, and let pip install it where nothing else is."""
    root = tmp_path_factory.mktemp("toy")
    wheel = root / "bondstore_words-1.0-py3-none-any.whl"
    info = "bondstore_words-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in sorted(SOURCE.rglob("*.py")):
            archive.write(path, path.relative_to(SOURCE).as_posix())
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: bondstore-words\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", "[bondstore.domains]\nwords = bondstore_words:DOMAIN\n")
        archive.writestr(f"{info}/RECORD", "")
    line = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(root / "site")]
    subprocess.run([*line, str(wheel)], check=True, capture_output=True)
    return root / "site"


class Place:
    """Some texts, a destination, and the command line of a machine that has the package."""

    def __init__(self, root: Path, site: Path) -> None:
        self.source, self.dest = root / "texts", root / "counted"
        for key, data in TEXTS.items():
            self.put(key, data)
        self.env = os.environ | {"PYTHONPATH": str(site), "HOME": str(root / "home"), "COLUMNS": "100"}

    def put(self, key: str, data: bytes) -> None:
        path = self.source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "bondstore", *words]
        return subprocess.run(line, env=self.env, capture_output=True, text=True, timeout=120)

    def count(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("words", "count", str(self.source), str(self.dest), *words)

    def results(self) -> dict[str, dict[str, int]]:
        return {
            path.relative_to(self.dest).as_posix(): json.loads(path.read_text())
            for path in self.dest.rglob("*.json")
            if ".bondstore" not in path.parts
        }


@pytest.fixture
def place(tmp_path: Path, site: Path) -> Place:
    return Place(tmp_path, site)


def expected(*, lower: bool = False) -> dict[str, dict[str, int]]:
    """Count with Python's own means."""
    totals: dict[str, Counter[str]] = {}
    found: dict[str, dict[str, int]] = {}
    for key, data in TEXTS.items():
        if key.endswith(".txt") and key != "birds/broken.txt":
            text = data.decode()
            counts = Counter((text.lower() if lower else text).split())
            found[f"counts/{key}.json"] = dict(counts)
            totals.setdefault(key.split("/")[0], Counter()).update(counts)
    return found | {f"totals/{name}.json": dict(counts) for name, counts in totals.items()}


def tally(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    last = json.loads(done.stdout.splitlines()[-1])
    return {name: last[name] for name in ("planned", "done", "skipped", "quarantined", "failed") if last[name]}


def test_help_shows_it_beside_the_others(place: Place) -> None:
    top = place.run("--help").stdout
    assert re.search(r"^ +words +Text files: count their words\.$", top, re.MULTILINE)
    assert "beiwe" in top
    assert "count  Count the words of each text file" in place.run("words", "--help").stdout
    assert "--lower" in place.run("words", "count", "--help").stdout


def test_plan_run_and_run_again(place: Place) -> None:
    planned = place.count("--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["todo"] == 4
    assert not place.dest.exists()
    done = place.count("--json")
    assert done.returncode == 5, done.stderr
    assert tally(done) == {"planned": 4, "done": 3, "quarantined": 1}
    assert place.results() == expected()
    assert (place.dest / ".bondstore" / "quarantine" / "birds" / "broken.txt").read_bytes() == TEXTS["birds/broken.txt"]
    again = place.count("--json", "--jobs", "2")
    assert tally(again) == {"planned": 4, "skipped": 3, "quarantined": 1}
    assert "no-text" in done.stdout
    said = place.count()
    assert f"cat {place.dest}/totals/*.json" in said.stdout + said.stderr
    other = place.count("--lower", "--json")
    assert tally(other) == {"planned": 4, "done": 3, "quarantined": 1}
    assert place.results() == expected(lower=True)


def test_what_is_gone_leaves_no_total_behind(place: Place) -> None:
    place.count()
    place.put("fish/one.txt", b"ling")
    assert tally(place.count("--json")) == {"planned": 4, "done": 1, "skipped": 2, "quarantined": 1}
    assert place.results()["totals/fish.json"] == {"Cod": 1, "hake": 1, "ling": 1}


def test_killed_and_resumed(place: Place) -> None:
    line = [sys.executable, "-m", "bondstore", "words", "count", str(place.source), str(place.dest), "--jobs", "1"]
    process = subprocess.Popen(line, env=place.env | {"WORDS_PAUSE": "1"}, stderr=subprocess.DEVNULL)
    wait_until(lambda: any(place.dest.glob("counts/*/*.json")))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert place.results() != expected()
    resumed = place.run("run", "resume", "last", "--dest", str(place.dest), "--json")
    assert resumed.returncode == 5, resumed.stderr
    assert place.results() == expected()
    listed = [
        json.loads(line) for line in place.run("run", "list", "--dest", str(place.dest), "--json").stdout.splitlines()
    ]
    assert [one["state"] for one in listed] == ["incomplete"]
    assert place.run("audit", "verify", "--dest", str(place.dest), "--files").returncode == 0


def test_retry(place: Place) -> None:
    place.count()
    place.put("birds/broken.txt", b"\xff\xfe\xff")  # as it was: another time is another version of a file
    assert tally(place.run("run", "retry", "last", "--dest", str(place.dest), "--json")).get("quarantined") == 1
    assert place.run("run", "show", "last", "--dest", str(place.dest)).returncode == 0


def test_doctor(place: Place) -> None:
    said = place.run("doctor", "--store", place.source.as_uri(), "--json")
    checks = {one.get("check"): one for one in map(json.loads, said.stdout.splitlines())}
    assert checks["texts"]["message"] == "There are 4 text files."


def test_its_handler_takes_events(place: Place, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(s3_event("texts", "fish/one.txt")))
    done = place.run("aws", "invoke", str(event), "--handler", "words", "--json")
    assert done.returncode == 0, done.stderr
    assert '"texts_seen": 1' in done.stdout + done.stderr


def test_one_that_cannot_be_loaded_holds_up_nobody(place: Place, tmp_path: Path) -> None:
    info = tmp_path / "other" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bondstore.domains]\nbroken = nowhere.at.all:DOMAIN\n")
    place.env["PYTHONPATH"] += os.pathsep + str(tmp_path / "other")
    assert "It could not be loaded (ModuleNotFoundError)." in place.run("--help").stdout
    assert place.count().returncode == 5
    failed = place.run("broken", "do")
    assert failed.returncode == 4
    assert "The domain broken cannot be used." in failed.stderr
