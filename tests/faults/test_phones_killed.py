"""300 zips of 10 panelists, killed ten times at random and run again: every image and every row, none twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from demo.phones import Shape

from bondstore.runs.destination import Destination
from tests.phonelab import PhoneLab, tree, whole

SHAPE = Shape(panelists=10, zips=30, screenshots=2, restricted=1, rows=2, opted_out=1, double=0.1)
KILLS = 10


def start(lab: PhoneLab, dest: Path) -> subprocess.Popen[bytes]:
    words = [
        "screenlake",
        "process",
        lab.source.as_uri(),
        str(dest),
        "--query-id",
        "q",
        "--fast",
        "--jobs",
        "2",
        "--yes",
    ]
    with (lab.folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "bondstore", *words],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | {"HOME": str(lab.folder / "home")},
        )


def done(dest: Path) -> int:
    """Return how many zips the ledger says are done."""
    place = Destination(dest)
    if not place.ledger_path.exists():
        return 0
    with place.ledger(create=False) as ledger:
        return sum(
            1 for item in ledger.items.known("screenlake.process:q", keys_of(ledger)).values() if item.state == "done"
        )


def keys_of(ledger: object) -> list[str]:
    rows = ledger._connection.execute("SELECT key FROM items WHERE state = 'done'")  # type: ignore[attr-defined]
    return [row[0] for row in rows]


def end_of(workers: list[psutil.Process]) -> None:
    """Wait for the workers of a killed run: they end by themselves."""
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


@pytest.mark.timeout(600)
def test_killed_ten_times_at_random_all_comes_out_once(tmp_path: Path) -> None:
    lab = PhoneLab(tmp_path)
    phones = lab.fill(SHAPE)
    assert len(phones) == 300
    rng = random.Random(20240105)
    landed = 0
    for turn in range(KILLS):
        # Each time a bit further on: while zips are done, and, the last times, while panelists are finished.
        goal = min(len(phones), 20 + turn * 31 + rng.randint(0, 20))
        process = start(lab, lab.dest)
        deadline = time.monotonic() + 120
        while process.poll() is None and done(lab.dest) < goal and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.3))
        workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        landed += process.wait() == -signal.SIGKILL
        end_of(workers)
        before = done(lab.dest)
        assert before >= min(goal, len(phones)) or turn == KILLS - 1, (lab.folder / "stderr").read_text()
    assert landed >= KILLS - 2, "most kills must hit a run at work"
    last = start(lab, lab.dest)
    assert last.wait(timeout=300) == 0, (lab.folder / "stderr").read_text()
    whole(lab)
    images = sum(len(panelist.images) for panelist in lab.results().values())
    rows = sum(len(panelist.rows("screenshot_data")) for panelist in lab.results().values())
    assert (images, rows) == (2 * 270, 3 * 300)
    calm = start(lab, lab.folder / "calm")
    assert calm.wait(timeout=300) == 0
    assert tree(lab.dest) == tree(lab.folder / "calm")
    private = {path.relative_to(lab.dest).parts[1] for path in (lab.dest / ".bondstore").rglob("*") if path.is_file()}
    assert private <= {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "lock", "parts"}, (
        "nothing is left over"
    )
