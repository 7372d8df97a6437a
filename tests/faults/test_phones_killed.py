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
from demo.phones import Phone, Shape, one, panelist
from PIL import Image

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
    """Count the panelists whose last file stands."""
    found = ask(dest, "SELECT count(*) FROM outputs WHERE path LIKE '%/redactions.jsonl'")
    return int(found[0][0]) if found else 0


def kill(process: subprocess.Popen[bytes], reached: Callable[[], bool], pause: float) -> bool:
    """Kill a run a moment after it reached a goal; return whether it was at work then. Its workers end by themselves."""
    give_up = time.monotonic() + 60
    while process.poll() is None and not reached() and time.monotonic() < give_up:
        time.sleep(0.002)
    time.sleep(pause)
    workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    ended = process.wait()
    assert ended in (0, -signal.SIGKILL)
    assert not psutil.wait_procs(workers, timeout=30)[1], "a worker outlived its run"
    return ended == -signal.SIGKILL


def check_part(dest: Path) -> None:
    """Whatever is visible is whole, and of every zip that is called done its part stands."""
    for path, digest in ask(dest, "SELECT o.path, o.sha256 FROM items i JOIN outputs o ON i.output = o.path"):
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
    corner = [path for path in leftovers(lab.dest) if not path.startswith("parts")]
    assert corner == []
    parts = [path for path in (lab.dest / ".bondstore" / "parts").rglob("*") if path.is_file()]
    assert len(parts) == len(lab.phones)


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


def earlier(person: int, turn: int) -> Phone:
    """What a zip was before its phone uploaded it anew: other pictures and rows."""
    return one(replace(SHAPE, seed=8), person, turn)


def early(person: int) -> bool:
    """Whether a panelist is among the first five of the store's order."""
    opted_out = person >= SHAPE.panelists - SHAPE.opted_out
    names = sorted(panelist(SHAPE, n) for n in range(SHAPE.panelists - SHAPE.opted_out))
    return not opted_out and panelist(SHAPE, person) in names[:5]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["2", "1"])
def test_killed_ten_times_at_random_all_comes_out_once(lab: PhoneLab, calm: Calm, jobs: str) -> None:
    rng = random.Random(f"{jobs} 20240105")
    first = [person for person in range(SHAPE.panelists) if early(person)]
    late = [one(SHAPE, first[0], 3).key, one(SHAPE, first[1], 0).key]
    changed = {one(SHAPE, person, 7).key: earlier(person, 7) for person in first[2:4]}
    for key in late:
        (lab.source / key).unlink()
    for key, old in changed.items():
        lab.put(key, old.data)

    landed = []
    for turn in range(AMONG_ZIPS + AMONG_PANELISTS):
        if turn in (4, 8):  # among zips, and when panelists are finished already
            for key in (late.pop(), changed.popitem()[0]):
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
