"""The demo, run as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from demo.check import Expected, problems
from demo.damage import spoil
from demo.study import KEY, STUDY, Shape, make

from tests.servers.seaweedfs import SeaweedFS
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-m", "demo"]
SMALL = Shape(participants=2, hours=4, rows=40)


def port_of(output: str) -> int:
    return int(re.search(r"http://127\.0\.0\.1:(\d+)", output)[1])  # type: ignore[index]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def shown(seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo showed, and its folder; somebody else's settings stand in the environment, to be left alone."""
    folder = tmp_path_factory.mktemp("demo") / "work"
    others = {"AWS_PROFILE": "nobody", "S3_BUCKET": "other-bucket", "DECRYPTION_KEY_STRING": "x" * 32}
    done = subprocess.run(
        [*DEMO, "--folder", str(folder)], cwd=ROOT, env=os.environ | others, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, folder


def test_it_shows_tree_tally_findings_and_what_to_do_next(shown: tuple[str, Path]) -> None:
    output, _ = shown
    parts = [
        "What was written",
        "The tally",
        "The findings",
        "Ocean profiles",
        "Hospital recordings",
        "Five commands to try next",
    ]
    places = [output.index(part) for part in parts]
    assert places == sorted(places)
    for kind in ("bad-zstd", "damaged-bytes", "empty", "no-iv", "truncated", "comma-in-model", "header-only"):
        assert re.search(rf"^ *{kind} ", output, re.MULTILINE), kind
    assert re.search(r"files +218 +213 +0 +5 +0", output)
    assert "exit code 5" in output
    assert "12 of 12 files tested" in output
    assert "82 files left without identity; 57 were refused, by kind." in output
    assert "7 released; held back: 1 suspect, 1 bad, 3 that a test could not evaluate." in output


def test_the_five_commands_work_when_pasted(shown: tuple[str, Path]) -> None:
    output, _ = shown
    lines = [line.strip() for line in output.partition("Five commands")[2].splitlines() if line.startswith("     ")]
    assert len(lines) == 5
    for line in lines:
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout


def test_it_stops_its_server_and_keeps_to_its_folder(shown: tuple[str, Path]) -> None:
    output, folder = shown
    assert not answers(port_of(output))
    assert not (Path.home() / ".config").exists()
    assert not (Path(os.environ["XDG_CONFIG_HOME"]) / "bondstore").exists()
    secret = folder / "secrets" / "study-key"
    assert secret.stat().st_mode & 0o077 == 0
    assert KEY not in output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_the_server_is_stopped_when_the_demo_is(
    number: signal.Signals, code: int, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    child = subprocess.Popen([*DEMO, "--folder", str(tmp_path / "demo")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        line = next(line for line in child.stdout if "http://127.0.0.1" in line)
        child.send_signal(number)
        assert child.wait(60) == code
    wait_until(lambda: not answers(port_of(line)))


def test_the_server_can_be_kept_for_the_tutorial(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    child = subprocess.Popen(
        [*DEMO, "--keep", "--folder", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdout, child.stdin:
        shown = ""
        while "beiwe streams" not in shown.partition("until you press Enter")[2]:
            shown += child.stdout.readline()
        line = f". {folder}/environment && {sys.executable} -m bondstore beiwe streams --json"
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
        assert '"name": "accelerometer"' in done.stdout, done.stderr
        assert (folder / "environment").stat().st_mode & 0o077 == 0
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.wait(60) == 0
    assert not answers(port_of(shown))


def test_damage_is_where_it_is_said_to_be() -> None:
    before = {one.key: one.sealed for one in make(SMALL)}
    spoilt = spoil(make(SMALL), SMALL)
    after = {one.key: one.sealed for one in spoilt.objects}
    assert {key for key, sealed in before.items() if after[key] != sealed} == set(spoilt.kinds)
    assert after.keys() - before.keys() == set(spoilt.quirks)
    assert sorted(spoilt.kinds.values()) == ["bad-zstd", "damaged-bytes", "empty", "no-iv", "truncated"]


def test_the_check_can_fail(tmp_path: Path) -> None:
    spoilt = spoil(make(SMALL), SMALL)
    expected = Expected(spoilt, STUDY)
    for name, content in expected.whole.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    number, bad = len(expected.data), len(spoilt.kinds)
    tally = {"planned": number, "done": number - bad, "skipped": 0, "quarantined": bad, "failed": 0}
    found = [{"key": key, "finding": kind} for key, kind in [*spoilt.kinds.items(), *spoilt.quirks.items()]]
    assert problems(expected, tmp_path, {"files": (tally, found)}) == []

    assert problems(expected, tmp_path, {"files": (tally, found[1:])}) == [
        f"{found[0]['key']} should have been named {found[0]['finding']}."
    ]
    assert len(problems(expected, tmp_path, {"files": (tally | {"done": 1}, found)})) == 1
    changed, gone, extra = [*list(expected.whole)[:2], "raw/somebody/else.csv"]
    (tmp_path / changed).write_bytes(b"something else")
    (tmp_path / gone).unlink()
    (tmp_path / extra).parent.mkdir()
    (tmp_path / extra).touch()
    assert problems(expected, tmp_path, {"files": (tally, found)}) == [
        f"{extra} was written, and should not have been.",
        f"{gone} is missing.",
        f"{changed} is not what was sealed.",
    ]
    fewer = replace(spoilt, objects=spoilt.objects[1:])
    assert problems(Expected(fewer, STUDY), tmp_path, {"files": (tally, found)})
