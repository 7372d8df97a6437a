"""A sync of participants that is killed at any instant, and run again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bondstore.databases import open_table
from bondstore.registry.history import STATE, entries
from bondstore.registry.settings import GONE
from tests.registry.forms import person, written
from tests.servers.moto import Moto

KILLS = {"sqlite": 10, "dynamodb": 3}
"""Fewer where a killed sync is waited for, as it might still be alive."""
BEFORE = [person(number) for number in range(160)]
AFTER = [person(n, Port="Bega") for n in range(20, 90)] + BEFORE[90:] + [person(n) for n in range(200, 260)]


def start(home: Path, csv: Path, database: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "bondstore", "participants", "sync", str(csv), "--database", database, "--yes"]
    settings = {**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "NO_PROXY": "127.0.0.1"}
    with (home / "stderr").open("wb") as err:
        return subprocess.Popen([*words, "--json"], stdout=subprocess.PIPE, stderr=err, env=settings, cwd=home)


def finished(home: Path, csv: Path, database: str) -> dict[str, object]:
    process = start(home, csv, database)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, (home / "stderr").read_text()
    last: dict[str, object] = json.loads(out.splitlines()[-1])
    return last


def state_of(database: str) -> tuple[dict[str, object], set[str], list[tuple[int, int, str]], str]:
    """What a table holds: who takes part with which row, who is gone, the history, and how far the last sync came."""
    rows = list(open_table(database, "participant-information", key="user_id", numeric=True).scan())
    table = open_table(database, "participant-information-history", key="id")
    history = [(one.user_id, one.version, one.action) for one in entries(table)]
    state = table.get(STATE)
    assert {(int(row.key), n) for row in rows for n in range(1, row.version + 1)} == {one[:2] for one in history}
    assert len(history) == sum(row.version for row in rows), "one entry a version"
    there = {str(row.fields["Vessel number"]): dict(row.fields) for row in rows if GONE not in row.fields}
    gone = {str(row.fields["Vessel number"]) for row in rows if GONE in row.fields}
    return there, gone, sorted(history), str(state.fields["state"]) if state else ""


def version_of(database: str) -> int:
    state = open_table(database, "participant-information-history", key="id").get(STATE)
    return state.version if state else 0


def wait_for_a_write(process: subprocess.Popen[bytes], database: str, version: int) -> None:
    """Wait until a sync has made its first transaction, or has ended."""
    table = open_table(database, "participant-information-history", key="id")
    give_up = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < give_up:
        state = table.get(STATE)
        if state is not None and state.version > version:
            return
        time.sleep(0.005)


@pytest.mark.parametrize("kind", ["sqlite", "dynamodb"])
def test_killed_and_run_again(kind: str, tmp_path: Path, moto_environment: Moto) -> None:
    rng = random.Random(kind)
    database = f"sqlite:///{tmp_path}/db.sqlite" if kind == "sqlite" else "dynamodb://"
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_bytes(written(BEFORE))
    after.write_bytes(written(AFTER))
    assert finished(tmp_path, before, database)["new"] == len(BEFORE)
    started = time.monotonic()
    finished(tmp_path, before, database)
    bare = time.monotonic() - started  # a sync with nothing to write
    wanted = {one["Vessel number"]: one for one in AFTER}, {f"VN {n:05d}" for n in range(20)}

    landed, halves = 0, 0
    for attempt in range(KILLS[kind]):
        version = version_of(database)
        process = start(tmp_path, after, database)
        if attempt % 2 == (kind == "sqlite"):  # where all is one transaction, it may have ended by then
            wait_for_a_write(process, database, version)
        else:
            time.sleep(bare * (rng.uniform(0, 1.1) if attempt else 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        landed += process.returncode == -signal.SIGKILL
        there, gone, _, state = state_of(database)
        if kind == "sqlite":
            assert there in ({one["Vessel number"]: one for one in BEFORE}, wanted[0]), "all or nothing"
        halves += state == "running"
        if process.returncode == 0 or (there, gone) == wanted:
            break
    assert landed
    assert halves or kind == "sqlite", "no kill hit a sync between two transactions"
    done = finished(tmp_path, after, database)
    there, gone, history, state = state_of(database)
    assert (there, gone) == wanted
    assert state == "done"
    assert [one[2] for one in history].count("inactive") == 20
    assert len(history) == 160 + 20 + 70 + 60, "each change was made once"
    assert finished(tmp_path, after, database)["written"] == 0
    assert done["unchanged"] + done["new"] + done["changed"] == len(AFTER)  # type: ignore[operator]
