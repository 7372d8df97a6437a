"""Killed at any instant and run again: the same bytes as an undisturbed run, and nothing fetched twice that was proved
done."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from demo.study import Shape, make

from tests.kills import kills_of
from tests.servers.faulty import FaultyProxy
from tests.studies import Lab, ask, leftovers, original_files, tree

A_CHAIN = 4
"""Kills of one export before it is let run to its end."""


def proved(lab: Lab) -> set[str]:
    """Return the objects that the ledger says are done, after looking whether that is true."""
    done = ask(lab.dest, "SELECT key, output FROM items WHERE state = 'done'")
    outputs = dict(ask(lab.dest, "SELECT path, sha256 FROM outputs WHERE sha256 <> x''"))
    for path in {output for _, output in done}:  # outputs are named before they are to be seen: decision 012
        found = hashlib.sha256((lab.dest / path).read_bytes()).digest()
        assert found == outputs[path], f"{path} is called done, but not in place"
    return {key for key, _ in done}


def wait_for(process: subprocess.Popen[bytes], proxy: FaultyProxy, objects: int) -> None:
    """Wait until a process has asked for so many objects, or has ended."""
    give_up = time.monotonic() + 60
    while process.poll() is None and sum(proxy.gets().values()) < objects and time.monotonic() < give_up:
        time.sleep(0.002)


def runs(lab: Lab, state: str) -> int:
    """Count the runs in a state; one that is killed stays as running."""
    found = ask(lab.dest, "SELECT count(*) FROM runs WHERE state = ?", state)
    return int(found[0][0]) if found else 0


def kill_midway(lab: Lab, words: tuple[str, ...], objects: int, pause: float) -> bool:
    """Start an export and kill it after it asked for so many objects and a pause; say whether it was at work then."""
    done, killed = proved(lab), runs(lab, "running")
    with FaultyProxy(lab.server.endpoint) as proxy:
        process = lab.start_export(*words, endpoint=proxy.endpoint)
        wait_for(process, proxy, objects)
        time.sleep(pause)
        process.kill()
        ended = process.wait()
        again = lab.fetched(proxy)
    assert ended in (0, -signal.SIGKILL), (lab.folder / "home" / "stderr").read_text()
    assert not done & again.keys()
    assert all(times == 1 for times in again.values())
    assert proved(lab) >= done
    return ended == -signal.SIGKILL and runs(lab, "running") > killed


def kill_again_and_again(lab: Lab, words: tuple[str, ...], rng: random.Random, total: int, pause: float) -> int:
    """Kill one export a few times, each a bit further on; return how often it was at work then."""
    landed = 0
    for _ in range(A_CHAIN):
        left = max(total - len(proved(lab)), 1)
        landed += kill_midway(lab, words, rng.randint(1, left), rng.uniform(0, pause))
        if runs(lab, "finished"):  # it came to its end before the kill
            break
    return landed


def finish(lab: Lab, words: tuple[str, ...]) -> Counter[str]:
    """Run the same command to its end; nothing proved done is fetched. Returns what was fetched."""
    done = proved(lab)
    with FaultyProxy(lab.server.endpoint) as proxy:
        ended = lab.export(*words, endpoint=proxy.endpoint)
        again = lab.fetched(proxy)
    assert ended.code == 0, ended.err
    tally = ended.tally
    assert tally["planned"] == tally["done"] + tally["skipped"]
    assert not done & again.keys()
    assert all(times == 1 for times in again.values())
    assert leftovers(lab.dest) == []
    return again


@pytest.mark.parametrize(
    ("form", "kills", "shape"),
    [
        ("original", kills_of(20), Shape(participants=8, hours=24, rows=3)),
        ("parquet", kills_of(10), Shape(participants=8, hours=12, rows=5)),
    ],
    ids=["original", "parquet"],
)
def test_kills_leave_no_trace(lab: Lab, form: str, kills: int, shape: Shape, tmp_path: Path) -> None:
    made = lab.fill(make(shape))
    words = ("--format", form)
    whole = replace(lab, folder=tmp_path / "undisturbed")
    with FaultyProxy(lab.server.endpoint) as proxy:
        started = time.monotonic()
        assert whole.export(*words, endpoint=proxy.endpoint).code == 0
        duration = time.monotonic() - started
        total = sum(proxy.gets().values())
    expected = tree(whole.dest)
    if form == "original":
        assert expected == original_files(made)
    assert len(expected) > 40

    rng = random.Random(f"{form} 2024")
    landed = 0
    for chain in range(kills):
        killed = replace(lab, folder=tmp_path / f"killed-{chain}")
        landed += kill_again_and_again(killed, words, rng, total, duration / 20)
        finish(killed, words)
        assert tree(killed.dest) == expected
        if landed >= kills:
            break
    assert landed >= kills, f"only {landed} of {kills} kills hit a run at work"
    assert not finish(killed, words), "a run with nothing to do fetched something"


@pytest.mark.parametrize("form", ["original", "parquet"])
def test_kills_of_an_export_into_a_store_leave_no_trace(lab: Lab, form: str, tmp_path: Path) -> None:
    lab.fill(make(Shape(participants=3, hours=12, rows=4)))
    words = ("--format", form)
    whole = replace(lab, folder=tmp_path / "undisturbed")
    assert whole.export(*words).code == 0
    there = replace(lab, prefix=f"{lab.prefix}-out")
    rng = random.Random(f"{form} into a store")
    landed = 0
    for _ in range(kills := kills_of(12)):
        with FaultyProxy(lab.server.endpoint) as proxy:
            process = lab.start_export(*words, dest=there.url, endpoint=proxy.endpoint)
            wait_for(process, proxy, rng.randint(2, 50))
            time.sleep(rng.uniform(0, 0.2))
            process.kill()
            landed += process.wait() == -signal.SIGKILL
    assert landed >= kills // 2
    ended = lab.export(*words, dest=there.url)
    assert ended.code == 0, ended.err
    assert there.objects() == tree(whole.dest)
    again = lab.export(*words, dest=there.url).tally
    assert (again["done"], again["skipped"]) == (0, again["planned"])
