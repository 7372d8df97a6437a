"""300 zips of 10 panelists, killed ten times at random and run again: every image and every row, none twice."""

from __future__ import annotations

import csv
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from demo.phones import Shape, one
from PIL import Image

from bondstore.domains.screenlake.handling import Handling
from tests.deid.pictures_of import FACE, astronaut
from tests.phonelab import PhoneLab, tree, whole
from tests.studies import ask, leftovers

SHAPE = Shape(panelists=10, zips=30, screenshots=2, restricted=1, rows=2, size=(48, 104), opted_out=1, double=0.1)
IMAGES, ROWS = 2 * 270, 3 * 300
AMONG_ZIPS, AMONG_PANELISTS = 6, 4
"""Kills while zips are done, and kills while panelists are finished."""


@dataclass(frozen=True)
class Calm:
    """A full store, and what an undisturbed run made of it."""

    lab: PhoneLab
    tree: dict[str, str]


def start(lab: PhoneLab, *words: str, dest: Path | None = None) -> subprocess.Popen[bytes]:
    line = ["screenlake", "process", lab.source.as_uri(), str(dest or lab.dest), "--query-id", "q", "--yes", *words]
    with (lab.folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "bondstore", *line],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | {"HOME": str(lab.folder / "home")},
        )


def finish(lab: PhoneLab, *words: str, dest: Path | None = None) -> None:
    assert start(lab, *words, dest=dest).wait(120) == 0, (lab.folder / "stderr").read_text()


def zips_done(dest: Path) -> int:
    found = ask(dest, "SELECT count(*) FROM items WHERE state = 'done'")
    return int(found[0][0]) if found else 0


def panelists_finished(dest: Path) -> int:
    """Count the panelists whose files all stand: their last one tells what they were made of."""
    found = ask(dest, "SELECT count(*) FROM outputs WHERE path LIKE '%/redactions.jsonl' AND made_by <> ''")
    return int(found[0][0]) if found else 0


def kill(process: subprocess.Popen[bytes], reached: Callable[[], bool], pause: float) -> bool:
    """Kill a run a moment after it reached a goal; return whether it was at work then. Its workers end as well."""
    give_up = time.monotonic() + 60
    while process.poll() is None and not reached() and time.monotonic() < give_up:
        time.sleep(0.002)
    time.sleep(pause)
    workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    ended = process.wait()
    assert ended in (0, -signal.SIGKILL)
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < give_up, "a worker outlived its run"
        time.sleep(0.002)
    return ended == -signal.SIGKILL


def alive(process: psutil.Process) -> bool:
    """Whether a process does something still; one that waits for its new parent to look at it does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def check_part(dest: Path) -> None:
    """Whatever is visible is whole, and of every zip that is called done its part stands."""
    done = "SELECT o.path, o.sha256 FROM items i JOIN outputs o ON i.output = o.path WHERE i.state = 'done'"
    for path, digest in ask(dest, done):
        assert hashlib.sha256((dest / path).read_bytes()).digest() == digest, path
    for path in dest.glob("q/combined/panelists/*/images/*"):
        with Image.open(path) as picture:
            picture.load()
    for path in dest.glob("q/combined/panelists/*/metadata/*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            assert len({len(row) for row in csv.reader(file)}) == 1, path


def check_end(lab: PhoneLab, calm: Calm) -> None:
    """Everything came out, as if nothing had happened, and nothing is left over."""
    whole(lab)
    images = sum(len(found.images) for found in lab.results().values())
    rows = sum(len(found.rows("screenshot_data")) for found in lab.results().values())
    assert (images, rows) == (IMAGES, ROWS)
    assert tree(lab.dest) == calm.tree
    corner = lab.dest / ".bondstore"
    left = [path for path in leftovers(lab.dest) if (corner / path).is_file()]
    assert all(path.startswith("parts/q/") for path in left), left
    assert len(left) == len(lab.phones)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    lab = PhoneLab(tmp_path_factory.mktemp("calm"))
    assert len(lab.fill(SHAPE)) == 300
    finish(lab, "--redact", "none", "--jobs", "2")
    return Calm(lab, tree(lab.dest))


@pytest.fixture
def lab(calm: Calm, tmp_path: Path) -> PhoneLab:
    """The same store, to be changed."""
    made = PhoneLab(tmp_path, dict(calm.lab.phones))
    shutil.copytree(calm.lab.source, made.source)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["2", "1"])
def test_killed_ten_times_at_random_all_comes_out_once(lab: PhoneLab, calm: Calm, jobs: str) -> None:
    """Zips come late and are uploaded anew in between."""
    rng = random.Random(f"{jobs} 20240105")
    late, changed = keys_of(lab, 100, 160), keys_of(lab, 3, 20)
    for key in late:
        (lab.source / key).unlink()
    for number, key in enumerate(changed):
        lab.put(key, one(replace(SHAPE, seed=8), number, 0).data)

    landed = []
    for turn in range(AMONG_ZIPS + AMONG_PANELISTS):
        if turn in (4, 8):  # while zips are done, and when panelists are finished already
            again = changed.pop()
            assert ask(lab.dest, "SELECT 1 FROM items WHERE key = ? AND state = 'done'", again)
            for key in (late.pop(), again):
                lab.put(key, lab.phones[key].data)
        process = start(lab, "--redact", "none", "--jobs", jobs)
        if turn < AMONG_ZIPS:
            before, goal = zips_done(lab.dest), 10 + turn * 45 + rng.randint(0, 35)
            hit = kill(process, lambda goal=goal: zips_done(lab.dest) >= goal, rng.uniform(0, 0.1))
            landed.append(hit and before < zips_done(lab.dest) < 298)
        else:
            goal = 1 + 2 * (turn - AMONG_ZIPS)
            hit = kill(process, lambda goal=goal: panelists_finished(lab.dest) >= goal, rng.uniform(0, 0.02))
            landed.append(hit and goal <= panelists_finished(lab.dest) < SHAPE.panelists)
        check_part(lab.dest)
    assert sum(landed) >= len(landed) - 2, f"kills must hit runs at work: {landed}"
    finish(lab, "--redact", "none", "--jobs", jobs)
    check_end(lab, calm)


def keys_of(lab: PhoneLab, *places: int) -> list[str]:
    """Return zips with images by their places in the order of keys, which is that of the work."""
    keys = sorted(key for key in lab.phones if key.startswith("academia/"))
    return [keys[place] for place in places]


def a_face(picture: Image.Image, rng: random.Random) -> list[tuple[float, float, float, float]]:
    """Paste a real face somewhere."""
    face = astronaut().crop((FACE[0] - 30, FACE[1] - 30, FACE[2] + 30, FACE[3] + 30)).resize((75, 90))
    x, y = rng.randint(0, picture.width - 75), rng.randint(0, picture.height - 90)
    picture.paste(face, (x, y))
    return [(x + 15, y + 15, 45, 60)]


@pytest.mark.slow
def test_with_faces_covered_and_a_worker_killed(tmp_path: Path) -> None:
    """Whenever it is killed, no image lies there as it came; a worker alone that is killed ends the run in order."""
    lab = PhoneLab(tmp_path)
    shape = Shape(panelists=3, zips=6, screenshots=2, restricted=0, rows=2, size=(216, 468), paste=a_face)
    raw = {image.digest for phone in lab.fill(shape) for image in phone.images}
    words = ("--fast", "--jobs", "2", "--batch", "2")

    def kill_at(reached: Callable[[], bool]) -> bool:
        hit = kill(start(lab, *words), reached, 0)
        seen = {hashlib.sha256(path.read_bytes()).hexdigest() for path in lab.dest.rglob("*") if path.is_file()}
        assert not raw & seen
        check_part(lab.dest)
        return hit

    assert kill_at(lambda: zips_done(lab.dest) >= 1)
    assert 1 <= zips_done(lab.dest) < len(lab.phones)
    struck = start(lab, *words)
    give_up = time.monotonic() + 60
    while len(workers := busy(struck)) < 2 and time.monotonic() < give_up:
        time.sleep(0.002)
    workers[0].kill()
    assert struck.wait(60) == 1
    told = (lab.folder / "stderr").read_text()
    assert "A worker process died" in told
    assert "Traceback" not in told
    assert kill_at(lambda: zips_done(lab.dest) >= 12)
    assert kill_at(lambda: panelists_finished(lab.dest) >= 1)
    finish(lab, *words)
    whole(lab)
    calm = tmp_path / "calm"
    lab.run(Handling(effort="fast"), dest=calm)
    assert tree(lab.dest) == tree(calm)
    outcomes = [line["outcome"] for found in lab.results().values() for line in found.redactions]
    assert outcomes == ["redacted"] * len(raw)


def busy(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the workers of a run that have loaded what they work with."""
    if process.poll() is not None:
        return []
    workers = [one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline())]
    return [one for one in workers if one.memory_info().rss > 60 << 20]
