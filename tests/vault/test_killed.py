"""Killed at any instant and run again, an upload and a download end as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bondstore.config.secrets import Secret
from bondstore.vault.keys import new_pair
from tests.homes import Home
from tests.vault.conftest import PASSPHRASE, tree_of

KILLS = 4
FILES = 60


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng, root = random.Random(11), tmp_path / "source"
    for number in range(FILES):
        file = root / f"p{number % 7}" / f"{number}.edf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rng.randbytes(rng.choice([0, 10, 70_000, 900_000])))
    (root / "large.avi").write_bytes(rng.randbytes(40_000_000))
    return root


@pytest.fixture(params=["file", "s3"])
def words(request: pytest.FixtureRequest, home: Home, source: Path, tmp_path: Path) -> tuple[list[str], list[str]]:
    """An upload and a download, as words of the command line."""
    url = request.getfixturevalue("s3_environment") if request.param == "s3" else (tmp_path / "vault").as_uri()
    new_pair("owner", Secret(PASSPHRASE))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    key = ["--passphrase", f"file:{tmp_path}/passphrase", "--yes"]
    return (
        ["put", str(source), f"{url}/eeg", "--seal-for", "owner", *key],
        ["get", f"{url}/eeg", str(tmp_path / "back"), "--unseal", *key],
    )


def start(words: list[str]) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "bondstore", *words]
    return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def to_its_end(words: list[str]) -> float:
    began = time.monotonic()
    process = start(words)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()
    return time.monotonic() - began


def killed(words: list[str], rng: random.Random, most: float) -> bool:
    process = start(words)
    time.sleep(rng.uniform(0.4, most))
    process.kill()
    process.communicate()
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


@pytest.fixture
def unfinished(request: pytest.FixtureRequest) -> Callable[[], list[object]]:
    """What says which uploads are neither complete nor aborted."""

    def ask() -> list[object]:
        if "s3" not in request.node.callspec.id:
            return []
        server = request.getfixturevalue("seaweedfs")
        bucket = request.getfixturevalue("bucket")
        found = server.client().list_multipart_uploads(Bucket=bucket)
        return list(found.get("Uploads", []))

    return ask


def test_put_and_get(
    words: tuple[list[str], list[str]], source: Path, tmp_path: Path, unfinished: Callable[[], list[object]]
) -> None:
    put, get = words
    rng = random.Random(os.environ.get("VAULT_KILLS_SEED", "7"))
    landed = sum(killed(put, rng, 2.5) for _ in range(KILLS))
    to_its_end(put)
    landed += sum(killed(get, rng, 2.5) for _ in range(KILLS))
    to_its_end(get)
    assert landed
    assert not unfinished()
    assert tree_of(tmp_path / "back") == tree_of(source)
    assert not (tmp_path / "back/.bondstore/tmp").exists()
    checked = subprocess.run(
        [sys.executable, "-m", "bondstore", "audit", "verify", "--files", "--dest", str(tmp_path / "back")],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
