"""60 profiles, killed at random with kill -9 and run again: every file, every row, none twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_phones_killed import kill, zips_done
from tests.ocean_files import moana_fleet
from tests.oceanlab import Sea

FLEET = moana_fleet(60, levels=30, seed=8)
SHARDS_OF_4 = "import bondstore.domains.ocean.profile_files as q, sys; q.ProfileFiles.number = 4; "
RUN = "from bondstore.cli.main import run; run(sys.argv[1:])"


def start(sea: Sea, *words: str) -> subprocess.Popen[bytes]:
    line = [
        "ocean",
        "qc",
        sea.source.as_uri(),
        sea.dest,
        "--tests",
        str(sea.little),
        "--format",
        "both",
        "--yes",
        *words,
    ]
    with (sea.root / "stderr").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", SHARDS_OF_4 + RUN, *line],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | {"HOME": str(sea.root / "home")},
        )


def check_part(sea: Sea) -> None:
    """Whatever is vouched for is there, and whole."""
    files = sea.written()
    for path, data in files.items():
        if path.endswith(".nc.json"):
            record = json.loads(data)
            assert hashlib.sha256(files[record["file"]]).hexdigest() == record["sha256"]


@pytest.mark.slow
def test_killed_at_random_all_comes_out_once(tmp_path: Path) -> None:
    """Some come late, and one is replaced in between; the last run is resumed by its record alone."""
    rng = random.Random(20240501)
    (tmp_path / "sea").mkdir()
    sea = Sea(tmp_path / "sea")
    keys = sorted(FLEET)
    early = {**FLEET, keys[2]: FLEET[keys[3]]}
    del early[keys[20]]
    dest = tmp_path / "sea" / "qc"
    sea.hold(FLEET)
    with sea.elsewhere((tmp_path / "calm").as_uri()) as calm:
        calm.qc(form="both")
        expected = calm.written()
    hits = 0
    for goal in (1, 20, 45):
        sea.hold(early if goal < 45 else FLEET)
        process = start(sea, "--jobs", "2")
        hits += kill(process, lambda goal=goal: zips_done(dest) >= goal, rng.uniform(0, 0.03))  # type: ignore[misc]
        check_part(sea)
    assert hits >= 2, "kills must hit runs at work"
    resumed = [sys.executable, "-m", "bondstore", "run", "resume", "last", "--dest", str(dest), "--jobs", "2"]
    done = subprocess.run(resumed, capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path / "home")})
    assert done.returncode == 0, done.stderr
    sea.check()
    assert sea.written() == expected
