"""A destination that runs full: a sentence, no half file, and the same command goes on once there is space."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from demo.study import FIRST_HOUR_MS, STUDY, SURVEYS, Made, Shape, make, seal

from tests.faults.conftest import Disk
from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Ended, Lab, Tree, leftovers, original_files, tree

PEOPLE = ("1ab2cd3e", "4fg5hi6j", "7kl8mn9o")


@dataclass(frozen=True)
class Filled:
    lab: Lab
    made: list[Made]


@pytest.fixture(scope="module")
def filled(seaweedfs: SeaweedFS, shared_bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A study of some megabytes, with an object that is streamed."""
    rng = random.Random(5)
    sound = b"RIFF" + bytes(4) + b"WAVEfmt " + rng.randbytes(9 << 20)
    audio = f"{STUDY}/1ab2cd3e/voiceRecording/{SURVEYS[0]}/{FIRST_HOUR_MS + 5}.wav"
    lab = Lab(seaweedfs, shared_bucket, tmp_path_factory.mktemp("fill"), "full-disk")
    return Filled(lab, lab.fill([*make(Shape(participants=3, hours=24, rows=150)), Made(audio, seal(sound), sound)]))


@pytest.fixture
def study(filled: Filled, tmp_path: Path) -> Lab:
    return replace(filled.lab, folder=tmp_path)


def told(ended: Ended, dest: Path) -> None:
    """One sentence that says what is the matter and where, and what to do."""
    assert ended.code == 1, ended.err
    errors = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert str(dest) in errors[0]
    assert "space" in errors[0] or "the disk is full" in errors[0]
    assert "Hint: Free some" in ended.err
    assert "Traceback" not in ended.err


def check_part(dest: Path, expected: Tree) -> int:
    """Whatever is visible is whole."""
    seen = tree(dest)
    for path, content in seen.items():
        assert content == expected[path], path
    return len(seen)


@pytest.mark.parametrize("form", ["original", "csv", "parquet"])
def test_a_full_disk_is_said_and_overcome(filled: Filled, study: Lab, disk: Disk, form: str) -> None:
    words = ["--format", form]
    if form != "original":  # media, which come along as files, would be first to fill the disk
        words += ["--stream", "accelerometer", "--stream", "gps", "--stream", "power_state"]
    clean = study.folder / "clean"
    assert study.export(*words, dest=clean).code == 0
    expected = tree(clean)
    if form == "original":
        assert expected == original_files(filled.made)
    needed = sum(len(content) for content in expected.values()) // 1024
    dest = disk.folder / "out"
    counts = []
    for size in (300, 400 + needed // 3, 400 + needed * 2 // 3):  # the ledger takes some 300 kB
        disk.resize(size)
        told(study.export(*words, dest=dest), dest)
        counts.append(check_part(dest, expected))
    assert counts == sorted(counts)
    assert counts[-1] > 0
    disk.resize(4 * needed + 20_000)
    ended = study.export(*words, dest=dest)
    assert ended.code == 0, ended.err
    assert ended.tally["skipped"] > 0
    assert tree(dest) == expected
    assert leftovers(dest) == []


def test_a_disk_that_is_full_from_the_start(study: Lab, disk: Disk) -> None:
    filler = disk.folder / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space"):  # noqa: PT012
        while True:
            os.write(file.fileno(), bytes(4096))
    dest = disk.folder / "out"
    told(study.export(dest=dest), dest)
    assert tree(disk.folder / "out") == {}
    filler.unlink()
    told(study.export(dest=dest), dest)
    disk.resize(40_000)
    assert study.export(dest=dest).code == 0


def test_processes_tell_it_too(filled: Filled, study: Lab, disk: Disk) -> None:
    dest = disk.folder / "out"
    disk.resize(3_000)
    told(study.export("--jobs", "2", dest=dest), dest)
    check_part(dest, original_files(filled.made))
    disk.resize(60_000)
    assert study.export("--jobs", "2", dest=dest).code == 0
    assert tree(dest) == original_files(filled.made)
